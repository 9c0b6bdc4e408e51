// Finding tasks: by a prefix of their id, and in lists for people and models. Everything is read from rows.
import { UserError } from "../base/error.ts"
import { oneLine, quoted } from "../base/text.ts"
import type { RunRow, SessionRow, TaskRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { LIVE } from "./task.ts"

/** A task with its newest run and what its requests, and those of everything below it, used so far. */
export interface TaskView {
  task: TaskRow
  run: RunRow
  /** Tokens of all kinds. */
  tokens: number
  /** Nano-dollars; null when a request's price is not known. */
  costNanos: number | null
  /** A request was cut off: what it used is a guess. */
  isEstimated: boolean
}

/** Which tasks: of one tree, of one owner, or all; `live` leaves out what has settled. */
export interface Scope {
  rootId?: string
  ownerId?: string
  live?: boolean
}

/** Oldest first. */
export function listTasks(reader: Reader, { rootId, ownerId, live = false }: Scope): TaskView[] {
  const limits = [
    ...(rootId === undefined ? [] : ["task.root_id = :rootId"]),
    ...(ownerId === undefined ? [] : ["task.owner_id = :ownerId"]),
    ...(live ? [`run.state IN ${LIVE}`] : []),
  ]
  const from = `FROM task JOIN run ON run.task_id = task.id
    WHERE ${["run.n = (SELECT MAX(n) FROM run AS newer WHERE newer.task_id = task.id)", ...limits].join(" AND ")}
    ORDER BY task.rowid`
  const params = { ...(rootId !== undefined && { rootId }), ...(ownerId !== undefined && { ownerId }) }
  const runs = new Map(reader.all<RunRow>(`SELECT run.* ${from}`, params).map((run) => [run.task_id, run]))
  const tasks = reader.all<TaskRow>(`SELECT task.* ${from}`, params)
  const used = usageInTrees(
    reader,
    tasks.map((task) => task.root_id),
  )
  return tasks.map((task) => ({ task, run: runs.get(task.id)!, ...(used.get(task.session_id ?? "") ?? UNUSED) }))
}

/**
 * The task whose id begins with `prefix`, anywhere or of these trees. Throws UserError, with the candidates, unless there
 * is exactly one.
 */
export function findTask(reader: Reader, prefix: string, within?: string | readonly string[]): TaskView {
  const roots = typeof within === "string" ? [within] : within
  const found = reader.all<TaskRow>(
    `SELECT * FROM task WHERE substr(id, 1, length(:prefix)) = :prefix
       AND (:roots IS NULL OR root_id IN (SELECT value FROM json_each(:roots)))
     ORDER BY rowid DESC LIMIT 11`,
    { prefix: prefix.trim().toLowerCase(), roots: roots ? JSON.stringify(roots) : null },
  )
  const only = found.length === 1 || found[0]?.id === prefix ? found[0] : undefined
  if (only) return viewOf(reader, newestRun(reader, only.id))
  if (found.length === 0)
    throw new UserError(
      "no-such-task",
      `There is no task ${quoted(prefix)}. List them: meanwhile tasks --all (for a model: TaskList).`,
    )
  const names = found.slice(0, 10).map((task) => `  ${task.id}  ${oneLine(task.description, 60)}`)
  throw new UserError("ambiguous-task", `${quoted(prefix)} is the beginning of several tasks:\n${names.join("\n")}`)
}

/** The task of this id as it is now; undefined when there is none (any more). */
export function taskView(reader: Reader, id: string): TaskView | undefined {
  return reader.one("SELECT 1 FROM task WHERE id = :id", { id }) ? viewOf(reader, newestRun(reader, id)) : undefined
}

function viewOf(reader: Reader, run: RunRow): TaskView {
  const task = reader.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: run.task_id })!
  const used = task.session_id ? usageBelow(reader, task.session_id) : { tokens: 0, costNanos: 0, isEstimated: false }
  return { task, run, ...used }
}

/**
 * Sums of the ledger over a session and all below it, which are those of the agents that it started: found by their
 * tasks, because a look through all sessions of the tree would cost the more the larger it is. CROSS JOIN keeps SQLite
 * from reading the whole ledger, which it would take for smaller than the tree.
 */
export function usageBelow(
  reader: Reader,
  sessionId: string,
): { tokens: number; costNanos: number | null; isEstimated: boolean } {
  const sum = reader.one<{ tokens: number | null; cost: number | null; unpriced: number; estimated: number }>(
    `WITH RECURSIVE tree (id) AS (
       VALUES (:sessionId) UNION ALL
       SELECT task.session_id FROM tree CROSS JOIN task ON task.owner_id = tree.id WHERE task.session_id IS NOT NULL)
     SELECT SUM(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens) AS tokens, SUM(cost_nanos) AS cost,
       SUM(cost_nanos IS NULL) AS unpriced, SUM(state = 'estimated') AS estimated
     FROM tree CROSS JOIN ledger ON ledger.session_id = tree.id WHERE ledger.state <> 'open'`,
    { sessionId },
  )
  const costNanos = sum?.unpriced ? null : (sum?.cost ?? 0)
  return { tokens: sum?.tokens ?? 0, costNanos, isEstimated: (sum?.estimated ?? 0) > 0 }
}

type Used = Pick<TaskView, "tokens" | "costNanos" | "isEstimated">

/** As `usageBelow`, for all sessions of some trees at once: one look at their ledger, not one for each of a list. */
function usageInTrees(reader: Reader, rootIds: readonly string[]): Map<string, Used> {
  const roots = { roots: JSON.stringify([...new Set(rootIds)]) }
  const within = "root_id IN (SELECT value FROM json_each(:roots))"
  const sums = reader.all<{ id: string; tokens: number; cost: number | null; unpriced: number; estimated: number }>(
    `SELECT session_id AS id, SUM(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens) AS tokens,
       SUM(cost_nanos) AS cost, SUM(cost_nanos IS NULL) AS unpriced, SUM(state = 'estimated') AS estimated
     FROM ledger WHERE ${within} AND state <> 'open' GROUP BY session_id`,
    roots,
  )
  const sessions = reader.all<Pick<SessionRow, "id" | "parent_id">>(
    `SELECT id, parent_id FROM session WHERE ${within}`,
    roots,
  )
  const parents = new Map(sessions.map(({ id, parent_id }) => [id, parent_id]))
  const used = new Map<string, Used>()
  for (const { id, tokens, cost, unpriced, estimated } of sums)
    for (let at: string | null | undefined = id; at; at = parents.get(at)) {
      const sum = used.get(at) ?? UNUSED
      used.set(at, {
        tokens: sum.tokens + tokens,
        costNanos: unpriced || sum.costNanos === null ? null : sum.costNanos + (cost ?? 0),
        isEstimated: sum.isEstimated || estimated > 0,
      })
    }
  return used
}

const UNUSED: Used = { tokens: 0, costNanos: 0, isEstimated: false }

export function newestRun(reader: Reader, taskId: string): RunRow {
  const run = reader.one<RunRow>("SELECT * FROM run WHERE task_id = :taskId ORDER BY n DESC LIMIT 1", { taskId })
  if (!run) throw new Error(`task ${taskId} has no run`)
  return run
}
