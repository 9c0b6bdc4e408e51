// A program that was stopped for a while (SIGSTOP, a debugger, a laptop that slept) takes nothing for lost, silent or
// late only because it did not run itself.
import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { sleepRunning } from "../../src/base/patience.ts"
import { type Model, ModelError, type ModelEvent } from "../../src/model/model.ts"
import { streamWithRetry } from "../../src/model/retry.ts"
import { Audience } from "../../src/session/audience.ts"
import { tellOnce } from "../../src/session/health.ts"
import type { RunRow } from "../../src/store/rows.ts"
import { excuse, Gaps } from "../../src/task/gaps.ts"
import { SILENCE_MS } from "../../src/task/health.ts"
import { agent, BEHIND, shell } from "../../testing/calls.ts"
import { Gate } from "../../testing/gate.ts"
import { HandClock } from "../../testing/hand-clock.ts"
import { eventually, temporaryStore } from "../../testing/harness.ts"
import { workbench } from "../../testing/headless.ts"
import { reply, startModelServer } from "../../testing/model-server.ts"
import { seedSession, seedTask } from "../../testing/seed.ts"
import { atWork } from "./at-work.ts"

const MINUTE = 60_000

test("a wait counts only the time in which this process ran", async () => {
  const clock = new HandClock()
  let over = false
  const waiting = sleepRunning(clock, 2 * MINUTE).then(() => (over = true))
  await clock.pass(MINUTE)
  await clock.stop(10 * MINUTE)
  await clock.pass(30_000)
  expect(over).toBeFalse()
  // Of the part in which it was stopped nothing is counted.
  await clock.pass(36_000)
  expect(over).toBeTrue()
  await waiting
})

test("a model was not silent while we did not listen", async () => {
  const clock = new HandClock()
  const [begun, go] = [new Gate(), new Gate()]
  const slow: Model = {
    id: "slow/m",
    provider: "slow",
    async *stream() {
      begun.open()
      await go.wait()
      yield { type: "text", delta: "whole" }
      yield finished
    },
  }
  const types: string[] = []
  const asked = { system: "", messages: [], tools: [], cacheKey: "k" }
  const reading = (async () => {
    const options = { clock, signal: new AbortController().signal, random: () => 1 }
    for await (const event of streamWithRetry(slow, asked, options)) types.push(event.type)
  })()
  await begun.wait()
  await clock.pass(100_000)
  await clock.stop(10 * MINUTE)
  await clock.pass(10_000)
  go.open()
  await reading
  expect(types).toEqual(["text", "finish"])
})

test("a stream that was cut while we were stopped is asked for again", async () => {
  const clock = new HandClock()
  let attempts = 0
  const [begun, cut] = [new Gate(), new Gate()]
  const model: Model = {
    id: "cut/m",
    provider: "cut",
    async *stream() {
      if (++attempts === 1) {
        yield { type: "text", delta: "ha" }
        begun.open()
        await cut.wait()
        throw new ModelError("cut", "the connection was closed")
      }
      yield { type: "text", delta: "whole" }
      yield finished
    },
  }
  const events: string[] = []
  const asked = { system: "", messages: [], tools: [], cacheKey: "k" }
  const reading = (async () => {
    const options = { clock, signal: new AbortController().signal, random: () => 0 }
    for await (const event of streamWithRetry(model, asked, options))
      events.push(event.type === "text" ? event.delta : event.type)
  })()
  await begun.wait()
  cut.open()
  await clock.stop(10 * MINUTE)
  await clock.pass(2_000)
  await reading
  expect(events).toEqual(["ha", "restart", "whole", "finish"])
})

describe("a deadline", () => {
  test("of an agent stands still while nothing of the agent can run", async () => {
    using it = await atWork({ kind: "agent", deadlineMs: 10 * MINUTE })
    await it.clock.pass(5 * MINUTE)
    await it.clock.stop(60 * MINUTE)
    await it.clock.pass(4 * MINUTE)
    expect(it.tasks.run(it.run.id).state).toBe("running")
    await it.clock.pass(2 * MINUTE)
    expect(it.tasks.run(it.run.id).state).toBe("timed_out")
  })

  test("of a command goes on, as the command does", async () => {
    using it = await atWork({ kind: "shell", deadlineMs: 10 * MINUTE })
    await it.clock.pass(5 * MINUTE)
    expect(it.tasks.run(it.run.id).state).toBe("running")
    await it.clock.stop(6 * MINUTE)
    expect(it.tasks.run(it.run.id).state).toBe("timed_out")
  })
})

describe("the rows of a tree", () => {
  const live = async () => {
    const clock = new HandClock()
    const it = await temporaryStore(clock)
    const began = clock.now()
    await it.store.write((tx) => {
      seedSession(tx, { id: "root" })
      const run = { started_at: began, event_at: began }
      seedTask(tx, { id: "shell", root: "root", run })
      seedTask(tx, { id: "agent", root: "root", task: { kind: "agent", session_id: "s" }, run })
      seedTask(tx, { id: "paused", root: "root", run: { ...run, state: "paused", paused_at: began } })
      seedTask(tx, { id: "ended", root: "root", run: { ...run, state: "completed" } })
      seedSession(tx, { id: "other" })
      seedTask(tx, { id: "elsewhere", root: "other", run })
    })
    const row = (id: string) => it.store.one<RunRow>("SELECT * FROM run WHERE task_id = :id", { id })!
    const stalled = () =>
      it.store.all<{ id: string }>("SELECT id FROM inbox WHERE id LIKE '%:stalled'").map(({ id }) => id)
    return { ...it, clock, row, stalled, [Symbol.dispose]: () => it[Symbol.dispose]() }
  }

  test("do not call a task stalled for the time in which its host was stopped", async () => {
    using it = await live()
    const gaps = new Gaps(it.clock)
    await it.clock.pass(1_000)
    expect(gaps.look()).toBeUndefined()
    await it.clock.stop(2 * SILENCE_MS)
    const gap = gaps.look()!
    expect(gap).toMatchObject({ jumpedMs: 0 })
    await excuse(it.store, it.clock, { rootId: "root", gap })
    await tellOnce(it.store, it.clock, "root")
    expect(it.stalled()).toEqual([])
    // One that stays silent is told of all the same.
    await it.clock.pass(SILENCE_MS)
    await tellOnce(it.store, it.clock, "root")
    expect(it.stalled().sort()).toEqual(["notice:run-agent:stalled", "notice:run-shell:stalled"])
  })

  test("count the stop for nobody but commands, and for no other tree", async () => {
    using it = await live()
    await it.clock.stop(MINUTE)
    await excuse(it.store, it.clock, { rootId: "root", gap: { stoppedMs: MINUTE, jumpedMs: 0, sinceMs: MINUTE } })
    const paused = ["shell", "agent", "paused", "ended", "elsewhere"].map((id) => it.row(id).paused_ms)
    expect(paused).toEqual([0, MINUTE, 0, 0, 0])
  })
})

test("a viewer is there as long as it renews its word, also when its host was stopped meanwhile", async () => {
  const clock = new HandClock(Date.now())
  using it = await temporaryStore(clock)
  const path = join(it.store.folder("bell"), "root.viewers")
  let at = Math.floor(Date.now() / 1000)
  const renew = () => utimesSync(path, ++at, at)
  writeFileSync(path, "")
  renew()
  const audience = new Audience(it.store, clock, "root")
  const look = () => {
    audience.look()
    return audience.isPresent
  }
  expect(look()).toBeTrue()
  // Stopped together with it: its next word comes a moment after our look.
  await clock.stop(10 * MINUTE)
  expect(look()).toBeTrue()
  renew()
  for (let n = 0; n < 8; n++) {
    await clock.pass(500)
    expect(look()).toBeTrue()
  }
  for (let n = 0; n < 4; n++) {
    await clock.pass(500)
    look()
  }
  expect(look()).toBeFalse()
  renew()
  expect(look()).toBeTrue()
})

test("a file that a viewer left long ago is no viewer", async () => {
  const clock = new HandClock(Date.now())
  using it = await temporaryStore(clock)
  const path = join(it.store.folder("bell"), "root.viewers")
  writeFileSync(path, "")
  utimesSync(path, Date.now() / 1000 - 60, Date.now() / 1000 - 60)
  const audience = new Audience(it.store, clock, "root")
  audience.look()
  expect(audience.isPresent).toBeFalse()
})

test("a real program that was stopped for longer than its patience with the model goes on, and loses nothing", async () => {
  const [held, agentHeld] = [new Gate(), new Gate()]
  await using server = await startModelServer()
  server.script = (request) => {
    const asked = request.messages.filter((message) => message.role === "assistant").length
    if (request.prompt.includes("Be the agent"))
      return asked === 0
        ? reply.calls([shell("echo agent", { deadline: 60_000 })])
        : reply.text("The agent's report.").gate(agentHeld)
    if (JSON.stringify(request.messages).includes("Second")) return reply.text("Second answer.")
    if (asked > 0) return reply.text("Noted.").gate(held)
    return reply.calls([
      agent("a", "Be the agent.", BEHIND),
      shell("until [ -e go ]; do sleep 0.02; done; echo shell", BEHIND),
    ])
  }
  await using bench = workbench(server)
  mkdirSync(bench.home, { recursive: true })
  writeFileSync(join(bench.home, "settings.json"), JSON.stringify({ idleTimeoutSeconds: 2 }))
  const rules = ["--permission-mode", "bypassPermissions", "--wait", "30"]
  const program = bench.start(["-p", "First", ...rules])
  await server.received(4)
  process.kill(program.pid, "SIGSTOP")
  const stoppedAt = performance.now()
  // The lease is held by a process that does not run: whoever comes waits, and takes nothing from it.
  const second = bench.start(["-p", "--continue", "Second", ...rules])
  await bench.stored("SELECT 1 FROM inbox WHERE content LIKE '%Second%'")
  writeFileSync(join(bench.cwd, "go"), "")
  await eventually("the stop has lasted", () => performance.now() - stoppedAt > 3_500)
  process.kill(program.pid, "SIGCONT")
  const requests = server.requests.length
  held.open()
  agentHeld.open()
  const [one, two] = await Promise.all([program.finished, second.finished])
  expect(one).toMatchObject({ exit: 0, stderr: expect.not.stringContaining("nothing for") })
  expect(two).toMatchObject({ exit: 0, stdout: expect.stringContaining("Second answer.") })
  expect(requests).toBe(4)
  expect(existsSync(join(bench.home, "meanwhile.db"))).toBeTrue()
  const db = new Database(join(bench.home, "meanwhile.db"), { readonly: true })
  const runs = db.query("SELECT state, attempt FROM run").all()
  const retried = db.query("SELECT 1 FROM feed WHERE kind = 'retry'").all()
  const stalled = db.query("SELECT 1 FROM message WHERE id LIKE '%:stalled'").all()
  db.close()
  expect(runs).toEqual(Array(3).fill({ state: "completed", attempt: 1 }))
  expect(retried).toEqual([])
  expect(stalled).toEqual([])
}, 30_000)

const finished: ModelEvent = {
  type: "finish",
  stop: "end",
  parts: [{ type: "text", text: "whole" }],
  usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
}
