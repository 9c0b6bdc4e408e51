// The prompt before the program is open.
import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Workbench, workbench } from "../../../testing/headless.ts"
import { reply, script, startModelServer } from "../../../testing/model-server.ts"
import { openTerminal, type Terminal, type TerminalOptions } from "../../../testing/terminal.ts"

const PROMPT = "? keys"

interface Opening extends AsyncDisposable {
  readonly terminal: Terminal
  /** Lets the program open. */
  goOn(): void
}

/** A terminal at its prompt, with a home that was used before: opening waits as long as another program writes. */
async function opening(bench: Workbench, options?: TerminalOptions): Promise<Opening> {
  const lock = new Database(join(bench.home, "meanwhile.db"))
  lock.run("BEGIN IMMEDIATE")
  const terminal = await openTerminal(bench, options)
  await terminal.shows(PROMPT)
  return {
    terminal,
    goOn: () => void lock.run("COMMIT"),
    [Symbol.asyncDispose]: async () => {
      await terminal[Symbol.asyncDispose]()
      lock.close()
    },
  }
}

describe("while the program opens", () => {
  test("what is typed and sent is kept, and done when it is open", async () => {
    await using server = await startModelServer({ script: script.inOrder([reply.text("Hello yourself.")]) })
    await using bench = workbench(server)
    await bench.run(["sessions"])
    await using held = await opening(bench)
    const { terminal } = held
    terminal.type("Hello there")
    await terminal.shows("Hello there")
    terminal.press("enter")
    await terminal.shows("next: Hello there")
    terminal.type("and more")
    await terminal.shows("and more")
    await terminal.shows("opening …")
    expect(server.requests).toHaveLength(0)
    held.goOn()
    await terminal.shows("Hello yourself.")
    await terminal.hides("next: Hello there")
    expect(terminal.text()).toContain("and more")
  })

  test("keys that the conversation knows are held, and done in their order", async () => {
    await using bench = workbench()
    await bench.run(["sessions"])
    await using held = await opening(bench)
    const { terminal } = held
    terminal.type("first")
    await terminal.shows("first")
    terminal.press("ctrl+c")
    terminal.type("second")
    await terminal.sent()
    held.goOn()
    await terminal.shows("second")
    expect(terminal.text()).not.toContain("first")
  })

  test("what is typed stays in the prompt of a conversation that goes on in another folder", async () => {
    await using bench = workbench()
    mkdirSync(join(bench.cwd, ".git"))
    mkdirSync(join(bench.cwd, "below"))
    await bench.run(["-p", "hello"])
    await using held = await opening(bench, { args: ["--continue"], cwd: join(bench.cwd, "below") })
    const { terminal } = held
    terminal.type("not lost")
    await terminal.shows("not lost")
    held.goOn()
    await terminal.shows("› hello")
    expect(terminal.text()).toContain("› not lost")
    terminal.type(" at all")
    await terminal.shows("› not lost at all")
  })

  test("whether the folder is trusted is not asked over what is typed", async () => {
    await using bench = workbench()
    await bench.run(["sessions"])
    mkdirSync(join(bench.cwd, ".claude"))
    const settings = { permissions: { allow: ["Bash(touch made)"] } }
    writeFileSync(join(bench.cwd, ".claude/settings.json"), JSON.stringify(settings))
    await using held = await opening(bench)
    const { terminal } = held
    terminal.type("txn")
    await terminal.shows("txn")
    held.goOn()
    await terminal.shows("This folder is not trusted")
    expect(terminal.text()).toContain("› txn")
  })

  test("ctrl+c twice leaves, though it does not open", async () => {
    await using bench = workbench()
    await bench.run(["sessions"])
    await using held = await opening(bench)
    const { terminal } = held
    terminal.press("ctrl+c", "ctrl+c")
    expect(await terminal.exited).toBe(0)
    expect(terminal.isAlternate()).toBe(false)
    expect(terminal.echoes()).toBe(true)
  })

  test("what can't be opened is said on the normal screen", async () => {
    await using bench = workbench()
    await using terminal = await openTerminal(bench, { args: ["--resume", "nobody"] })
    expect(await terminal.exited).toBe(1)
    expect(terminal.isAlternate()).toBe(false)
    expect(terminal.modes()).toMatchObject({ bracketedPaste: false, focus: false, cursorShown: true })
    expect(terminal.normalScreen()).toContain('no session "nobody"')
  })
})

test("the first frame has the place of everything that the next ones show", async () => {
  await using bench = workbench()
  await using terminal = await openTerminal(bench)
  const rows = { rule: new Set<number>(), foot: new Set<number>(), cursor: new Set<number>() }
  using _ = terminal.watch(() => {
    const lines = terminal.lines()
    const foot = lines.findIndex((line) => line.includes(PROMPT))
    if (foot < 0) return
    rows.foot.add(foot)
    rows.cursor.add(terminal.cursor().y)
    rows.rule.add(lines.findLastIndex((line, y) => y < foot && /^─+$/.test(line)))
  })
  await terminal.shows("offline scout")
  expect([rows.foot.size, rows.cursor.size, rows.rule.size]).toEqual([1, 1, 1])
})
