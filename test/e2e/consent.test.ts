// What tasks report is not the user's word: while the user is asked something, what they wake may only read and report.
import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { eventually } from "../../testing/harness.ts"
import { type Running, type StreamLine, workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

const ARGS = ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--allowedTools", "Bash"]
const send = (run: Running, line: object) => run.write(`${JSON.stringify(line)}\n`)
const prompt = (text: string) => ({ type: "user", message: { role: "user", content: text } })
const bash = (command: string, more: object = {}) => ({ name: "Bash", input: { command, ...more } })
const resultOf = (text: string) => (line: StreamLine) =>
  line.type === "user" &&
  JSON.stringify(line.message.content).includes("tool_result") &&
  JSON.stringify(line).includes(text)

test("a wake turn reads at once, and changes something only after the user has answered", async () => {
  await using server = await startModelServer()
  server.script = script.byAgent([
    {
      name: "root",
      match: "Begin",
      steps: [
        reply.calls([
          {
            name: "Agent",
            input: { subagent_type: "general-purpose", description: "w", prompt: "Write it.", run_in_background: true },
          },
          bash("until [ -e go ]; do sleep 0.02; done", { run_in_background: true }),
        ]),
        reply.text("At work."),
        reply.calls([bash("ls -a . && pwd"), bash("touch acted; echo it is done")]),
        reply.text("Reported."),
        reply.text("Over."),
        reply.text("Over."),
      ],
    },
    {
      name: "side",
      match: /^Write it/,
      steps: [reply.calls([{ name: "Write", input: { file_path: "a.txt", content: "x" } }]), reply.text("Written.")],
    },
  ])
  await using bench = workbench(server)
  const run = bench.start(ARGS, { stdin: "open" })
  send(run, prompt("Begin"))
  const asked = await run.line((line) => line.subtype === "permission_request")
  await Bun.write(join(bench.cwd, "go"), "")
  await run.line(resultOf("go"))
  await bench.stored("SELECT 1 FROM tool_call WHERE input LIKE '%touch acted%' AND state = 'pending'")
  expect(existsSync(join(bench.cwd, "acted"))).toBe(false)
  send(run, { type: "permission_response", request_id: asked.request_id, behavior: "deny" })
  await run.line(resultOf("it is done"))
  await eventually("it acted", () => existsSync(join(bench.cwd, "acted")))
  run.end()
  expect((await run.finished).exit).toBe(0)
})

test("what the user says meanwhile counts: the turn they start acts at once", async () => {
  await using server = await startModelServer()
  server.script = script.byAgent([
    {
      name: "root",
      match: "Begin",
      steps: [
        reply.calls([
          {
            name: "Agent",
            input: { subagent_type: "general-purpose", description: "w", prompt: "Write it.", run_in_background: true },
          },
        ]),
        reply.text("At work."),
        reply.calls([bash("touch acted; echo it is done")]),
        ...Array.from({ length: 3 }, () => reply.text("Over.")),
      ],
    },
    {
      name: "side",
      match: /^Write it/,
      steps: [reply.calls([{ name: "Write", input: { file_path: "a.txt", content: "x" } }]), reply.text("Written.")],
    },
  ])
  await using bench = workbench(server)
  const run = bench.start(ARGS, { stdin: "open" })
  send(run, prompt("Begin"))
  const asked = await run.line((line) => line.subtype === "permission_request")
  await server.receivedWhere(() => server.requests.length >= 3)
  send(run, prompt("Touch it now"))
  await run.line(resultOf("it is done"))
  send(run, { type: "permission_response", request_id: asked.request_id, behavior: "deny" })
  run.end()
  expect((await run.finished).exit).toBe(0)
})
