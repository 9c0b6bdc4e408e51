// Whether a folder is trusted: asked once, before anything of it is used, and answered for that folder alone.
import { describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, realpathSync, renameSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { trustCard } from "../../../src/ui/tui/screens/trust.ts"
import { createTheme } from "../../../src/ui/tui/theme.ts"
import { type Workbench, workbench } from "../../../testing/headless.ts"
import { type ModelServer, reply, startModelServer } from "../../../testing/model-server.ts"
import { expectScreen } from "../../../testing/screens.ts"
import { openTerminal, type Terminal, type TerminalOptions } from "../../../testing/terminal.ts"
import { oneStored, storedAll } from "./stored.ts"

const QUESTION = "Do you trust this folder?"
/** In the head, once there is a conversation. */
const OPENED = "claude-sonnet-5-5"

interface Place extends AsyncDisposable {
  bench: Workbench
  server: ModelServer
}

/** A folder whose files want more than a stranger's may. */
async function place(): Promise<Place> {
  const server = await startModelServer({ script: () => reply.text("Hello.") })
  const bench = workbench(server)
  ask(bench.cwd)
  return {
    bench,
    server,
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

function ask(folder: string, allow: readonly string[] = ["Bash(touch made)"]): void {
  mkdirSync(join(folder, ".claude/agents"), { recursive: true })
  const settings = { permissions: { allow }, env: { COLOUR: "blue" }, hooks: { Stop: [] } }
  writeFileSync(join(folder, ".claude/settings.json"), JSON.stringify(settings))
  const agent = "---\nname: bold\ndescription: Dares\npermissionMode: acceptEdits\n---\nBe bold."
  writeFileSync(join(folder, ".claude/agents/bold.md"), agent)
}

async function open(bench: Workbench, options: TerminalOptions = {}): Promise<Terminal> {
  return openTerminal(bench, { columns: 80, rows: 28, ...options })
}

const leave = async (terminal: Terminal) => {
  terminal.press("ctrl+c", "ctrl+c")
  expect(await terminal.exited).toBe(0)
}

const answers = (bench: Workbench) => storedAll<{ project: string; answer: string }>(bench, "SELECT * FROM trust")

test("what the folder asks for is shown before anything else, and “trust” is remembered everywhere", async () => {
  await using it = await place()
  const { bench } = it
  {
    await using terminal = await open(bench)
    await terminal.shows(QUESTION)
    for (const said of ["Bash(touch made)", "COLOUR=blue", "agent bold: permissionMode: acceptEdits", "does not use"])
      expect(terminal.text()).toContain(said)
    // Nothing has begun: there is no session to begin it in.
    expect(oneStored<{ n: number }>(bench, "SELECT COUNT(*) AS n FROM session")?.n).toBe(0)
    expect(it.server.requests).toHaveLength(0)
    await expectScreen(terminal, "trust-80")
    terminal.press("t")
    await terminal.shows(OPENED)
    expect(terminal.text()).not.toContain("not trusted")
    terminal.type("/permissions")
    terminal.press("enter")
    await terminal.shows("is trusted")
    expect(terminal.text()).toContain("Bash(touch made)")
    terminal.press("esc")
    await terminal.hides("Permissions")
    await leave(terminal)
  }
  expect(answers(bench)).toMatchObject([{ project: realpathSync(bench.cwd), answer: "trusted" }])
  {
    await using terminal = await open(bench)
    await terminal.shows(OPENED)
    await leave(terminal)
  }
  // Headless, too: the rule holds, and nothing is said to be ignored.
  let asked = 0
  it.server.script = () =>
    asked++ === 0 ? reply.calls([{ name: "Bash", input: { command: "touch made" } }]) : reply.text("Done.")
  const run = await bench.run(["-p", "Go."])
  expect({ exit: run.exit, stderr: run.stderr }).toEqual({ exit: 0, stderr: "" })
  expect(await Bun.file(join(bench.cwd, "made")).exists()).toBeTrue()
}, 30_000)

test("enter and esc are “not now”: it is ignored this time, and asked about the next time", async () => {
  await using it = await place()
  for (const key of ["enter", "esc", "n"]) {
    await using terminal = await open(it.bench)
    await terminal.shows(QUESTION)
    terminal.press(key)
    await terminal.shows("This folder is not trusted, so 4 settings of its files are ignored")
    await leave(terminal)
  }
  expect(answers(it.bench)).toEqual([])
}, 30_000)

test("“never” is not asked about again, until it is taken back in /permissions", async () => {
  await using it = await place()
  const { bench } = it
  {
    await using terminal = await open(bench)
    await terminal.shows(QUESTION)
    terminal.clickText("never ask")
    await terminal.shows(OPENED)
    await leave(terminal)
  }
  expect(answers(bench)).toMatchObject([{ answer: "never" }])
  {
    await using terminal = await open(bench)
    await terminal.shows(OPENED)
    expect(terminal.text()).not.toContain("not trusted")
    terminal.type("/permissions")
    terminal.press("enter")
    await terminal.shows("not asked about")
    terminal.press("x")
    await terminal.shows("the next start asks")
    terminal.press("esc")
    await terminal.hides("Permissions")
    await leave(terminal)
  }
  await using terminal = await open(bench)
  await terminal.shows(QUESTION)
  terminal.press("ctrl+c")
  expect(await terminal.exited).toBe(0)
  expect(terminal.isAlternate()).toBeFalse()
  expect(answers(bench)).toEqual([])
}, 30_000)

test("a trusted folder answers for no other: not for a repository in it, nor for where it is moved to", async () => {
  await using it = await place()
  const { bench } = it
  mkdirSync(join(bench.cwd, ".git"))
  const inner = join(bench.cwd, "vendor/inner")
  mkdirSync(join(inner, ".git"), { recursive: true })
  ask(inner)
  const link = join(bench.home, "..", "link")
  symlinkSync(bench.cwd, link)
  const first = async (cwd: string) => {
    await using terminal = await open(bench, { cwd })
    await terminal.shows((screen) => screen.find(QUESTION) !== undefined || screen.find(OPENED) !== undefined)
    return terminal.find(QUESTION) !== undefined
  }
  {
    await using terminal = await open(bench)
    await terminal.shows(QUESTION)
    terminal.press("t")
    await terminal.shows(OPENED)
    await leave(terminal)
  }
  expect(await first(inner)).toBeTrue()
  // The same folder by another name, and a folder within it that is no repository.
  expect(await first(link)).toBeFalse()
  expect(await first(join(bench.cwd, "vendor"))).toBeFalse()
  const moved = `${bench.cwd}-moved`
  renameSync(bench.cwd, moved)
  expect(await first(moved)).toBeTrue()
  renameSync(moved, bench.cwd)
}, 30_000)

test("a folder that asks for nothing is not asked about", async () => {
  await using it = await place()
  const plain = join(it.bench.home, "..", "plain")
  mkdirSync(join(plain, ".claude"), { recursive: true })
  writeFileSync(join(plain, ".claude/settings.json"), JSON.stringify({ hooks: { Stop: [] }, model: "opus" }))
  await using terminal = await open(it.bench, { cwd: plain })
  await terminal.shows(OPENED)
})

test("--trust holds for its run: nothing is asked, and nothing remembered", async () => {
  await using it = await place()
  const { bench, server } = it
  let asked = 0
  server.script = () =>
    asked++ % 2 === 0 ? reply.calls([{ name: "Bash", input: { command: "touch made" } }]) : reply.text("Done.")
  const without = await bench.run(["-p", "Go."])
  expect(without.stderr).toContain("This folder is not trusted, so these are ignored")
  expect(await Bun.file(join(bench.cwd, "made")).exists()).toBeFalse()
  const once = await bench.run(["-p", "--trust", "Go."])
  expect({ exit: once.exit, stderr: once.stderr }).toEqual({ exit: 0, stderr: "" })
  expect(await Bun.file(join(bench.cwd, "made")).exists()).toBeTrue()
  expect(answers(bench)).toEqual([])
  await using terminal = await open(bench, { args: ["--trust"] })
  await terminal.shows(OPENED)
})

test("whoever else may write into the folder is warned of", async () => {
  await using it = await place()
  chmodSync(it.bench.cwd, 0o777)
  await using terminal = await open(it.bench)
  await terminal.shows("Others can write into this folder")
})

describe("a list that does not fit", () => {
  const withheld = Array.from({ length: 60 }, (_, n) => {
    return { file: ".claude/settings.json", key: "permissions.allow", detail: `Bash(echo ${n})` }
  })
  const trust = { state: "unknown", folder: "/tmp/x", note: undefined, withheld } as const
  const theme = createTheme("dark", { hasColour: false })

  test("is read to its end before it can be trusted", () => {
    const answered: string[] = []
    const card = trustCard({ trust, isOpenToOthers: false, theme }, (answer) => answered.push(answer))
    const seen = new Set<string>()
    const look = () => {
      for (const { text } of card.lines(80, 20)) seen.add(text.trim())
    }
    look()
    for (let presses = 0; answered.length === 0 && presses < 50; presses++) {
      card.typed("t")
      look()
    }
    expect(answered).toEqual(["trusted"])
    for (let n = 0; n < 60; n++) expect([...seen].join("\n")).toContain(`Bash(echo ${n})`)
  })
})

describe("the question", () => {
  for (const [name, options] of [
    ["trust-dark-140", { columns: 140, theme: "dark" }],
    ["trust-light-80", { columns: 80, theme: "light" }],
    ["trust-plain-80", { columns: 80, colours: false }],
  ] as const)
    test(name, async () => {
      await using it = await place()
      await using terminal = await open(it.bench, options)
      await terminal.shows(QUESTION)
      await expectScreen(terminal, name, { styles: true })
    })
})
