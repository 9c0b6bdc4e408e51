// /stats in a real terminal: what it shows of a generated year, and each of its keys. The clock stands at one day, so that
// the year has the same shape in every run. That the figures are right: test/session/usage-year.test.ts.
import { describe, expect, test } from "bun:test"
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { systemClock } from "../../../src/base/clock.ts"
import { openStore } from "../../../src/store/open.ts"
import { eventually } from "../../../testing/harness.ts"
import { type Workbench, workbench } from "../../../testing/headless.ts"
import { expectScreen } from "../../../testing/screens.ts"
import { openTerminal, type Terminal, type TerminalOptions } from "../../../testing/terminal.ts"
import { storeYear, usageYear } from "../../session/usage-year.ts"

const MAIN = resolve(import.meta.dir, "../../../testing/clock-main.ts")
const NOW = Date.UTC(2026, 10, 1, 12)

interface Room extends AsyncDisposable {
  bench: Workbench
  open(options?: TerminalOptions): Promise<Terminal>
}

async function room({ isEmpty = false } = {}): Promise<Room> {
  const bench = workbench()
  mkdirSync(bench.home, { recursive: true, mode: 0o700 })
  if (!isEmpty) {
    const store = await openStore({ folder: bench.home, clock: systemClock })
    await storeYear(store, usageYear({ end: NOW }))
    store.close()
  }
  const clock = join(bench.home, "..", "clock")
  return {
    bench,
    open: async (options = {}) => {
      writeFileSync(clock, String(NOW - Date.now()))
      const env = { TZ: "Europe/Berlin", MEANWHILE_CLOCK_FILE: clock, ...options.env }
      const command = [process.execPath, MAIN]
      const terminal = await openTerminal(bench, { columns: 100, rows: 40, ...options, command, env })
      await terminal.shows("? keys")
      terminal.type("/stats")
      terminal.press("enter")
      await terminal.shows("esc back")
      return terminal
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  }
}

describe("the screen", () => {
  for (const [name, options] of [
    ["stats-dark-80", { columns: 80 }],
    ["stats-dark-140", { columns: 140 }],
    ["stats-light-80", { columns: 80, theme: "light" }],
    ["stats-plain-80", { columns: 80, colours: false }],
  ] as const)
    test(name, async () => {
      await using it = await room()
      await using terminal = await it.open(options)
      await expectScreen(terminal, name, { styles: true })
      terminal.press("tab")
      await terminal.shows("cache ")
      await expectScreen(terminal, `${name}-models`, { styles: true })
    })

  test("says so when there is nothing", async () => {
    await using it = await room({ isEmpty: true })
    await using terminal = await it.open()
    await terminal.shows("Nothing was asked of a model in this time.")
    await terminal.shows(/Longest session +–/)
    terminal.press("tab")
    await terminal.hides("Peak hour")
    await terminal.shows("Nothing was asked of a model in this time.")
  })

  test("is whole in a small terminal", async () => {
    await using it = await room()
    await using terminal = await it.open({ columns: 40, rows: 12 })
    await terminal.shows("Overview")
    terminal.press("end")
    await terminal.shows(/2026-10-\d\d/)
    terminal.resize(20, 6)
    await terminal.shows("Usage")
    terminal.resize(100, 30)
    terminal.press("home")
    await terminal.shows("Peak hour")
  })
})

describe("keys", () => {
  test("r goes through the spans; the figures are those of the command line", async () => {
    await using it = await room()
    await using terminal = await it.open({ rows: 50 })
    const costOf = async (range: string) => {
      const env = { TZ: "Europe/Berlin", MEANWHILE_CLOCK_FILE: join(it.bench.home, "..", "clock") }
      const program = [process.execPath, MAIN]
      const { stdout } = await it.bench.run(["stats", "--range", range], { program, env })
      return /^Cost +(.*) for/m.exec(stdout)![1]!
    }
    const spans: string[] = []
    for (const range of ["30d", "all", "7d", "30d"]) {
      const cost = await costOf(range)
      spans.push(cost)
      await terminal.shows((screen) => screen.text().includes(`Cost              ${cost}`))
      terminal.press("r")
    }
    expect(new Set(spans).size).toBe(3)
  })

  test("tab and the arrows, shift+tab and a click turn the page", async () => {
    await using it = await room()
    await using terminal = await it.open()
    const turns = [
      () => terminal.press("tab"),
      () => terminal.press("tab"),
      () => terminal.press("shift+tab"),
      () => terminal.press("right"),
      () => terminal.press("left"),
      () => terminal.clickText("Overview"),
      () => terminal.clickText("Models"),
    ]
    const pages = ["models", "overview", "models", "overview", "models", "overview", "models"]
    for (const [at, turn] of turns.entries()) {
      turn()
      await terminal.shows(pages[at] === "models" ? "requests" : "Peak hour")
      await terminal.hides(pages[at] === "models" ? "Peak hour" : "cache ")
    }
  })

  test("the list keys scroll, esc and ctrl+c go back", async () => {
    await using it = await room()
    await using terminal = await it.open({ rows: 20 })
    for (const [key, shows] of [
      ["end", /2026-10-0\d/],
      ["home", "Mon"],
      ["pagedown", /day +sessions/],
      ["pageup", "Mon"],
    ] as const) {
      terminal.press(key)
      await terminal.shows(shows)
    }
    const first = terminal.line(2)
    terminal.press("down", "down")
    await terminal.shows((screen) => screen.line(2) !== first)
    terminal.press("up", "up")
    await terminal.shows((screen) => screen.line(2) === first)
    terminal.press("esc")
    await terminal.shows("? keys")
    terminal.type("/stats")
    terminal.press("enter")
    await terminal.shows("esc back")
    terminal.press("ctrl+c")
    await terminal.shows("? keys")
  })
})

describe("ctrl+s", () => {
  /** A PATH with these programs and what the launcher needs, each a line of sh. */
  function withPrograms(it: Room, programs: Readonly<Record<string, string>>): string {
    const folder = join(it.bench.home, "..", "programs")
    mkdirSync(folder)
    for (const [name, line] of Object.entries(programs)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`)
      chmodSync(join(folder, name), 0o755)
    }
    for (const name of ["sh", "cat", "cp"]) symlinkSync(Bun.which(name)!, join(folder, name))
    return folder
  }

  test("copies text, and says where the image is, without a clipboard of the system", async () => {
    await using it = await room()
    await using terminal = await it.open({ columns: 140, env: { DISPLAY: "", WAYLAND_DISPLAY: "" } })
    terminal.press("ctrl+s")
    await terminal.shows("Copied as text. As an image: ")
    const text = terminal.clipboard()
    expect(text).toStartWith("meanwhile · the last 30 days, 2026-10-03 to 2026-11-01\n")
    expect(text).toMatch(/^Cost +≈\$/m)
    for (const line of text!.split("\n")) expect(line.length).toBeLessThan(90)
    const svg = readFileSync(join(it.bench.home, "cards/usage-30d.svg"), "utf8")
    expect(svg).toStartWith("<svg ")
    expect(svg).toContain("the last 30 days, 2026-10-03 to 2026-11-01")
  })

  test("puts an image into the clipboard where something makes and takes one", async () => {
    await using it = await room()
    const taken = join(it.bench.home, "..", "taken")
    const path = withPrograms(it, {
      // As rsvg-convert: --zoom 2 --output PNG SVG. It leaves nothing of what it was given to the test but a copy.
      "rsvg-convert": `cp "$5" "$4"`,
      "wl-copy": `[ "$*" = "--type image/png" ] && [ -z "$ANTHROPIC_API_KEY" ] && cat > "${taken}"`,
    })
    const env = { WAYLAND_DISPLAY: "wayland-0", PATH: path, ANTHROPIC_API_KEY: "sk-secret", MEANWHILE_MODEL: "scout" }
    await using terminal = await it.open({ env })
    terminal.press("ctrl+s")
    await terminal.shows("Copied as an image.")
    expect(readFileSync(taken, "utf8")).toStartWith("<svg ")
    expect(terminal.clipboard()).toBeUndefined()
  })

  test("falls back to text when a program of these fails", async () => {
    await using it = await room()
    const path = withPrograms(it, { "rsvg-convert": `cp "$5" "$4"`, xclip: "exit 1" })
    await using terminal = await it.open({ columns: 140, env: { DISPLAY: ":0", WAYLAND_DISPLAY: "", PATH: path } })
    terminal.press("ctrl+s")
    await terminal.shows("Copied as text. As an image: ")
    await eventually("text", () => (terminal.clipboard() ?? "").startsWith("meanwhile"))
    expect(existsSync(join(it.bench.home, "cards/usage-30d.svg"))).toBeTrue()
  })

  test("copies text when no file can be written", async () => {
    await using it = await room()
    writeFileSync(join(it.bench.home, "cards"), "in the way")
    await using terminal = await it.open({ columns: 140, env: { DISPLAY: "", WAYLAND_DISPLAY: "" } })
    terminal.press("ctrl+s")
    await terminal.shows("Copied as text. The image could not be written: ")
  })
})
