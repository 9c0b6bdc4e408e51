import { expect, test } from "bun:test"
import { systemClock } from "../../src/base/clock.ts"
import type { RunRow, TaskRow } from "../../src/store/rows.ts"
import { ProgressRows } from "../../src/task/progress.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { seed } from "../../testing/seed.ts"

test("what several runs tell in the same moment is stored in one transaction, but for runs that have ended", async () => {
  using place = await temporaryStore()
  const { store } = place
  const states = { a: "running", b: "completed", c: "running" }
  await store.write((tx) => {
    for (const [id, state] of Object.entries(states)) {
      seed(tx, "task", { id: `t-${id}`, kind: "shell", owner_id: "root", root_id: "root", wake: "each" })
      seed(tx, "run", { id, task_id: `t-${id}`, n: 1, state, notice: "none", tail: "old" })
    }
  })
  let transactions = 0
  using _ = store.fence(() => void transactions++)
  const progress = new ProgressRows(store, systemClock)
  const tell = (id: string, bytes: number) => {
    const task = store.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: `t-${id}` })!
    return progress.tell(task, id, { bytes, tail: `${bytes} bytes` })
  }
  await Promise.all(Object.keys(states).map((id) => tell(id, 7)))
  expect(transactions).toBe(1)
  const rows = store.all<RunRow>("SELECT * FROM run ORDER BY id")
  expect(rows.map(({ bytes, tail }) => `${bytes}: ${tail}`)).toEqual(["7: 7 bytes", "0: old", "7: 7 bytes"])
  expect(store.all("SELECT ref FROM feed WHERE kind = 'task_progress' ORDER BY seq")).toEqual([
    { ref: "a" },
    { ref: "c" },
  ])
  await tell("a", 9)
  expect(transactions).toBe(2)
  expect(store.one("SELECT bytes FROM run WHERE id = 'a'")).toEqual({ bytes: 9 })
})
