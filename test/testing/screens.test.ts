// Screens as files: what is held against them, what may differ, and how a difference is shown.
import { afterAll, afterEach, describe, expect, test } from "bun:test"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../../testing/harness.ts"
import { DURATIONS, expectScreen, masked, SPINNER, screenText } from "../../testing/screens.ts"
import { openTerminal, type Place } from "../../testing/terminal.ts"

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const place: Place = { cwd: folder.path, home: join(folder.path, "home"), env: { PATH: process.env.PATH ?? "" } }
const run = (script: string) => openTerminal(place, { columns: 20, rows: 3, command: ["sh", "-c", script] })

const before = process.env.UPDATE_SCREENS
afterEach(() => {
  if (before === undefined) delete process.env.UPDATE_SCREENS
  if (before !== undefined) process.env.UPDATE_SCREENS = before
})

const PLAIN = `20×3 · normal · dark · cursor 0,1
╭────────────────────╮
│hello 漢            │
│                    │
│                    │
╰────────────────────╯
`

describe("a screen's file", () => {
  test("is written on demand, and then holds", async () => {
    await using terminal = await run("printf 'hello 漢\\n'; read -r _")
    await terminal.shows("hello")
    delete process.env.UPDATE_SCREENS
    await expect(expectScreen(terminal, "made", { folder: folder.path })).rejects.toThrow("UPDATE_SCREENS=1 writes it")
    process.env.UPDATE_SCREENS = "1"
    await expectScreen(terminal, "made", { folder: folder.path })
    expect(readFileSync(join(folder.path, "made.txt"), "utf8")).toBe(PLAIN)
    delete process.env.UPDATE_SCREENS
    await expectScreen(terminal, "made", { folder: folder.path })
  })

  test("is waited for, and what differs is shown beside it", async () => {
    delete process.env.UPDATE_SCREENS
    writeFileSync(join(folder.path, "plain.txt"), PLAIN)
    await using terminal = await run(
      "read -r _; printf '\\033[Hhello 漢\\n'; read -r _; printf '\\033[Hhallo'; read -r _",
    )
    const looks = expectScreen(terminal, "plain", { folder: folder.path })
    terminal.press("enter")
    await looks
    terminal.press("enter")
    await terminal.shows("hallo")
    await expect(expectScreen(terminal, "plain", { folder: folder.path, limitMs: 1 })).rejects.toThrow(
      /│hello 漢 {12}│ {12}≠ │hallo 漢 {12}│\n/,
    )
    expect(existsSync(join(folder.path, "plain.txt"))).toBe(true)
  })

  test("has the styles as letters in place when they matter", async () => {
    await using terminal = await run(
      "printf 'a \\033[1;31mbold\\033[0m \\033[2;4mdim\\033[0m\\n\\033[1;31mx\\033[0;48;2;1;2;3m  \\033[0m'; read -r _",
    )
    await terminal.shows("x")
    const text = screenText(terminal, { styles: true })
    expect(text.split("\n").slice(6)).toEqual([
      "styles",
      "│  aaaa bbb",
      "│acc",
      "│",
      "a bold 1",
      "b dim underline",
      "c on #010203",
      "",
    ])
    expect(screenText(terminal)).not.toContain("styles")
  })
})

describe("a mask", () => {
  const mask = masked(DURATIONS, [/\b[0-9a-f]{3}\b/, "id0"])

  test("leaves columns where they are, whichever side they are set to", () => {
    const left = ["run  9 s    4.1k │", "run  12 s   4.1k │", "run  350 ms 4.1k │"]
    expect(new Set(left.slice(0, 2).map(mask))).toEqual(new Set(["run  0 s    4.1k │"]))
    expect(new Set(["run     9 s │", "run    12 s │", "run  350 ms │"].map(mask))).toEqual(new Set(["run     0 s │"]))
    expect(new Set(["run     9 s  4k │", "run    12 s  4k │"].map(mask))).toEqual(new Set(["run  0 s     4k │"]))
  })

  test("moves what follows up to the next gap", () => {
    expect(["for 9 s · 4k   │", "for 12 s · 4k  │"].map(mask)).toEqual(["for 0 s · 4k   │", "for 0 s · 4k   │"])
  })

  test("stops what turns", () => {
    expect(["◐ run", "◑ run", "◒ run"].map(masked(SPINNER))).toEqual(["◐ run", "◐ run", "◐ run"])
  })

  test("takes all that fits, in each of its patterns", () => {
    expect(mask("7f2 took 1:07 and 2 min 3 s")).toBe("id0 took 0 s and 0 s")
  })
})
