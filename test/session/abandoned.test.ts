// Which trees a dead process leaves with work to be done: those, and no others, go on without anybody's word.
import { expect, test } from "bun:test"
import { uptime } from "node:os"
import { systemClock } from "../../src/base/clock.ts"
import { abandonedBy } from "../../src/session/abandoned.ts"
import { takeLease } from "../../src/session/lease.ts"
import type { Tx } from "../../src/store/store.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { seed, seedSession, seedTask } from "../../testing/seed.ts"

const PID = 4242

function seedTree(tx: Tx, id: string, lease: { pid?: number; taken_at?: number } = {}): void {
  seedSession(tx, { id })
  seed(tx, "lease", { root_id: id, pid: PID, taken_at: systemClock.now(), ...lease })
}

const openTurn = (tx: Tx, id: string) =>
  seed(tx, "turn", { id: `turn-${id}`, session_id: id, state: "open", cause: "human" })
const inbox = (tx: Tx, id: string, row: object) =>
  seed(tx, "inbox", {
    id: `in-${id}`,
    session_id: id,
    kind: "prompt",
    delivery: "steer",
    wake: 1,
    origin: "human",
    content: "[]",
    ...row,
  })

test("a tree goes on with an open turn, a prompt, a control, or a run that is at work or queued", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    for (const id of ["turn", "prompt", "control", "running", "queued", "agent"]) seedTree(tx, id)
    openTurn(tx, "turn")
    inbox(tx, "prompt", {})
    inbox(tx, "control", { kind: "control", wake: 0 })
    seedTask(tx, { id: "t1", root: "running" })
    seedTask(tx, { id: "t2", root: "queued", run: { state: "queued" } })
    seedSession(tx, { id: "child", root_id: "agent", parent_id: "agent" })
    openTurn(tx, "child")
  })
  expect(abandonedBy(place.store, systemClock, PID)).toEqual([
    "agent",
    "control",
    "prompt",
    "queued",
    "running",
    "turn",
  ])
})

test("nothing goes on where nothing is to be done, or only somebody's word is missing", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    for (const id of ["idle", "paused", "service", "ended", "quiet"]) seedTree(tx, id)
    seedTask(tx, { id: "t1", root: "paused", run: { state: "paused" } })
    seedTask(tx, { id: "t2", root: "service", run: { service: 1 } })
    seedTask(tx, { id: "t3", root: "ended", run: { state: "completed" } })
    inbox(tx, "quiet", { kind: "notice", wake: 0 })
  })
  expect(abandonedBy(place.store, systemClock, PID)).toEqual([])
})

test("what another process drove, or one of that number before the machine was started, is left alone", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedTree(tx, "another", { pid: PID + 1 })
    seedTree(tx, "before", { taken_at: systemClock.now() - uptime() * 1000 - 3_600_000 })
    for (const id of ["another", "before"]) openTurn(tx, id)
  })
  expect(abandonedBy(place.store, systemClock, PID)).toEqual([])
})

test("a process that takes a lease does not answer for what an earlier one of its number drove", async () => {
  using place = await temporaryStore()
  const { store } = place
  await store.write((tx) => {
    seedTree(tx, "earlier", { pid: process.pid })
    seedTree(tx, "mine")
    for (const id of ["earlier", "mine", "both"]) openTurn(tx, id)
  })
  const lease = (await takeLease(store, systemClock, "mine"))!
  const both = (await takeLease(store, systemClock, "both"))!
  await store.write((tx) => seedSession(tx, { id: "both" }))
  // The second took nothing from the first, which it holds itself.
  expect(abandonedBy(store, systemClock, process.pid)).toEqual(["both", "mine"])
  lease.release()
  both.release()
})
