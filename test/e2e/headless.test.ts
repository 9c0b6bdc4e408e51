// `-p` as scripts use it: formats, exit codes, sessions, permissions, bad input from the model, and errors on the wire.
import { describe, expect, test } from "bun:test"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "../../testing/gate.ts"
import { workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

async function serverWith(...steps: Parameters<typeof script.inOrder>[0]) {
  const server = await startModelServer()
  server.script = script.inOrder(steps)
  return server
}

describe("output", () => {
  test("text is the last reply and nothing else", async () => {
    await using server = await serverWith(
      reply.calls([{ name: "Glob", input: { pattern: "*" } }], { text: "Let me look." }),
      reply.text("There is nothing."),
    )
    await using bench = workbench(server)
    const { exit, stdout, stderr } = await bench.run(["-p", "What is here?"])
    expect([exit, stdout, stderr]).toEqual([0, "There is nothing.\n", ""])
  })

  test("terminal sequences of a model don't reach the terminal", async () => {
    await using server = await serverWith(reply.text("red \x1b[31malert\x1b[0m \x1b]0;title\x07 end"))
    await using bench = workbench(server)
    expect((await bench.run(["-p", "Colour?"])).stdout).toBe("red alert  end\n")
  })

  test("json is the result object alone, with sums over the ledger", async () => {
    await using server = await serverWith(
      reply.text("Four.").usage({ input: 1000, output: 10, cacheRead: 500, cacheWrite: 0 }),
    )
    await using bench = workbench(server)
    const { stdout } = await bench.run(["-p", "2 + 2?", "--output-format", "json"])
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({ type: "result", subtype: "success", is_error: false, result: "Four.", num_turns: 1 })
    expect(result.usage).toEqual({
      input_tokens: 1000,
      output_tokens: 10,
      cache_read_input_tokens: 500,
      cache_creation_input_tokens: 0,
    })
    expect(result.modelUsage["anthropic/claude-sonnet-5-5"]).toMatchObject({
      inputTokens: 1000,
      outputTokens: 10,
      cacheReadInputTokens: 500,
    })
    expect(result.total_cost_usd).toBeGreaterThan(0)
    expect(result.session_usage).toEqual({
      usage: result.usage,
      modelUsage: result.modelUsage,
      total_cost_usd: result.total_cost_usd,
      cost_is_estimated: false,
    })
  })

  test("stream-json begins with init and ends with the result", async () => {
    await using server = await serverWith(reply.text("Hello."))
    await using bench = workbench(server)
    const { lines } = await bench.run(["-p", "Hi", "--output-format", "stream-json"])
    expect(lines.map((line) => line.type)).toEqual(["system", "assistant", "result"])
    expect(lines[0]).toMatchObject({
      subtype: "init",
      model: "anthropic/claude-sonnet-5-5",
      apiKeySource: "ANTHROPIC_API_KEY",
      mcp_servers: [],
      permissionMode: "default",
    })
    expect(lines[0]!.tools).toContain("Agent")
    expect(lines[1]!.message).toMatchObject({
      role: "assistant",
      content: [{ type: "text", text: "Hello." }],
      stop_reason: "end_turn",
    })
  })

  test("standard input is added to the prompt, or is it", async () => {
    await using server = await serverWith(reply.text("Read."), reply.text("Read."))
    await using bench = workbench(server)
    await bench.run(["-p", "Summarise:"], { stdin: "the text\n" })
    expect(server.requests[0]!.prompt).toBe("Summarise:\n\nthe text")
    await bench.run(["-p"], { stdin: "only this" })
    expect(server.requests[1]!.prompt).toBe("only this")
  })

  test("without a prompt it says how to give one", async () => {
    await using bench = workbench()
    const { exit, stderr } = await bench.run(["-p"])
    expect(exit).toBe(2)
    expect(stderr).toContain("needs a prompt")
  })
})

describe("sessions", () => {
  test("--continue and --resume go on with the same conversation, byte for byte", async () => {
    await using server = await startModelServer()
    const told = [
      reply.calls([{ name: "Glob", input: { pattern: "*" } }]),
      reply.text("One."),
      reply.text("Two."),
      reply.text("Three."),
      reply.text("Four."),
    ]
    server.script = script.inOrder(told)
    await using bench = workbench(server)
    const first = JSON.parse((await bench.run(["-p", "First", "--output-format", "json", "-n", "counting"])).stdout)
    expect((await bench.run(["-p", "Second", "-c"])).stdout).toBe("Two.\n")
    const third = JSON.parse(
      (await bench.run(["-p", "Third", "--resume", "counting", "--output-format", "json"])).stdout,
    )
    expect(third.session_id).toBe(first.session_id)
    expect(third.num_turns).toBe(1)
    expect(third.session_usage.usage.output_tokens).toBeGreaterThan(third.usage.output_tokens)
    const list = await bench.run(["sessions"])
    expect(list.stdout).toContain("counting")
    expect((await bench.run(["-p", "Fourth", "--resume", first.session_id.slice(0, 6)])).stdout).toBe("Four.\n")
    server.check()
    expect(server.conversations()).toHaveLength(1)
  })

  test("an unknown session is said, with how to list them", async () => {
    await using bench = workbench()
    for (const args of [["-c"], ["--resume", "nowhere"]]) {
      const { exit, stderr } = await bench.run(["-p", "Hi", ...args])
      expect(exit).toBe(1)
      expect(stderr).toMatch(/^meanwhile: There is no session/)
    }
  })

  test("a session that another process drives is not driven twice", async () => {
    const held = new Gate()
    await using server = await serverWith(reply.text("Late.").gate(held), reply.text("Both."))
    await using bench = workbench(server)
    const first = bench.start(["-p", "Slow"])
    await server.received(1)
    const second = bench.start(["-p", "Quick", "-c"])
    // Its prompt goes to the process that drives it: one conversation, one request at a time.
    await bench.stored("SELECT 1 FROM inbox WHERE content LIKE '%Quick%'")
    expect(server.requests).toHaveLength(1)
    held.open()
    expect([await first.finished, await second.finished].map(({ stdout }) => stdout)).toEqual(["Both.\n", "Both.\n"])
    server.check()
  })
})

describe("permissions", () => {
  const write = { name: "Write", input: { file_path: "new.txt", content: "x" } }

  test("without flags it may read, and a refused call that ends the work is exit 4", async () => {
    await using server = await serverWith(
      reply.calls([{ name: "Bash", input: { command: "ls -la" } }, write]),
      reply.text("I was not allowed."),
    )
    await using bench = workbench(server)
    const { exit, lines } = await bench.run(["-p", "Write it", "--output-format", "stream-json"])
    expect(exit).toBe(4)
    expect(lines.at(-1)).toMatchObject({ subtype: "error_permission", result: "I was not allowed." })
    expect(await Bun.file(join(bench.cwd, "new.txt")).exists()).toBe(false)
    const [read, refused] = server.requests[1]!.results
    expect(JSON.stringify(read)).toContain("exit code 0")
    expect(JSON.stringify(refused)).toContain("--allowedTools")
  })

  test("a model that finds another way ends with 0", async () => {
    await using server = await serverWith(
      reply.calls([write]),
      reply.calls([{ name: "Glob", input: { pattern: "*" } }]),
      reply.text("Done without."),
    )
    await using bench = workbench(server)
    expect((await bench.run(["-p", "Write it"])).exit).toBe(0)
  })

  test.each([
    ["--allowedTools", "Write"],
    ["--permission-mode", "acceptEdits"],
  ])("%s %s gives it", async (flag, value) => {
    await using server = await serverWith(reply.calls([write]), reply.text("Written."))
    await using bench = workbench(server)
    expect((await bench.run(["-p", "Write it", flag, value])).exit).toBe(0)
    expect(await Bun.file(join(bench.cwd, "new.txt")).text()).toBe("x")
  })

  test("a denied rule wins over everything", async () => {
    await using server = await serverWith(reply.calls([write]), reply.text("No."))
    await using bench = workbench(server)
    const { exit } = await bench.run([
      "-p",
      "Write it",
      "--permission-mode",
      "bypassPermissions",
      "--disallowedTools",
      "Write",
    ])
    expect(exit).toBe(4)
  })
})

describe("bad input from a model", () => {
  test("becomes a tool error that says how to mend the call, and the turn goes on", async () => {
    const bad = [
      { name: "NoSuchTool", input: {} },
      { name: "Grep", input: { path: "." } },
      { name: "Read", input: { file_path: "absent.txt" } },
      { name: "Edit", json: '{"file_path": "a.txt", "old_string": ' },
      { name: "Agent", input: { subagent_type: "nobody", description: "x", prompt: "x" } },
      { name: "TaskOutput", input: { task_id: "zzz" } },
      { name: "Grep", input: { pattern: "(" } },
    ]
    await using server = await serverWith(reply.calls(bad), reply.text("Sorry."))
    await using bench = workbench(server)
    const { exit, lines } = await bench.run(["-p", "Do it wrong", "--output-format", "stream-json"])
    expect(exit).toBe(0)
    const results = lines.filter((line) => line.type === "user").map((line) => line.message.content[0])
    expect(results).toHaveLength(bad.length)
    expect(results.every((result) => result.is_error)).toBe(true)
    const texts = results.map((result) => result.content[0].text).join("\n")
    for (const hint of ["no tool named", "pattern", "absent.txt", "JSON", "general-purpose", "no task"])
      expect(texts).toContain(hint)
  })
})

describe("errors on the wire", () => {
  test("a wrong key says which variable to check, and the session goes on later", async () => {
    await using server = await serverWith(
      reply.error(401, { type: "authentication_error", message: "invalid x-api-key" }),
    )
    await using bench = workbench(server)
    const { exit, stdout, stderr } = await bench.run(["-p", "Hi"])
    expect([exit, stdout]).toEqual([1, ""])
    expect(stderr).toContain("ANTHROPIC_API_KEY")
    expect(stderr).toContain("--resume")
    expect(stderr).not.toContain("at ")
    server.script = script.inOrder([reply.text("Hello at last.")])
    expect((await bench.run(["-p", "Hi again", "-c"])).stdout).toBe("Hello at last.\n")
    server.check()
  })

  test.each([
    ["overloaded", reply.error(529, { type: "overloaded_error", retryAfter: 0 })],
    ["rate limited", reply.error(429, { retryAfter: 0 })],
    ["cut before the answer", reply.text("x").cut("before-headers")],
    ["cut in the middle", reply.text("a long answer that is cut in the middle").cut({ afterBytes: 500 })],
    ["garbage", reply.raw("<html>not a stream</html>", { headers: { "content-type": "text/event-stream" } })],
  ])("%s: asked again, and the answer is whole", async (_name, trouble) => {
    await using server = await serverWith(trouble, reply.text("Here it is."))
    await using bench = workbench(server)
    const { exit, stdout, stderr } = await bench.run(["-p", "Hi", "--verbose"])
    expect([exit, stdout]).toEqual([0, "Here it is.\n"])
    expect(stderr).toContain("asking again")
    expect(server.requests).toHaveLength(2)
  })

  test("a model that goes on for ever is stopped by --max-turns, exit 5", async () => {
    await using server = await startModelServer()
    server.script = () => reply.calls([{ name: "Glob", input: { pattern: "*" } }])
    await using bench = workbench(server)
    const { exit, stdout } = await bench.run(["-p", "Go on", "--max-turns", "3", "--output-format", "json"])
    expect(exit).toBe(5)
    expect(JSON.parse(stdout)).toMatchObject({ subtype: "error_max_turns", num_turns: 3 })
    expect(server.requests).toHaveLength(3)
  })
})

describe("agents of one's own", () => {
  test("--agent is that agent: its prompt and its tools", async () => {
    await using server = await serverWith(reply.text("Reviewed."))
    await using bench = workbench(server)
    mkdirSync(join(bench.cwd, ".claude/agents"), { recursive: true })
    writeFileSync(
      join(bench.cwd, ".claude/agents/reviewer.md"),
      "---\nname: reviewer\ndescription: Reviews code\ntools: Read, Grep\n---\nYou review with great care.\n",
    )
    const { exit, stdout } = await bench.run(["-p", "Review", "--agent", "reviewer"])
    expect([exit, stdout]).toEqual([0, "Reviewed.\n"])
    expect(server.requests[0]!.system).toContain("You review with great care.")
    expect(server.requests[0]!.tools.map((tool) => tool.name)).toEqual(["Read", "Grep"])
    expect((await bench.run(["agents", "list"])).stdout).toContain("reviewer")
    const unknown = await bench.run(["-p", "Review", "--agent", "revewer"])
    expect(unknown.exit).toBe(2)
    expect(unknown.stderr).toContain("reviewer")
  })
})

test("a message that comes while the turn runs joins at the next step", async () => {
  // In this version a message can only come from the program's own inbox: a task's notice is one.
  const slow = new Gate()
  await using server = await serverWith(
    reply.calls([{ name: "Bash", input: { command: "echo quick", run_in_background: true } }]),
    reply.calls([{ name: "Glob", input: { pattern: "*" } }]).gate(slow),
    (request) => reply.text(`Steered: ${request.news.includes("quick")}`),
  )
  await using bench = workbench(server)
  const run = bench.start(["-p", "Go", "--output-format", "stream-json", "--permission-mode", "bypassPermissions"])
  await run.line((line) => line.subtype === "task_notification")
  slow.open()
  const { lines } = await run.finished
  server.check()
  expect(lines.at(-1)!.result).toBe("Steered: true")
  expect(server.requests).toHaveLength(3)
})

test("two new sessions of one name in a folder are told apart", async () => {
  await using bench = workbench()
  for (const _ of [1, 2]) await bench.run(["-p", "hello", "-n", "twin"])
  const names = JSON.parse((await bench.run(["sessions", "--json"])).stdout).map(
    (session: { name: string }) => session.name,
  )
  expect(names.sort()).toEqual(["twin", "twin (2)"])
})
