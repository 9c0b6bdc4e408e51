import { describe, expect, test } from "bun:test"
import { healthOfTasks, tellOnce } from "../../src/session/health.ts"
import { takeLease } from "../../src/session/lease.ts"
import type { InboxRow } from "../../src/store/rows.ts"
import { listTasks } from "../../src/task/find.ts"
import { healthOf, SILENCE_MS, type Signs } from "../../src/task/health.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { seed, seedSession, seedTask } from "../../testing/seed.ts"

const NOW = 10_000_000
const clock = { now: () => NOW, monotonic: () => NOW, sleep: () => Promise.resolve() }
const well: Signs = {
  kind: "agent",
  run: { state: "running", reason: null, service: 0, event_at: NOW, notice: "none", quiet: 0 },
  isDriven: true,
  asks: false,
  hasLiveTasks: false,
  now: NOW,
}
const silent = { ...well.run, event_at: NOW - SILENCE_MS }

describe("the health of a task", () => {
  test.each<[string, Signs, ReturnType<typeof healthOf>]>([
    ["at work", well, undefined],
    ["silent for five minutes", { ...well, run: silent }, "stalled"],
    ["silent for less", { ...well, run: { ...silent, event_at: NOW - SILENCE_MS + 1 } }, undefined],
    ["a silent service", { ...well, run: { ...silent, service: 1 } }, undefined],
    ["a silent monitor", { ...well, kind: "monitor", run: silent }, undefined],
    ["silent, its own agents at work", { ...well, run: silent, hasLiveTasks: true }, undefined],
    ["silent because it asks", { ...well, run: silent, asks: true }, "waiting for you"],
    ["paused by a cap", { ...well, run: { ...silent, state: "paused", reason: "cap: $1.00" } }, "over cap"],
    ["paused by the user", { ...well, run: { ...silent, state: "paused", reason: "paused by the user" } }, undefined],
    ["queued for long", { ...well, run: { ...silent, state: "queued" } }, undefined],
    ["silent, nobody drives it", { ...well, run: silent, isDriven: false }, undefined],
    ["ended, its notice taken", { ...well, run: { ...silent, state: "completed", notice: "delivered" } }, undefined],
    ["ended, on its way", { ...well, run: { ...silent, state: "completed", notice: "pending" } }, undefined],
    [
      "ended, nobody there to tell",
      { ...well, isDriven: false, run: { ...silent, state: "completed", notice: "pending" } },
      "undelivered",
    ],
  ])("%s", (_name, signs, expected) => expect(healthOf(signs)).toBe(expected))
})

describe("from rows", () => {
  test("each sign is found where it is stored", async () => {
    using it = await temporaryStore(clock)
    const { store } = it
    await store.write((tx) => {
      seedSession(tx, { id: "root" })
      seedSession(tx, { id: "left" })
      const silentRun = { event_at: NOW - SILENCE_MS }
      seedTask(tx, { id: "silent", root: "root", run: silentRun })
      seedTask(tx, { id: "asks", root: "root", run: silentRun })
      seedTask(tx, {
        id: "parent",
        root: "root",
        task: { kind: "agent", session_id: "s", input: '{"agent":"x"}' },
        run: silentRun,
      })
      seedTask(tx, { id: "child", root: "root", task: { owner_id: "s" }, run: { event_at: NOW } })
      seedTask(tx, { id: "told", root: "left", run: { state: "completed", notice: "pending" } })
      seed(tx, "approval", {
        id: "a",
        root_id: "root",
        session_id: "x",
        task_id: "asks",
        tool_call_id: "c",
        state: "open",
        input: "{}",
      })
    })
    const lease = await takeLease(store, clock, "root")
    expect(Object.fromEntries(healthOfTasks(store, listTasks(store, {}), NOW))).toEqual({
      silent: "stalled",
      asks: "waiting for you",
      told: "undelivered",
    })
    lease?.release()
  })

  test("a stalled task is told of once, and wakes nobody", async () => {
    using it = await temporaryStore(clock)
    const { store } = it
    await store.write((tx) => {
      seedSession(tx, { id: "root" })
      seedTask(tx, { id: "silent", root: "root", run: { event_at: NOW - 301_000 } })
      seedTask(tx, { id: "well", root: "root", run: { event_at: NOW } })
    })
    await tellOnce(store, clock, "root")
    await tellOnce(store, clock, "root")
    const told = store.all<InboxRow>("SELECT * FROM inbox")
    expect(told).toMatchObject([{ id: "notice:run-silent:stalled", wake: 0, delivery: "queue", session_id: "root" }])
    expect(told[0]!.content).toContain("stalled: nothing came from it for 5 min 01 s")
  })
})
