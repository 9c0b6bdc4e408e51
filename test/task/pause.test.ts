import { describe, expect, test } from "bun:test"
import { type Clock, systemClock } from "../../src/base/clock.ts"
import type { FeedRow, RunRow } from "../../src/store/rows.ts"
import { TaskRuntime } from "../../src/task/runtime.ts"
import type { StartSpec } from "../../src/task/task.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { countingIds, eventually, memoryLog, temporaryStore } from "../../testing/harness.ts"
import { taskSpec } from "../../testing/task-spec.ts"

async function fixture(options: { clock?: Clock; shellPlaces?: number } = {}) {
  const { clock = systemClock, shellPlaces } = options
  const it = await temporaryStore()
  const log = memoryLog()
  const ids = countingIds()
  const runtime = () => {
    const kinds = { shell: new GatedKind("shell"), agent: new GatedKind("agent") }
    const tasks = new TaskRuntime({ store: it.store, clock, ids, log, shellPlaces })
    for (const kind of Object.values(kinds)) tasks.register(kind)
    return { tasks, ...kinds }
  }
  const first = runtime()
  const start = (spec: Partial<StartSpec> = {}) => first.tasks.start(taskSpec(spec))
  const patches = () =>
    it.store
      .all<FeedRow>("SELECT * FROM feed WHERE kind = 'task_updated' ORDER BY seq")
      .map((row) => JSON.parse(row.data!))
  const settled = (run: RunRow) => eventually(`run ${run.id} settles`, () => first.tasks.run(run.id).ended_at !== null)
  return { ...it, [Symbol.dispose]: it[Symbol.dispose], log, ...first, start, patches, settled, again: runtime }
}

/** A child of an agent's task: in its session. */
const below = (task: { id: string; session_id: string | null }): Partial<StartSpec> => ({
  ownerId: task.session_id!,
  parentTaskId: task.id,
})

describe("pausing", () => {
  test("the row says paused and why, the kind is told, and resuming undoes both", async () => {
    using it = await fixture()
    const { task, run } = await it.start()
    await it.tasks.pause([task.id], "paused by the user")
    expect(it.tasks.run(run.id)).toMatchObject({ state: "paused", reason: "paused by the user", ended_at: null })
    await it.tasks.resume([task.id])
    expect(it.tasks.run(run.id)).toMatchObject({ state: "running", reason: null, paused_at: null })
    expect(it.shell.pauses).toEqual([`released ${run.id}`, `held ${run.id}`, `released ${run.id}`])
    expect(it.patches()).toEqual([{ status: "paused" }, { status: "running" }])
  })

  test("twice is once, and resuming what runs changes nothing", async () => {
    using it = await fixture()
    const { task, run } = await it.start()
    await it.tasks.resume([task.id])
    await it.tasks.pause([task.id], "one")
    await it.tasks.pause([task.id], "two")
    expect(it.tasks.run(run.id)).toMatchObject({ state: "paused", reason: "one" })
    expect(it.patches()).toEqual([{ status: "paused" }])
  })

  test("a task is paused with all that it started, and what it starts in its last step", async () => {
    using it = await fixture()
    const parent = await it.start({ kind: "agent" })
    const child = await it.start({ kind: "agent", ...below(parent.task) })
    const shell = await it.start({ ...below(child.task) })
    const other = await it.start()
    await it.tasks.pause([parent.task.id], "paused by the user")
    const late = await it.start({ kind: "agent", ...below(parent.task) })
    const states = () => [parent, child, shell, late, other].map(({ run }) => it.tasks.run(run.id).state)
    expect(states()).toEqual(["paused", "paused", "paused", "paused", "running"])
    await it.tasks.resume([parent.task.id])
    expect(states()).toEqual(["running", "running", "running", "running", "running"])
  })

  test("a foreground task moves to the background first, so that no turn is blocked on it", async () => {
    using it = await fixture()
    const { task, run } = await it.start({ background: false })
    const blocked = it.tasks.block(run.id)
    await it.tasks.pause([task.id], "paused by the user")
    expect(await blocked).toMatchObject({ type: "backgrounded", run: { state: "paused" } })
    expect(it.patches()).toEqual([{ status: "paused", is_backgrounded: true }])
  })

  test("the deadline's clock stops meanwhile", async () => {
    let now = 1_000_000
    using it = await fixture({ clock: { ...systemClock, now: () => now, monotonic: () => now } })
    const { task, run } = await it.start({ deadlineMs: 1000 })
    now += 900
    await it.tasks.pause([task.id], "paused by the user")
    now += 60_000
    await it.tasks.resume([task.id])
    expect(it.tasks.run(run.id)).toMatchObject({ state: "running", paused_ms: 60_000 })
    // A hundred milliseconds of it are left.
    now += 200
    await it.tasks.pause([task.id], "again")
    await it.tasks.resume([task.id])
    await it.settled(run)
    expect(it.tasks.run(run.id).state).toBe("timed_out")
  })

  test("one that waits for its place gives it up, and waits again when it is resumed", async () => {
    using it = await fixture({ shellPlaces: 1 })
    const first = await it.start()
    const second = await it.start()
    const third = await it.start()
    await it.tasks.pause([second.task.id], "paused by the user")
    expect(it.tasks.run(second.run.id)).toMatchObject({ state: "paused", started_at: null })
    it.shell.finish(first.run.id)
    await eventually("the third begins", () => it.tasks.run(third.run.id).state === "running")
    await it.tasks.resume([second.task.id])
    expect(it.tasks.run(second.run.id)).toMatchObject({ state: "queued", reason: "waits for a free shell" })
    it.shell.finish(third.run.id)
    await eventually("the second begins", () => it.tasks.run(second.run.id).state === "running")
  })
})

describe("after a crash", () => {
  test("a paused run is taken over as paused, without counting as an attempt; a running one is released", async () => {
    using it = await fixture()
    const paused = await it.start()
    const running = await it.start()
    const queued = await it.start({ needs: [running.task.id] })
    await it.tasks.pause([paused.task.id, queued.task.id], "paused by the user")
    const next = it.again()
    await next.tasks.recover("root")
    expect(next.tasks.run(paused.run.id)).toMatchObject({ state: "paused", attempt: 1 })
    expect(next.tasks.run(running.run.id)).toMatchObject({ state: "running", attempt: 2 })
    expect(next.tasks.run(queued.run.id)).toMatchObject({ state: "paused", started_at: null })
    expect(next.shell.pauses.toSorted()).toEqual([`held ${paused.run.id}`, `released ${running.run.id}`])
    await next.tasks.resume([queued.task.id])
    expect(next.tasks.run(queued.run.id).state).toBe("queued")
    next.shell.finish(running.run.id)
    await eventually("what waited begins", () => next.tasks.run(queued.run.id).state === "running")
  })
})
