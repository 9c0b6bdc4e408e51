// Many tasks wait for one: its end is seen to in several short transactions, and nothing is lost between two of them.
import { expect, test } from "bun:test"
import { type Clock, systemClock } from "../../src/base/clock.ts"
import { UserError } from "../../src/base/error.ts"
import type { Tx } from "../../src/store/store.ts"
import { TaskRuntime } from "../../src/task/runtime.ts"
import { settle } from "../../src/task/settle.ts"
import type { StartSpec } from "../../src/task/task.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { countingIds, eventually, memoryLog, temporaryStore } from "../../testing/harness.ts"
import { taskSpec } from "../../testing/task-spec.ts"

const MANY = 170

async function place() {
  const it = await temporaryStore()
  const ids = countingIds()
  const pauses: number[] = []
  const clock: Clock = { ...systemClock, sleep: async (ms) => void pauses.push(ms) }
  const runtime = () => {
    const kind = new GatedKind("shell")
    const tasks = new TaskRuntime({ store: it.store, clock, ids, log: memoryLog(), shellPlaces: 1000 })
    tasks.register(kind)
    return { kind, tasks }
  }
  const { kind, tasks } = runtime()
  const start = (spec: Partial<StartSpec> = {}) => tasks.start(taskSpec(spec))
  const gate = await start()
  const waiting: string[] = []
  for (let n = 0; n < MANY; n++) waiting.push((await start({ needs: [gate.task.id] })).task.id)
  // At the end of the longest line.
  const last = await start({ needs: [waiting[MANY - 1]!] })
  const count = (what: string) => it.store.one<{ n: number }>(`SELECT COUNT(*) AS n FROM ${what}`)!.n
  return { it, kind, pauses, runtime, gate, last, count, [Symbol.dispose]: () => it[Symbol.dispose]() }
}

test("all that waited for a task begin when it has completed, each once", async () => {
  using at = await place()
  at.kind.finish(at.gate.run.id)
  await eventually("all run", () => at.count("run WHERE state = 'running'") === MANY)
  const begun = at.kind.events.filter((event) => event.startsWith("went"))
  expect([begun.length, new Set(begun).size]).toEqual([MANY + 1, MANY + 1])
  expect(at.count("dependency WHERE met = 0")).toBe(1)
})

test("all that waited for a task are skipped when it has failed, each told once", async () => {
  using at = await place()
  let longest = 0
  const { writeDurably } = at.it.store
  at.it.store.writeDurably = (change) =>
    writeDurably.call(at.it.store, (tx: Tx) => {
      const before = at.count("run WHERE state = 'skipped'")
      const result = change(tx)
      longest = Math.max(
        longest,
        tx.one<{ n: number }>("SELECT COUNT(*) AS n FROM run WHERE state = 'skipped'")!.n - before,
      )
      return result
    }) as never
  at.kind.finish(at.gate.run.id, { state: "failed" })
  await eventually("all are skipped", () => at.count("run WHERE state = 'skipped'") === MANY + 1)
  expect(at.count("inbox WHERE kind = 'notice'")).toBe(MANY + 2)
  expect(longest).toBeLessThanOrEqual(25)
  expect(
    at.it.store.one<{ reason: string }>("SELECT reason FROM run WHERE id = :id", { id: at.last.run.id })?.reason,
  ).toMatch(/^it needs task short-\d+, which was skipped$/)
})

test("a disk that is full between two of the transactions holds up the others, and loses none", async () => {
  using at = await place()
  const { writeDurably } = at.it.store
  let writes = 0
  at.it.store.writeDurably = (change) => {
    // The first is the end of the task itself.
    if (++writes === 2) return Promise.reject(new UserError("disk-full", "The disk is full."))
    return writeDurably.call(at.it.store, change) as never
  }
  at.kind.finish(at.gate.run.id, { state: "failed" })
  await eventually("all are skipped", () => at.count("run WHERE state = 'skipped'") === MANY + 1)
  expect(at.pauses).toEqual([1000])
  expect(at.count("inbox WHERE kind = 'notice'")).toBe(MANY + 2)
})

for (const state of ["completed", "failed"] as const)
  test(`what a host that died had not seen to after a task had ${state} is seen to by the next one`, async () => {
    using at = await place()
    // The host dies behind the first transaction.
    const first = await at.it.store.writeDurably((tx) =>
      settle(tx, systemClock, { runId: at.gate.run.id, outcome: { state } }),
    )
    expect(first.type === "settled" && first.rest.length).toBeGreaterThan(0)
    expect(at.count("run WHERE state = 'queued'")).toBeGreaterThan(100)
    const { tasks } = at.runtime()
    await tasks.recover("root")
    if (state === "completed") expect(at.count("run WHERE state = 'running'")).toBe(MANY)
    if (state === "failed") expect(at.count("run WHERE state = 'skipped'")).toBe(MANY + 1)
    expect(at.count("inbox WHERE kind = 'notice'")).toBe(state === "completed" ? 1 : MANY + 2)
  })
