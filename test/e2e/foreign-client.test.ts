// Clients of Claude Code that others wrote drive the program through whole stories: docs/decisions/0009-claude-code-clients.md.
import { expect, test } from "bun:test"
import { mkdirSync, symlinkSync } from "node:fs"
import { join, resolve } from "node:path"
import { Gate } from "../../testing/gate.ts"
import { PROGRAM, type Workbench, workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

const write = (name: string) => ({ name: "Write", input: { file_path: name, content: "x" } })
const background = {
  name: "Agent",
  input: { subagent_type: "explore", description: "look", prompt: "Examine it", run_in_background: true },
}
const looker = {
  name: "looker",
  match: "Examine it",
  steps: [reply.calls([{ name: "Glob", input: { pattern: "*" } }]), reply.text("Found it.")],
}

/** Runs a client to its end and returns what it wrote, a JSON object a line. */
async function drive(bench: Workbench, command: string[], env: Record<string, string> = {}) {
  const child = Bun.spawn(command, {
    cwd: bench.cwd,
    env: { ...bench.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const [out, err, exit] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  expect([exit, err]).toEqual([0, ""])
  return out
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

test("claude-code-sdk-ts: allowed tools, a background agent, the result, and the session continued", async () => {
  await using server = await startModelServer()
  await using bench = workbench(server)
  server.script = script.byAgent([
    {
      name: "root",
      match: "Look at it",
      steps: [
        reply.calls([write("note.txt"), { name: "Bash", input: { command: "touch not-allowed" } }, background], {
          reasoning: "Both at once.",
          text: "I look.",
        }),
        reply.text("One is at work."),
        (request) => reply.text(`It says: ${request.news.includes("Found it.")}`),
        reply.calls([{ name: "Bash", input: { command: "touch allowed" } }]),
        reply.text("Now it is allowed."),
      ],
    },
    looker,
  ])
  // The library finds its program by name.
  const shim = join(bench.home, "bin")
  mkdirSync(shim, { recursive: true })
  symlinkSync(PROGRAM, join(shim, "claude"))
  const client = join(import.meta.dir, "fixtures/claude-code-sdk.ts")
  const options = JSON.stringify({ cwd: bench.cwd, model: "anthropic/claude-sonnet-5-5" })
  const messages = await drive(bench, [process.execPath, client, options], { PATH: `${shim}:${bench.env.PATH}` })
  server.check()

  const said = messages
    .filter((message) => message.type === "assistant")
    .flatMap((message) => message.content)
    .map((block) => block.text ?? block.name ?? block.type)
  const rest = ["Found it.", "One is at work.", "It says: true", "Bash", "Now it is allowed."]
  expect(said.slice(0, 5)).toEqual(["thinking", "I look.", "Write", "Bash", "Agent"])
  expect(said).toEqual(expect.arrayContaining(["Glob", ...rest]))
  const results = messages.filter((message) => message.type === "result")
  expect(results.map((message) => message.subtype)).toEqual(["success", "success"])
  expect(results[0].usage.output_tokens).toBeGreaterThan(0)
  expect(new Set(messages.map((message) => message.session_id)).size).toBe(1)
  expect(await Bun.file(join(bench.cwd, "note.txt")).text()).toBe("x")
  expect(await Bun.file(join(bench.cwd, "not-allowed")).exists()).toBe(false)
  expect(await Bun.file(join(bench.cwd, "allowed")).exists()).toBe(true)
})

/** A Python that has claude-agent-sdk; the tests of a clone need Node only, so this one runs where somebody gives it. */
const python = process.env.CLAUDE_SDK_PYTHON

test.skipIf(!python)("claude-agent-sdk (Python): permissions, modes and interrupts, both ways", async () => {
  const never = new Gate()
  await using server = await startModelServer()
  await using bench = workbench(server)
  server.script = script.byAgent([
    {
      name: "root",
      match: "Write both",
      steps: [
        reply.calls([write("yes.txt"), write("no.txt"), background], { reasoning: "Hm.", text: "At work." }),
        reply.text("One looks."),
        reply.text("It has looked."),
        reply.calls([write("third.txt")]),
        reply.text("Third."),
        async () => {
          await Bun.write(join(bench.cwd, "thinking"), "")
          return reply.text("never").gate(never)
        },
      ],
    },
    looker,
  ])
  const client = join(import.meta.dir, "fixtures/claude-agent-sdk.py")
  const told = await drive(bench, [python!, client, resolve(PROGRAM), bench.cwd])
  server.check()
  const of = (kind: string) => told.filter((message) => message.kind === kind)
  expect(of("asked").map(({ input }) => input.file_path)).toEqual(["yes.txt", "no.txt"])
  expect(of("TaskStartedMessage")).toMatchObject([{ description: "look", task_type: "agent" }])
  expect(of("TaskNotificationMessage")).toMatchObject([{ status: "completed", summary: "look" }])
  expect(of("ResultMessage").map((message) => [message.subtype, message.result])).toEqual([
    ["success", "It has looked."],
    ["success", "Third."],
    ["error_during_execution", ""],
  ])
  const files = ["yes.txt", "no.txt", "third.txt"].map((name) => Bun.file(join(bench.cwd, name)).exists())
  expect(await Promise.all(files)).toEqual([true, false, true])
})
