// The time of day is set while everything is at work: nothing hangs, nothing ends early, nothing changes its place.
import { Database } from "bun:sqlite"
import { describe, expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { bunFlags } from "../../src/runtime/self.ts"
import { tellOnce } from "../../src/session/health.ts"
import type { RunRow } from "../../src/store/rows.ts"
import { excuse, Gaps } from "../../src/task/gaps.ts"
import { TaskRuntime } from "../../src/task/runtime.ts"
import { agent, BEHIND, shell } from "../../testing/calls.ts"
import { outside } from "../../testing/crash-home.ts"
import { Gate } from "../../testing/gate.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { HandClock } from "../../testing/hand-clock.ts"
import { countingIds, eventually, memoryLog, temporaryStore } from "../../testing/harness.ts"
import { workbench } from "../../testing/headless.ts"
import { reply, startModelServer } from "../../testing/model-server.ts"
import { seed, seedSession, seedTask } from "../../testing/seed.ts"
import { taskSpec } from "../../testing/task-spec.ts"

const DAY = 86_400_000
const MAIN = resolve(import.meta.dir, "../../testing/clock-main.ts")
const program = [process.execPath, ...bunFlags, MAIN]
const RUN = ["--permission-mode", "bypassPermissions"]
const jumps = [
  ["a day forward", DAY],
  ["a day back", -DAY],
] as const

describe.each(jumps)("set %s", (_name, jump) => {
  test("a deadline is neither over nor put off, in this process and in the one that takes over", async () => {
    const clock = new HandClock()
    using it = await temporaryStore(clock)
    const begin = () => {
      const kind = new GatedKind("shell")
      const tasks = new TaskRuntime({ store: it.store, clock, ids: countingIds(), log: memoryLog() })
      tasks.register(kind)
      return tasks
    }
    const tasks = begin()
    const gaps = new Gaps(clock)
    const { run } = await tasks.start(taskSpec({ deadlineMs: 600_000 }))
    await clock.pass(1_000)
    expect(gaps.look()).toBeUndefined()
    clock.set(jump)
    await clock.pass(1_000)
    const gap = gaps.look()!
    expect(gap).toMatchObject({ stoppedMs: 0, jumpedMs: jump })
    await excuse(it.store, clock, { rootId: "root", gap })
    await tasks.pause([run.task_id], "x")
    await tasks.resume([run.task_id])
    await clock.pass(290_000)
    expect(tasks.run(run.id).state).toBe("running")
    // Another process counts by the row: five minutes are left.
    const after = begin()
    await after.recover("root")
    await clock.pass(280_000)
    expect(after.run(run.id).state).toBe("running")
    await clock.pass(40_000)
    expect(after.run(run.id).state).toBe("timed_out")
  })

  test("nothing is called stalled, and what is silent from then on is", async () => {
    const clock = new HandClock()
    using it = await temporaryStore(clock)
    await it.store.write((tx) => {
      seedSession(tx, { id: "root" })
      seedTask(tx, { id: "a", root: "root", run: { started_at: clock.now(), event_at: clock.now() } })
    })
    const gaps = new Gaps(clock)
    clock.set(jump)
    await clock.pass(1_000)
    await excuse(it.store, clock, { rootId: "root", gap: gaps.look()! })
    const row = it.store.one<RunRow>("SELECT * FROM run")!
    expect(clock.now() - row.event_at).toBeWithin(0, 2_000)
    await tellOnce(it.store, clock, "root")
    expect(it.store.all("SELECT * FROM inbox")).toEqual([])
    await clock.pass(300_000)
    await tellOnce(it.store, clock, "root")
    expect(it.store.all("SELECT * FROM inbox")).toHaveLength(1)
  })

  test("a program at work with an agent, commands, a monitor and a deadline comes to its end as ever", async () => {
    const [agentHeld, rootHeld] = [new Gate(), new Gate()]
    await using server = await startModelServer()
    server.script = (request) => {
      const asked = request.messages.filter((message) => message.role === "assistant").length
      if (request.prompt.includes("Be the agent"))
        return asked === 0
          ? reply.calls([shell("echo of the agent")]).gate(agentHeld)
          : reply.text("The agent's report.")
      if (asked === 0)
        return reply.calls([
          agent("a", "Be the agent.", BEHIND),
          shell("until [ -e go ]; do sleep 0.02; done; echo went", { ...BEHIND, deadline: 3_600_000 }),
          {
            name: "Monitor",
            input: { command: "until [ -e go ]; do sleep 0.02; done; echo seen", description: "watch" },
          },
        ])
      return asked === 1 ? reply.text("I wait.").gate(rootHeld) : reply.text(`Noted ${asked}.`)
    }
    await using bench = workbench(server)
    const file = join(bench.cwd, "ahead")
    writeFileSync(file, "0")
    const began = performance.now()
    const running = bench.start(["-p", "First", "--output-format", "stream-json", "--verbose", ...RUN], {
      env: { MEANWHILE_CLOCK_FILE: file },
      program,
    })
    await server.received(3)
    writeFileSync(file, String(jump))
    const rows = <T>(sql: string): T[] => {
      const db = new Database(join(bench.home, "meanwhile.db"), { readonly: true })
      try {
        return db.query(sql).all() as T[]
      } finally {
        db.close()
      }
    }
    // Its host has noticed: what is counted by the rows is as before.
    await eventually("the rows are mended", () =>
      rows<RunRow>("SELECT * FROM run WHERE state = 'running'").every(({ paused_ms }) => paused_ms !== 0),
    )
    rootHeld.open()
    agentHeld.open()
    writeFileSync(join(bench.cwd, "go"), "")
    const { exit, stderr, lines } = await running.finished
    expect({ exit, stderr }).toMatchObject({ exit: 0 })
    expect(performance.now() - began).toBeLessThan(20_000)
    const result = lines.find((line) => line.type === "result")!
    expect(result.duration_ms).toBeWithin(0, 20_000)
    expect(rows<RunRow>("SELECT * FROM run").map(({ state }) => state)).toEqual(Array(4).fill("completed"))
    expect(rows("SELECT * FROM message WHERE id LIKE '%:stalled'")).toEqual([])
    const said = rows<{ role: string; content: string; created_at: number }>(
      "SELECT message.* FROM message JOIN session ON session.id = session_id WHERE parent_id IS NULL ORDER BY seq",
    )
    expect(said[0]?.content).toContain("First")
    expect(said.at(-1)).toMatchObject({ role: "assistant", content: expect.stringContaining("Noted") })
    // Rows keep the time of day.
    const day = said.at(-1)!.created_at - said[0]!.created_at
    expect(Math.abs(day - jump)).toBeLessThan(60_000)
  }, 30_000)
})

test("a notice from before the clock was set back is waited for no longer than any other", async () => {
  await using server = await startModelServer()
  server.script = (request) =>
    request.messages.some((message) => message.role === "assistant")
      ? reply.text("Noted.")
      : reply.calls([shell("until [ -e go ]; do sleep 0.02; done", BEHIND)])
  await using bench = workbench(server)
  const running = bench.start(["-p", "First", ...RUN])
  await bench.stored("SELECT 1 FROM turn WHERE state = 'done'")
  // As a task left it a moment before: tomorrow, by the clock of today.
  await outside(bench.home, ({ tx }, rootId) => {
    seed(tx, "inbox", {
      id: "notice:x:1",
      session_id: rootId,
      kind: "notice",
      delivery: "steer",
      wake: 1,
      origin: "task",
      content: JSON.stringify([{ type: "text", text: "news" }]),
      created_at: Date.now() + DAY,
    })
    tx.ring(`host:${rootId}`)
  })
  await server.received(3)
  writeFileSync(join(bench.cwd, "go"), "")
  expect(await running.finished).toMatchObject({ exit: 0 })
}, 20_000)

test("after the clock was set back, -c goes on with the session that was used last", async () => {
  await using server = await startModelServer({ script: () => reply.text("Yes.") })
  await using bench = workbench(server)
  const file = join(bench.cwd, "ahead")
  const say = async (prompt: string, ahead: number, more: string[] = []) => {
    writeFileSync(file, String(ahead))
    const done = await bench.run(["-p", prompt, ...more], { env: { MEANWHILE_CLOCK_FILE: file }, program })
    expect(done).toMatchObject({ exit: 0 })
  }
  await say("tomorrow's", DAY)
  await say("today's", 0)
  await say("more", 0, ["-c"])
  const db = new Database(join(bench.home, "meanwhile.db"), { readonly: true })
  const prompts = db
    .query(
      `SELECT content FROM message WHERE role = 'user' AND session_id =
       (SELECT session_id FROM message WHERE content LIKE '%more%') ORDER BY seq`,
    )
    .all() as { content: string }[]
  db.close()
  expect(prompts.map(({ content }) => JSON.parse(content)[0].text)).toEqual(["today's", "more"])
}, 20_000)
