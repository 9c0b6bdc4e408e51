// Rows for tests that look at what is stored and not at how it came about: what a test doesn't name gets a value of the
// column's type, so that a column which is added later is no reason to change it.
import { insertRow, type Tx } from "../src/store/store.ts"

interface ColumnInfo {
  name: string
  type: string
  notnull: number
  dflt_value: string | null
  pk: number
}

type Value = string | number | null

/** Inserts a row; columns that may be left out are, unless named. */
export function seed(tx: Tx, table: string, fields: Record<string, Value>): void {
  const columns = columnsOf(tx, table)
  const needed = columns.filter(({ notnull, dflt_value, type, pk }) => (notnull || pk) && dflt_value === null && type)
  const defaults = needed.filter(({ type, pk }) => !(pk && type === "INTEGER"))
  const filled = Object.fromEntries(defaults.map(({ name, type }) => [name, type === "INTEGER" ? 0 : ""]))
  insertRow(tx, table, { ...filled, ...fields })
}

/** Inserts a row in which every column has a value, each a different one: nothing in it can be lost unseen. */
export function seedFull(tx: Tx, table: string, fields: Record<string, Value>): void {
  const values = columnsOf(tx, table).map(({ name, type }) => [
    name,
    type === "INTEGER" ? ++count : `"${table} ${++count}"`,
  ])
  insertRow(tx, table, { ...Object.fromEntries(values), ...fields })
}

let count = 0

export function columnsOf(tx: Pick<Tx, "all">, table: string): ColumnInfo[] {
  return tx.all<ColumnInfo>(`SELECT * FROM pragma_table_info('${table}')`)
}

/** A session with the user, with what its list needs. */
export function seedSession(tx: Tx, fields: { id: string } & Record<string, Value>): void {
  const root = { root_id: fields.id, parent_id: null }
  seed(tx, "session", {
    ...root,
    cwd: "/work",
    project: "/work",
    agent: "main",
    model: "scout",
    tools: "[]",
    limits: "{}",
    ...fields,
  })
}

/** A task and its run. */
export function seedTask(
  tx: Tx,
  { id, root, ...more }: { id: string; root: string; task?: Record<string, Value>; run?: Record<string, Value> },
): void {
  const input = JSON.stringify({ command: "true", cwd: "/work" })
  seed(tx, "task", {
    id,
    kind: "shell",
    owner_id: root,
    root_id: root,
    description: id,
    input,
    wake: "each",
    ...more.task,
  })
  seed(tx, "run", { id: `run-${id}`, task_id: id, n: 1, state: "running", ...more.run })
}
