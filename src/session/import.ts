// Makes an exported session again (docs/sessions.md). Its lines are first read into a database of its own beside
// (import-scratch.ts), then its rows are copied in short transactions, so that nobody who writes meanwhile is held up. The
// row of the session itself comes last: until then nobody sees it, and what was cut off is taken away again.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import type { Ids } from "../base/ids.ts"
import { openStore } from "../store/open.ts"
import type { SessionRow } from "../store/rows.ts"
import { inSlices } from "../store/slices.ts"
import { insertRow, type Reader, type Store } from "../store/store.ts"
import { type TreeTable, treeTables } from "../store/tables.ts"
import { idsIn, newId, renamed, renamedContent, renameIds } from "./import-ids.ts"
import { type AtRest, putToRest } from "./import-rest.ts"
import { readExport } from "./import-scratch.ts"
import { takeLease } from "./lease.ts"
import { freeName } from "./name.ts"
import { importKey, removeTree } from "./remove.ts"

export interface Importing {
  /** The lines of the export, without their ends. */
  lines: AsyncIterable<string>
  /** With new ids, beside the session that it is. */
  asCopy: boolean
  /** Where the database beside is made, and removed again. */
  folder: string
}

export interface Imported extends AtRest {
  row: SessionRow
  /** The name that it had, where another session of the project has it. */
  nameTaken: string | undefined
  /** It shared messages with a session that is here: it has its own of them now. */
  isWhole: boolean
  messages: number
  tasks: number
}

export interface ImportParts {
  store: Store
  clock: Clock
  ids: Ids
}

/** Rows that one transaction inserts. */
const PACE = { first: 50, most: 2000 }
/** A database beside that is older was left by a process that died. */
const LEFT_MS = 24 * 3_600_000

/** Throws a UserError, with nothing changed, for what can't be imported. */
export async function importSession(parts: ImportParts, { lines, asCopy, folder }: Importing): Promise<Imported> {
  const { store, clock } = parts
  await removeUnfinishedImports(store, clock)
  removeLeft(folder, clock)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const place = mkdtempSync(join(folder, "import-"))
  try {
    const scratch = await openStore({ folder: place, clock })
    try {
      const rootId = await readExport(scratch, lines)
      const rest = await scratch.write((tx) => putToRest(tx, { spools: store.folder("spool") }))
      const plan = planOf(parts, { scratch, rootId, asCopy })
      refuseTaken(store, scratch, plan)
      const row = await copy(parts, scratch, plan)
      const before = rootOf(scratch, rootId).name
      return {
        ...rest,
        row,
        nameTaken: before !== null && before !== row.name ? before : undefined,
        isWhole: plan.isWhole,
        messages: count(scratch, "message"),
        tasks: count(scratch, "task"),
      }
    } finally {
      scratch.close()
    }
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/** Takes away what imports have left that were cut off; returns how many there were. */
export async function removeUnfinishedImports(store: Store, clock: Clock): Promise<number> {
  const keys = store.all<{ key: string }>("SELECT key FROM meta WHERE key LIKE 'importing:%'")
  let removed = 0
  for (const { key } of keys) {
    const rootId = key.slice(importKey("").length)
    // One that is under way has it.
    const lease = await takeLease(store, clock, rootId)
    if (!lease) continue
    await undo(store, clock, rootId)
    lease.release()
    removed++
  }
  return removed
}

interface Plan {
  rootId: string
  renaming: ReadonlyMap<string, string>
  isWhole: boolean
}

const withKeys = ["session", ...treeTables.flatMap(({ name, key }) => (key === undefined ? [] : [name]))]
/** What a fork shares with the session that it comes from, and has in its export as its own. */
const MAYBE_SHARED = ["turn", "message", "step", "tool_call", "compaction"]

/** Which ids are new: all of a copy, and those of a fork that it shares with a session that is here. */
function planOf(
  { store, ids }: ImportParts,
  { scratch, rootId, asCopy }: { scratch: Reader; rootId: string; asCopy: boolean },
): Plan {
  const renaming = new Map<string, string>()
  if (asCopy) renameIds(renaming, ids, idsIn(scratch, tablesWithIds(scratch)))
  const isHere = store.one("SELECT 1 FROM session WHERE id = :rootId", { rootId }) !== undefined
  if (asCopy || isHere) return { rootId, renaming, isWhole: false }
  for (const table of MAYBE_SHARED) {
    const taken = [...idsIn(scratch, [table])].filter((id) => isTaken(store, table, id))
    for (const id of taken) renaming.set(id, newId(id, ids))
  }
  return { rootId, renaming, isWhole: renaming.size > 0 }
}

function isTaken(store: Reader, table: string, id: string): boolean {
  return store.one(`SELECT 1 FROM ${table} WHERE id = :id`, { id }) !== undefined
}

/** Throws a UserError when a row is here already. */
function refuseTaken(store: Reader, scratch: Reader, { rootId, renaming }: Plan): void {
  for (const table of tablesWithIds(scratch))
    for (const id of idsIn(scratch, [table])) {
      const taken = renamed(id, renaming)
      if (!isTaken(store, table, taken)) continue
      throw new UserError(
        "session-exists",
        taken === rootId && table === "session"
          ? `The session ${rootId.slice(0, 8)} is here already. Import it beside, with new ids: --as-copy. Nothing was imported.`
          : `The export has rows that are here already, in another session (${table} ${taken.slice(0, 20)}). Import it with new ids: --as-copy. Nothing was imported.`,
      )
    }
}

function tablesWithIds(reader: Reader): string[] {
  return withKeys.filter((table) => reader.one(`SELECT 1 FROM pragma_table_info('${table}') WHERE name = 'id'`))
}

async function copy({ store, clock }: ImportParts, scratch: Store, { rootId, renaming }: Plan): Promise<SessionRow> {
  const id = renaming.get(rootId) ?? rootId
  const lease = await takeLease(store, clock, id)
  if (!lease) throw new UserError("session-busy", "Another process imports this session at this moment.")
  try {
    await store.write((tx) =>
      tx.run("INSERT INTO meta (key, value) VALUES (:key, '1') ON CONFLICT (key) DO NOTHING", { key: importKey(id) }),
    )
    try {
      await copyTable({ store, clock, scratch }, CHILDREN, renaming)
      for (const table of treeTables) await copyTable({ store, clock, scratch }, table, renaming)
      return await store.writeDurably((tx) => {
        const row = renamedRow("session", { ...rootOf(scratch, rootId) }, renaming) as SessionRow
        const name = row.name === null ? null : freeName(tx, { project: row.project, name: row.name })
        insertRow(tx, "session", { ...row, name })
        tx.run("DELETE FROM meta WHERE key = :key", { key: importKey(id) })
        return { ...row, name }
      })
    } catch (error) {
      await undo(store, clock, id)
      throw error
    }
  } finally {
    lease.release()
  }
}

const CHILDREN: Pick<TreeTable, "name" | "key" | "local"> & { only: string } = {
  name: "session",
  key: "rowid",
  only: "parent_id IS NOT NULL",
}

async function copyTable(
  { store, clock, scratch }: { store: Store; clock: Clock; scratch: Store },
  { name, key, local = [], only = "TRUE" }: Pick<TreeTable, "name" | "key" | "local"> & { only?: string },
  renaming: Plan["renaming"],
): Promise<void> {
  // Without a key there are few rows, and no rowid to go by.
  const sql = key
    ? `SELECT rowid AS "row", * FROM ${name} WHERE ${only} AND rowid > :after ORDER BY rowid LIMIT :limit`
    : `SELECT 0 AS "row", * FROM ${name} WHERE ${only} AND :limit > 0 AND :after < 1`
  let after = 0
  await inSlices(clock, PACE, async (limit) => {
    const rows = scratch.all<Record<string, string | number | null> & { row: number }>(sql, { after, limit })
    after = key ? (rows.at(-1)?.row ?? after) : 1
    return store.write((tx) => {
      const started = performance.now()
      for (const { row: _, ...fields } of rows) {
        for (const column of local) delete fields[column]
        insertRow(tx, name, renamedRow(name, fields, renaming))
      }
      return { done: rows.length, took: performance.now() - started }
    })
  })
}

function renamedRow(table: string, row: object, renaming: Plan["renaming"]): object {
  if (renaming.size === 0) return row
  const fields = Object.entries(row).map(([name, value]) => {
    if (typeof value !== "string") return [name, value]
    const isSaid = table === "message" && name === "content"
    return [name, isSaid ? renamedContent(value, renaming) : renamed(value, renaming)]
  })
  return Object.fromEntries(fields)
}

async function undo(store: Store, clock: Clock, rootId: string): Promise<void> {
  // Its own row comes in the last step, which ends the import: with it, it is there whole.
  if (!store.one("SELECT 1 FROM session WHERE id = :rootId", { rootId })) await removeTree(store, clock, rootId)
}

function rootOf(reader: Reader, id: string): SessionRow {
  return reader.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id })!
}

function count(reader: Reader, table: string): number {
  return reader.one<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`)?.n ?? 0
}

function removeLeft(folder: string, clock: Clock): void {
  for (const name of namesIn(folder)) {
    const path = join(folder, name)
    const changedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? clock.now()
    if (name.startsWith("import-") && changedAt < clock.now() - LEFT_MS) rmSync(path, { recursive: true, force: true })
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // Nothing was ever imported.
    return []
  }
}
