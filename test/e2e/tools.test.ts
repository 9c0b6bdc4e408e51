// Tools that speak with the rest of the program, over HTTP: the folder of commands, messages to agents, monitors, todos
// and questions.
import { describe, expect, test } from "bun:test"
import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "../../testing/gate.ts"
import { type Running, type StreamLine, workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

const STREAM = ["--output-format", "stream-json", "--permission-mode", "bypassPermissions"]
const LINES = ["-p", "--input-format", "stream-json", "--output-format", "stream-json"]
const send = (run: Running, line: object) => run.write(`${JSON.stringify(line)}\n`)
const prompt = (text: string) => ({ type: "user", message: { role: "user", content: text } })
const bash = (command: string) => reply.calls([{ name: "Bash", input: { command } }])
const results = (lines: StreamLine[]): string[] =>
  lines
    .filter((line) => line.type === "user" && line.message.content[0].type === "tool_result")
    .map((line) => line.message.content[0].content[0].text)

describe("the folder of commands", () => {
  test("is where the last one in the foreground ended, also in the next call of the session", async () => {
    await using server = await startModelServer()
    server.script = script.inOrder([
      bash("mkdir -p a/b && cd a/b && false"),
      bash("pwd"),
      reply.text("Moved."),
      bash("pwd"),
      reply.text("Still there."),
    ])
    await using bench = workbench(server)
    const first = await bench.run(["-p", "Move", ...STREAM])
    const [moved, inside] = results(first.lines)
    expect(moved).toMatch(/\(exit code 1, .*, now in .*\/a\/b\)$/)
    expect(inside).toContain("/a/b\n(exit code 0")
    const second = await bench.run(["-p", "Where?", "-c", ...STREAM])
    expect(results(second.lines)[0]).toContain("/a/b\n(exit code 0")
  })

  test("goes back to the session's own when it is gone", async () => {
    await using server = await startModelServer()
    server.script = script.inOrder([bash("mkdir gone && cd gone"), reply.text("In."), bash("pwd"), reply.text("Out.")])
    await using bench = workbench(server)
    await bench.run(["-p", "Go in", ...STREAM])
    rmSync(join(bench.cwd, "gone"), { recursive: true })
    const { exit, lines } = await bench.run(["-p", "And now?", "-c", ...STREAM])
    expect(exit).toBe(0)
    expect(results(lines)[0]).toBe(`${bench.cwd}\n(exit code 0, <1 s)`)
  })

  test("leaves exit codes and the folders of other tools alone", async () => {
    await using server = await startModelServer()
    server.script = script.inOrder([
      bash("cd sub; exit 3"),
      reply.calls([{ name: "Write", input: { file_path: "here.txt", content: "x" } }]),
      reply.text("Written."),
    ])
    await using bench = workbench(server)
    mkdirSync(join(bench.cwd, "sub"))
    const { lines } = await bench.run(["-p", "Write", ...STREAM])
    expect(results(lines)[0]).toContain("exit code 3")
    expect(await Bun.file(join(bench.cwd, "here.txt")).exists()).toBe(true)
  })
})

describe("messages to agents", () => {
  const start = {
    name: "Agent",
    input: { subagent_type: "general-purpose", description: "one", prompt: "Be the agent.", run_in_background: true },
  }
  const taskIn = (request: { results: unknown }) => JSON.stringify(request.results).match(/task ([a-z0-9]{12})/)![1]!

  test("a running one hears it at its next step", async () => {
    const slow = new Gate()
    await using server = await startModelServer()
    server.script = script.byAgent([
      {
        name: "root",
        match: "Start",
        steps: [
          reply.calls([start]),
          (request) =>
            reply.calls([
              { name: "SendMessage", input: { task_id: taskIn(request), message: "Look at the tests, too." } },
            ]),
          (request) => {
            slow.open()
            return reply.text(JSON.stringify(request.results))
          },
          reply.text("Heard."),
        ],
      },
      {
        name: "agent",
        match: "Be the agent",
        steps: [
          reply.calls([{ name: "Glob", input: { pattern: "*" } }]).gate(slow),
          (request) => reply.text(`I heard: ${request.news}`),
        ],
      },
    ])
    await using bench = workbench(server)
    const { exit, lines } = await bench.run(["-p", "Start", ...STREAM])
    server.check()
    expect(exit).toBe(0)
    expect(lines.find((line) => line.subtype === "task_notification")?.result).toContain("Look at the tests, too.")
  })

  test("one that has ended goes on in a further run, with all it knows, and reports again", async () => {
    await using server = await startModelServer()
    let task = ""
    server.script = script.byAgent([
      {
        name: "root",
        match: "Start",
        steps: [
          (request) => (request ? reply.calls([start]) : reply.text("")),
          reply.text("Waiting."),
          () => reply.calls([{ name: "SendMessage", input: { task_id: task, message: "One more thing." } }]),
          reply.text("Waiting again."),
          (request) => reply.text(`Second report: ${request.news}`),
        ],
      },
      {
        name: "agent",
        match: "Be the agent",
        steps: [reply.text("First report."), (request) => reply.text(`Answer to: ${request.news}`)],
      },
    ])
    await using bench = workbench(server)
    const run = bench.start(["-p", "Start", ...STREAM])
    task = (await run.line((line) => line.subtype === "task_started")).task_id
    const { exit, lines } = await run.finished
    server.check()
    expect(exit).toBe(0)
    const told = lines.filter((line) => line.subtype === "task_notification")
    expect(told.map((line) => line.result)).toEqual(["First report.", "Answer to: One more thing."])
    expect(new Set(told.map((line) => line.task_id)).size).toBe(1)
    expect(new Set(told.map((line) => line.run_id)).size).toBe(2)
    expect(server.conversations()).toHaveLength(2)
    expect(lines.at(-1)?.result).toContain("Answer to: One more thing.")
  })
})

test("a monitor's lines wake the conversation, in batches, and its end does so once", async () => {
  await using server = await startModelServer()
  const heard: string[] = []
  server.script = script.byAgent([
    {
      name: "root",
      match: "Watch",
      steps: [
        reply.calls([
          {
            name: "Monitor",
            input: {
              command: "echo one; until [ -e go ]; do sleep 0.02; done; echo two; echo three",
              description: "the log",
            },
          },
        ]),
        reply.text("Watching."),
        ...Array.from({ length: 4 }, () => (request: { news: string }) => {
          heard.push(request.news)
          return reply.text("Noted.")
        }),
      ],
    },
  ])
  await using bench = workbench(server)
  const run = bench.start(["-p", "Watch", ...STREAM])
  await server.receivedWhere((request) => request.news.includes("one"))
  await Bun.write(join(bench.cwd, "go"), "")
  const { exit, lines } = await run.finished
  server.check()
  expect(exit).toBe(0)
  const told = heard.join("\n")
  expect(told.match(/status="running" event="1">\none\n/g)).toHaveLength(1)
  expect(told).toContain('status="completed"')
  expect(told).toContain("three")
  expect(lines.find((line) => line.subtype === "task_started")?.task_type).toBe("monitor")
  expect(lines.filter((line) => line.subtype === "task_notification")).toHaveLength(1)
})

test("a question waits for its answer where somebody can give one, and is the model's own where nobody can", async () => {
  const ask = {
    name: "AskUserQuestion",
    input: { questions: [{ question: "Tabs or spaces?", options: [{ label: "Tabs" }, { label: "Spaces" }] }] },
  }
  const steps = [reply.calls([ask]), (request: { results: unknown }) => reply.text(JSON.stringify(request.results))]
  await using server = await startModelServer({ script: script.inOrder(steps) })
  await using bench = workbench(server)
  const run = bench.start(LINES, { stdin: "open" })
  send(run, prompt("Format it"))
  const asked = await run.line((line) => line.subtype === "permission_request")
  expect(asked).toMatchObject({ tool_name: "AskUserQuestion", input: { questions: [{ question: "Tabs or spaces?" }] } })
  send(run, { type: "permission_response", request_id: asked.request_id, behavior: "allow", message: "Spaces" })
  run.end()
  expect((await run.finished).lines.at(-1)?.result).toContain("Spaces")
  server.script = script.inOrder(steps)
  const alone = await bench.run(["-p", "Format it"])
  expect(alone.exit).toBe(0)
  expect(alone.stdout).toContain("Nobody is here to answer")
})

test("a checklist is stored with the session", async () => {
  const todos = [
    { content: "Read", status: "completed" },
    { content: "Write", status: "in_progress" },
  ]
  await using server = await startModelServer({
    script: script.inOrder([reply.calls([{ name: "TodoWrite", input: { todos } }]), reply.text("Planned.")]),
  })
  await using bench = workbench(server)
  const { lines } = await bench.run(["-p", "Plan", ...STREAM])
  expect(results(lines)).toEqual(["Noted: 1 of 2 done."])
  await bench.stored("SELECT 1 FROM session WHERE todos LIKE '%in_progress%'")
})
