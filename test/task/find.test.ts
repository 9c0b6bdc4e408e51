import { expect, test } from "bun:test"
import { usageBelow } from "../../src/task/find.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { seed, seedSession } from "../../testing/seed.ts"

test("usage below a session is the sum over it and its descendants, at any depth, and over nothing else", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    const parents = { root: null, a: "root", b: "a", c: "b", beside: "root", other: null }
    for (const [id, parent_id] of Object.entries(parents))
      seedSession(tx, { id, parent_id, root_id: id === "other" ? "other" : "root" })
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

test("usage of a small tree does not become slow by the rest of the ledger", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "small" })
    seedSession(tx, { id: "large" })
    for (let n = 0; n < 30_000; n++)
      seed(tx, "ledger", { id: `l${n}`, root_id: "large", session_id: "large", state: "closed", input_tokens: 1 })
  })
  const started = performance.now()
  for (let n = 0; n < 2000; n++) usageBelow(place.store, "small")
  // Some 20 ms; reading all of the ledger each time takes several seconds.
  expect(performance.now() - started).toBeLessThan(1500)
})
