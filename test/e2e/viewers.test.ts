// Two processes on one session: one drives it, the other's prompts, controls and answers reach it as rows.
import { expect, test } from "bun:test"
import { existsSync, readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { randomIds } from "../../src/base/ids.ts"
import { takeLease } from "../../src/session/lease.ts"
import { createViewer } from "../../src/session/viewer.ts"
import { openStore } from "../../src/store/open.ts"
import { Gate } from "../../testing/gate.ts"
import { eventually } from "../../testing/harness.ts"
import { type StreamLine, type Workbench, workbench } from "../../testing/headless.ts"
import { reply, script, startModelServer } from "../../testing/model-server.ts"

const LINES = ["-p", "--input-format", "stream-json", "--output-format", "stream-json"]
const FREE = ["--permission-mode", "bypassPermissions"]
const isResult = (line: StreamLine) => line.type === "result"
const say = (text: string) => `${JSON.stringify({ type: "user", message: { role: "user", content: text } })}\n`
const waits = (text: string) => `SELECT 1 FROM inbox WHERE content LIKE '%${text}%'`
const entered = (text: string) => `SELECT 1 FROM message WHERE content LIKE '%${text}%'`

/** The session of the bench as somebody in this process sees it. */
async function viewerOf(bench: Workbench) {
  const store = await openStore({ folder: bench.home, clock: systemClock })
  const { id } = store.one<{ id: string }>("SELECT id FROM session WHERE parent_id IS NULL")!
  const viewer = createViewer({ store, clock: systemClock, ids: randomIds }, id)
  return { store, viewer, [Symbol.dispose]: () => store.close() }
}

test("a prompt in a session that another process drives is answered by that process, and its result is this call's", async () => {
  await using server = await startModelServer({ script: script.inOrder([reply.text("One."), reply.text("Two.")]) })
  await using bench = workbench(server)
  const host = bench.start(LINES, { stdin: "open" })
  host.write(say("First"))
  await host.line((line) => isResult(line) && line.result === "One.")
  const second = await bench.run(["-p", "Second", "--continue"])
  expect([second.stdout, second.stderr, second.exit]).toEqual(["Two.\n", "", 0])
  // The host has said it too, and is still there.
  await host.line((line) => isResult(line) && line.result === "Two.")
  host.end()
  expect((await host.finished).exit).toBe(0)
  server.check()
  expect(server.conversations()).toHaveLength(1)
})

test("the stream of such a call has the turn's lines, and its totals are those of its own turn", async () => {
  await using server = await startModelServer({
    script: script.inOrder([
      reply.text("One."),
      reply.calls([{ name: "Glob", input: { pattern: "*" } }]),
      reply.text("Two."),
    ]),
  })
  await using bench = workbench(server)
  const host = bench.start(LINES, { stdin: "open" })
  host.write(say("First"))
  const first = await host.line(isResult)
  const { exit, lines } = await bench.run(["-p", "Second", "-c", "--output-format", "stream-json"])
  host.end()
  await host.finished
  expect(exit).toBe(0)
  expect([lines[0]!.subtype, lines.at(-1)!.type]).toEqual(["init", "result"])
  expect(lines.filter((line) => line.type === "assistant")).toHaveLength(2)
  expect(lines.filter((line) => line.type === "user")).toHaveLength(1)
  const result = lines.at(-1)!
  expect(result).toMatchObject({ subtype: "success", result: "Two.", num_turns: 2 })
  expect(result.session_usage.usage.input_tokens).toBe(result.usage.input_tokens + first.usage.input_tokens)
})

test("a prompt that comes while the turn runs joins it, and both calls get the answer", async () => {
  const slow = new Gate()
  await using server = await startModelServer({
    script: script.inOrder([
      reply.calls([{ name: "Glob", input: { pattern: "*" } }]).gate(slow),
      (request) => reply.text(`Joined: ${request.news.includes("and quickly")}`),
    ]),
  })
  await using bench = workbench(server)
  const host = bench.start(["-p", "Do it"])
  await server.received(1)
  const second = bench.start(["-p", "and quickly", "-c"])
  await bench.stored(waits("and quickly"))
  slow.open()
  expect((await second.finished).stdout).toBe("Joined: true\n")
  expect((await host.finished).stdout).toBe("Joined: true\n")
  server.check()
})

test("it waits for the background work that its turn started, and its result is what was said of it", async () => {
  await using server = await startModelServer({ script: script.inOrder([]) })
  server.script = script.inOrder([
    reply.text("One."),
    reply.calls([
      { name: "Bash", input: { command: "until [ -e go ]; do sleep 0.02; done; echo built", run_in_background: true } },
    ]),
    reply.text("It builds."),
    (request) => reply.text(`Built: ${request.news.includes("built")}`),
  ])
  await using bench = workbench(server)
  const host = bench.start([...LINES, ...FREE], { stdin: "open" })
  host.write(say("First"))
  await host.line(isResult)
  const second = bench.start(["-p", "Build it", "-c"])
  await bench.stored(entered("It builds."))
  await Bun.write(join(bench.cwd, "go"), "")
  const { stdout, exit } = await second.finished
  expect([stdout, exit]).toEqual(["Built: true\n", 0])
  host.end()
  await host.finished
  server.check()
})

test("when its patience runs out the work goes on in the host, and the call says so with exit 3", async () => {
  await using server = await startModelServer({ script: script.inOrder([]) })
  server.script = script.inOrder([
    reply.text("One."),
    reply.calls([
      { name: "Bash", input: { command: "until [ -e go ]; do sleep 0.02; done", run_in_background: true } },
    ]),
    reply.text("It builds."),
    reply.text("Built."),
  ])
  await using bench = workbench(server)
  const host = bench.start([...LINES, ...FREE], { stdin: "open" })
  host.write(say("First"))
  await host.line(isResult)
  const second = await bench.run(["-p", "Build it", "-c", "--wait", "0"])
  expect([second.stdout, second.exit]).toEqual(["It builds.\n", 3])
  expect(second.stderr).toContain("meanwhile tasks wait ")
  await Bun.write(join(bench.cwd, "go"), "")
  await host.line((line) => isResult(line) && line.result === "Built.")
  host.end()
  expect((await host.finished).exit).toBe(0)
})

test("when the host is killed, the one that waited takes over, and no prompt is lost", async () => {
  const held = new Gate()
  await using server = await startModelServer({
    script: script.inOrder([reply.text("Never.").gate(held), reply.text("One."), reply.text("Two.")]),
  })
  await using bench = workbench(server)
  const host = bench.start(["-p", "One"])
  await server.received(1)
  const second = bench.start(["-p", "Two", "-c"])
  await bench.stored(waits("Two"))
  host.kill("SIGKILL")
  await host.finished
  const { stdout, exit } = await second.finished
  held.open()
  // The turn that was under way is asked again, and the second prompt joins it.
  expect([stdout, exit]).toEqual(["Two.\n", 0])
  expect(server.requests).toHaveLength(3)
})

test("Ctrl+C takes a prompt back that has not entered the conversation yet", async () => {
  const slow = new Gate()
  await using server = await startModelServer({ script: script.inOrder([reply.text("One.").gate(slow)]) })
  await using bench = workbench(server)
  const host = bench.start(["-p", "One"])
  await server.received(1)
  const second = bench.start(["-p", "Two", "-c"])
  await bench.stored(waits("Two"))
  second.kill("SIGINT")
  const interrupted = await second.finished
  expect([interrupted.exit, interrupted.stdout]).toEqual([130, ""])
  expect(interrupted.stderr).toContain("taken back")
  slow.open()
  const { stdout, exit } = await host.finished
  expect([stdout, exit]).toEqual(["One.\n", 0])
  server.check()
})

test("lines of input for a session that another process drives are refused, and nothing is lost", async () => {
  const slow = new Gate()
  await using server = await startModelServer({ script: script.inOrder([reply.text("One.").gate(slow)]) })
  await using bench = workbench(server)
  const host = bench.start(["-p", "One"])
  await server.received(1)
  const second = await bench.run([...LINES, "-c"], { stdin: say("Two") })
  expect(second.exit).toBe(1)
  expect(second.stderr).toContain("at work in another process")
  slow.open()
  expect((await host.finished).exit).toBe(0)
})

test("controls of a viewer act in the host: background, stop, interrupt", async () => {
  const held = new Gate()
  await using server = await startModelServer({
    script: script.inOrder([
      reply.calls([{ name: "Bash", input: { command: "sleep 600" } }]),
      reply.text("It is in the background.").gate(held),
    ]),
  })
  await using bench = workbench(server)
  const host = bench.start([...LINES, ...FREE], { stdin: "open" })
  host.write(say("Run it"))
  const { task_id: taskId } = await host.line((line) => line.subtype === "task_started")
  using seen = await viewerOf(bench)
  await seen.viewer.control({ action: "background" })
  await server.received(2)
  await seen.viewer.control({ action: "stop_task", taskId })
  await host.line((line) => line.subtype === "task_notification" && line.status === "stopped" && line.quiet)
  await seen.viewer.control({ action: "interrupt" })
  await host.line((line) => isResult(line) && line.subtype === "error_during_execution")
  // None is left to be done again.
  await eventually(
    "the controls are gone",
    () => seen.store.all("SELECT 1 FROM inbox WHERE kind = 'control'").length === 0,
  )
  held.open()
  host.end()
  await host.finished
})

test("an answer of a viewer lets the call run that asked", async () => {
  await using server = await startModelServer({
    script: script.inOrder([
      reply.calls([{ name: "Write", input: { file_path: "a.txt", content: "x" } }]),
      reply.text("Written."),
    ]),
  })
  await using bench = workbench(server)
  const host = bench.start(LINES, { stdin: "open" })
  host.write(say("Write it"))
  const { request_id: approvalId } = await host.line((line) => line.subtype === "permission_request")
  using seen = await viewerOf(bench)
  await seen.viewer.control({ action: "answer", approvalId, behavior: "allow" })
  await host.line((line) => isResult(line) && line.result === "Written.")
  expect(existsSync(join(bench.cwd, "a.txt"))).toBeTrue()
  host.end()
  expect((await host.finished).exit).toBe(0)
})

test("an answer that streams in is a draft for those who look, and gone when it is stored", async () => {
  const [first, second] = [new Gate(), new Gate()]
  await using server = await startModelServer({
    script: script.inOrder([
      reply.parts([
        { type: "gate", gate: first },
        { type: "text", text: "Now, " },
        { type: "gate", gate: second },
        { type: "text", text: "later." },
      ]),
    ]),
  })
  await using bench = workbench(server)
  const host = bench.start(["-p", "Say it"])
  await server.received(1)
  using seen = await viewerOf(bench)
  const drafts = seen.store.folder("draft")
  using _ = seen.viewer.listen(() => {})
  first.open()
  let text = ""
  await eventually("the beginning is a draft", () => {
    for (const part of seen.viewer.drafts().flatMap(({ parts }) => parts)) if ("text" in part) text += part.text
    return text === "Now, "
  })
  const [name] = readdirSync(drafts)
  expect(statSync(join(drafts, name!)).mode & 0o777).toBe(0o600)
  second.open()
  expect((await host.finished).stdout).toBe("Now, later.\n")
  expect(readdirSync(drafts)).toEqual([])
})

test("nobody looks: nothing is written of an answer that streams in", async () => {
  const gate = new Gate()
  await using server = await startModelServer({
    script: script.inOrder([
      reply.parts([
        { type: "text", text: "Now, " },
        { type: "gate", gate },
        { type: "text", text: "later." },
      ]),
      reply.text("Two."),
    ]),
  })
  await using bench = workbench(server)
  const host = bench.start(["-p", "Say it"])
  await bench.stored("SELECT 1 FROM step WHERE state = 'asking'")
  gate.open()
  await host.finished
  expect(existsSync(join(bench.home, "draft")) ? readdirSync(join(bench.home, "draft")) : []).toEqual([])
})

test("a host whose session somebody else has taken ends, says so, and writes no more", async () => {
  const held = new Gate()
  await using server = await startModelServer({ script: script.inOrder([reply.text("Never stored.").gate(held)]) })
  await using bench = workbench(server)
  const host = bench.start(["-p", "One"])
  await server.received(1)
  const store = await openStore({ folder: bench.home, clock: systemClock })
  const { id } = store.one<{ id: string }>("SELECT id FROM session")!
  // A lease that was removed by hand is free for others.
  rmSync(join(store.folder("lease"), id))
  const lease = await takeLease(store, systemClock, id)
  const { exit, stderr, stdout } = await host.finished
  held.open()
  expect([exit, stdout]).toEqual([1, ""])
  expect(stderr).toContain("Another process has taken over the session")
  expect(stderr).not.toContain(" at ")
  expect(store.one<{ state: string }>("SELECT state FROM turn")?.state).toBe("open")
  lease!.release()
  store.close()
})
