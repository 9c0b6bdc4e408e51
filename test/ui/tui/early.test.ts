// The prompt before the program is open.

import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { workbench } from "../../../testing/headless.ts"
import { reply, script, startModelServer } from "../../../testing/model-server.ts"
import { openTerminal } from "../../../testing/terminal.ts"

const PROMPT = "? keys"

describe("while the program opens", () => {
  test("what is typed and sent is kept, and done when it is open", async () => {
    await using server = await startModelServer({ script: script.inOrder([reply.text("Hello yourself.")]) })
    await using bench = workbench(server)
    await bench.run(["sessions"])
    // Opening waits as long as another program writes.
    using lock = new Database(join(bench.home, "meanwhile.db"))
    lock.run("BEGIN IMMEDIATE")
    await using terminal = await openTerminal(bench)
    await terminal.shows(PROMPT)
    terminal.type("Hello there")
    await terminal.shows("Hello there")
    terminal.press("enter")
    await terminal.shows("next: Hello there")
    terminal.type("and more")
    await terminal.shows("and more")
    await terminal.shows("opening …")
    expect(server.requests).toHaveLength(0)
    lock.run("COMMIT")
    await terminal.shows("Hello yourself.")
    await terminal.hides("next: Hello there")
    expect(terminal.text()).toContain("and more")
  })

  test("keys that the conversation knows are held, and done in their order", async () => {
    await using bench = workbench()
    await bench.run(["sessions"])
    using lock = new Database(join(bench.home, "meanwhile.db"))
    lock.run("BEGIN IMMEDIATE")
    await using terminal = await openTerminal(bench)
    await terminal.shows(PROMPT)
    terminal.type("first")
    await terminal.shows("first")
    terminal.press("ctrl+c")
    terminal.type("second")
    await terminal.sent()
    lock.run("COMMIT")
    await terminal.shows("second")
    expect(terminal.text()).not.toContain("first")
  })

  test("what is typed stays in the prompt of a conversation that goes on in another folder", async () => {
    await using bench = workbench()
    mkdirSync(join(bench.cwd, ".git"))
    mkdirSync(join(bench.cwd, "below"))
    await bench.run(["-p", "hello"])
    using lock = new Database(join(bench.home, "meanwhile.db"))
    lock.run("BEGIN IMMEDIATE")
    await using terminal = await openTerminal(bench, { args: ["--continue"], cwd: join(bench.cwd, "below") })
    await terminal.shows(PROMPT)
    terminal.type("not lost")
    await terminal.shows("not lost")
    lock.run("COMMIT")
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
    using lock = new Database(join(bench.home, "meanwhile.db"))
    lock.run("BEGIN IMMEDIATE")
    await using terminal = await openTerminal(bench)
    await terminal.shows(PROMPT)
    terminal.type("txn")
    await terminal.shows("txn")
    lock.run("COMMIT")
    await terminal.shows("This folder is not trusted")
    expect(terminal.text()).toContain("› txn")
  })

  test("ctrl+c twice leaves, though it does not open", async () => {
    await using bench = workbench()
    await bench.run(["sessions"])
    using lock = new Database(join(bench.home, "meanwhile.db"))
    lock.run("BEGIN IMMEDIATE")
    await using terminal = await openTerminal(bench)
    await terminal.shows(PROMPT)
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
