import { expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { type ExportLine, exportTree } from "../../src/session/export.ts"
import type { Reader } from "../../src/store/store.ts"
import { otherTables, passingTables, searchTables, sumTables, treeTables } from "../../src/store/tables.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { columnsOf, seed, seedSession } from "../../testing/seed.ts"
import { fullTree, linesOf } from "./full-tree.ts"

test("every table of the database is exported or is known not to be", async () => {
  using place = await temporaryStore()
  const tables = place.store.all<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  )
  const known = [
    "session",
    ...treeTables.map(({ name }) => name),
    ...passingTables,
    ...searchTables,
    ...sumTables,
    ...otherTables,
  ]
  expect(tables.map(({ name }) => name).sort()).toEqual(known.sort())
  for (const { name } of tables) expect(columnsOf(place.store, name).map((column) => column.name)).not.toContain("type")
})

test("the last line counts the lines of each kind, and files are named with their size", async () => {
  using place = await temporaryStore()
  await fullTree(place)
  for (const n of [1, 2]) writeFileSync(join(place.store.folder("spool"), `run-${n}.out`), "12345")
  const lines = await linesOf(place.store)
  const counted: Record<string, number> = {}
  for (const { type } of lines.slice(1, -1)) counted[type] = (counted[type] ?? 0) + 1
  expect(lines.at(-1)).toEqual({ type: "end", rows: counted })
  expect(lines.filter(({ type }) => type === "file").map(({ bytes }) => bytes)).toEqual([5, 5])
})

test("messages come in their order, a session's before those of what it started", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "child", root_id: "root", parent_id: "root", depth: 1 })
    seedSession(tx, { id: "root" })
    for (let seq = 130; seq > 0; seq--)
      for (const session_id of ["child", "root"])
        seed(tx, "message", { id: `${session_id}-${seq}`, session_id, seq, role: "user", content: "[]" })
  })
  const ids = (await linesOf(place.store)).filter(({ type }) => type === "message").map(({ id }) => id)
  const inOrder = (session: string) => Array.from({ length: 130 }, (_, n) => `${session}-${n + 1}`)
  expect(ids).toEqual([...inOrder("root"), ...inOrder("child")])
})

test("a snapshot exports the tree as it was when it was taken", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "root" })
    for (let seq = 1; seq <= 120; seq++)
      seed(tx, "message", { id: `m${seq}`, session_id: "root", seq, role: "user", content: "[]" })
  })
  const before = await linesOf(place.store)
  using snapshot = place.store.snapshot()
  const lines: ExportLine[] = []
  for await (const group of exportTree(snapshot, "root")) {
    lines.push(...group)
    await place.store.write((tx) => {
      seed(tx, "message", {
        id: `late${lines.length}`,
        session_id: "root",
        seq: 1000 + lines.length,
        role: "user",
        content: "[]",
      })
      tx.run("DELETE FROM message WHERE seq > 60 AND seq < 1000")
    })
  }
  expect(lines).toEqual(before)
})

test("a long session is never in memory as a whole", async () => {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "root" })
    for (let seq = 1; seq <= 20_000; seq++)
      seed(tx, "message", { id: `m${seq}`, session_id: "root", seq, role: "user", content: "[]" })
  })
  const counting = { queries: 0, most: 0 }
  const reader: Reader = {
    one: (sql, params) => place.store.one(sql, params),
    all: <T>(sql: string, params = {}) => {
      const rows = place.store.all<T>(sql, params)
      counting.queries++
      counting.most = Math.max(counting.most, rows.length)
      return rows
    },
  }
  let messages = 0
  for await (const group of exportTree(reader, "root")) {
    messages += group.filter(({ type }) => type === "message").length
    // Each page is read when it is asked for, not before.
    expect(counting.queries).toBeLessThanOrEqual(messages / 50 + 20)
  }
  expect(messages).toBe(20_000)
  expect(counting.most).toBeLessThanOrEqual(50)
})
