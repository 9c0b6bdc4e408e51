// The lines that clients of Claude Code speak: docs/decisions/0009-claude-code-clients.md.
import { expect, test } from "bun:test"
import { join } from "node:path"
import { Gate } from "../../testing/gate.ts"
import { type Running, type StreamLine, workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

/** As such clients start it: without -p. */
const ARGS = ["--output-format", "stream-json", "--verbose", "--system-prompt", "", "--input-format", "stream-json"]
const ASKING = [...ARGS, "--permission-prompt-tool", "stdio", "--include-partial-messages", "--setting-sources=user"]
const send = (run: Running, line: object) => run.write(`${JSON.stringify(line)}\n`)
const prompt = (text: string) => ({ type: "user", session_id: "default", message: { role: "user", content: text } })
const request = (id: string, request: object) => ({ type: "control_request", request_id: id, request })
const answer = (id: string, response: object) => ({
  type: "control_response",
  response: { subtype: "success", request_id: id, response },
})
const responseTo = (id: string) => (line: StreamLine) =>
  line.type === "control_response" && line.response.request_id === id
const isResult = (line: StreamLine) => line.type === "result"
const asks = (name: string) => (line: StreamLine) =>
  line.type === "control_request" && line.request.input.file_path === name
const write = (name: string) => ({ name: "Write", input: { file_path: name, content: "x" } })

test("each control request is answered, also one that can't be done", async () => {
  await using bench = workbench()
  const run = bench.start(ARGS, { stdin: "open" })
  send(run, request("1", { subtype: "initialize", hooks: null }))
  const { response } = (await run.line(responseTo("1"))).response
  expect(response.agents).toContainEqual(expect.objectContaining({ name: "explore" }))
  for (const [id, asked, error] of [
    ["2", { subtype: "dance" }, "known are initialize"],
    ["3", { subtype: "set_permission_mode", mode: "dontAsk" }, "acceptEdits"],
    ["4", { subtype: "set_model", model: "nobody/nothing" }, "nobody"],
    ["5", { subtype: "stop_task", task_id: "zzz" }, "zzz"],
    ["6", { subtype: "initialize", hooks: { Stop: [{}] } }, "Hooks"],
  ] as const) {
    send(run, request(id, asked))
    const line = await run.line(responseTo(id))
    expect(line.response.subtype).toBe("error")
    expect(line.response.error).toContain(error)
  }
  run.end()
  const { exit, stderr } = await run.finished
  expect([exit, stderr]).toEqual([0, ""])
})

test("permission is asked for as a control request: allowed, denied, and with other arguments", async () => {
  await using server = await startModelServer({
    script: script.inOrder([
      reply.calls([write("yes.txt"), write("no.txt"), write("other.txt")]),
      (request) => reply.text(JSON.stringify(request.results.map((result) => result.text))),
    ]),
  })
  await using bench = workbench(server)
  const run = bench.start(ASKING, { stdin: "open" })
  send(run, prompt("Write them"))
  for (const [name, given] of [
    ["yes.txt", { behavior: "allow", updatedInput: { content: "x", file_path: "yes.txt" } }],
    ["no.txt", { behavior: "deny", message: "not this one" }],
    ["other.txt", { behavior: "allow", updatedInput: { file_path: "changed.txt", content: "x" } }],
  ] as const) {
    const asked = await run.line(asks(name))
    expect(asked.request).toMatchObject({ subtype: "can_use_tool", tool_name: "Write", agent_id: null })
    send(run, answer(asked.request_id, given))
  }
  run.end()
  const { exit, lines, stderr } = await run.finished
  server.check()
  expect([exit, stderr]).toEqual([0, ""])
  const [yes, no, other] = JSON.parse(lines.at(-1)!.result)
  expect(yes).toContain("Created")
  expect(no).toContain("not this one")
  expect(other).toContain('"file_path":"changed.txt"')
  expect(await Bun.file(join(bench.cwd, "other.txt")).exists()).toBe(false)
  expect(lines.some((line) => line.subtype === "permission_request")).toBe(false)
})

test("a request that is not answered before the input ends is cancelled", async () => {
  await using server = await startModelServer({
    script: script.inOrder([reply.calls([write("a.txt")]), reply.text("Not allowed.")]),
  })
  await using bench = workbench(server)
  const run = bench.start(ASKING, { stdin: "open" })
  send(run, prompt("Write it"))
  const asked = await run.line(asks("a.txt"))
  run.end()
  const { exit, lines } = await run.finished
  expect(exit).toBe(4)
  expect(lines).toContainEqual({ type: "control_cancel_request", request_id: asked.request_id })
})

test("a client that can't be asked is not waited for", async () => {
  await using server = await startModelServer({
    script: script.inOrder([reply.calls([write("a.txt")]), reply.text("Not allowed."), reply.text("Hello.")]),
  })
  await using bench = workbench(server)
  const run = bench.start(ARGS, { stdin: "open" })
  send(run, request("1", { subtype: "initialize", hooks: null }))
  send(run, prompt("Write it"))
  expect(await run.line(isResult)).toMatchObject({ subtype: "error_permission", result: "Not allowed." })
  // What was refused before is no mark on what comes after.
  send(run, prompt("Hello?"))
  await run.line((line) => isResult(line) && line.subtype === "success" && line.result === "Hello.")
  run.end()
  expect((await run.finished).exit).toBe(0)
})

test("the permission mode and the model change between turns, and interrupt ends one", async () => {
  const never = new Gate()
  await using server = await startModelServer()
  server.script = script.inOrder([
    reply.calls([write("a.txt")]),
    reply.text("Written."),
    reply.text("never").gate(never),
    reply.text("From the other model."),
  ])
  await using bench = workbench(server)
  const run = bench.start(ASKING, { stdin: "open" })
  send(run, request("1", { subtype: "set_permission_mode", mode: "acceptEdits" }))
  expect((await run.line(responseTo("1"))).response.response).toEqual({ mode: "acceptEdits" })
  send(run, prompt("Write it"))
  await run.line((line) => isResult(line) && line.result === "Written.")
  send(run, prompt("Think long"))
  await server.received(3)
  send(run, request("2", { subtype: "interrupt" }))
  await run.line(responseTo("2"))
  // What was said before is not the answer to what was cut short.
  await run.line((line) => isResult(line) && line.subtype === "error_during_execution" && line.result === "")
  send(run, request("3", { subtype: "set_model", model: "anthropic/claude-haiku-4-5" }))
  await run.line(responseTo("3"))
  send(run, prompt("Again"))
  await run.line((line) => isResult(line) && line.result === "From the other model.")
  run.end()
  expect((await run.finished).exit).toBe(0)
  expect(server.requests.at(-1)!.model).toBe("claude-haiku-4-5")
})

test("options that would promise what is not there are refused", async () => {
  await using bench = workbench()
  for (const [args, told] of [
    [["-p", "x", "--permission-prompt-tool", "stdio"], "--input-format stream-json"],
    [[...ARGS, "--permission-prompt-tool", "mcp__auth__ask"], "stdio"],
    [[...ARGS, "--setting-sources=project"], "--setting-sources"],
    [["-p", "x", "--dangerously-skip-permissions", "--permission-mode", "plan"], "exclude each other"],
  ] as const) {
    const { exit, stderr } = await bench.run(args)
    expect(exit).toBe(2)
    expect(stderr).toContain(told)
  }
})

test("--system-prompt takes the place of the agent's own", async () => {
  await using server = await startModelServer({ script: script.inOrder([reply.text("Arr.")]) })
  await using bench = workbench(server)
  await bench.run(["-p", "Hi", "--system-prompt", "You are a pirate."])
  expect(server.requests[0]!.system).toStartWith("You are a pirate.\n\n<environment>")
})
