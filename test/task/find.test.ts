import { expect, test } from "bun:test"
import type { Tx } from "../../src/store/store.ts"
import { listTasks, usageBelow } from "../../src/task/find.ts"
import { processorMs, temporaryStore } from "../../testing/harness.ts"
import { seed, seedSession } from "../../testing/seed.ts"

test("usage below a session is the sum over it and its descendants, at any depth, and over nothing else", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    const parents = { root: null, a: "root", b: "a", c: "b", beside: "root", other: null }
    for (const [id, parent_id] of Object.entries(parents)) {
      const root_id = id === "other" ? "other" : "root"
      seedSession(tx, { id, parent_id, root_id })
      const task = { id: `t-${id}`, kind: "agent", owner_id: parent_id ?? "", root_id, session_id: id, wake: "each" }
      if (parent_id !== null) seed(tx, "task", task)
    }
    for (const [n, id] of Object.keys(parents).entries())
      seed(tx, "ledger", {
        id: `l-${id}`,
        root_id: id === "other" ? "other" : "root",
        session_id: id,
        state: "closed",
        input_tokens: 10 ** n,
        cost_nanos: 10 ** n,
      })
  })
  const below = (id: string) => usageBelow(place.store, id)
  expect(below("root")).toEqual({ tokens: 11_111, costNanos: 11_111, isEstimated: false })
  expect(below("a")).toEqual({ tokens: 1110, costNanos: 1110, isEstimated: false })
  expect(below("c")).toEqual({ tokens: 1000, costNanos: 1000, isEstimated: false })
  expect(below("other")).toEqual({ tokens: 100_000, costNanos: 100_000, isEstimated: false })
  expect(below("nobody")).toEqual({ tokens: 0, costNanos: 0, isEstimated: false })
})

test("usage below an agent does not become slow by the others of its tree", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "root" })
    for (let n = 0; n < 5000; n++) seedAgent(tx, { id: `agent ${n}`, owner: "root", root: "root" })
  })
  const took = processorMs(() => {
    for (let n = 0; n < 1000; n++) usageBelow(place.store, "agent 7's session")
  })
  // Some 10 ms; a look through all sessions of the tree takes seconds.
  expect(took).toBeLessThan(500)
})

test("usage of a small tree does not become slow by the rest of the ledger", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "small" })
    seedSession(tx, { id: "large" })
    for (let n = 0; n < 30_000; n++)
      seed(tx, "ledger", { id: `l${n}`, root_id: "large", session_id: "large", state: "closed", input_tokens: 1 })
  })
  const took = processorMs(() => {
    for (let n = 0; n < 2000; n++) usageBelow(place.store, "small")
  })
  // Some 20 ms; reading all of the ledger each time takes several seconds.
  expect(took).toBeLessThan(1500)
})

/** An agent's task with its session. */
function seedAgent(
  tx: Tx,
  { id, owner, root, state = "running" }: Record<"id" | "owner" | "root", string> & { state?: string },
) {
  const session = `${id}'s session`
  seedSession(tx, { id: session, parent_id: owner, root_id: root })
  seed(tx, "task", { id, kind: "agent", owner_id: owner, root_id: root, session_id: session, wake: "each" })
  seed(tx, "run", { id: `${id}'s run`, task_id: id, n: 1, state })
}

test("each entry of a list has what its own session and those below it used", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "root" })
    seedAgent(tx, { id: "parent", owner: "root", root: "root" })
    seedAgent(tx, { id: "child", owner: "parent's session", root: "root" })
    seedAgent(tx, { id: "other", owner: "root", root: "root" })
    seedAgent(tx, { id: "idle", owner: "root", root: "root", state: "completed" })
    const use = (id: string, session_id: string, rest: object) =>
      seed(tx, "ledger", { id, root_id: "root", session_id, state: "closed", ...rest })
    use("1", "parent's session", { input_tokens: 10, cost_nanos: 1 })
    use("2", "parent's session", { input_tokens: 1000, cost_nanos: 9, state: "open" })
    use("3", "child's session", { input_tokens: 20, cost_nanos: 2, state: "estimated" })
    use("4", "other's session", { input_tokens: 5, cost_nanos: null })
  })
  const views = listTasks(place.store, { rootId: "root" })
  expect(views.map(({ task, run, ...used }) => [task.id, run.id, used])).toEqual([
    ["parent", "parent's run", { tokens: 30, costNanos: 3, isEstimated: true }],
    ["child", "child's run", { tokens: 20, costNanos: 2, isEstimated: true }],
    ["other", "other's run", { tokens: 5, costNanos: null, isEstimated: false }],
    ["idle", "idle's run", { tokens: 0, costNanos: 0, isEstimated: false }],
  ])
  for (const { task, run: _, ...used } of views) expect(usageBelow(place.store, task.session_id!)).toEqual(used)
})

test("a list is of a tree, of an owner, of what lives, or of all", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedAgent(tx, { id: "a", owner: "root", root: "root" })
    seedAgent(tx, { id: "b", owner: "a's session", root: "root", state: "failed" })
    seedAgent(tx, { id: "c", owner: "elsewhere", root: "elsewhere", state: "completed" })
    // What ran twice is one entry, with its newest run.
    seed(tx, "run", { id: "again", task_id: "c", n: 2, state: "running" })
  })
  const ids = (scope: Parameters<typeof listTasks>[1]) => listTasks(place.store, scope).map(({ task }) => task.id)
  expect(ids({})).toEqual(["a", "b", "c"])
  expect(ids({ live: true })).toEqual(["a", "c"])
  expect(ids({ rootId: "root" })).toEqual(["a", "b"])
  expect(ids({ ownerId: "a's session" })).toEqual(["b"])
  expect(ids({ rootId: "root", ownerId: "root", live: true })).toEqual(["a"])
  expect(ids({ ownerId: "nobody" })).toEqual([])
  expect(listTasks(place.store, { rootId: "elsewhere" })[0]?.run.id).toBe("again")
})
