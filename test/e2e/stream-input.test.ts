// `--input-format stream-json`: prompts while a turn runs, answers to permission requests, controls, and bad lines.
import { expect, test } from "bun:test"
import { join } from "node:path"
import { Gate } from "../../testing/gate.ts"
import { type Running, type StreamLine, workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

const ARGS = ["-p", "--input-format", "stream-json", "--output-format", "stream-json"]
const send = (run: Running, line: object) => run.write(`${JSON.stringify(line)}\n`)
const prompt = (text: string) => ({ type: "user", message: { role: "user", content: text } })
const isResult = (line: StreamLine) => line.type === "result"

test("each prompt gets its result, in one session and one process", async () => {
  await using server = await startModelServer({ script: script.inOrder([reply.text("One."), reply.text("Two.")]) })
  await using bench = workbench(server)
  const run = bench.start(ARGS, { stdin: "open" })
  send(run, prompt("First"))
  await run.line((line) => isResult(line) && line.result === "One.")
  send(run, prompt("Second"))
  await run.line((line) => isResult(line) && line.result === "Two.")
  run.end()
  const { exit, lines } = await run.finished
  server.check()
  expect(exit).toBe(0)
  expect(lines.filter(isResult)).toHaveLength(2)
  expect(server.conversations()).toHaveLength(1)
})

test("a prompt that comes while the turn runs joins at the next step", async () => {
  const slow = new Gate()
  await using server = await startModelServer({
    script: script.inOrder([
      reply.calls([{ name: "Glob", input: { pattern: "*" } }]).gate(slow),
      (request) => reply.text(`Steered: ${request.news.includes("and quickly")}`),
    ]),
  })
  await using bench = workbench(server)
  const run = bench.start(ARGS, { stdin: "open" })
  send(run, prompt("Do it"))
  await server.received(1)
  send(run, prompt("and quickly"))
  // Only when it is stored does the step end.
  await bench.stored("SELECT 1 FROM inbox WHERE content LIKE '%and quickly%'")
  slow.open()
  run.end()
  const { exit, lines } = await run.finished
  server.check()
  expect(exit).toBe(0)
  expect(lines.filter(isResult).map((line) => line.result)).toEqual(["Steered: true"])
})

test("a permission request waits for its answer: allowed it runs, denied the model is told", async () => {
  const write = (name: string) => ({ name: "Write", input: { file_path: name, content: "x" } })
  await using server = await startModelServer({
    script: script.inOrder([
      reply.calls([write("yes.txt"), write("no.txt")]),
      (request) => reply.text(JSON.stringify(request.results)),
    ]),
  })
  await using bench = workbench(server)
  const run = bench.start(ARGS, { stdin: "open" })
  send(run, prompt("Write both"))
  for (const [name, behavior] of [
    ["yes.txt", "allow"],
    ["no.txt", "deny"],
  ]) {
    const asked = await run.line((line) => line.subtype === "permission_request" && line.input.file_path === name)
    expect(asked).toMatchObject({ tool_name: "Write", task_id: null })
    send(run, { type: "permission_response", request_id: asked.request_id, behavior, message: "not this one" })
  }
  run.end()
  const { exit, lines, stderr } = await run.finished
  server.check()
  expect([exit, stderr]).toEqual([0, ""])
  expect(await Bun.file(join(bench.cwd, "yes.txt")).text()).toBe("x")
  expect(await Bun.file(join(bench.cwd, "no.txt")).exists()).toBe(false)
  expect(lines.at(-1)!.result).toContain("not this one")
})

test("when the input ends, open requests are denied instead of waited for", async () => {
  await using server = await startModelServer({
    script: script.inOrder([
      reply.calls([{ name: "Write", input: { file_path: "a", content: "x" } }]),
      reply.text("Not allowed."),
    ]),
  })
  await using bench = workbench(server)
  const run = bench.start(ARGS, { stdin: "open" })
  send(run, prompt("Write it"))
  await run.line((line) => line.subtype === "permission_request")
  run.end()
  const { exit } = await run.finished
  expect(exit).toBe(4)
})

test("background releases the turn, stop_task ends the task quietly, and the conversation goes on", async () => {
  await using server = await startModelServer({
    script: script.inOrder([
      reply.calls([{ name: "Bash", input: { command: "sleep 600" } }]),
      reply.text("It is in the background."),
      reply.text("Still here."),
    ]),
  })
  await using bench = workbench(server)
  const run = bench.start([...ARGS, "--permission-mode", "bypassPermissions"], { stdin: "open" })
  send(run, prompt("Run it"))
  const started = await run.line((line) => line.subtype === "task_started")
  send(run, { type: "control", action: "background" })
  await run.line((line) => line.subtype === "task_updated" && line.patch.is_backgrounded === true)
  await server.received(2)
  send(run, { type: "control", action: "stop_task", task_id: started.task_id })
  const told = await run.line((line) => line.subtype === "task_notification")
  expect(told).toMatchObject({ status: "stopped", quiet: true })
  await run.line(isResult)
  send(run, prompt("Are you there?"))
  await run.line((line) => isResult(line) && line.result === "Still here.")
  run.end()
  expect((await run.finished).exit).toBe(0)
  server.check()
})

test("interrupt ends the turn and not the conversation", async () => {
  const never = new Gate()
  await using server = await startModelServer({
    script: script.inOrder([reply.text("never").gate(never), reply.text("Fresh.")]),
  })
  await using bench = workbench(server)
  const run = bench.start(ARGS, { stdin: "open" })
  send(run, prompt("Think long"))
  await server.received(1)
  send(run, { type: "control", action: "interrupt" })
  expect(await run.line(isResult)).toMatchObject({ is_error: true, subtype: "error_during_execution" })
  server.script = script.inOrder([reply.text("Fresh.")])
  send(run, prompt("Again"))
  await run.line((line) => isResult(line) && line.result === "Fresh.")
  run.end()
  expect((await run.finished).exit).toBe(0)
})

test("bad lines are told with their number and leave the rest alone", async () => {
  await using server = await startModelServer({ script: script.inOrder([reply.text("Hello.")]) })
  await using bench = workbench(server)
  const bad = [
    "{not json",
    "[]",
    "42",
    '{"type":"nonsense"}',
    '{"type":"user"}',
    '{"type":"user","message":{"role":"user","content":""}}',
    '{"type":"user","message":{"role":"user","content":[{"type":"video"}]}}',
    '{"type":"permission_response","request_id":"x","behavior":"maybe"}',
    '{"type":"permission_response","request_id":"nobody","behavior":"allow"}',
    '{"type":"control","action":"explode"}',
    '{"type":"control","action":"stop_task"}',
    '{"type":"control","action":"stop_task","task_id":"zzz"}',
  ]
  const run = bench.start(ARGS, { stdin: `${bad.join("\n")}\n\n${JSON.stringify(prompt("Hi"))}\n` })
  const { exit, stderr, lines } = await run.finished
  expect(exit).toBe(2)
  expect(lines.at(-1)).toMatchObject({ type: "result", result: "Hello." })
  const told = stderr.trim().split("\n")
  expect(told.length).toBeGreaterThanOrEqual(bad.length)
  for (let number = 1; number <= 8; number++) expect(stderr).toContain(`Line ${number} `)
  expect(stderr).not.toMatch(/^\s+at /m)
})

test("a user's message is answered while agents work, and their reports come later", async () => {
  const work = new Gate()
  const start = (n: number) => ({
    name: "Agent",
    input: { subagent_type: "explore", description: `side ${n}`, prompt: `Examine side ${n}`, run_in_background: true },
  })
  await using server = await startModelServer()
  server.script = script.byAgent([
    {
      name: "root",
      match: "Look",
      steps: [reply.calls([start(1), start(2)]), reply.text("They are at work."), reply.text("Meanwhile, hello.")],
      // In one turn, or, where this machine is busy, in two.
      after: (request) => {
        const blocks = request.messages.flatMap((message) => message.content)
        return reply.text(
          `Both: ${blocks.filter((block) => block.type === "text" && block.text.includes("Found")).length}`,
        )
      },
    },
    { name: "side", match: /^Examine/, steps: [reply.text("Found.").gate(work)] },
  ])
  await using bench = workbench(server)
  const run = bench.start(ARGS, { stdin: "open" })
  send(run, prompt("Look"))
  await run.line((line) => line.type === "assistant" && JSON.stringify(line).includes("They are at work"))
  send(run, prompt("Hello?"))
  await run.line((line) => line.type === "assistant" && JSON.stringify(line).includes("Meanwhile, hello."))
  expect(run.seen().filter((line) => line.subtype === "task_notification")).toEqual([])
  work.open()
  run.end()
  const { exit, lines } = await run.finished
  server.check()
  expect(exit).toBe(0)
  expect(lines.at(-1)?.result).toBe("Both: 2")
})

for (const order of ["before", "after"] as const)
  test(`an agent that finishes ${order} it is moved to the background reports once`, async () => {
    const work = new Gate()
    await using server = await startModelServer()
    server.script = script.byAgent([
      {
        name: "root",
        match: "Ask it",
        steps: [
          reply.calls([
            { name: "Agent", input: { subagent_type: "explore", description: "one", prompt: "Examine it" } },
          ]),
          (request) => reply.text(`Result: ${JSON.stringify(request.results)}`),
          (request) => reply.text(`Notice: ${request.news}`),
        ],
      },
      { name: "one", match: "Examine it", steps: [reply.text("The report.").gate(work)] },
    ])
    await using bench = workbench(server)
    const run = bench.start(ARGS, { stdin: "open" })
    send(run, prompt("Ask it"))
    await server.received(2)
    const background = () => send(run, { type: "control", action: "background" })
    if (order === "before") {
      work.open()
      await run.line((line) => line.subtype === "task_updated" && line.patch.status === "completed")
      background()
    } else {
      background()
      await run.line((line) => line.subtype === "task_updated" && line.patch.is_backgrounded === true)
      work.open()
    }
    run.end()
    const { exit, lines } = await run.finished
    server.check()
    expect(exit).toBe(0)
    const result = lines.at(-1)?.result as string
    expect(result).toMatch(order === "before" ? /^Result: .*The report\./s : /^Notice: .*The report\./s)
    expect(lines.filter((line) => line.subtype === "task_notification")).toHaveLength(order === "before" ? 0 : 1)
    expect(JSON.stringify(server.requests.at(-1)?.body).match(/The report\./g)).toHaveLength(1)
  })
