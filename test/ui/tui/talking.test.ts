// The prompt while the model is at work: steering, queueing, interrupting, and the keys of the conversation.
import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { Gate } from "../../../testing/gate.ts"
import { isAlive } from "../../../testing/harness.ts"
import { reply } from "../../../testing/model-server.ts"
import type { Terminal } from "../../../testing/terminal.ts"
import { oneStored } from "./stored.ts"
import { agent, BEHIND, shell, slowly, talk, waits } from "./talk.ts"

const SCRIPTS = { "build.sh": `echo building; ${waits()}; echo built` }

describe("while the model speaks", () => {
  test("Enter steers: the words are heard at the next step boundary, and stand above the prompt until then", async () => {
    const gate = new Gate()
    await using one = await talk({
      root: [
        reply.parts([
          { type: "text", text: "I begin." },
          { type: "gate", gate },
          { type: "call", name: "Bash", input: { command: "sh quick.sh" } },
        ]),
        reply.text("In French then."),
      ],
      files: { "quick.sh": "echo quick" },
    })
    const { terminal, server } = one
    one.say("Say something")
    await terminal.shows("I begin.")
    one.say("In French")
    await terminal.shows("next: In French")
    expect(terminal.text()).not.toMatch(/› In French/)
    gate.open()
    await terminal.shows("In French then.")
    await terminal.shows(/› In French/)
    await terminal.hides("next: In French")
    const request = await one.heard("In French")
    expect(request.results.map(({ text }) => text).join()).toContain("quick")
    server.check()
  })

  for (const key of ["tab", "alt+enter"])
    test(`${key} queues: the words are heard when the turn is over`, async () => {
      const gate = new Gate()
      await using one = await talk({
        root: [slowly("I begin", gate, " and end."), ({ news }) => reply.text(`Then: ${news}`)],
      })
      const { terminal } = one
      one.say("Say something")
      await terminal.shows("I begin")
      terminal.type("and a joke")
      terminal.press(key)
      await terminal.shows("queued: and a joke")
      gate.open()
      await terminal.shows("I begin and end.")
      await terminal.shows("Then: and a joke")
      await terminal.hides("queued:")
    })

  test("queued words are listed; ↑ takes the newest one back for editing, and the others wait on", async () => {
    const gate = new Gate()
    await using one = await talk({
      root: [slowly("I begin", gate, " and end."), ({ news }) => reply.text(`Heard: ${news.replaceAll("\n", "+")}`)],
    })
    const { terminal } = one
    one.say("Say something")
    await terminal.shows("I begin")
    for (const text of ["first", "second"]) {
      terminal.type(text)
      terminal.press("tab")
      await terminal.shows(`queued: ${text}`)
    }
    terminal.press("up")
    await terminal.hides("queued: second")
    await terminal.shows(/│ › second/)
    terminal.type(" thoughts")
    await terminal.shows("second thoughts")
    terminal.press("tab")
    await terminal.shows("queued: second thoughts")
    gate.open()
    await terminal.shows(/Heard: first/)
    await one.heard("second thoughts")
    await terminal.hides("queued:")
    await terminal.shows(/› second thoughts/)
  })

  test("Esc interrupts: the prompt is untouched, background tasks go on", async () => {
    const gate = new Gate()
    await using one = await talk({
      root: [reply.calls([shell("sh build.sh", BEHIND)]), slowly("A very long story", gate, " without an end.")],
      after: reply.text("As you like."),
      files: SCRIPTS,
    })
    const { terminal } = one
    one.say("Build and tell")
    await terminal.shows("A very long story")
    terminal.type("half")
    await terminal.shows(/│ › half/)
    await terminal.shows("esc interrupt")
    terminal.press("esc")
    await terminal.hides("esc interrupt")
    await terminal.shows("Interrupted.")
    await terminal.shows("1 shell")
    await terminal.shows(/│ › half/)
    one.say(" a thought")
    await terminal.shows("As you like.")
    expect(terminal.text()).not.toContain("without an end")
    one.go()
    await terminal.hides("1 shell")
  })
})

describe("Esc", () => {
  test("stops a command in the foreground, with its processes, and the conversation goes on", async () => {
    await using one = await talk({
      root: [reply.calls([shell("sh build.sh")])],
      after: reply.text("Stopped, I see."),
      files: { "build.sh": `echo $$ > pid; echo building; ${waits()}` },
    })
    const { terminal, bench } = one
    one.say("Build")
    await terminal.shows("keep talking")
    await terminal.shows(() => existsSync(`${bench.cwd}/pid`))
    const pid = Number(await Bun.file(`${bench.cwd}/pid`).text())
    terminal.press("esc")
    await terminal.shows(/■ .*build\.sh/)
    await terminal.hides("esc interrupt")
    expect(await isAlive(pid)).toBe(false)
    one.say("What now?")
    await terminal.shows("Stopped, I see.")
    one.server.check()
  })

  test("with nothing under way does nothing, and leaves the text", async () => {
    // Where Esc is a key of its own and not the beginning of another one.
    await using one = await talk({ keyboard: "kitty" })
    const { terminal } = one
    terminal.type("a text")
    terminal.press("esc")
    terminal.type(" of mine")
    await terminal.shows("a text of mine")
  })
})

describe("Ctrl+X Ctrl+K", () => {
  async function three() {
    const one = await talk({
      root: [
        reply.calls([
          shell("sh build.sh", BEHIND),
          shell("sh lint.sh", BEHIND),
          agent("auth code", "Explore auth.", BEHIND),
        ]),
        reply.text("Three at work."),
      ],
      agents: { "Explore auth.": [reply.text("auth").gate(new Gate())] },
      files: { ...SCRIPTS, "lint.sh": waits() },
    })
    one.say("Go")
    await one.terminal.shows("Three at work.")
    await one.terminal.shows("2 shells")
    one.terminal.press("ctrl+x", "ctrl+k")
    await one.terminal.shows("Stop 3 background tasks?")
    return one
  }

  test("asks once with their list, and stops them all on yes", async () => {
    await using one = await three()
    const { terminal } = one
    const card = terminal.lines().slice(terminal.find("Stop 3 background tasks?")!.y)
    for (const name of ["build.sh", "lint.sh", "auth code"]) expect(card.join("\n")).toContain(name)
    terminal.press("y")
    await terminal.hides(/\d (?:agent|shell)s? /)
    for (const name of ["build.sh", "lint.sh", "auth code"])
      await terminal.shows(new RegExp(`■ .*${name.replace(".", "\\.")}.* stopped`))
    // It is not asked again, and with nothing to stop there is nothing to ask.
    expect(terminal.text()).not.toContain("background task?")
  })

  test("leaves everything as it is on no, and on Esc", async () => {
    await using one = await three()
    const { terminal } = one
    terminal.press("n")
    await terminal.hides("Stop 3")
    terminal.press("ctrl+x", "ctrl+k")
    await terminal.shows("Stop 3 background tasks?")
    terminal.press("esc")
    await terminal.hides("Stop 3")
    await terminal.shows("2 shells")
    terminal.type("typing goes on")
    await terminal.shows("typing goes on")
  })

  test("with nothing at work opens no question over the prompt", async () => {
    await using one = await talk()
    const { terminal } = one
    terminal.press("ctrl+x", "ctrl+k")
    terminal.type("my text")
    await terminal.shows("my text")
    await terminal.shows("Nothing runs in the background.")
  })
})

describe("other keys", () => {
  test("Ctrl+T and /tasks open the tasks, Esc comes back to the same text", async () => {
    await using one = await talk()
    const { terminal } = one
    terminal.type("half a thought")
    terminal.press("ctrl+t")
    await terminal.shows("No tasks yet")
    terminal.press("esc")
    await terminal.shows("half a thought")
    terminal.press("ctrl+u")
    one.say("/tasks")
    await terminal.shows("No tasks yet")
  })

  test("Shift+Tab takes the next permission mode, shows it plainly, and it holds for the next call", async () => {
    await using one = await talk({
      root: [
        reply.calls([{ name: "Write", input: { file_path: "new.txt", content: "one\n" } }]),
        reply.text("Written."),
      ],
    })
    const { terminal, bench } = one
    expect(terminal.line(-1)).toMatch(/^ {2}default/)
    const seen: string[] = []
    const modeOf = (screen: Terminal) => screen.line(-1).trim().split(" · ", 1)[0]!
    for (let i = 0; i < 4; i++) {
      const before = modeOf(terminal)
      terminal.press("shift+tab")
      await terminal.shows((screen) => modeOf(screen) !== before)
      const mode = modeOf(terminal)
      seen.push(mode)
      if (mode === "default") break
    }
    expect(seen.at(-1)).toBe("default")
    expect(seen.length).toBeGreaterThan(2)
    const edits = seen.findIndex((mode) => /edit/i.test(mode))
    expect(edits).toBeGreaterThanOrEqual(0)
    for (let i = 0; i <= edits; i++) terminal.press("shift+tab")
    await terminal.shows((screen) => modeOf(screen) === seen[edits])
    one.say("Write it")
    await terminal.shows("Written.")
    expect(existsSync(`${bench.cwd}/new.txt`)).toBe(true)
    expect(oneStored<{ permission_mode: string }>(bench, "SELECT permission_mode FROM session")?.permission_mode).toBe(
      "acceptEdits",
    )
  })

  test("Ctrl+C clears the prompt; on an empty one twice exits, once only says so", async () => {
    await using one = await talk({ root: [reply.text("Hello.")] })
    const { terminal } = one
    one.say("Hi")
    await terminal.shows("Hello.")
    terminal.type("wrong words")
    await terminal.shows("wrong words")
    terminal.press("ctrl+c")
    await terminal.hides("wrong words")
    expect(terminal.text()).not.toContain("again leaves")
    terminal.press("ctrl+c")
    await terminal.shows("ctrl+c again leaves")
    terminal.type("x")
    await terminal.shows(/│ › x/)
    terminal.press("ctrl+c", "ctrl+c", "ctrl+c")
    expect(await terminal.exited).toBe(0)
    expect(terminal.isAlternate()).toBe(false)
    expect(terminal.normalScreen()).toContain("meanwhile --resume")
  })
})

describe("keybindings.json", () => {
  test("changes a key, and everything that names it: the help, the hints, the strip", async () => {
    await using one = await talk({
      rows: 70,
      keybindings: { "conversation.tasks": "ctrl+x t", "conversation.background": "alt+b" },
      root: [reply.calls([shell("sh build.sh")]), reply.text("It builds.")],
      files: SCRIPTS,
    })
    const { terminal } = one
    terminal.press("?")
    await terminal.shows("Keys and commands")
    await terminal.shows(/\* ?ctrl\+x t +tasks/)
    await terminal.shows(/\* ?alt\+b +move what blocks/)
    expect(terminal.text()).not.toMatch(/ctrl\+t +tasks$/m)
    terminal.press("esc")
    await terminal.hides("Keys and commands")
    one.say("Build")
    await terminal.shows("alt+b  keep talking while these run")
    // The old key means nothing any more.
    terminal.press("ctrl+b")
    terminal.press("alt+b")
    await terminal.shows("It builds.")
    await terminal.shows("ctrl+x t tasks")
    terminal.press("ctrl+x")
    terminal.type("t")
    await terminal.shows("esc back")
    await terminal.shows(/build\.sh/)
  })

  test("with mistakes is used as far as it can be, and says what is wrong with it", async () => {
    await using one = await talk({
      keybindings: { "conversation.tasks": "ctrl+y t", "conversation.fly": "ctrl+w", "editor.undo": 7 },
    })
    const { terminal } = one
    await terminal.shows("conversation.fly")
    await terminal.shows("editor.undo")
  })

  test("? is a letter where there is text, and opens the help where there is none", async () => {
    await using one = await talk()
    const { terminal } = one
    terminal.type("why?")
    await terminal.shows("why?")
    expect(terminal.text()).not.toContain("Keys and commands")
    terminal.press("ctrl+u")
    await terminal.hides("why?")
    terminal.press("?")
    await terminal.shows("Keys and commands")
    await terminal.shows("/tasks")
  })
})
