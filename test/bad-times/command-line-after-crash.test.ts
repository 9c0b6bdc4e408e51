// What a command line gave and took holds for the work that it began, also for the process that goes on after a crash;
// for nothing else (docs/decisions/0018-permissions-after-a-crash.md).
import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "../../testing/gate.ts"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { type ModelServer, reply, startModelServer } from "../../testing/model-server.ts"

const touch = (file: string) => ({ name: "Bash", input: { command: `echo x >>${file}` } })
const denied = "Permission denied"

function rows<T>(home: string, sql: string): T[] {
  const db = new Database(join(home, "meanwhile.db"), { readonly: true })
  try {
    return db.query(sql).all() as T[]
  } finally {
    db.close()
  }
}

const given = (home: string) => rows(home, "SELECT * FROM meta WHERE key LIKE 'given:%'")
const rootOf = (home: string) => rows<{ id: string }>(home, "SELECT id FROM session WHERE parent_id IS NULL")[0]!.id
const results = (home: string) =>
  rows<{ text: string }>(home, "SELECT result AS text FROM tool_call ORDER BY rowid").map(({ text }) => text)

/** A program that dies while its first request is under way; the next ones call what `step` says, and end. */
async function dying(server: ModelServer, bench: Workbench, args: string[]) {
  const never = new Gate()
  server.script = () => reply.text("lost").gate(never)
  const program = bench.start(["-p", "Begin.", ...args])
  await server.received(server.requests.length + 1)
  program.kill("SIGKILL")
  await program.finished
}

function callingOnce(server: ModelServer, ...calls: ReturnType<typeof touch>[]) {
  let done = 0
  server.script = () => (done++ === 0 ? reply.calls(calls) : reply.text("Done."))
}

test("a host that takes over may do what the command line allowed; a later start without it may not", async () => {
  await using server = await startModelServer()
  await using bench = workbench(server)
  await dying(server, bench, ["--allowedTools", "Bash(echo x *)", "Bash"])
  callingOnce(server, touch("by-host"))
  expect(await bench.run(["host", rootOf(bench.home)])).toMatchObject({ exit: 0 })
  expect(existsSync(join(bench.cwd, "by-host"))).toBeTrue()
  // With the work's end it is gone.
  expect(given(bench.home)).toEqual([])
  callingOnce(server, touch("later"))
  await bench.run(["-p", "-c", "Go on."])
  expect(existsSync(join(bench.cwd, "later"))).toBeFalse()
  callingOnce(server, touch("later-host"))
  await bench.run(["host", rootOf(bench.home)])
  expect(existsSync(join(bench.cwd, "later-host"))).toBeFalse()
}, 30_000)

test("a plain start after the crash gets nothing of what was allowed to the work that it finds", async () => {
  await using server = await startModelServer()
  await using bench = workbench(server)
  await dying(server, bench, ["--allowedTools", "Bash"])
  callingOnce(server, touch("allowed"))
  expect(await bench.run(["-p", "-c", "Go on."])).toMatchObject({ exit: 4 })
  expect(existsSync(join(bench.cwd, "allowed"))).toBeFalse()
  expect(results(bench.home)).toEqual([expect.stringContaining(denied)])
  expect(given(bench.home)).toEqual([])
}, 30_000)

test("what was forbidden to that work stays so until it is done, and is no rule of the session", async () => {
  await using server = await startModelServer()
  await using bench = workbench(server)
  await dying(server, bench, ["--permission-mode", "bypassPermissions", "--disallowedTools", "Write"])
  const write = { name: "Write", input: { file_path: "w", content: "x" } } as never
  callingOnce(server, touch("by-mode"), write)
  await bench.run(["-p", "-c", "Go on."])
  expect(existsSync(join(bench.cwd, "by-mode"))).toBeTrue()
  expect(existsSync(join(bench.cwd, "w"))).toBeFalse()
  callingOnce(server, write)
  await bench.run(["-p", "-c", "Write."])
  expect(existsSync(join(bench.cwd, "w"))).toBeTrue()
}, 30_000)

test("steps are counted on after a crash, of the call and of an agent", async () => {
  const never = new Gate()
  await using server = await startModelServer()
  await using bench = workbench(server)
  mkdirSync(join(bench.home, "agents"), { recursive: true })
  writeFileSync(
    join(bench.home, "agents", "short.md"),
    "---\nname: short\ndescription: takes two steps\nmaxTurns: 2\n---\nBe short.\n",
  )
  let agentSteps = 0
  let rootSteps = 0
  let isDying = true
  server.script = (request) => {
    if (request.prompt.includes("Be quick")) {
      agentSteps++
      if (agentSteps === 2 && isDying) return reply.text("lost").gate(never)
      return reply.calls([touch(`agent-${agentSteps}`)])
    }
    rootSteps++
    const agent = { subagent_type: "short", description: "a", prompt: "Be quick.", run_in_background: false }
    return rootSteps === 1 ? reply.calls([{ name: "Agent", input: agent }]) : reply.calls([touch(`root-${rootSteps}`)])
  }
  const program = bench.start(["-p", "Begin.", "--permission-mode", "bypassPermissions", "--max-turns", "2"])
  await server.received(3)
  program.kill("SIGKILL")
  await program.finished
  isDying = false
  await bench.run(["host", rootOf(bench.home)])
  // The one that was lost is asked again, and is its second.
  expect(agentSteps).toBe(3)
  expect(
    rows<{ reason: string }>(bench.home, "SELECT reason FROM run JOIN task ON task.id = task_id WHERE kind = 'agent'"),
  ).toEqual([{ reason: "it reached its limit of 2 steps" }])
  expect(rootSteps).toBe(2)
}, 30_000)

test("what a call may spend holds for the process that takes over", async () => {
  const never = new Gate()
  await using server = await startModelServer()
  await using bench = workbench(server)
  let asked = 0
  server.script = () => {
    asked++
    if (asked === 2) return reply.text("lost").gate(never)
    return reply.calls([touch("spent")]).usage({ input: 1_000, output: 1_000 })
  }
  const budget = ["--permission-mode", "bypassPermissions", "--max-budget-usd", "0.05"]
  const program = bench.start(["-p", "Begin.", ...budget])
  await server.received(2)
  program.kill("SIGKILL")
  await program.finished
  await bench.run(["host", rootOf(bench.home)])
  expect(asked).toBeLessThan(12)
  const turn = rows<{ error: string }>(bench.home, "SELECT error FROM turn")
  expect(turn.map(({ error }) => error).join()).toContain("cap:")
}, 30_000)
