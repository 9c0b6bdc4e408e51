// The ledger of live tasks: what a woken model is told of the work that goes on, so that it neither forgets it nor
// starts it again. Only what has changed since it was told last; all of it when nobody knows what it was told.
import type { Clock } from "../base/clock.ts"
import { duration, oneLine } from "../base/text.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"
import type { Tx } from "../store/store.ts"
import { renderLedger } from "../task/notice.ts"
import { isTerminal, LIVE } from "../task/task.ts"

/** More lines would cost more than they tell; the rest is counted. */
const LINES = 20

interface Entry extends Pick<TaskRow, "id" | "kind" | "description"> {
  agent: string | null
  state: RunRow["state"]
  since: number
}

/** As it was told last: states by task id, of those that were listed, and how many there were in all. */
interface Told {
  states: Record<string, string>
  count: number
}

/**
 * The ledger as text, and remembers that it was told; undefined when there is nothing new. `reported`: tasks whose end
 * the model is told with it anyway.
 */
export function tellTasks(
  tx: Tx,
  clock: Clock,
  { sessionId, reported }: { sessionId: string; reported: ReadonlySet<string> },
): string | undefined {
  const row = tx.one<{ told_tasks: string | null }>("SELECT told_tasks FROM session WHERE id = :sessionId", {
    sessionId,
  })
  const told = toldOf(row?.told_tasks)
  const count = tx.one<{ count: number }>(`SELECT COUNT(*) AS count ${FROM}`, { sessionId })?.count ?? 0
  const live = tx.all<Entry>(LISTED, { sessionId })
  const states = Object.fromEntries(live.map(({ id, state }) => [id, state]))
  const changed = live.filter(({ id, state }) => told?.states[id] !== state).map((entry) => line(entry, clock.now()))
  const gone = Object.keys(told?.states ?? {}).filter((id) => !(id in states))
  const ended = gone.flatMap((id) => (reported.has(id) ? [] : endOf(tx, id)))
  const now: Told = { states, count }
  if (JSON.stringify(told) !== JSON.stringify(now))
    tx.run("UPDATE session SET told_tasks = :told WHERE id = :sessionId", { sessionId, told: JSON.stringify(now) })
  const lines = [...changed, ...ended].slice(0, LINES)
  if (lines.length === 0) return undefined
  return renderLedger({ whole: told === undefined || told.count === 0, count, lines })
}

/** From now on nobody knows what the session's model was told: it goes on in a new process, or its history was cut. */
export function forgetTold(tx: Tx, sessionId: string): void {
  tx.run("UPDATE session SET told_tasks = NULL WHERE id = :sessionId", { sessionId })
}

/** Whether the model has to be told even by what is not a notice. */
export function isForgotten(tx: Tx, sessionId: string): boolean {
  return tx.one("SELECT 1 FROM session WHERE id = :sessionId AND told_tasks IS NULL", { sessionId }) !== undefined
}

const FROM = `FROM task JOIN run ON run.task_id = task.id WHERE task.owner_id = :sessionId AND run.state IN ${LIVE}`
const LISTED = `
  SELECT task.id, task.kind, task.description, run.state, COALESCE(run.started_at, run.created_at) AS since,
    CASE task.kind WHEN 'agent' THEN json_extract(task.input, '$.agent') END AS agent
  ${FROM} ORDER BY run.state = 'queued', task.rowid LIMIT ${LINES}`

function toldOf(json: string | null | undefined): Told | undefined {
  if (json === null || json === undefined) return undefined
  const told = JSON.parse(json) as Partial<Told>
  return { states: told.states ?? {}, count: told.count ?? 0 }
}

function line({ id, kind, agent, description, state, since }: Entry, now: number): string {
  return `${id} ${agent ? `agent ${agent}` : kind} "${oneLine(description, 60)}" ${state} ${duration(now - since)}`
}

/** One that left the list because of its place in it has not ended. */
function endOf(tx: Tx, id: string): string[] {
  const sql = "SELECT state FROM run WHERE task_id = :id ORDER BY n DESC LIMIT 1"
  const state = tx.one<{ state: RunRow["state"] }>(sql, { id })?.state
  return state === undefined || !isTerminal(state) ? [] : [`${id} ${state}`]
}
