// Compaction as a user's script has it: by itself in a small window, after a model's refusal, and asked for; nothing is
// done twice because of it.
import { describe, expect, test } from "bun:test"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { CompactionRow } from "../../src/store/rows.ts"
import { driving } from "../../testing/driving.ts"
import { Gate } from "../../testing/gate.ts"
import { eventually } from "../../testing/harness.ts"
import { type Workbench, workbench } from "../../testing/headless.ts"
import { type RecordedRequest, reply, script, startModelServer } from "../../testing/model-server.ts"

const STREAM = ["--output-format", "stream-json", "--verbose"]
const MODEL = "anthropic/claude-sonnet-5-5"
/** No requests but the conversations' own. */
const QUIET = { memory: { updates: false }, titles: "prompt" }

function settings(bench: Workbench, { window, ...more }: { window: number; [key: string]: unknown }): void {
  mkdirSync(bench.home, { recursive: true })
  const models = { [MODEL]: { contextWindow: window }, "openai/gpt-6-sol": { contextWindow: window } }
  writeFileSync(join(bench.home, "settings.json"), JSON.stringify({ models, ...more }))
}

const LONG = Array.from({ length: 600 }, (_, i) => `line ${i} of a file that nobody wants to see again`).join("\n")
const look = (offset: number) => ({ name: "Read", input: { file_path: "long.txt", offset, limit: 300 } })

const isCompacted = (request: RecordedRequest) => request.prompt.includes("The conversation was compacted")

describe("by itself", () => {
  test.each(["anthropic", "openai"] as const)(
    "a long turn is compacted at a step boundary, and goes on (%s)",
    async (protocol) => {
      await using server = await startModelServer({ restarts: isCompacted })
      const steps = Array.from({ length: 12 }, (_, i) => (request: RecordedRequest) => {
        const words = JSON.stringify(request.body).length / 4
        return reply.calls([look(1 + i * 10)]).usage({ input: Math.round(words), output: 50 })
      })
      server.script = script.inOrder([...steps, reply.text("All read.")])
      await using bench = workbench(server, protocol)
      settings(bench, { window: 24_000 })
      writeFileSync(join(bench.cwd, "long.txt"), LONG)
      const { exit, lines } = await bench.run(["-p", "Read it all, and mind the colour GREEN.", ...STREAM])
      expect(exit).toBe(0)
      server.check()
      const boundaries = lines.filter(({ subtype }) => subtype === "compact_boundary")
      expect(boundaries.length).toBeGreaterThan(0)
      for (const { compact_metadata: told } of boundaries) {
        expect(told.trigger).toBe("auto")
        expect(told.post_tokens).toBeLessThan(told.pre_tokens)
      }
      const after = server.requests.filter(isCompacted)
      expect(after.length).toBeGreaterThan(0)
      // What the user asked is there word for word, and the requests stay within the window.
      for (const request of after)
        expect(JSON.stringify(request.messages)).toContain("Read it all, and mind the colour GREEN.")
      for (const request of server.requests) expect(JSON.stringify(request.body).length / 4).toBeLessThan(24_000)
      // System and tools are the same bytes as before.
      for (const request of after) {
        expect(request.system).toBe(server.requests[0]!.system)
        expect(request.body.tools).toEqual(server.requests[0]!.body.tools)
      }
    },
  )
})

describe("a request that the model refuses as too long", () => {
  const tooLong = () =>
    reply.error(400, { type: "invalid_request_error", message: "prompt is too long: 250000 tokens > 200000 maximum" })

  test("is compacted once and asked again", async () => {
    await using server = await startModelServer({ restarts: isCompacted })
    const reads = Array.from({ length: 6 }, (_, i) =>
      reply.calls([look(1 + i * 10)]).usage({ input: 2_000, output: 50 }),
    )
    server.script = script.inOrder([...reads, tooLong(), reply.text("Done after all.")])
    await using bench = workbench(server)
    settings(bench, { window: 200_000 })
    writeFileSync(join(bench.cwd, "long.txt"), LONG)
    const { exit, stdout, lines } = await bench.run(["-p", "Read it.", ...STREAM])
    expect(stdout).toContain("Done after all.")
    expect(exit).toBe(0)
    server.check()
    const boundaries = lines.filter(({ subtype }) => subtype === "compact_boundary")
    expect(boundaries.map((line) => line.compact_metadata.cause)).toEqual(["overflow"])
    const [refused, again] = server.requests.slice(-2)
    expect(JSON.stringify(again!.body).length).toBeLessThan(JSON.stringify(refused!.body).length / 2)
  })

  test("is told clearly when it stays too long", async () => {
    await using server = await startModelServer({ restarts: isCompacted })
    const reads = Array.from({ length: 6 }, (_, i) =>
      reply.calls([look(1 + i * 10)]).usage({ input: 2_000, output: 50 }),
    )
    server.script = script.inOrder([...reads, tooLong(), tooLong()])
    await using bench = workbench(server)
    settings(bench, { window: 200_000 })
    writeFileSync(join(bench.cwd, "long.txt"), LONG)
    const { exit, stderr } = await bench.run(["-p", "Read it.", "--verbose"])
    expect(exit).toBe(1)
    expect(stderr).toMatch(/▤ Compacted because the model found it too long: kept the last \d+ messages?; /)
    expect(stderr).toContain("also compacted")
    expect(stderr).toContain("--model")
    expect(server.requests).toHaveLength(8)
  })

  test("is not asked again when nothing can be left out", async () => {
    await using server = await startModelServer()
    server.script = script.inOrder([tooLong()])
    await using bench = workbench(server)
    const { exit, stderr } = await bench.run(["-p", "x".repeat(5_000)])
    expect(exit).toBe(1)
    expect(stderr).toContain("too long")
    expect(server.requests).toHaveLength(1)
  })
})

describe("with work under way", () => {
  const behind = { run_in_background: true }
  const agent = (name: string) => ({
    name: "Agent",
    input: { subagent_type: "general-purpose", description: name, prompt: `Be ${name}.`, ...behind },
  })
  /** The user's prompt is part of each compacted request as well. */
  const filler = "Mind what is said here. ".repeat(800)

  test("agents that run are not started again, and what they report arrives once", async () => {
    const child = new Gate()
    await using drive = await driving({
      restarts: isCompacted,
      root: [
        reply.calls([agent("alpha")]),
        reply.text(filler),
        reply.text(filler),
        // The model tries to start it again, as one does that has forgotten it.
        reply.calls([agent("alpha")]),
        reply.text("It runs already."),
        reply.text("Alpha has come."),
      ],
      agents: { alpha: [reply.text("Alpha's report.").gate(child)] },
      settings: { ...QUIET, models: { [MODEL]: { contextWindow: 40_000 } } },
    })
    const { hosted, program, server } = drive
    const viewer = program.view(hosted.row)
    await drive.say("Start alpha.")
    const talk = drive.converse()
    await eventually("the first turn is over", () => drive.turns().at(-1)?.state === "done")
    await drive.say(filler)
    await eventually("the second turn is over", () => drive.turns().length === 2 && drive.turns()[1]!.state === "done")
    await viewer.control({ action: "compact", focus: "alpha" })
    const made = () => program.store.all<CompactionRow>("SELECT * FROM compaction")
    await eventually("it is compacted", () => made().length === 1)
    expect(made()[0]).toMatchObject({ cause: "user", focus: "alpha" })
    expect(program.store.one("SELECT 1 FROM inbox WHERE kind = 'control'")).toBeUndefined()
    await drive.say("Go on.")
    await eventually("the third turn is over", () => drive.turns().length === 3 && drive.turns()[2]!.state === "done")
    expect(drive.read('<task-ledger live="1" lists="all">')).toBe(1)
    const tasks = program.store.all("SELECT * FROM task WHERE kind = 'agent'")
    expect(tasks).toHaveLength(1)
    child.open()
    expect((await talk).type).toBe("done")
    expect(drive.end("alpha")).toEqual({ state: "completed", notice: "delivered", inbox: 0, messages: 1 })
    expect(drive.read("Alpha's report.")).toBe(1)
    server.check()
    expect(drive.errors()).toEqual([])
  })

  test("asked for in the middle of a step, it waits for the boundary", async () => {
    await using drive = await driving({
      restarts: isCompacted,
      root: [
        reply.text(filler),
        reply.calls([
          { name: "Bash", input: { command: "slow", description: "slow" } },
          { name: "Glob", input: { pattern: "*" } },
        ]),
        reply.text("Done."),
      ],
      settings: { ...QUIET, models: { [MODEL]: { contextWindow: 12_000 } }, compactAt: 0 },
    })
    const { hosted, program, server } = drive
    const viewer = program.view(hosted.row)
    await drive.say(filler)
    await drive.converse()
    await drive.say("Be slow.")
    const talk = drive.converse()
    await drive.begun("slow")
    const control = await viewer.control({ action: "compact" })
    const made = () => program.store.all<CompactionRow>("SELECT * FROM compaction")
    await viewer.control({ action: "change", permissionMode: "plan" })
    await eventually("the control behind it is done", () => hosted.row.permission_mode === "plan")
    // Those behind it are not held up, and it has not been done in the middle of the call.
    expect(made()).toEqual([])
    expect(program.store.one("SELECT 1 FROM inbox WHERE id = :control", { control })).toBeDefined()
    await drive.finish("slow", "slow is over")
    await talk
    expect(made().map(({ id }) => id)).toEqual([control])
    expect(isCompacted(drive.asked().at(-1)!)).toBe(true)
    expect(drive.read("slow is over")).toBe(1)
    expect(drive.read("Be slow.")).toBe(1)
    expect(drive.errors()).toEqual([])
    server.check()
  })

  test("asked for while the last words of a turn stream in, it is done when they are over", async () => {
    const gate = new Gate()
    await using drive = await driving({
      restarts: isCompacted,
      root: [reply.text(filler), reply.text("Done.").gate(gate)],
      settings: { ...QUIET, models: { [MODEL]: { contextWindow: 12_000 } }, compactAt: 0 },
    })
    const { hosted, program, server } = drive
    await drive.say(filler)
    await drive.converse()
    await drive.say("Say more.")
    const talk = drive.converse()
    await server.received(2)
    const control = await program.view(hosted.row).control({ action: "compact" })
    expect(program.store.one("SELECT 1 FROM compaction")).toBeUndefined()
    gate.open()
    await talk
    expect(program.store.all<CompactionRow>("SELECT * FROM compaction").map(({ id }) => id)).toEqual([control])
    expect(drive.errors()).toEqual([])
  })

  test("a notice that nobody has read yet comes once, after the compaction", async () => {
    await using drive = await driving({
      restarts: isCompacted,
      root: [
        reply.calls([{ name: "Bash", input: { command: "quick", description: "quick", ...behind } }]),
        reply.text(filler),
        reply.text("Thanks."),
      ],
      settings: { ...QUIET, models: { [MODEL]: { contextWindow: 12_000 } }, compactAt: 0 },
    })
    const { hosted, program, server } = drive
    const viewer = program.view(hosted.row)
    const stop = new AbortController()
    await drive.say(filler)
    const talk = drive.converse(stop.signal).catch(() => undefined)
    await eventually("the first turn is over", () => drive.turns().at(-1)?.state === "done")
    stop.abort(new Error("nobody drives it for now"))
    await talk
    await drive.finish("quick", "quick is over")
    expect(drive.end("quick")).toMatchObject({ inbox: 1, messages: 0 })
    await viewer.control({ action: "compact" })
    await eventually("it is compacted", () => program.store.one("SELECT 1 FROM compaction") !== undefined)
    expect(drive.end("quick")).toMatchObject({ inbox: 1, messages: 0 })
    await drive.converse()
    expect(drive.end("quick")).toMatchObject({ inbox: 0, messages: 1, notice: "delivered" })
    expect(drive.read("<task-notification")).toBe(1)
    server.check()
  })

  test("with nothing to gain, it says so", async () => {
    await using drive = await driving({ root: [reply.text("Hello.")] })
    await drive.say("Hi")
    await drive.converse()
    const viewer = drive.program.view(drive.hosted.row)
    const control = await viewer.control({ action: "compact" })
    const refused = "SELECT data FROM feed WHERE kind = 'refused' AND ref = :control"
    await eventually("it is refused", () => drive.program.store.one(refused, { control }) !== undefined)
    expect(drive.program.store.one<{ data: string }>(refused, { control })!.data).toContain("nothing to compact")
    expect(drive.program.store.one("SELECT 1 FROM compaction")).toBeUndefined()
  })

  test("an agent is compacted by itself too, and goes on with its task", async () => {
    const steps = Array.from(
      { length: 10 },
      (_, i) => (request: RecordedRequest) =>
        reply
          .calls([look(1 + i * 10)])
          .usage({ input: Math.round(JSON.stringify(request.body).length / 4), output: 50 }),
    )
    await using drive = await driving({
      restarts: isCompacted,
      root: [
        reply.calls([{ ...agent("beta"), input: { ...agent("beta").input, run_in_background: false } }]),
        reply.text("All done."),
      ],
      agents: { beta: [...steps, reply.text("Beta's report.")] },
      settings: { ...QUIET, models: { [MODEL]: { contextWindow: 24_000 } } },
    })
    writeFileSync(join(drive.bench.cwd, "long.txt"), LONG)
    await drive.say("Let beta read.")
    expect((await drive.converse()).type).toBe("done")
    drive.server.check()
    const rows = drive.program.store.all<CompactionRow>("SELECT * FROM compaction")
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) expect(row.session_id).not.toBe(drive.hosted.row.id)
    const compacted = drive.server.requests.filter(isCompacted)
    for (const request of compacted) expect(JSON.stringify(request.messages.slice(0, 2))).toContain("Be beta.")
    expect(drive.end("beta").state).toBe("completed")
    expect(drive.read("Beta's report.")).toBe(1)
  })
})

test("after a compaction, Write wants a file to be read again, and Edit does not", async () => {
  const write = { name: "Write", input: { file_path: "a.txt", content: "new\n" } }
  const edit = { name: "Edit", input: { file_path: "a.txt", old_string: "old", new_string: "older" } }
  const talk = reply.text("Mind what is said here. ".repeat(2_000))
  await using drive = await driving({
    restarts: isCompacted,
    root: [
      reply.calls([{ name: "Read", input: { file_path: "a.txt" } }]),
      reply.text("I know it."),
      ...Array.from({ length: 6 }, () => talk),
      reply.calls([edit]),
      reply.calls([write]),
      reply.calls([{ name: "Read", input: { file_path: "a.txt" } }]),
      reply.calls([write]),
      reply.calls([
        { name: "Read", input: { file_path: "message:1-2" } },
        { name: "Grep", input: { pattern: "old", path: "message:" } },
      ]),
      reply.text("Done."),
    ],
    settings: { ...QUIET, models: { [MODEL]: { contextWindow: 40_000 } }, compactAt: 0 },
  })
  const { hosted, program } = drive
  const path = join(drive.bench.cwd, "a.txt")
  writeFileSync(path, "old\n")
  await drive.say("Read a.txt.")
  await drive.converse()
  for (let i = 0; i < 6; i++) {
    await drive.say(`Talk ${i}.`)
    await drive.converse()
  }
  await program.view(hosted.row).control({ action: "compact" })
  await eventually("it is compacted", () => program.store.one("SELECT 1 FROM compaction") !== undefined)
  await drive.say("Change it.")
  await drive.converse()
  const results = program.store.all<{ name: string; is_error: number; text: string }>(
    "SELECT name, is_error, json_extract(result, '$.content[0].text') AS text FROM tool_call ORDER BY rowid",
  )
  expect(results.map(({ name, is_error }) => `${name} ${is_error}`)).toEqual([
    "Read 0",
    "Edit 0",
    "Write 1",
    "Read 0",
    "Write 0",
    "Read 0",
    "Grep 0",
  ])
  expect(results[2]!.text).toContain("before the conversation was compacted")
  expect(results[5]!.text).toContain("── message 1, the user\nRead a.txt.")
  expect(results[5]!.text).toContain("[result] 1\told")
  expect(results[6]!.text).toContain("message:2: [result] 1\told".replace("\t", " "))
  expect(readFileSync(path, "utf8")).toBe("new\n")
  drive.server.check()
})

test("a line of input asks for it, and a stream tells of it", async () => {
  const long = "Mind what is said here. ".repeat(1_500)
  await using server = await startModelServer({ restarts: isCompacted })
  server.script = script.inOrder([reply.text(long), reply.text("Short."), reply.text("Green.")])
  await using bench = workbench(server)
  settings(bench, { window: 12_000, compactAt: 0, ...QUIET })
  const running = bench.start(["-p", "--input-format", "stream-json", ...STREAM], { stdin: "open" })
  const say = (line: object) => running.write(`${JSON.stringify(line)}\n`)
  const user = (content: string) => say({ type: "user", message: { role: "user", content } })
  user("Paint it.")
  await running.line(({ type }) => type === "result")
  user("And then?")
  await running.line(({ type, result }) => type === "result" && result === "Short.")
  say({ type: "control", action: "compact", focus: "colours" })
  const told = await running.line(({ subtype }) => subtype === "compact_boundary")
  expect(told.compact_metadata).toMatchObject({ trigger: "manual", cause: "user", focus: "colours" })
  user("Which colour?")
  await running.line(({ type, result }) => type === "result" && result === "Green.")
  running.end()
  expect((await running.finished).exit).toBe(0)
  expect(server.requests.at(-1)!.prompt).toContain("colours")
  server.check()
})
