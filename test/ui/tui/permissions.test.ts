// "Always", /permissions and the modes in a real terminal.
import { describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { modeWord, nextMode } from "../../../src/ui/view/modes.ts"
import { type Workbench, workbench } from "../../../testing/headless.ts"
import { reply, type Step, script, startModelServer } from "../../../testing/model-server.ts"
import { expectScreen } from "../../../testing/screens.ts"
import { openTerminal, type Terminal, type TerminalOptions } from "../../../testing/terminal.ts"
import { storedAll } from "./stored.ts"

const OPENED = "claude-sonnet-5-5"
const touch = (name: string) =>
  reply.calls([{ name: "Bash", input: { command: `git tag ${name}`, description: name } }])

interface Room extends AsyncDisposable {
  bench: Workbench
  open(options?: TerminalOptions): Promise<Terminal>
  says(...steps: Step[]): void
}

async function room(): Promise<Room> {
  const server = await startModelServer()
  const bench = workbench(server)
  return {
    bench,
    says: (...steps) => {
      server.script = script.inOrder(steps)
    },
    open: async (options = {}) => {
      const terminal = await openTerminal(bench, { columns: 100, rows: 30, ...options })
      await terminal.shows(OPENED)
      return terminal
    },
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

const send = (terminal: Terminal, text: string) => {
  terminal.type(text)
  terminal.press("enter")
}
const leave = async (terminal: Terminal) => {
  terminal.press("ctrl+c", "ctrl+c")
  expect(await terminal.exited).toBe(0)
}
const rules = (bench: Workbench) => storedAll<{ rule: string }>(bench, "SELECT rule FROM permission_rule")

test("“a” keeps the rule that was shown: for the next call, after a restart, until x takes it back", async () => {
  await using it = await room()
  it.says(touch("one"), touch("two"), reply.text("Both are made."))
  {
    await using terminal = await it.open()
    send(terminal, "Go.")
    await terminal.shows("▲")
    terminal.press("enter")
    await terminal.shows("always: Bash(git tag:*)")
    terminal.press("a")
    await terminal.shows("Both are made.")
    await leave(terminal)
  }
  expect(rules(it.bench)).toEqual([{ rule: "Bash(git tag:*)" }])
  it.says(touch("three"), reply.text("Made it."))
  await using terminal = await it.open()
  send(terminal, "Go on.")
  await terminal.shows("Made it.")
  send(terminal, "/permissions")
  await terminal.shows("› Bash(git tag:*)")
  terminal.press("x")
  await terminal.shows("adds its rule here")
  expect(rules(it.bench)).toEqual([])
  it.says(touch("four"), reply.text("Never said."))
  terminal.press("esc")
  await terminal.hides("esc back")
  send(terminal, "And again.")
  await terminal.shows("▲ 1 needs you")
}, 30_000)

test("a rule that was kept elsewhere is not this project's", async () => {
  await using it = await room()
  it.says(touch("one"), reply.text("Made it."))
  await using first = await it.open()
  send(first, "Go.")
  await first.shows("▲")
  first.press("enter")
  await first.shows("always: ")
  first.press("a")
  await first.shows("Made it.")
  const other = join(it.bench.home, "..", "other")
  mkdirSync(other)
  it.says(touch("one"), reply.text("Never said."))
  await using second = await it.open({ cwd: other })
  send(second, "Go.")
  await second.shows("▲ 1 needs you")
}, 30_000)

describe("/permissions", () => {
  for (const [name, options] of [
    ["permissions-dark-80", { columns: 80 }],
    ["permissions-light-140", { columns: 140, theme: "light" }],
    ["permissions-plain-80", { columns: 80, colours: false }],
  ] as const)
    test(`says what holds, and where it comes from: ${name}`, async () => {
      await using it = await room()
      mkdirSync(join(it.bench.cwd, ".claude"))
      const theirs = { permissions: { deny: ["Read(.env)"] } }
      writeFileSync(join(it.bench.cwd, ".claude/settings.json"), JSON.stringify(theirs))
      mkdirSync(it.bench.home, { recursive: true })
      const own = { permissions: { allow: ["Bash(npm test:*)"], deny: ["WebFetch(domain:example.org)"] } }
      writeFileSync(join(it.bench.home, "settings.json"), JSON.stringify(own))
      it.says(touch("one"), reply.text("Made it."))
      await using terminal = await it.open({ ...options, args: ["--allowedTools", "Bash(make:*)"] })
      send(terminal, "Go.")
      await terminal.shows("▲")
      terminal.press("enter")
      await terminal.shows("always: ")
      terminal.press("a")
      await terminal.shows("Made it.")
      send(terminal, "/permissions")
      await terminal.shows("Bash(git tag:*)")
      await expectScreen(terminal, name, { styles: true })
    })
})

describe("the mode", () => {
  test("is shown in words, and Shift+Tab goes round without ever bypassing", async () => {
    await using it = await room()
    await using terminal = await it.open()
    for (const mode of ["accept edits", "plan", "default", "accept edits"]) {
      terminal.press("shift+tab")
      await terminal.shows(new RegExp(`^ {2}${mode} · `, "m"))
    }
    expect(storedAll(it.bench, "SELECT permission_mode FROM session")).toEqual([{ permission_mode: "acceptEdits" }])
  })

  test("bypass permissions is in the round of a session that was begun with it", async () => {
    await using it = await room()
    await using terminal = await it.open({ args: ["--permission-mode", "bypassPermissions"] })
    for (const mode of ["bypass permissions", "default", "accept edits", "plan", "bypass permissions"]) {
      await terminal.shows(new RegExp(`^ {2}${mode} · `, "m"))
      terminal.press("shift+tab")
    }
  })

  test("that is not known is shown as it is, and leads back to the first", () => {
    expect(modeWord("yolo")).toBe("yolo")
    expect(nextMode("yolo", { mayBypass: true })).toBe("default")
    expect(nextMode("bypassPermissions", { mayBypass: false })).toBe("default")
  })
})
