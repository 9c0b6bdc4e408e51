// An export, read into a database of its own: whatever is wrong with it is found there, with its line, and nothing of
// the user's has been touched.
import { UserError } from "../base/error.ts"
import { quoted } from "../base/text.ts"
import { SCHEMA_VERSION } from "../store/schema.ts"
import { insertRow, type Reader, type Store, type Tx } from "../store/store.ts"
import { sessionJson, type TreeTable, treeTables } from "../store/tables.ts"
import { EXPORT_FORMAT } from "./export.ts"

/** A line that can't be taken. */
export class BadLine extends UserError {
  constructor(line: number, what: string) {
    super("bad-export", `Line ${line} of the export ${what}. Nothing was imported.`)
  }
}

/** Longer lines are refused: no row that this program writes comes near it. */
export const LONGEST_LINE = 256 * 1024 * 1024
/** Lines that one transaction takes in; nobody else waits for this database. */
const LINES = 500

/** Tables whose ids are names of files: leases, drafts, output. */
const NAMES_FILES: ReadonlySet<string> = new Set(["session", "step", "task", "run"])
const FILE_NAME = /^[\w-]{1,64}$/

type Row = Record<string, string | number | null>

/** Returns the id of the exported session. Throws a UserError that names the line. */
export async function readExport(scratch: Store, lines: AsyncIterable<string>): Promise<string> {
  const reading = new Reading(scratch)
  let waiting: { text: string; line: number }[] = []
  let line = 0
  const take = async () => {
    const now = waiting
    waiting = []
    await scratch.write((tx) => {
      for (const one of now) reading.take(tx, one.text, one.line)
    })
  }
  for await (const text of lines) {
    waiting.push({ text, line: ++line })
    if (waiting.length >= LINES || text.length > 1_000_000) await take()
  }
  await take()
  return reading.end(line)
}

interface Column {
  name: string
  type: string
  notnull: number
}

class Reading {
  readonly #columns: ReadonlyMap<string, ReadonlyMap<string, Column>>
  readonly #json: ReadonlyMap<string, readonly string[]>
  readonly #tables = new Map<string, TreeTable>(treeTables.map((table) => [table.name, table]))
  readonly #sessions = new Set<string>()
  readonly #tasks = new Set<string>()
  readonly #counts: Record<string, number> = {}
  #rootId: string | undefined
  #isOver = false

  constructor(reader: Reader) {
    this.#columns = new Map(["session", ...this.#tables.keys()].map((name) => [name, columnsOf(reader, name)]))
    this.#json = new Map([["session", sessionJson], ...treeTables.map(({ name, json }) => [name, json] as const)])
  }

  take(tx: Tx, text: string, line: number): void {
    const bad = (what: string) => new BadLine(line, what)
    if (text.length > LONGEST_LINE) throw bad("is too long")
    const { type, ...fields } = parsed(text, bad)
    if (line === 1) {
      this.#begin(type, fields, bad)
      return
    }
    if (this.#isOver) throw bad("stands behind the end")
    if (type === "end") {
      this.#finish(fields, bad)
      return
    }
    if (typeof type !== "string") throw bad("has no type")
    this.#counts[type] = (this.#counts[type] ?? 0) + 1
    if (type === "file") return
    const columns = this.#columns.get(type)
    if (!columns) throw bad(`is a ${quoted(type)}, which nobody knows`)
    const row = rowOf({ fields, columns, json: this.#json.get(type) ?? [] }, bad)
    if (NAMES_FILES.has(type) && !FILE_NAME.test(String(row.id))) throw bad("has an id that none of ours can be")
    if (type === "session") this.#session(row, bad)
    else this.#belongs(row, this.#tables.get(type)!, bad)
    if (type === "task") this.#tasks.add(String(row.id))
    try {
      insertRow(tx, type, row)
    } catch (error) {
      if (!(error instanceof Error && /constraint|datatype|NOT NULL/i.test(error.message))) throw error
      throw bad(`can't be a row of ${type} (${error.message})`)
    }
  }

  /** When the last line was read. */
  end(lines: number): string {
    if (lines === 0)
      throw new UserError("bad-export", "There is nothing in it: that is no export. Nothing was imported.")
    if (this.#isOver && this.#rootId !== undefined) return this.#rootId
    throw new UserError(
      "bad-export",
      `The export was cut off: its last line, ${lines}, is not the end. Nothing was imported.`,
    )
  }

  #begin(
    type: unknown,
    { format, schema, session_id: id }: Record<string, unknown>,
    bad: (what: string) => BadLine,
  ): void {
    if (type !== "meanwhile-session") throw bad("is not the beginning of a session's export")
    if (typeof format !== "number" || typeof schema !== "number" || typeof id !== "string" || id === "")
      throw bad("is not as the beginning of an export must be")
    if (format > EXPORT_FORMAT || schema > SCHEMA_VERSION)
      throw bad("says that it was made by a newer version of meanwhile: import it with that one")
    this.#rootId = id
  }

  #session(row: Row, bad: (what: string) => BadLine): void {
    const { id, root_id: root, parent_id: parent } = row
    const isRoot = this.#sessions.size === 0
    if (root !== this.#rootId) throw bad("is of another session")
    if (isRoot && (id !== this.#rootId || parent !== null)) throw bad("is not the session that the first line names")
    if (!isRoot && !this.#sessions.has(String(parent))) throw bad("has a parent that is not there")
    this.#sessions.add(String(id))
  }

  /** Every row is of this tree. */
  #belongs(row: Row, table: TreeTable, bad: (what: string) => BadLine): void {
    if (this.#sessions.size === 0) throw bad("stands before the session that it belongs to")
    const { root_id: root, session_id: session, owner_id: owner, task_id: task } = row
    const isOurs = (id: string | number | null | undefined) => id === undefined || this.#sessions.has(String(id))
    if (root !== undefined && root !== this.#rootId) throw bad("is of another session")
    if (table.name === "task" ? session !== null && !isOurs(session) : !isOurs(session))
      throw bad("belongs to a session that is not there")
    if (!isOurs(owner)) throw bad("belongs to a session that is not there")
    if (["run", "dependency"].includes(table.name) && !this.#tasks.has(String(task)))
      throw bad("belongs to a task that is not there")
  }

  #finish({ rows }: Record<string, unknown>, bad: (what: string) => BadLine): void {
    if (this.#sessions.size === 0) throw bad("is the end, and no session came before it")
    const said = typeof rows === "object" && rows !== null ? (rows as Record<string, unknown>) : {}
    for (const name of new Set([...Object.keys(said), ...Object.keys(this.#counts)]))
      if ((said[name] ?? 0) !== (this.#counts[name] ?? 0))
        throw bad(
          `says that there are ${String(said[name] ?? 0)} lines of ${quoted(name)}, but ${this.#counts[name] ?? 0} came`,
        )
    this.#isOver = true
  }
}

function columnsOf(reader: Reader, table: string): ReadonlyMap<string, Column> {
  return new Map(
    reader.all<Column>(`SELECT * FROM pragma_table_info('${table}')`).map((column) => [column.name, column]),
  )
}

function parsed(text: string, bad: (what: string) => BadLine): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw bad("is not JSON")
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad("is not a JSON object")
  return value as Record<string, unknown>
}

interface RawRow {
  fields: Record<string, unknown>
  columns: ReadonlyMap<string, Column>
  json: readonly string[]
}

function rowOf({ fields, columns, json }: RawRow, bad: (what: string) => BadLine): Row {
  const row: Row = {}
  for (const [name, value] of Object.entries(fields)) {
    const column = columns.get(name)
    if (!column) throw bad(`has a field ${quoted(name)}, which nobody knows`)
    if (value === null) row[name] = null
    else if (json.includes(name)) row[name] = jsonText(value)
    else if (column.type === "INTEGER" && Number.isSafeInteger(value)) row[name] = value as number
    else if (column.type === "TEXT" && typeof value === "string") row[name] = value
    else throw bad(`has a field ${quoted(name)} that is no ${column.type === "INTEGER" ? "whole number" : "text"}`)
  }
  return row
}

/** As export.ts has it: a text that is not JSON as we write it is marked. */
function jsonText(value: unknown): string {
  const isMarked = typeof value === "object" && value !== null && "$text" in value && typeof value.$text === "string"
  return isMarked ? String(value.$text) : JSON.stringify(value)
}
