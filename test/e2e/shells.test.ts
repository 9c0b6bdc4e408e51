// Shell commands as tasks, over HTTP: foreground, background, timeouts, stops, and what they leave behind.
import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { eventually, isAlive } from "../../testing/harness.ts"
import { type StreamLine, workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

const RUN = ["--output-format", "stream-json", "--permission-mode", "bypassPermissions"]
const bash = (input: object) => ({ name: "Bash", input })
const notifications = (lines: StreamLine[]) => lines.filter((line) => line.subtype === "task_notification")
const results = (lines: StreamLine[]): string[] =>
  lines
    .filter((line) => line.type === "user" && line.message.content[0].type === "tool_result")
    .map((line) => line.message.content[0].content[0].text)

test("parallel commands run at the same time, and their results come in the calls' order", async () => {
  await using server = await startModelServer()
  // Each waits for the other: one after the other they would never end.
  server.script = script.inOrder([
    reply.calls([
      bash({ command: "touch a; until [ -e b ]; do sleep 0.01; done; echo first" }),
      bash({ command: "touch b; until [ -e a ]; do sleep 0.01; done; echo second" }),
    ]),
    (request) => reply.text(JSON.stringify(request.results)),
  ])
  await using bench = workbench(server)
  const { exit, lines } = await bench.run(["-p", "Run both", ...RUN])
  server.check()
  expect(exit).toBe(0)
  const said = lines.at(-1)!.result as string
  expect(said.indexOf("first")).toBeLessThan(said.indexOf("second"))
  expect(notifications(lines)).toEqual([])
})

test("a failed command's output and exit code reach the model, and the call succeeds", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([bash({ command: "echo out; echo err >&2; exit 7" })]),
    reply.text("It failed."),
  ])
  await using bench = workbench(server)
  const { exit, lines } = await bench.run(["-p", "Run it", ...RUN])
  expect(exit).toBe(0)
  expect(results(lines)[0]).toMatch(/out\nerr\n\(exit code 7, /)
})

test("a command that outlives its timeout moves to the background and wakes the conversation", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([bash({ command: "echo begun; until [ -e go ]; do sleep 0.02; done; echo ended", timeout: 50 })]),
    reply.text("It is in the background."),
    (request) => reply.text(request.news),
  ])
  await using bench = workbench(server)
  const run = bench.start(["-p", "Run it", ...RUN])
  await run.line((line) => line.subtype === "task_updated" && line.patch.is_backgrounded === true)
  await server.received(2)
  await Bun.write(join(bench.cwd, "go"), "")
  const { exit, lines } = await run.finished
  server.check()
  expect(exit).toBe(0)
  expect(results(lines)[0]).toContain("Moved to the background as task")
  expect(notifications(lines)).toMatchObject([{ status: "completed" }])
  expect(lines.at(-1)!.result).toContain("ended")
})

test("a command that leaves a server behind becomes a service, which ends with the call", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([bash({ command: "sleep 600 & echo $! > pid; echo started" })]),
    reply.text("It serves."),
  ])
  await using bench = workbench(server)
  const { exit, lines } = await bench.run(["-p", "Serve", ...RUN])
  server.check()
  expect(exit).toBe(0)
  expect(results(lines)[0]).toContain("left processes running")
  const pid = Number(await Bun.file(join(bench.cwd, "pid")).text())
  expect(await isAlive(pid)).toBe(false)
  expect(lines.at(-1)).toMatchObject({ subtype: "success", tasks: [{ status: "stopped" }] })
})

test("--wait that runs out stops the work, says so, and is never a success", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([bash({ command: "echo $$ > pid; sleep 600", run_in_background: true })]),
    reply.text("It runs."),
  ])
  await using bench = workbench(server)
  const run = bench.start(["-p", "Run it", "--wait", "1", ...RUN])
  await eventually("it runs", () => existsSync(join(bench.cwd, "pid")))
  const { exit, lines, stderr } = await run.finished
  expect(exit).toBe(3)
  expect(lines.at(-1)).toMatchObject({ subtype: "error_cut_off", is_error: true })
  expect(notifications(lines)).toMatchObject([{ status: "stopped" }])
  expect(await isAlive(Number(await Bun.file(join(bench.cwd, "pid")).text()))).toBe(false)
  expect(stderr).toBe("")
})

test("Ctrl+C ends with 130 and leaves no process behind", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([
      bash({ command: "echo $$ > back; sleep 600", run_in_background: true }),
      bash({ command: "echo $$ > front; sleep 600" }),
    ]),
  ])
  await using bench = workbench(server)
  const run = bench.start(["-p", "Run it", ...RUN])
  await eventually("both run", () => existsSync(join(bench.cwd, "back")) && existsSync(join(bench.cwd, "front")))
  const pids = await Promise.all(
    ["back", "front"].map(async (name) => Number(await Bun.file(join(bench.cwd, name)).text())),
  )
  run.kill("SIGINT")
  const { exit, lines } = await run.finished
  expect(exit).toBe(130)
  expect(await Promise.all(pids.map(isAlive))).toEqual([false, false])
  expect(lines.at(-1)).toMatchObject({ type: "result", is_error: true })
  // The conversation is whole: it goes on.
  server.script = script.inOrder([reply.text("Here again.")])
  const next = await bench.run(["-p", "And now?", "--continue"])
  server.check()
  expect([next.exit, next.stdout]).toEqual([0, "Here again.\n"])
})

test("`tasks stop` from another terminal stops a running task, quietly", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([bash({ command: "sleep 600", run_in_background: true })]),
    reply.text("It runs."),
  ])
  await using bench = workbench(server)
  const run = bench.start(["-p", "Run it", ...RUN])
  const started = await run.line((line) => line.subtype === "task_started")
  await server.received(2)
  const list = await bench.run(["tasks"])
  expect(list.stdout).toContain(started.task_id)
  expect((await bench.run(["tasks", "stop", started.task_id.slice(0, 5)])).stdout).toContain("stopped")
  const { exit, lines } = await run.finished
  expect(exit).toBe(0)
  expect(notifications(lines)).toMatchObject([{ status: "stopped", quiet: true }])
  expect(server.requests).toHaveLength(2)
  expect((await bench.run(["tasks"])).stdout).toContain("Nothing runs")
})

test("what a command printed can be read after its session has ended", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([reply.calls([bash({ command: "seq 100000" })]), reply.text("Counted.")])
  await using bench = workbench(server)
  const { lines } = await bench.run(["-p", "Count", ...RUN])
  const id = lines.find((line) => line.subtype === "task_started")!.task_id
  const output = await bench.run(["tasks", "output", id])
  expect(output.stdout.split("\n")).toHaveLength(100_001)
  // The model got the beginning and the end.
  expect(results(lines)[0]).toMatch(/^1\n2\n/)
  expect(results(lines)[0]).toContain("100000\n(exit code 0")
  expect(results(lines)[0]!.length).toBeLessThan(31_000)
})

test("commands never see the providers' keys", async () => {
  await using server = await startModelServer()
  server.script = script.inOrder([reply.calls([bash({ command: "env" })]), reply.text("Seen.")])
  await using bench = workbench(server)
  const { lines } = await bench.run(["-p", "Look", ...RUN])
  expect(results(lines)[0]).toContain("PATH=")
  expect(results(lines)[0]).not.toMatch(/API_KEY|BUN_/)
})
