import { describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../../../../testing/harness.ts"
import { openTerminal, type Terminal, type TerminalOptions } from "../../../../testing/terminal.ts"

const PROGRAM = join(import.meta.dir, "alone.ts")

interface Open extends AsyncDisposable {
  terminal: Terminal
  folder: string
}

async function open(options: TerminalOptions = {}): Promise<Open> {
  const folder = temporaryFolder()
  const home = join(folder.path, "home")
  mkdirSync(home)
  writeFileSync(join(folder.path, "notes.md"), "")
  const place = { cwd: folder.path, home, env: { PATH: process.env.PATH ?? "", HOME: home, TERM: "xterm-256color" } }
  const command = [process.execPath, PROGRAM]
  const terminal = await openTerminal(place, { columns: 60, rows: 18, ...options, command })
  await terminal.shows("Ask anything")
  return {
    terminal,
    folder: folder.path,
    [Symbol.asyncDispose]: async () => {
      await terminal[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

describe.each(["legacy", "modifyOtherKeys", "kitty"] as const)("in a terminal with %s keys", (keyboard) => {
  test("what is typed is seen, edited, queued and sent", async () => {
    await using opened = await open({ keyboard })
    const { terminal } = opened
    terminal.type("Hello 世界 👩‍👩‍👧!")
    terminal.press("left", "backspace")
    await terminal.shows(/│ › Hello 世界 ! +│/)
    terminal.press("alt+b", "ctrl+w", "ctrl+e", "ctrl+j")
    terminal.type("two")
    terminal.press("ctrl+a", "ctrl+y", "ctrl+_", "ctrl+d")
    await terminal.shows("│   wo ")
    terminal.press("alt+enter")
    await terminal.shows('queue prompt "世界 !\\nwo"')
    terminal.type("!ls")
    await terminal.shows("shell ─╮")
    terminal.press("enter")
    await terminal.shows('send shell "ls"')
    terminal.press("up", "up", "up")
    await terminal.shows("› an earlier prompt")
    terminal.press("down", "down", "ctrl+c")
    await terminal.shows("Ask anything")
    terminal.press("ctrl+r")
    terminal.type("older")
    await terminal.shows("search: older")
    terminal.press("esc")
    await terminal.shows("Ask anything")
    terminal.press("ctrl+c")
    expect(await terminal.exited).toBe(0)
  }, 30_000)
})

test("Shift+Enter is a new line where the terminal can tell it apart", async () => {
  await using opened = await open({ keyboard: "kitty" })
  const { terminal } = opened
  terminal.type("one")
  terminal.press("shift+enter")
  terminal.type("two")
  await terminal.shows("│   two")
})

test("a paste of 5 MB is folded at once and sent whole", async () => {
  await using opened = await open()
  const { terminal } = opened
  terminal.paste("The quick brown fox jumps over the lazy dog.\n".repeat(115_000))
  terminal.type(" and more")
  await terminal.shows("[Pasted text #1 +115001 lines] and more")
  terminal.press("home", "delete")
  await terminal.shows("›  and more")
}, 30_000)

test("files and commands are offered below the box, and a click takes one", async () => {
  await using opened = await open({ rows: 30 })
  const { terminal } = opened
  terminal.type("see @not")
  await terminal.shows("❯ notes.md")
  terminal.press("tab")
  await terminal.shows("see @notes.md")
  terminal.press("ctrl+u")
  terminal.type("/")
  await terminal.shows("❯ /model [name]")
  terminal.clickText("/tasks")
  await terminal.shows("› /tasks ")
  terminal.clickText("tasks")
  terminal.type("x")
  await terminal.shows("/taxsks")
})

test("Ctrl+G shows the text in the person's editor and takes back what it saved", async () => {
  await using opened = await open({ env: { EDITOR: "./edit.sh" } })
  const { terminal, folder } = opened
  const script = join(folder, "edit.sh")
  writeFileSync(script, '#!/bin/sh\necho "editing: $(cat "$1")"; read -r line; printf "%s" "$line" > "$1"\n')
  chmodSync(script, 0o755)
  terminal.type("before")
  terminal.press("ctrl+g")
  await terminal.shows("editing: before")
  expect(terminal.isAlternate()).toBe(false)
  terminal.type("typed in the editor\r")
  await terminal.shows("› typed in the editor")
  expect(terminal.isAlternate()).toBe(true)
  terminal.type("!")
  await terminal.shows("typed in the editor!")
})

test("Ctrl+C in the person's editor ends that one, and the prompt is as it was", async () => {
  await using opened = await open({ env: { EDITOR: "./edit.sh" } })
  const { terminal, folder } = opened
  const script = join(folder, "edit.sh")
  writeFileSync(script, "#!/bin/sh\necho editing; read -r line\n")
  chmodSync(script, 0o755)
  terminal.type("before")
  terminal.press("ctrl+g")
  await terminal.shows("editing")
  terminal.press("ctrl+c")
  await terminal.shows("the prompt is as it was")
  await terminal.shows("› before")
})

test("the box fits when the window is made narrow, and the cursor stays in it", async () => {
  await using opened = await open()
  const { terminal } = opened
  terminal.type("one two three four five six seven 世界世界世界世界 eight nine ten")
  for (const columns of [40, 20, 14, 80]) {
    terminal.resize(columns, 18)
    await terminal.shows((screen) => {
      const lines = screen.lines().filter((line) => /^[╭│╰]/.test(line))
      return lines.length > 2 && lines.every((line) => Bun.stringWidth(line) === columns)
    })
  }
})
