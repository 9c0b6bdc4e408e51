// The driver itself, with small programs: what they write is seen, what is typed reaches them, and nothing stays.
import { afterAll, describe, expect, test } from "bun:test"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { eventually, isAlive, temporaryFolder } from "../../testing/harness.ts"
import { openTerminal, type Place, type Terminal, type TerminalOptions } from "../../testing/terminal.ts"

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const place: Place = {
  cwd: folder.path,
  home: join(folder.path, "home"),
  env: { PATH: process.env.PATH ?? "", HOME: folder.path, LANG: "C.UTF-8" },
}
mkdirSync(place.home)

/** A script of sh in a terminal. */
function run(script: string, options: TerminalOptions = {}): Promise<Terminal> {
  return openTerminal(place, { columns: 40, rows: 8, ...options, command: ["sh", "-c", script] })
}

/** Shows what it is sent in hex, after writing `setup`; `q` ends it. */
function echoHex(setup = "", options: TerminalOptions = {}): Promise<Terminal> {
  const script = `
    process.stdin.setRawMode(true)
    process.stdout.write(${JSON.stringify(setup)} + "ready ")
    process.stdin.on("data", (bytes) => {
      process.stdout.write(bytes.toString("hex") + " ")
      if (bytes.toString() === "q") process.exit(0)
    })`
  return openTerminal(place, { columns: 60, rows: 8, ...options, command: [process.execPath, "-e", script] })
}

const hex = (text: string) => Buffer.from(text).toString("hex")

describe("what a program writes", () => {
  test("is on the screen when it has ended, with its exit code", async () => {
    await using terminal = await run("printf 'one\\ntwo   \\n'; exit 3")
    expect(await terminal.exited).toBe(3)
    expect(terminal.text().trimEnd()).toBe("one\ntwo")
    expect(terminal.line(1)).toBe("two")
    expect(terminal.cursor()).toEqual({ x: 0, y: 2, shown: true })
  })

  test("is seen with its colours and styles", async () => {
    await using terminal = await run(
      "printf '\\033[1;31mbold\\033[0m \\033[2;4mdim\\033[0m \\033[7;38;2;1;2;3minverse\\033[0m \\033[48;5;200m \\033[0m  '",
    )
    await terminal.exited
    const runs = terminal.styledText()[0]!
    expect(runs.map((run) => run.text)).toEqual(["bold", " ", "dim", " ", "inverse", " ", " "])
    expect(runs[0]).toMatchObject({ bold: true, dim: false, foreground: 1, background: "default", x: 0, width: 4 })
    expect(runs[2]).toMatchObject({ dim: true, underline: true, foreground: "default" })
    expect(runs[4]).toMatchObject({ inverse: true, foreground: "#010203" })
    expect(runs[6]).toMatchObject({ background: 200 })
    expect(terminal.styleOf("dim")).toMatchObject({ text: "d", dim: true })
  })

  test("wide characters, emoji of several code points and combining marks take the cells that terminals give them", async () => {
    await using terminal = await run("printf '漢😀👩‍👩‍👧❤️🇩🇪👍🏽e\\314\\201x'")
    await terminal.exited
    expect(terminal.line(0)).toBe("漢😀👩‍👩‍👧❤️🇩🇪👍🏽e\u0301x")
    expect(terminal.cursor().x).toBe(14)
    expect(terminal.find("x")).toEqual({ x: 13, y: 0, width: 1 })
    expect(terminal.find("😀")).toEqual({ x: 2, y: 0, width: 2 })
  })

  test("the alternate screen covers the normal one and gives it back", async () => {
    await using terminal = await run(
      "printf 'before\\n\\033[?1049h\\033[Hinside'; read -r _; printf '\\033[?1049l'; printf after; read -r _",
    )
    await terminal.shows("inside")
    expect(terminal.isAlternate()).toBe(true)
    expect(terminal.text()).not.toContain("before")
    expect(terminal.normalScreen()).toBe("before")
    terminal.press("enter")
    await terminal.shows("after")
    expect(terminal.isAlternate()).toBe(false)
    expect(terminal.line(0)).toBe("before")
  })

  test("what scrolled off the normal screen can still be read", async () => {
    await using terminal = await run("seq 1 50")
    await terminal.exited
    expect(terminal.text()).not.toContain("10\n11")
    expect(terminal.normalScreen().split("\n")).toEqual(Array.from({ length: 50 }, (_, i) => String(i + 1)))
  })

  test("title, clipboard, bells, links and notifications of three kinds are kept", async () => {
    const text = Buffer.from("copied ✓").toString("base64")
    await using terminal = await run(
      `printf '\\033]0;the title\\007\\033]52;c;${text}\\007\\007\\007\\033]9;4;3\\007\\033]9;done\\007'
       printf '\\033]777;notify;Head;a;b\\033\\\\\\033]99;i=1:d=0;Title\\033\\\\\\033]99;i=1:p=body;Body\\033\\\\'
       printf '\\033]8;;https://example.org/a;b\\033\\\\link\\033]8;;\\033\\\\'`,
    )
    await terminal.exited
    expect(terminal.title()).toBe("the title")
    expect(terminal.clipboard()).toBe("copied ✓")
    expect(terminal.bells()).toBe(2)
    expect(terminal.links()).toEqual(["https://example.org/a;b"])
    expect(terminal.notifications()).toEqual([
      { protocol: "9", title: "", body: "done" },
      { protocol: "777", title: "Head", body: "a;b" },
      { protocol: "99", title: "Title", body: "Body" },
    ])
    expect(terminal.text().trim()).toBe("link")
  })

  test("a synchronized update is seen whole or not at all, and counted", async () => {
    await using terminal = await run(
      "printf 'old\\033[?20'; printf '26h\\r\\033[2Jnew'; read -r _; printf ' frame\\033[?2026l'; read -r _",
    )
    const seen: string[] = []
    using _ = terminal.watch(() => seen.push(terminal.line(0)))
    await eventually("the update has begun", () => terminal.raw().endsWith("new"))
    terminal.press("enter")
    await terminal.shows("frame")
    expect(seen.filter((line) => line === "new").length).toBe(1)
    expect(terminal.text().trimEnd()).toBe("new\n frame")
    const { frames, fullRepaints, bytes } = terminal.written()
    expect(frames.length).toBe(1)
    // As the terminal's line discipline echoes it, the enter is a part of the update.
    expect(frames[0]!.bytes).toBe("\x1b[?2026h\r\x1b[2Jnew\r\n frame\x1b[?2026l".length)
    expect(fullRepaints).toBe(1)
    expect(bytes).toBe(frames[0]!.bytes + "old".length)
    expect(terminal.raw()).toContain("old\x1b[?2026h\r\x1b[2Jnew")
  })

  test("an update that is never ended is shown all the same", async () => {
    await using terminal = await run("printf '\\033[?2026hstuck'; read -r _; printf ' more\\033[?2026l'; read -r _")
    await terminal.shows("stuck")
    expect(terminal.written().frames).toEqual([])
    terminal.press("enter")
    await terminal.shows("more")
    expect(terminal.written().frames.map((frame) => frame.bytes)).toEqual([
      "\x1b[?2026hstuck\r\n more\x1b[?2026l".length,
    ])
  })

  test("is counted from a mark", async () => {
    await using terminal = await run("printf '\\033[2Jone'; read -r _; printf '\\033[2Jtwo'; read -r _")
    await terminal.shows("one")
    const mark = terminal.mark()
    expect(terminal.written(mark)).toMatchObject({ bytes: 0, frames: [], fullRepaints: 0 })
    terminal.press("enter")
    await terminal.shows("two")
    expect(terminal.raw(mark)).toBe("\r\n\x1b[2Jtwo")
    expect(terminal.written(mark)).toMatchObject({ bytes: 9, fullRepaints: 1 })
    expect(terminal.written().fullRepaints).toBe(2)
    const times = terminal.recording().map((chunk) => chunk.atMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})

describe("what is typed", () => {
  test("reaches the program as the bytes of an ordinary terminal", async () => {
    await using terminal = await echoHex()
    await terminal.shows("ready")
    terminal.type("é")
    await terminal.shows(hex("é"))
    terminal.press("ctrl+b")
    await terminal.shows("02")
    terminal.press("shift+tab")
    await terminal.shows(hex("\x1b[Z"))
    terminal.press("alt+enter")
    await terminal.shows(hex("\x1b\r"))
    terminal.press("ctrl+up")
    await terminal.shows(hex("\x1b[1;5A"))
    expect(() => terminal.press("ctl+b")).toThrow("no such modifier")
    expect(() => terminal.press("entre")).toThrow("no such key")
  })

  test("a key behind Esc is a key of its own", async () => {
    await using terminal = await echoHex()
    await terminal.shows("ready")
    terminal.press("esc", "esc")
    terminal.type("x")
    await terminal.shows("ready 1b 1b 78")
  })

  test("arrows follow the mode that the program asked for", async () => {
    await using terminal = await echoHex("\x1b[?1h")
    await terminal.shows("ready")
    terminal.press("up")
    await terminal.shows(hex("\x1bOA"))
  })

  test("keys are sent in kitty's way once the program has asked for it, if the terminal knows it", async () => {
    const ask = "\x1b[>7u\x1b[?u"
    await using terminal = await echoHex(ask, { keyboard: "kitty" })
    await terminal.shows(`ready ${hex("\x1b[?7u")}`)
    terminal.press("ctrl+b")
    await terminal.shows(hex("\x1b[98;5u\x1b[98;5:3u"))
    expect(terminal.modes().kitty).toBe(7)
    await using old = await echoHex(ask)
    await old.shows("ready")
    old.press("ctrl+b")
    await old.shows("ready 02")
  })

  test("pastes are in brackets when the program wants them so", async () => {
    await using plain = await echoHex()
    await plain.shows("ready")
    plain.paste("a\nb")
    await plain.shows(`ready ${hex("a\rb")}`)
    await using bracketed = await echoHex("\x1b[?2004h")
    await bracketed.shows("ready")
    bracketed.paste("a\nb")
    await bracketed.shows(`ready ${hex("\x1b[200~a\rb\x1b[201~")}`)
  })

  test("the mouse speaks once the program listens", async () => {
    await using deaf = await echoHex()
    await deaf.shows("ready")
    expect(() => deaf.click(1, 1)).toThrow("not asked for the mouse")
    await using terminal = await echoHex("\x1b[?1000h\x1b[?1002h\x1b[?1006h漢字\r\n")
    await terminal.shows("ready")
    expect(terminal.mouseMode()).toEqual({ tracking: "drag", sgr: true })
    const mark = terminal.mark()
    terminal.clickText("字")
    await terminal.shows(() => spoken(terminal, mark) === "\x1b[<0;4;1M\x1b[<0;4;1m")
    const wheel = terminal.mark()
    terminal.wheel(2, 3, -2)
    await terminal.shows(() => spoken(terminal, wheel) === "\x1b[<64;3;4M".repeat(2))
    const drag = terminal.mark()
    terminal.drag({ x: 0, y: 0 }, { x: 2, y: 0 }, { shift: true })
    await terminal.shows(() => spoken(terminal, drag) === "\x1b[<4;1;1M\x1b[<36;2;1M\x1b[<36;3;1M\x1b[<4;3;1m")
  })

  test("focus is told to a program that asked for it", async () => {
    await using deaf = await echoHex()
    await deaf.shows("ready")
    deaf.focus(false)
    deaf.type("z")
    await deaf.shows("ready 7a")
    await using terminal = await echoHex("\x1b[?1004h")
    await terminal.shows("ready")
    terminal.focus(false)
    await terminal.shows(hex("\x1b[O"))
    terminal.focus(true)
    await terminal.shows(hex("\x1b[I"))
  })
})

describe("what a program asks its terminal", () => {
  const questions = "\x1b]11;?\x07\x1b[?996n\x1b[c\x1b[6n"

  test("is answered, by theme", async () => {
    await using dark = await echoHex(questions, { rows: 20 })
    await dark.shows(() => spoken(dark).endsWith("R"))
    expect(spoken(dark)).toBe("\x1b]11;rgb:1616/1818/1d1d\x1b\\\x1b[?997;1n\x1b[?1;2c\x1b[1;1R")
    expect(dark.questions()).toEqual(["OSC 11", "CSI ? 996 n", "CSI c"])
    await using light = await echoHex(questions, { rows: 20, theme: "light" })
    await light.shows(() => spoken(light).endsWith("R"))
    expect(spoken(light)).toBe("\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?997;2n\x1b[?1;2c\x1b[1;1R")
  })

  test("stays without an answer in a terminal that gives none", async () => {
    await using terminal = await echoHex(questions, { answers: "none" })
    await terminal.shows("ready")
    terminal.type("z")
    await terminal.shows("7a")
    expect(spoken(terminal)).toBe("z")
  })

  test("a change of the theme is told to a program that wants to know", async () => {
    await using terminal = await echoHex("\x1b[?2031h")
    await terminal.shows("ready")
    terminal.setTheme("light")
    await terminal.shows(hex("\x1b[?997;2n"))
  })

  test("NO_COLOR is set when there are to be no colours", async () => {
    await using plain = await run('echo "[$NO_COLOR/$COLORTERM]"', { colours: false })
    await plain.shows("[1/]")
    await using coloured = await run('echo "[$NO_COLOR/$COLORTERM]"')
    await coloured.shows("[/truecolor]")
  })
})

describe("the window", () => {
  test("a new size reaches the program with its signal", async () => {
    await using terminal = await run("trap 'stty size' WINCH; echo ready; while :; do read -r _; done")
    await terminal.shows("ready")
    terminal.resize(50, 12)
    await terminal.shows("12 50")
    expect(terminal.size()).toEqual({ columns: 50, rows: 12 })
    expect(terminal.lines().length).toBe(12)
  })

  test("closing it hangs up what runs in it; what ignores that goes on until the end of the test", async () => {
    const pids: number[] = []
    {
      const ignores = `sh -c 'trap "" HUP; echo pid $$.; while :; do sleep 60; done'`
      await using terminal = await run(`${ignores} & wait`)
      await terminal.shows(/pid \d+\./)
      const survivor = Number(/pid (\d+)/.exec(terminal.text())![1])
      terminal.hangUp()
      expect(await terminal.exited).toBe(129)
      expect(await isAlive(survivor)).toBe(true)
      pids.push(survivor, ...(await terminal.processes()))
      expect(pids.length).toBeGreaterThan(2)
    }
    for (const pid of pids) expect(await isAlive(pid)).toBe(false)
  })

  test("what is done to one that is closed or ended has no effect", async () => {
    await using terminal = await run("echo over")
    expect(await terminal.exited).toBe(0)
    for (const _ of ["ended", "closed"]) {
      terminal.type("x")
      terminal.press("esc", "a")
      terminal.resize(50, 10)
      await terminal.sent()
      terminal.hangUp()
    }
    expect(terminal.text().trimEnd()).toBe("over")
    await terminal[Symbol.asyncDispose]()
  })

  test("nothing stays of a program that left the terminal and its parent", async () => {
    let pid = 0
    {
      await using terminal = await run("setsid sh -c 'echo pid $$.; exec sleep 60' </dev/null & read -r _")
      await terminal.shows(/pid \d+\./)
      pid = Number(/pid (\d+)/.exec(terminal.text())![1])
      terminal.press("enter")
      await terminal.exited
      expect(await terminal.processes()).toEqual([pid])
    }
    expect(await isAlive(pid)).toBe(false)
  })
})

describe("a shell", () => {
  test("runs what is typed, stops it with Ctrl+Z and has it back", async () => {
    await using terminal = await openTerminal(place, { shell: true, columns: 60, rows: 12 })
    terminal.type("echo cat:; cat")
    terminal.press("enter")
    await terminal.shows(/^cat:/m)
    terminal.type("hello")
    terminal.press("enter")
    await terminal.shows(/hello\nhello/)
    terminal.press("ctrl+z")
    await terminal.shows("Stopped")
    terminal.type("fg")
    terminal.press("enter")
    await terminal.shows(/fg\n.*cat/)
    terminal.press("ctrl+d")
    await terminal.shows(/fg\n.*cat\n\$/)
    terminal.press("ctrl+d")
    expect(await terminal.exited).toBe(0)
  })

  test("has the program", async () => {
    await using terminal = await openTerminal(place, { shell: true, columns: 60, rows: 12 })
    terminal.type('meanwhile --version; echo "exit $?"')
    terminal.press("enter")
    await terminal.shows(/^meanwhile \d+\.\d+\.\d+\nexit 0\n\$/m)
    // What a program left behind would be seen: the shell itself asks for nothing.
    expect(terminal.modes()).toMatchObject({ bracketedPaste: false, focus: false, cursorShown: true })
  })
})

describe("waiting", () => {
  test("fails with the screen when the time is over", async () => {
    await using terminal = await run("echo visible; read -r _")
    await terminal.shows("visible")
    await expect(terminal.shows("absent", { limitMs: 50 })).rejects.toThrow(
      /did not happen within 50 ms: the terminal shows "absent"\n╭ 40×8 · normal · cursor 0,1 ─+╮\n│visible +│/,
    )
  })

  test("fails at once when the program has ended", async () => {
    await using terminal = await run("echo bye")
    await expect(terminal.shows("absent")).rejects.toThrow(/cannot happen any more[\s\S]*bye[\s\S]*ended with 0/)
  })

  test("sees what goes as well as what comes", async () => {
    await using terminal = await run("printf there; read -r _; printf '\\033[2J'; read -r _")
    await terminal.shows("there")
    const hidden = terminal.hides("there")
    terminal.press("enter")
    await hidden
    await terminal.settled()
    expect(terminal.text().trim()).toBe("")
  })
})

/** What `echoHex` was sent, in order. */
function spoken(terminal: Terminal, since?: ReturnType<Terminal["mark"]>): string {
  const text = terminal.raw(since).replace(/[\s\S]*ready /, "")
  return Buffer.from(text.replaceAll(/\s/g, ""), "hex").toString()
}
