// What tasks report is not the user's word: while the user is asked something, what they wake may only read and report.
import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { agent, BEHIND, shell } from "../../testing/calls.ts"
import { eventually } from "../../testing/harness.ts"
import { type Running, type StreamLine, type Workbench, workbench } from "../../testing/headless.ts"
import { type ModelServer, reply, type Step, script, startModelServer } from "../../testing/model-server.ts"

const ARGS = ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--allowedTools", "Bash"]
const send = (run: Running, line: object) => run.write(`${JSON.stringify(line)}\n`)
const prompt = (text: string) => ({ type: "user", message: { role: "user", content: text } })
const resultOf = (text: string) => (line: StreamLine) =>
  line.type === "user" &&
  JSON.stringify(line.message.content).includes("tool_result") &&
  JSON.stringify(line).includes(text)

interface Asking extends AsyncDisposable {
  readonly server: ModelServer
  readonly bench: Workbench
  readonly run: Running
  /** The user's word on it: nobody has given it yet. */
  deny(): void
}

/** A conversation with an agent in the background that asks whether it may write; `steps`: what its model says. */
async function agentAsks(steps: readonly Step[]): Promise<Asking> {
  const server = await startModelServer()
  server.script = script.byAgent([
    { name: "root", match: "Begin", steps },
    {
      name: "side",
      match: /^Write it/,
      steps: [reply.calls([{ name: "Write", input: { file_path: "a.txt", content: "x" } }]), reply.text("Written.")],
    },
  ])
  const bench = workbench(server)
  const run = bench.start(ARGS, { stdin: "open" })
  send(run, prompt("Begin"))
  const asked = await run.line((line) => line.subtype === "permission_request")
  return {
    server,
    bench,
    run,
    deny: () => send(run, { type: "permission_response", request_id: asked.request_id, behavior: "deny" }),
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

const writer = agent("w", "Write it.", BEHIND)

test("a wake turn reads at once, and changes something only after the user has answered", async () => {
  await using it = await agentAsks([
    reply.calls([writer, shell("until [ -e go ]; do sleep 0.02; done", BEHIND)]),
    reply.text("At work."),
    reply.calls([shell("ls -a . && pwd"), shell("touch acted; echo it is done")]),
    reply.text("Reported."),
    reply.text("Over."),
    reply.text("Over."),
  ])
  const { bench, run } = it
  await Bun.write(join(bench.cwd, "go"), "")
  await run.line(resultOf("go"))
  await bench.stored("SELECT 1 FROM tool_call WHERE input LIKE '%touch acted%' AND state = 'pending'")
  expect(existsSync(join(bench.cwd, "acted"))).toBe(false)
  it.deny()
  await run.line(resultOf("it is done"))
  await eventually("it acted", () => existsSync(join(bench.cwd, "acted")))
  run.end()
  expect((await run.finished).exit).toBe(0)
})

test("what the user says meanwhile counts: the turn they start acts at once", async () => {
  await using it = await agentAsks([
    reply.calls([writer]),
    reply.text("At work."),
    reply.calls([shell("touch acted; echo it is done")]),
    ...Array.from({ length: 3 }, () => reply.text("Over.")),
  ])
  const { server, run } = it
  await server.receivedWhere(() => server.requests.length >= 3)
  send(run, prompt("Touch it now"))
  await run.line(resultOf("it is done"))
  it.deny()
  run.end()
  expect((await run.finished).exit).toBe(0)
})
