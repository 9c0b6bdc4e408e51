import { expect, test } from "bun:test"
import { systemClock } from "../../src/base/clock.ts"
import { forgetIfEmpty } from "../../src/session/empty.ts"
import { lastSession } from "../../src/session/find.ts"
import { admit } from "../../src/session/inbox.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { seedSession } from "../../testing/seed.ts"

test("a session without a word is forgotten, and not the one to go on with", async () => {
  using home = await temporaryStore()
  const { store } = home
  await store.write((tx) => seedSession(tx, { id: "used", updated_at: 1 }))
  await store.writeDurably((tx) =>
    admit(tx, systemClock, { id: "p", sessionId: "used", origin: "human", delivery: "steer", content: [] }),
  )
  await store.write((tx) => seedSession(tx, { id: "empty", updated_at: 2 }))
  const { project } = store.one<{ project: string }>("SELECT project FROM session WHERE id = 'used'")!
  expect(lastSession(store, project).id).toBe("used")
  expect(await forgetIfEmpty(store, "used")).toBe(false)
  expect(await forgetIfEmpty(store, "empty")).toBe(true)
  expect(store.all<{ id: string }>("SELECT id FROM session").map(({ id }) => id)).toEqual(["used"])
})

test("a session that was given a name stays although nothing was said", async () => {
  using home = await temporaryStore()
  const { store } = home
  await store.write((tx) => seedSession(tx, { id: "named", name: "kept" }))
  expect(await forgetIfEmpty(store, "named")).toBe(false)
})
