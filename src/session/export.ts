// A session with everything below it as lines of JSON (docs/sessions.md), complete enough to be made again from them
// (import.ts).
import { basename } from "node:path"
import { spoolSize } from "../exec/spool.ts"
import type { RunRow, SessionRow } from "../store/rows.ts"
import { SCHEMA_VERSION } from "../store/schema.ts"
import type { Reader } from "../store/store.ts"
import { sessionJson, type TreeTable, treeTables } from "../store/tables.ts"
import { lineage, type Stretch } from "./lineage.ts"

/** Version of the lines' form. A change that a reader could trip over raises it. */
export const EXPORT_FORMAT = 1

/** How many rows are in memory at a time. */
const PAGE = 50

export type ExportLine = { type: string } & Record<string, unknown>

/**
 * The lines of a tree in groups of at most PAGE, read as they are asked for: give a snapshot, or what is written
 * meanwhile makes a tree that never was. The same tree gives the same lines.
 */
export async function* exportTree(reader: Reader, rootId: string): AsyncGenerator<ExportLine[]> {
  const counts: Record<string, number> = { session: 0 }
  const sessions = treeSessions(reader, rootId)
  yield [{ type: "meanwhile-session", format: EXPORT_FORMAT, schema: SCHEMA_VERSION, session_id: rootId }]
  for (const { id } of sessions) {
    const row = reader.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id })
    if (!row) continue
    counts.session!++
    const shared = id === rootId ? sharedBy(reader, row) : []
    // What a fork shares is told as its own, so that the lines need no other session to be whole.
    const alone = shared.length > 0 ? { ...row, forked_from: null, fork_seq: null } : row
    yield [lineOf("session", alone, sessionJson)]
    for (const table of treeTables) {
      if (table.per !== "session") continue
      for (const stretch of shared) yield* sharedRows(reader, table, { id, stretch, counts })
      yield* rowsOf(reader, table, { id, counts })
    }
  }
  for (const table of treeTables) if (table.per === "tree") yield* rowsOf(reader, table, { id: rootId, counts })
  counts.file = 0
  for await (const file of spoolsOf(reader, rootId)) {
    counts.file++
    yield [file]
  }
  // Whoever reads this line knows that nothing is missing.
  yield [{ type: "end", rows: counts }]
}

/** The root first, then what it started, level by level. */
export function treeSessions(reader: Reader, rootId: string): { id: string }[] {
  return reader.all<{ id: string }>(
    "SELECT id FROM session WHERE root_id = :rootId ORDER BY depth, created_at, rowid",
    { rootId },
  )
}

/** Of the sessions that it comes from; none when these are not here. */
function sharedBy(reader: Reader, { id, forked_from: origin }: SessionRow): Stretch[] {
  const isThere = reader.one("SELECT 1 FROM session WHERE id = :origin", { origin }) !== undefined
  return isThere ? lineage(reader, id).filter(({ sessionId }) => sessionId !== id) : []
}

const SAID = "FROM message WHERE session_id = :session AND seq > :first AND seq <= :last"

/** SQL, by table: which rows belong to the messages of a stretch. */
const SHARED: Readonly<Record<string, string>> = {
  turn: `id IN (SELECT turn_id ${SAID})`,
  message: "session_id = :session AND seq > :first AND seq <= :last",
  step: `id IN (SELECT step_id ${SAID})`,
  tool_call: `step_id IN (SELECT step_id ${SAID})`,
  compaction: "session_id = :session AND seq > :first AND seq <= :last",
}

function* sharedRows(
  reader: Reader,
  table: TreeTable,
  { id, stretch, counts }: { id: string; stretch: Stretch; counts: Record<string, number> },
): Generator<ExportLine[]> {
  const scope = SHARED[table.name]
  if (scope === undefined) return
  const params = { session: stretch.sessionId, first: stretch.after, last: stretch.upTo }
  for (const rows of pages(reader, { ...table, scope }, params)) {
    counts[table.name] = (counts[table.name] ?? 0) + rows.length
    yield rows.map((row) => {
      // The origin goes on with its turn; here it came to an end.
      const ended = table.name === "turn" && row.state === "open" ? { state: "interrupted" } : {}
      return lineOf(table.name, { ...row, ...ended, session_id: id }, table.json)
    })
  }
}

function* rowsOf(
  reader: Reader,
  table: TreeTable,
  { id, counts }: { id: string; counts: Record<string, number> },
): Generator<ExportLine[]> {
  counts[table.name] ??= 0
  for (const rows of pages(reader, table, { [table.per === "session" ? "session" : "root"]: id })) {
    counts[table.name]! += rows.length
    yield rows.map((row) => lineOf(table.name, portable(row, table), table.json))
  }
}

type Row = Record<string, unknown>

/** Without what has a meaning in this database only; files are named, not placed. */
function portable(row: Row, { local = [] }: TreeTable): Row {
  const kept = Object.entries(row).filter(([name]) => !local.includes(name))
  return Object.fromEntries(
    kept.map(([name, value]) => [name, name === "spool" && typeof value === "string" ? basename(value) : value]),
  )
}

function* pages(
  reader: Reader,
  { name, scope, key, order }: TreeTable,
  params: Readonly<Record<string, string | number>>,
): Generator<Row[]> {
  if (!key) {
    const rows = reader.all<Row>(`SELECT * FROM ${name} WHERE ${scope} ORDER BY ${order}`, params)
    if (rows.length > 0) yield rows
    return
  }
  const sql = `SELECT ${key} AS "key", * FROM ${name} WHERE ${scope} AND ${key} > :behind ORDER BY ${key} LIMIT ${PAGE}`
  for (let behind = -1; ; ) {
    const rows = reader.all<Row & { key: number }>(sql, { ...params, behind })
    if (rows.length > 0) yield rows.map(({ key: _, ...row }) => row)
    if (rows.length < PAGE) return
    behind = rows.at(-1)!.key
  }
}

function lineOf(type: string, row: object, json: readonly string[]): ExportLine {
  const values = Object.entries(row).map(([name, value]) => [
    name,
    json.includes(name) && typeof value === "string" ? parsed(value) : value,
  ])
  return { type, ...Object.fromEntries(values) }
}

/** Text that would not come out of `JSON.stringify` again as it is stays a text, and is marked as such. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    const isAmbiguous = typeof value === "object" && value !== null && "$text" in value
    if (!isAmbiguous && JSON.stringify(value) === text) return value
  } catch {
    // Not JSON at all: as below.
  }
  return { $text: text }
}

/** What commands wrote is not in the lines: it may have gigabytes. */
async function* spoolsOf(reader: Reader, rootId: string): AsyncGenerator<ExportLine> {
  const runs = reader.all<Pick<RunRow, "id" | "spool">>(
    `SELECT run.id, run.spool FROM run JOIN task ON task.id = run.task_id
     WHERE task.root_id = :rootId AND run.spool IS NOT NULL ORDER BY run.rowid`,
    { rootId },
  )
  for (const { id, spool } of runs) {
    yield { type: "file", run_id: id, path: spool, bytes: await spoolSize(spool!) }
  }
}
