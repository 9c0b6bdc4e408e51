// Pausing tasks and letting them go on: from other terminals, by lines of input, over the death of their host.
import { expect, test } from "bun:test"
import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "../../testing/gate.ts"
import { eventually, isAlive } from "../../testing/harness.ts"
import { type Running, type StreamLine, type Workbench, workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

const FREE = ["--permission-mode", "bypassPermissions"]
const LINES = ["-p", "--input-format", "stream-json", "--output-format", "stream-json", ...FREE]
const bash = (command: string, more: object = {}) => ({ name: "Bash", input: { command, ...more } })
const send = (run: Running, line: object) => run.write(`${JSON.stringify(line)}\n`)
const prompt = (text: string) => ({ type: "user", message: { role: "user", content: text } })
const isResult = (line: StreamLine) => line.type === "result"
const isPaused = (line: StreamLine) => line.subtype === "task_updated" && line.patch.status === "paused"
const started = (line: StreamLine) => line.subtype === "task_started"

/** Writes into `beat` all the time, its process id into `pid`, and ends when there is a file `go`. */
const HEART = "echo $$ > pid; until [ -e go ]; do echo x >> beat; sleep 0.01; done; echo ended"

async function beats(bench: Workbench): Promise<void> {
  const path = join(bench.cwd, "beat")
  const size = () => statSync(path, { throwIfNoEntry: false })?.size ?? 0
  const before = size()
  await eventually("it goes on", () => size() > before)
}

const pidOf = (bench: Workbench) => Number(readFileSync(join(bench.cwd, "pid"), "utf8"))

/** As ps has it: T is stopped by a signal. */
function stateOf(pid: number): string {
  return Bun.spawnSync(["ps", "-o", "state=", "-p", String(pid)])
    .stdout.toString()
    .trim()
    .charAt(0)
}

const stands = (bench: Workbench) => eventually("it is stopped", () => stateOf(pidOf(bench)) === "T")

test("a command is paused from another terminal, shown so, and goes on where it was", async () => {
  await using server = await startModelServer({ script: script.inOrder([]) })
  server.script = script.inOrder([
    reply.calls([bash(HEART, { run_in_background: true })]),
    reply.text("It runs."),
    (request) => reply.text(`Ended: ${request.news.includes("ended")}`),
  ])
  await using bench = workbench(server)
  const host = bench.start(["-p", "Run it", "--output-format", "stream-json", ...FREE])
  const { task_id: id } = await host.line(started)
  await beats(bench)
  const paused = await bench.run(["tasks", "pause", id.slice(0, 6)])
  expect([paused.stdout, paused.stderr, paused.exit]).toEqual([`${id}  paused\n`, "", 0])
  await stands(bench)
  expect((await bench.run(["tasks"])).stdout).toMatch(new RegExp(`${id} +paused .*paused by the user`))
  const resumed = await bench.run(["tasks", "resume", id])
  expect([resumed.stdout, resumed.exit]).toEqual([`${id}  running\n`, 0])
  await beats(bench)
  await Bun.write(join(bench.cwd, "go"), "")
  const { exit, lines } = await host.finished
  expect([exit, lines.at(-1)!.result]).toEqual([0, "Ended: true"])
  expect(lines.filter((line) => line.subtype === "task_updated").map((line) => line.patch.status)).toEqual([
    "paused",
    "running",
    "completed",
  ])
})

test("pausing a foreground command frees the turn; lines of input pause and resume", async () => {
  await using server = await startModelServer({ script: script.inOrder([]) })
  server.script = script.inOrder([reply.calls([bash(HEART)]), reply.text("It waits."), reply.text("It ended.")])
  await using bench = workbench(server)
  const host = bench.start(LINES, { stdin: "open" })
  send(host, prompt("Run it"))
  const { task_id } = await host.line(started)
  await beats(bench)
  send(host, { type: "control", action: "pause_task", task_id })
  const { patch } = await host.line(isPaused)
  expect(patch).toEqual({ status: "paused", is_backgrounded: true })
  await server.received(2)
  await stands(bench)
  send(host, { type: "control", action: "resume_task", task_id })
  await beats(bench)
  await Bun.write(join(bench.cwd, "go"), "")
  await host.line((line) => isResult(line) && line.result === "It ended.")
  host.end()
  expect((await host.finished).exit).toBe(0)
  server.check()
})

test("an agent pauses at its next step boundary, asks nothing, and goes on when it is resumed", async () => {
  const step = new Gate()
  await using server = await startModelServer({ script: script.inOrder([]) })
  server.script = script.byAgent([
    {
      name: "helper",
      match: "Help me",
      steps: [reply.calls([{ name: "Glob", input: { pattern: "*" } }]).gate(step), reply.text("Helped.")],
    },
    {
      name: "root",
      match: "Begin",
      steps: [
        reply.calls([
          {
            name: "Agent",
            input: {
              subagent_type: "general-purpose",
              description: "helps",
              prompt: "Help me",
              run_in_background: true,
            },
          },
        ]),
        reply.text("It helps."),
        reply.text("Still here."),
        (request) => reply.text(`Report: ${request.news.includes("Helped.")}`),
      ],
    },
  ])
  await using bench = workbench(server)
  const host = bench.start(LINES, { stdin: "open" })
  send(host, prompt("Begin"))
  const { task_id } = await host.line(started)
  const helps = server.receivedWhere((request) => request.prompt.includes("Help me"))
  await helps
  await server.received(3)
  expect((await bench.run(["tasks", "pause", task_id])).exit).toBe(0)
  step.open()
  // Its step is over, a whole turn of the session goes by, and it has asked nothing.
  await bench.stored("SELECT 1 FROM tool_call WHERE name = 'Glob' AND state = 'done'")
  const before = server.requests.length
  send(host, prompt("Are you there?"))
  await server.received(before + 1)
  await bench.stored("SELECT 1 FROM message WHERE content LIKE '%Still here.%'")
  expect(server.requests).toHaveLength(before + 1)
  // It may be done before the other terminal has looked again.
  const resumed = await bench.run(["tasks", "resume", task_id])
  expect(resumed.stdout).toMatch(new RegExp(`^${task_id} {2}(running|completed)\\n$`))
  expect(resumed.exit).toBe(0)
  await host.line((line) => isResult(line) && line.result === "Report: true")
  host.end()
  expect((await host.finished).exit).toBe(0)
  server.check()
})

test("a paused task stays paused over the death of its host and in the next one, until it is resumed", async () => {
  await using server = await startModelServer({ script: script.inOrder([]) })
  server.script = script.inOrder([
    reply.calls([bash(HEART, { run_in_background: true })]),
    reply.text("It runs."),
    reply.text("Back."),
    (request) => reply.text(`Ended: ${request.news.includes("ended")}`),
  ])
  await using bench = workbench(server)
  const first = bench.start(["-p", "Run it", "--output-format", "stream-json", ...FREE])
  const { task_id } = await first.line(started)
  await beats(bench)
  await bench.stored("SELECT 1 FROM message WHERE content LIKE '%It runs.%'")
  expect((await bench.run(["tasks", "pause", task_id])).exit).toBe(0)
  await stands(bench)
  first.kill("SIGKILL")
  await first.finished
  const second = bench.start([...LINES, "-c"], { stdin: "open" })
  send(second, prompt("Go on"))
  await bench.stored("SELECT 1 FROM message WHERE content LIKE '%Back.%'")
  expect(stateOf(pidOf(bench))).toBe("T")
  await bench.stored("SELECT 1 FROM run WHERE state = 'paused' AND attempt = 1")
  expect((await bench.run(["tasks", "resume", task_id])).exit).toBe(0)
  await beats(bench)
  await Bun.write(join(bench.cwd, "go"), "")
  await second.line((line) => isResult(line) && line.result === "Ended: true")
  second.end()
  expect((await second.finished).exit).toBe(0)
})

test("where nobody drives a command any more it is paused, resumed and stopped all the same", async () => {
  await using server = await startModelServer({ script: script.inOrder([]) })
  server.script = script.inOrder([reply.calls([bash(HEART, { run_in_background: true })]), reply.text("It runs.")])
  await using bench = workbench(server)
  const host = bench.start(["-p", "Run it", "--output-format", "stream-json", ...FREE])
  const { task_id } = await host.line(started)
  await beats(bench)
  host.kill("SIGKILL")
  await host.finished
  const paused = await bench.run(["tasks", "pause", task_id])
  expect([paused.stdout, paused.exit]).toEqual([`${task_id}  paused (nobody drives it)\n`, 0])
  await stands(bench)
  expect((await bench.run(["tasks", "resume", task_id])).exit).toBe(0)
  await beats(bench)
  expect((await bench.run(["tasks", "pause", task_id])).exit).toBe(0)
  await stands(bench)
  const pid = pidOf(bench)
  const stopped = await bench.run(["tasks", "stop", task_id])
  expect([stopped.stdout, stopped.exit]).toEqual([`${task_id}  stopped\n`, 0])
  expect(await isAlive(pid)).toBeFalse()
  const late = await bench.run(["tasks", "resume", task_id])
  expect([late.stdout, late.exit]).toEqual([`${task_id}  stopped\n`, 1])
})

test("a paused task is stopped as any other, and gets to clean up", async () => {
  await using server = await startModelServer({ script: script.inOrder([]) })
  server.script = script.inOrder([
    reply.calls([bash(`trap 'touch cleaned; exit' TERM; ${HEART}`, { run_in_background: true })]),
    reply.text("It runs."),
  ])
  await using bench = workbench(server)
  const host = bench.start(["-p", "Run it", "--output-format", "stream-json", ...FREE])
  const { task_id } = await host.line(started)
  await beats(bench)
  await bench.run(["tasks", "pause", task_id])
  await stands(bench)
  const pid = pidOf(bench)
  expect((await bench.run(["tasks", "stop", task_id])).stdout).toBe(`${task_id}  stopped\n`)
  expect([await isAlive(pid), existsSync(join(bench.cwd, "cleaned"))]).toEqual([false, true])
  expect((await host.finished).exit).toBe(0)
})

test("-p does not end well over a paused task: what is not resumed within --wait is cut off", async () => {
  await using server = await startModelServer({ script: script.inOrder([]) })
  server.script = script.inOrder([reply.calls([bash(HEART, { run_in_background: true })]), reply.text("It runs.")])
  await using bench = workbench(server)
  const host = bench.start(["-p", "Run it", "--output-format", "stream-json", "--wait", "3", ...FREE])
  const { task_id } = await host.line(started)
  await beats(bench)
  await bench.run(["tasks", "pause", task_id])
  await stands(bench)
  const pid = pidOf(bench)
  const { exit, lines } = await host.finished
  expect([exit, lines.at(-1)!.subtype]).toEqual([3, "error_cut_off"])
  expect(await isAlive(pid)).toBeFalse()
})
