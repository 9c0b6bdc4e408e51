// What a session comes to when its process dies: each case that the crash matrix once found wrong, or cannot reach.
import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "../../testing/gate.ts"
import { eventually, isAlive } from "../../testing/harness.ts"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { type ModelServer, reply, script, startModelServer } from "../../testing/model-server.ts"

const RUN = ["--permission-mode", "bypassPermissions"]
const bash = (command: string, more: object = {}) => ({ name: "Bash", input: { command, ...more } })

/** Changes or reads the rows while no program runs. */
function rows<T>(home: string, look: (db: Database) => T): T {
  const db = new Database(join(home, "meanwhile.db"))
  try {
    db.run("PRAGMA busy_timeout = 5000")
    return look(db)
  } finally {
    db.close()
  }
}

/** Has a model start a command in the background, and kills the program when the turn is over; the command goes on. */
async function orphan(server: ModelServer, bench: Workbench) {
  const program = bench.start(["-p", "Run it", ...RUN])
  await server.received(2)
  await bench.stored("SELECT 1 FROM turn WHERE state = 'done'")
  process.kill(program.pid, "SIGKILL")
  await program.finished
  const { pid, spool } = rows(bench.home, (db) => db.query("SELECT pid, spool FROM run").get()) as {
    pid: number
    spool: string
  }
  const exitFile = spool.replace(/\.out$/, ".exit")
  let group = 0
  await eventually("the command has begun", () => {
    group = Number(/^group (\d+)$/m.exec(readFileSync(exitFile, "utf8"))?.[1] ?? 0)
    return group > 0
  })
  /** Ends the runner and the command without a word. */
  const wipeOut = async () => {
    process.kill(pid, "SIGKILL")
    process.kill(-group, "SIGKILL")
    await eventually("all are gone", async () => !(await isAlive(pid)) && !(await isAlive(group)))
  }
  const outcome = () => rows(bench.home, (db) => db.query("SELECT state, exit_code, notice, quiet FROM run").get())
  return { pid, exitFile, wipeOut, outcome }
}

const rootOf = (home: string) =>
  rows(home, (db) => (db.query("SELECT id FROM session WHERE parent_id IS NULL").get() as { id: string }).id)

test("host goes on with a prompt whose process died, and ends when nothing is left", async () => {
  const never = new Gate()
  await using server = await startModelServer()
  let asked = 0
  server.script = () => (++asked === 1 ? reply.text("lost").gate(never) : reply.text("Answered."))
  await using bench = workbench(server)
  const first = bench.start(["-p", "Answer me", ...RUN])
  await server.received(1)
  process.kill(first.pid, "SIGKILL")
  await first.finished
  const host = await bench.run(["host", rootOf(bench.home)])
  server.check()
  expect([host.exit, host.stderr, asked]).toEqual([0, "", 2])
  const said = rows(bench.home, (db) => db.query("SELECT content FROM message WHERE role = 'assistant'").all())
  expect(JSON.stringify(said)).toContain("Answered.")
  // There is nothing to do a second time.
  expect((await bench.run(["host", rootOf(bench.home)])).exit).toBe(0)
  expect(asked).toBe(2)
})

test("host refuses a session that another process drives, and one that is not there", async () => {
  const gate = new Gate()
  await using server = await startModelServer({ script: () => reply.text("ok").gate(gate) })
  await using bench = workbench(server)
  const first = bench.start(["-p", "Hold it", ...RUN])
  await server.received(1)
  const busy = await bench.run(["host", rootOf(bench.home)])
  expect(busy.exit).toBe(1)
  expect(busy.stderr).toContain("in another process")
  gate.open()
  await first.finished
  const unknown = await bench.run(["host", "nobody"])
  expect(unknown.exit).toBe(1)
  expect(unknown.stderr).toContain("There is no session")
})

test("after a reboot a command that left no exit code is lost, although its numbers are somebody else's now", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([bash("sleep 600", { run_in_background: true })]),
    reply.text("Waiting."),
    (request) => reply.text(request.news.includes('status="lost"') ? "It was lost." : `Strange: ${request.news}`),
  ])
  await using bench = workbench(server)
  const left = await orphan(server, bench)
  // As after a reboot: everything is gone, and the numbers are given anew, here to this very process and its group.
  await left.wipeOut()
  const own = readFileSync("/proc/self/stat", "latin1").split(") ")[1]!.split(" ")[2]
  await Bun.write(left.exitFile, `group ${own}\n`)
  rows(bench.home, (db) => db.run("UPDATE run SET pid_started = 'another-boot:1', pid = ?", [process.pid]))
  const host = await bench.run(["host", rootOf(bench.home)])
  server.check()
  expect(host.exit).toBe(0)
  expect(left.outcome()).toEqual({ state: "lost", exit_code: null, notice: "delivered", quiet: 0 })
  expect(server.requests).toHaveLength(3)
}, 20_000)

test("after a reboot a command whose exit code was written has ended with it, output complete", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([bash("until [ -e go ]; do sleep 0.02; done; seq 1 500; exit 4", { run_in_background: true })]),
    reply.text("Waiting."),
    reply.text("Told."),
  ])
  await using bench = workbench(server)
  const left = await orphan(server, bench)
  await Bun.write(join(bench.cwd, "go"), "")
  await eventually("the command has ended", async () => !(await isAlive(left.pid)))
  rows(bench.home, (db) => db.run("UPDATE run SET pid_started = 'another-boot:1'"))
  const host = await bench.run(["host", rootOf(bench.home)])
  server.check()
  expect(host.exit).toBe(0)
  expect(left.outcome()).toEqual({ state: "failed", exit_code: 4, notice: "delivered", quiet: 0 })
  expect(server.requests[2]!.news).toContain("\n499\n500\n")
}, 20_000)

test("a command without an exit code whose stop was recorded is stopped, not lost", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([bash("sleep 600", { run_in_background: true })]),
    reply.text("Waiting."),
  ])
  await using bench = workbench(server)
  const left = await orphan(server, bench)
  await left.wipeOut()
  rows(bench.home, (db) => db.run("UPDATE run SET stop_by = 'user'"))
  const host = await bench.run(["host", rootOf(bench.home)])
  server.check()
  expect(host.exit).toBe(0)
  // A user's stop wakes nobody.
  expect(left.outcome()).toMatchObject({ state: "stopped", quiet: 1 })
  expect(server.requests).toHaveLength(2)
}, 20_000)

/** Has a model start an agent, and kills the program while that agent's request is under way. */
async function orphanedAgent(server: ModelServer, bench: Workbench, second: ReturnType<typeof reply.text>) {
  const held = new Gate()
  let asked = 0
  server.script = script.byAgent([
    {
      name: "root",
      match: "Start it",
      steps: [
        reply.calls([
          {
            name: "Agent",
            input: { subagent_type: "explore", description: "one", prompt: "Examine it.", run_in_background: true },
          },
        ]),
        reply.text("Waiting."),
        (request) => reply.text(`Told: ${request.news}`),
      ],
    },
    { name: "one", match: "Examine it", steps: [() => (++asked === 1 ? second.gate(held) : second)] },
  ])
  const program = bench.start(["-p", "Start it", ...RUN])
  await server.receivedWhere((request) => request.prompt.includes("Examine it"))
  await bench.stored("SELECT 1 FROM turn WHERE state = 'done'")
  process.kill(program.pid, "SIGKILL")
  await program.finished
  return () => rows(bench.home, (db) => db.query("SELECT state, attempt, reason, result, notice FROM run").get())
}

test("an agent goes on with the same run and one more attempt", async () => {
  await using server = await startModelServer()
  await using bench = workbench(server)
  const outcome = await orphanedAgent(server, bench, reply.text("Found it."))
  expect((await bench.run(["host", rootOf(bench.home)])).exit).toBe(0)
  server.check()
  expect(outcome()).toEqual({ state: "completed", attempt: 2, reason: null, result: "Found it.", notice: "delivered" })
}, 20_000)

test("an agent that three processes died of fails, and its owner is told", async () => {
  await using server = await startModelServer()
  await using bench = workbench(server)
  const outcome = await orphanedAgent(server, bench, reply.text("Found it."))
  rows(bench.home, (db) => db.run("UPDATE run SET attempt = 3"))
  expect((await bench.run(["host", rootOf(bench.home)])).exit).toBe(0)
  server.check()
  expect(outcome()).toMatchObject({ state: "failed", notice: "delivered", reason: expect.stringContaining("3 times") })
}, 20_000)

test("an agent whose turn had failed when its process died has failed, and is not taken for done", async () => {
  await using server = await startModelServer()
  await using bench = workbench(server)
  const outcome = await orphanedAgent(server, bench, reply.text("Found it."))
  rows(bench.home, (db) => {
    db.run("UPDATE step SET state = 'failed' WHERE state = 'asking'")
    db.run("UPDATE turn SET state = 'failed', error = 'it broke' WHERE state = 'open'")
  })
  expect((await bench.run(["host", rootOf(bench.home)])).exit).toBe(0)
  expect(outcome()).toMatchObject({ state: "failed", reason: "it broke", notice: "delivered" })
}, 20_000)

test("a call that had not yet said what it would write runs again; one that had written is not done twice", async () => {
  await using server = await startModelServer()
  const write = { name: "Write", input: { file_path: "a.txt", content: "a\n" } }
  server.script = script.inOrder([
    reply.calls([write]),
    reply.text("Once."),
    reply.text("Twice."),
    reply.text("Thrice."),
  ])
  await using bench = workbench(server)
  expect((await bench.run(["-p", "Write it", ...RUN])).exit).toBe(0)
  /** As it was when the process died during the call. */
  const rewind = (intent: "with its intent" | "without") =>
    rows(bench.home, (db) => {
      db.run("DELETE FROM message WHERE role = 'assistant' AND seq > 2")
      db.run("DELETE FROM step WHERE n > 1")
      db.run("UPDATE turn SET state = 'open', ended_at = NULL")
      db.run("UPDATE step SET state = 'calling', ended_at = NULL")
      const kept = intent === "without" ? "NULL" : "intent"
      db.run(`UPDATE tool_call SET state = 'running', result = NULL, ended_at = NULL, intent = ${kept}`)
    })
  const result = () => JSON.stringify(rows(bench.home, (db) => db.query("SELECT result FROM tool_call").get()))
  rewind("with its intent")
  const written = statSync(join(bench.cwd, "a.txt")).mtimeMs
  expect((await bench.run(["host", rootOf(bench.home)])).exit).toBe(0)
  expect(result()).toContain("Created a.txt")
  expect(statSync(join(bench.cwd, "a.txt")).mtimeMs).toBe(written)
  rewind("without")
  rmSync(join(bench.cwd, "a.txt"))
  expect((await bench.run(["host", rootOf(bench.home)])).exit).toBe(0)
  expect(result()).toContain("Created a.txt")
  expect(readFileSync(join(bench.cwd, "a.txt"), "utf8")).toBe("a\n")
}, 20_000)

test("a request for permission that was open when its process died is asked again, once, and its answer counts", async () => {
  const lines = ["-p", "--input-format", "stream-json", "--output-format", "stream-json"]
  const say = (text: string) => `${JSON.stringify({ type: "user", message: { role: "user", content: text } })}\n`
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([{ name: "Write", input: { file_path: "a.txt", content: "x" } }]),
    (request) => reply.text(`Written: ${request.results[0]?.text.startsWith("Created")}`),
  ])
  await using bench = workbench(server)
  const first = bench.start(lines, { stdin: "open" })
  first.write(say("Write it"))
  const { request_id: asked } = await first.line((line) => line.subtype === "permission_request")
  first.kill("SIGKILL")
  await first.finished
  const second = bench.start([...lines, "--continue"], { stdin: "open" })
  second.write(say("Go on"))
  const again = await second.line((line) => line.subtype === "permission_request")
  expect(again).toMatchObject({ request_id: asked, input: { file_path: "a.txt" } })
  second.write(`${JSON.stringify({ type: "permission_response", request_id: asked, behavior: "allow" })}\n`)
  await second.line((line) => line.type === "result" && line.result === "Written: true")
  second.end()
  expect((await second.finished).exit).toBe(0)
  expect(rows(bench.home, (db) => db.query("SELECT state FROM approval").all())).toEqual([{ state: "allowed" }])
  server.check()
})
