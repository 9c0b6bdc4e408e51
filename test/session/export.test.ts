import { expect, test } from "bun:test"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { type ExportLine, exportTree } from "../../src/session/export.ts"
import { insertRow, type Reader } from "../../src/store/store.ts"
import { otherTables, passingTables, searchTables, sessionJson, sumTables, treeTables } from "../../src/store/tables.ts"
import { type TestStore, temporaryStore } from "../../testing/harness.ts"
import { columnsOf, seed, seedFull, seedSession } from "../../testing/seed.ts"

/** What the columns with a CHECK may hold. */
const CHECKED: Record<string, Record<string, string | number>> = {
  turn: { state: "done", cause: "human" },
  message: { role: "user", origin: "human" },
  step: { state: "done" },
  tool_call: { state: "done", replay: "safe" },
  inbox: { kind: "prompt", delivery: "steer", origin: "human" },
  task: { wake: "each" },
  run: { state: "completed", stop_by: "user", notice: "none" },
  approval: { state: "open" },
  ledger: { state: "closed" },
  compaction: { cause: "user", content: "[]", kept: "{}" },
  memory: { made_by: "rules", sections: "{}" },
}

/** A root with a child; each table that can belong to a tree has two rows of it, with a value in every column. */
async function fullTree(place: TestStore): Promise<void> {
  await place.store.write((tx) => {
    seedFull(tx, "session", {
      id: "root",
      root_id: "root",
      parent_id: null,
      depth: 0,
      tools: '["Read"]',
      limits: '{"only":[]}',
      title_by: "model",
    })
    seedFull(tx, "session", {
      id: "child",
      root_id: "root",
      parent_id: "root",
      depth: 1,
      tools: "[]",
      limits: "{}",
      title_by: null,
    })
    for (const n of [1, 2])
      for (const { name } of treeTables) {
        const ids = columnsOf(tx, name).map((column) => column.name)
        const scope = {
          root_id: "root",
          session_id: n === 1 ? "root" : "child",
          owner_id: "root",
          task_id: `"task ${n}"`,
        }
        const scoped = Object.fromEntries(Object.entries(scope).filter(([column]) => ids.includes(column)))
        const own =
          name === "task"
            ? { id: `"task ${n}"` }
            : name === "run"
              ? { spool: join(place.folder, "spool", "a.out"), n }
              : {}
        seedFull(tx, name, { ...CHECKED[name], ...scoped, ...own })
      }
    const odd = { session_id: "root", step_id: "odd", replay: "never", state: "done" }
    // Not as JSON.stringify writes it, not JSON, and what would be taken for the mark of those.
    seed(tx, "tool_call", { ...odd, id: "spaced", idx: 1, input: '{ "a": 1 }', result: '{"content":[]}' })
    seed(tx, "tool_call", { ...odd, id: "broken", idx: 2, input: "{ not json" })
    seed(tx, "tool_call", { ...odd, id: "marked", idx: 3, input: '{"$text":"x"}' })
    seedSession(tx, { id: "other" })
    seed(tx, "message", { id: "of-another", session_id: "other", role: "user", content: "[]" })
  })
}

async function linesOf(reader: Reader, rootId = "root"): Promise<ExportLine[]> {
  const lines: ExportLine[] = []
  for await (const group of exportTree(reader, rootId)) lines.push(...group)
  return lines
}

test("every table of the database is exported or is known not to be", async () => {
  using place = await temporaryStore()
  const tables = place.store.all<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  )
  const known = ["session", ...treeTables.map(({ name }) => name), ...passingTables, ...searchTables, ...sumTables, ...otherTables]
  expect(tables.map(({ name }) => name).sort()).toEqual(known.sort())
  for (const { name } of tables) expect(columnsOf(place.store, name).map((column) => column.name)).not.toContain("type")
})

test("what is exported can be made again, equal to the last byte", async () => {
  using place = await temporaryStore()
  await fullTree(place)
  const lines = await linesOf(place.store)
  expect(lines[0]).toEqual({ type: "meanwhile-session", format: 1, schema: expect.any(Number), session_id: "root" })
  expect(JSON.stringify(lines)).not.toContain("of-another")

  using copy = await temporaryStore()
  await copy.store.write((tx) => {
    const json = new Map([["session", sessionJson], ...treeTables.map((table) => [table.name, table.json] as const)])
    for (const { type, ...row } of JSON.parse(JSON.stringify(lines)) as ExportLine[]) {
      const columns = json.get(type)
      if (!columns) continue
      for (const name of columns)
        if (row[name] !== null) row[name] = (row[name] as { $text?: string }).$text ?? JSON.stringify(row[name])
      insertRow(tx, type, row)
    }
  })
  for (const table of ["session", ...treeTables.map(({ name }) => name)]) {
    const all = (reader: Reader) => reader.all(`SELECT * FROM ${table} ORDER BY 1, 2`)
    const mine = all(place.store).filter((row) => !/"other"|of-another/.test(JSON.stringify(row)))
    expect({ table, rows: all(copy.store) }).toEqual({ table, rows: mine })
    expect(mine.length).toBeGreaterThan(1)
  }
  expect(await linesOf(copy.store)).toEqual(lines)
})

test("the last line counts the lines of each kind, and files are named with their size", async () => {
  using place = await temporaryStore()
  await fullTree(place)
  writeFileSync(join(place.store.folder("spool"), "a.out"), "12345")
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
