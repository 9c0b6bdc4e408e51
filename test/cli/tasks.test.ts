// `meanwhile tasks` from another terminal: what it says of tasks that end, run on, or have lost who drove them.
import { describe, expect, test } from "bun:test"
import { appendFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { type Lease, takeLease } from "../../src/session/lease.ts"
import { openStore } from "../../src/store/open.ts"
import type { Store } from "../../src/store/store.ts"
import { settle } from "../../src/task/settle.ts"
import type { Outcome } from "../../src/task/task.ts"
import { eventually } from "../../testing/harness.ts"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"
import { seedSession, seedTask } from "../../testing/seed.ts"
import { inTerminal } from "./terminal.ts"

/** A host's side of the database, without a host: a tree that is driven, and tasks that end when the test says so. */
async function driven(bench: Workbench, ids: readonly string[]) {
  const store = await openStore({ folder: bench.home, clock: systemClock })
  await store.write((tx) => {
    seedSession(tx, { id: "root" })
    for (const id of ids) addTask(store, tx, id)
  })
  const lease = (await takeLease(store, systemClock, "root")) as Lease
  return {
    store,
    lease,
    start: (id: string) => store.write((tx) => addTask(store, tx, id)),
    end: (id: string, outcome: Outcome = { state: "completed", result: "fine" }) =>
      store.write((tx) => settle(tx, systemClock, { runId: `run-${id}`, outcome })),
    spool: (id: string) => join(store.folder("spool"), `run-${id}.out`),
    [Symbol.dispose]: () => {
      lease.release()
      store.close()
    },
  }
}

function addTask(store: Store, tx: Parameters<typeof seedTask>[0], id: string): void {
  const started_at = Date.now()
  const spool = join(store.folder("spool"), `run-${id}.out`)
  seedTask(tx, {
    id,
    root: "root",
    task: { description: `work ${id}`, created_at: started_at },
    run: { started_at, spool, background: 1 },
  })
}

const PROGRAM = resolve(import.meta.dir, "../../bin/meanwhile")

/** The program, with what it has written so far. */
function watched(bench: Workbench, args: readonly string[]) {
  const env = { PATH: process.env["PATH"] ?? "", HOME: bench.cwd, MEANWHILE_HOME: bench.home }
  const child = Bun.spawn([PROGRAM, ...args], {
    cwd: bench.cwd,
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  })
  const decoder = new TextDecoder()
  let output = ""
  const read = (async () => {
    for await (const bytes of child.stdout) output += decoder.decode(bytes, { stream: true })
  })()
  return {
    get output() {
      return output
    },
    says: (text: string) => eventually(`it says ${JSON.stringify(text)}`, () => output.includes(text)),
    exited: read.then(() => child.exited),
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL")
      await child.exited
    },
  }
}

describe("tasks wait", () => {
  test("prints a line for each as it ends, and is 0 when all completed", async () => {
    await using bench = workbench()
    using host = await driven(bench, ["one", "two", "old"])
    await host.end("old")
    const waiting = bench.start(["tasks", "wait", "tw", "one", "old"])
    await host.end("two")
    await host.end("one")
    const { exit, stdout, stderr } = await waiting.finished
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" })
    const lines = stdout.trimEnd().split("\n")
    expect(lines.map((line) => line.split(/\s+/).slice(0, 2).join(" ")).sort()).toEqual([
      "old completed",
      "one completed",
      "two completed",
    ])
    expect(lines[0]).toMatch(/^\w+ {2}completed \$ work \w+ 0:0\d$/)
  })

  test.each([
    ["failed", { state: "failed", reason: "exit code 2" }],
    ["stopped", { state: "stopped", reason: "stopped by the user" }],
    ["timed_out", { state: "timed_out", reason: "its deadline passed" }],
    ["lost", { state: "lost", reason: "gone" }],
  ] satisfies [string, Outcome][])("is 1 when one is %s, and says why", async (state, outcome) => {
    await using bench = workbench()
    using host = await driven(bench, ["one", "two"])
    await host.end("one")
    await host.end("two", outcome)
    const { exit, stdout } = await bench.run(["tasks", "wait", "one", "two"])
    expect(exit).toBe(1)
    expect(stdout).toContain("one  completed")
    expect(stdout).toContain(`two  ${state}: ${outcome.reason}`)
  })

  test("does not wait for a run that nobody drives any more", async () => {
    await using bench = workbench()
    using host = await driven(bench, ["one", "two"])
    const waiting = bench.start(["tasks", "wait", "one", "two"])
    await host.end("one")
    host.lease.release()
    const { exit, stdout, stderr } = await waiting.finished
    expect(exit).toBe(1)
    expect(stdout).toContain("one  completed")
    expect(stdout).toContain("two  running (nobody drives it)")
    expect(stderr).toContain("meanwhile tasks stop two")
  })

  test("is 130 after Ctrl+C, and 1 with a hint for an id that does not exist", async () => {
    await using bench = workbench()
    using host = await driven(bench, ["one", "two"])
    await using waiting = watched(bench, ["tasks", "wait", "one", "two"])
    await host.end("two")
    await waiting.says("two  completed")
    waiting.kill("SIGINT")
    expect(await waiting.exited).toBe(130)
    const unknown = await bench.run(["tasks", "wait", "zzz"])
    expect(unknown.exit).toBe(1)
    expect(unknown.stderr).toContain("There is no task")
    expect(host.store.one("SELECT 1 FROM run WHERE state = 'running'")).toBeDefined()
  })
})

describe("tasks output --follow", () => {
  test("prints what is written until the run has settled, all of it, and is 0", async () => {
    await using bench = workbench()
    using host = await driven(bench, ["one"])
    const spool = host.spool("one")
    appendFileSync(spool, "begin\n")
    await using following = watched(bench, ["tasks", "output", "one", "--follow"])
    await following.says("begin\n")
    const cut = new TextEncoder().encode("Grüße")
    appendFileSync(spool, cut.subarray(0, 3))
    await following.says("begin\nGr")
    appendFileSync(spool, cut.subarray(3))
    appendFileSync(spool, `\n${"x".repeat(600_000)}`)
    appendFileSync(spool, "\nthe end")
    await host.end("one", { state: "failed", reason: "exit code 1" })
    expect(await following.exited).toBe(0)
    expect(following.output).toBe(`begin\nGrüße\n${"x".repeat(600_000)}\nthe end`)
  })

  test("ends, with 1, when neither a host nor the command is there any more", async () => {
    await using bench = workbench()
    using host = await driven(bench, ["one"])
    appendFileSync(host.spool("one"), "last words\n")
    host.lease.release()
    const { exit, stdout, stderr } = await bench.run(["tasks", "output", "one", "--follow"])
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "last words\n" })
    expect(stderr).toContain("nobody drives this task")
  })

  test("of an agent is its report, when it comes", async () => {
    await using bench = workbench()
    using host = await driven(bench, [])
    await host.store.write((tx) =>
      seedTask(tx, {
        id: "agent",
        root: "root",
        task: { kind: "agent", input: '{"agent":"explore","prompt":"x"}' },
        run: {},
      }),
    )
    const following = bench.start(["tasks", "output", "agent", "--follow"])
    await host.end("agent", { state: "completed", result: "Found it." })
    expect(await following.finished).toMatchObject({ exit: 0, stdout: "Found it.\n" })
  })
})

describe("tasks --follow", () => {
  test("with --json each change of a task is a line", async () => {
    await using bench = workbench()
    using host = await driven(bench, ["one"])
    const following = bench.start(["tasks", "--follow", "--json"])
    await following.line((line) => line["task_id"] === "one" && line["status"] === "running")
    await host.start("two")
    await following.line((line) => line["task_id"] === "two" && line["is_driven"] === true)
    await host.end("one", { state: "failed", reason: "exit code 2" })
    const ended = await following.line((line) => line["task_id"] === "one" && line["status"] === "failed")
    expect(ended).toMatchObject({ reason: "exit code 2", run_id: "run-one", is_driven: null, at: expect.any(Number) })
    host.lease.release()
    await following.line((line) => line["task_id"] === "two" && line["is_driven"] === false)
    following.kill("SIGINT")
    const { exit, lines } = await following.finished
    expect(exit).toBe(130)
    // No line twice: a look without a change says nothing.
    const said = lines.map(({ at: _, ...line }) => JSON.stringify(line))
    expect(new Set(said).size).toBe(said.length)
  })

  test("not on a terminal, a change is a line of text", async () => {
    await using bench = workbench()
    using host = await driven(bench, ["one"])
    await using following = watched(bench, ["tasks", "--follow"])
    await following.says("one running")
    await host.end("one", { state: "failed", reason: "exit code 2" })
    await following.says("one failed")
    following.kill("SIGINT")
    await following.exited
    const lines = following.output.trimEnd().split("\n")
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d one running \$ work one/)
    expect(lines[1]).toMatch(/one failed .*exit code 2$/)
    expect(following.output).not.toContain("\x1b")
  })

  test("on a terminal the table is drawn over itself and is never taller than the screen", async () => {
    await using bench = workbench()
    const names = Array.from({ length: 15 }, (_, n) => `task${String(n).padStart(2, "0")}`)
    using host = await driven(bench, names)
    const env = { MEANWHILE_HOME: bench.home, HOME: bench.cwd }
    await using terminal = inTerminal([PROGRAM, "tasks", "--follow"], { env, cwd: bench.cwd, columns: 60, rows: 12 })
    await terminal.shows("older")
    const [first] = terminal.output.split("\x1b[J")
    expect(first!.split("\n").length - 1).toBe(11)
    expect(first).toContain("task14")
    expect(first).not.toContain("task00")
    for (const line of first!.replaceAll("\x1b[2K", "").replaceAll("\r", "").split("\n"))
      expect(line.length).toBeLessThanOrEqual(59)
    await host.end("task14", { state: "failed", reason: "broken" })
    await terminal.shows(/\x1b\[11A\r[\s\S]*task14[\s\S]*failed/)
    terminal.type("\x03")
    expect(await terminal.exited).toBe(130)
  })
})

test("a task whose host was killed is not shown as plainly running, and can still be seen and ended", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([{ name: "Bash", input: { command: "echo begun; exec sleep 60", run_in_background: true } }]),
    reply.text("It runs."),
  ])
  await using bench = workbench(server)
  const host = bench.start(["-p", "Run it", "--permission-mode", "bypassPermissions", "--output-format", "stream-json"])
  const started = await host.line((line) => line.subtype === "task_started")
  const id = started["task_id"] as string
  const listed = async () => JSON.parse((await bench.run(["tasks", "--json"])).stdout)[0]
  await eventually("it has begun", async () => (await listed()).output_bytes > 0)
  expect(await listed()).toMatchObject({ status: "running", is_driven: true })
  expect((await bench.run(["tasks"])).stdout).not.toContain("nobody")

  host.kill("SIGKILL")
  await host.finished
  expect(await listed()).toMatchObject({ task_id: id, status: "running", is_driven: false })
  const list = await bench.run(["tasks"])
  expect(list.stdout).toContain("running (nobody drives it)")
  expect(list.stderr).toContain(`meanwhile tasks stop ${id}`)
  expect((await bench.run(["tasks", "show", id])).stdout).toContain("nobody drives it")
  expect((await bench.run(["sessions"])).stdout).toContain("1 left behind")
  expect((await bench.run(["tasks", "wait", id])).exit).toBe(1)
  const kept = await bench.run(["sessions", "rm", started["session_id"], "--yes"])
  expect(kept.exit).toBe(1)
  expect(kept.stderr).toContain(`meanwhile tasks stop ${id}`)

  // The command itself lives on, and its output can be followed until it is ended.
  const following = bench.start(["tasks", "output", id, "--follow"])
  expect((await bench.run(["tasks", "stop", id])).stdout).toBe(`${id}  stopped\n`)
  expect(await following.finished).toMatchObject({ exit: 0, stdout: "begun\n" })
  expect((await bench.run(["sessions", "rm", started["session_id"], "--yes"])).exit).toBe(0)
  expect((await bench.run(["sessions"])).stdout).toContain("No sessions yet")
}, 40_000)
