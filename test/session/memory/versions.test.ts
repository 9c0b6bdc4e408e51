import { expect, test } from "bun:test"
import {
  addVersion,
  editSection,
  inheritMemory,
  newestVersion,
  restoreVersion,
  versionsOf,
} from "../../../src/session/memory/versions.ts"
import { type TestStore, temporaryStore } from "../../../testing/harness.ts"
import { seedSession } from "../../../testing/seed.ts"

async function withVersions(count: number): Promise<TestStore> {
  const it = await temporaryStore()
  await it.store.write((tx) => {
    seedSession(tx, { id: "s" })
    for (let n = 1; n <= count; n++) {
      const sections = { status: { lines: [`- at ${n}`] } }
      addVersion(tx, { sessionId: "s", coversSeq: n * 10, sections, madeBy: "model", now: n })
    }
  })
  return it
}

const status = (it: TestStore, id = "s") => newestVersion(it.store, id).sections.status?.lines

test("of many versions the newest are kept, and of those before some", async () => {
  using it = await withVersions(450)
  const numbers = versionsOf(it.store, "s").map(({ version }) => version)
  expect(numbers.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => 450 - i))
  expect(numbers.slice(20)).toEqual([
    430, 420, 410, 400, 390, 380, 370, 360, 350, 340, 330, 320, 310, 300, 290, 280, 270, 260, 200, 100,
  ])
})

test("going back is a new version, whose later messages are to be taken in again", async () => {
  using it = await withVersions(3)
  await it.store.write((tx) => restoreVersion(tx, { sessionId: "s", version: 1, now: 9 }))
  expect(newestVersion(it.store, "s")).toMatchObject({ version: 4, coversSeq: 10, madeBy: "user" })
  expect(status(it)).toEqual(["- at 1"])
  expect(versionsOf(it.store, "s")).toHaveLength(4)
  const gone = it.store.write((tx) => restoreVersion(tx, { sessionId: "s", version: 99, now: 9 }))
  await expect(gone).rejects.toThrow("Version 99 of the memory is no longer kept.")
})

test("an edit that changes nothing makes no version", async () => {
  using it = await withVersions(1)
  const base = newestVersion(it.store, "s")
  const edit = (name: "status" | "decisions", text: string) =>
    it.store.write((tx) => editSection(tx, { sessionId: "s", name, base, text, now: 5 }))
  await edit("status", "- at 1\n")
  await edit("decisions", "\n")
  expect(newestVersion(it.store, "s").version).toBe(1)
  await edit("decisions", "- as it is")
  expect(newestVersion(it.store, "s")).toMatchObject({ version: 2, coversSeq: 10, madeBy: "user" })
})

test("a fork begins with what its origin remembered of the messages that they share", async () => {
  using it = await withVersions(3)
  const fork = (id: string, originId: string, seq: number) =>
    it.store.write((tx) => {
      seedSession(tx, { id, forked_from: originId, fork_seq: seq })
      inheritMemory(tx, { id, originId, seq, now: 7 })
    })
  await fork("late", "s", 35)
  expect(newestVersion(it.store, "late")).toMatchObject({ version: 1, coversSeq: 30, madeBy: "fork", at: 7 })
  await fork("middle", "s", 29)
  expect(status(it, "middle")).toEqual(["- at 2"])
  await fork("early", "s", 5)
  expect(newestVersion(it.store, "early")).toMatchObject({ version: 0, coversSeq: 0 })
  // From before the fork that it comes from had split off.
  await fork("back", "late", 15)
  expect(newestVersion(it.store, "back")).toMatchObject({ version: 1, coversSeq: 10 })
  // What each remembers from here on is its own.
  await it.store.write((tx) =>
    addVersion(tx, { sessionId: "late", coversSeq: 40, sections: {}, madeBy: "model", now: 8 }),
  )
  expect(newestVersion(it.store, "s").coversSeq).toBe(30)
})
