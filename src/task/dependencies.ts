// What waits for what. A task begins when every task that it needs has completed once; it is skipped when one of them
// ended in another way. What is met is marked, so that an end costs the same however many tasks wait.
import { UserError } from "../base/error.ts"
import type { RunRow } from "../store/rows.ts"
import type { Reader, Tx } from "../store/store.ts"
import { isTerminal, LIVE, type TerminalState } from "./task.ts"

export interface Dependant {
  id: string
  /** The agent's task in whose session it is started. */
  parentTaskId: string | null
  /** Whether its starter can't end before it: an agent's agents, and what its turn is blocked on. */
  holdsParent: boolean
}

/** Why a task can't begin yet, or never will. */
export type Readiness = { type: "free" } | { type: "waits" } | { type: "hopeless"; need: string; state: TerminalState }

/** Inserts what a task needs. Throws a UserError, with the ids, when nothing could ever begin. */
export function addDependencies(tx: Tx, task: Dependant, needs: readonly string[]): Readiness {
  const cycle = findCycle(tx, task, needs)
  if (cycle)
    throw new UserError(
      "dependency-cycle",
      `Task ${cycle} can't end before this one does, so this one can't wait for it. Leave it out of depends_on.`,
    )
  let readiness: Readiness = { type: "free" }
  for (const need of new Set(needs)) {
    const met =
      tx.one("SELECT 1 FROM run WHERE task_id = :need AND state = 'completed' LIMIT 1", { need }) !== undefined
    tx.run("INSERT INTO dependency (task_id, needs_id, met) VALUES (:task, :need, :met) ON CONFLICT DO NOTHING", {
      task: task.id,
      need,
      met: met ? 1 : 0,
    })
    const state = newestState(tx, need)
    if (met || readiness.type === "hopeless") continue
    readiness = isTerminal(state) ? { type: "hopeless", need, state } : { type: "waits" }
  }
  return readiness
}

/** Some of what waits for a task that has ended. `seen`: how many; `rest`: there may be others, after this id. */
export interface Waiters {
  runs: RunRow[]
  seen: number
  rest: string | undefined
}

/** Marks what a completed task was needed for, at most so many; the queued runs that need nothing more. */
export function freeDependants(tx: Tx, taskId: string, most: number): Waiters {
  const tasks = tx.all<{ id: string }>(
    `UPDATE dependency SET met = 1 WHERE needs_id = :taskId AND met = 0
       AND task_id IN (SELECT task_id FROM dependency WHERE needs_id = :taskId AND met = 0 LIMIT :most)
     RETURNING task_id AS id`,
    { taskId, most },
  )
  const runs = tasks
    .filter(({ id }) => !needsMore(tx, id))
    .flatMap(({ id }) =>
      tx.all<RunRow>("UPDATE run SET reason = NULL WHERE task_id = :id AND state = 'queued' RETURNING *", { id }),
    )
  return { runs, seen: tasks.length, rest: tasks.length === most ? "" : undefined }
}

/**
 * The live runs that wait for a task which has ended without completing, at most so many: of the tasks whose ids come
 * after one, because those that are dealt with stay in the list. An agent that was spoken to before its first run had
 * begun is at work and waits no more.
 */
export function hopelessDependants(tx: Tx, taskId: string, { after, most }: { after: string; most: number }): Waiters {
  const runs = tx.all<RunRow & { row: number }>(
    `SELECT run.*, run.rowid AS row FROM dependency JOIN run ON run.task_id = dependency.task_id
     WHERE dependency.needs_id = :taskId AND dependency.met = 0 AND dependency.task_id > :after
       AND run.state IN ${LIVE} AND run.started_at IS NULL ORDER BY dependency.task_id LIMIT :most`,
    { taskId, after, most },
  )
  const rest = runs.length === most ? runs.at(-1)!.task_id : undefined
  return { runs: runs.sort((a, b) => a.row - b.row), seen: runs.length, rest }
}

/** Tasks of a tree that have ended, and for which others wait all the same: their host died in between. */
export function endedNeeds(reader: Reader, rootId: string): string[] {
  return reader
    .all<{ id: string }>(
      `SELECT DISTINCT dependency.needs_id AS id FROM task JOIN dependency ON dependency.task_id = task.id
         JOIN run ON run.task_id = task.id
       WHERE task.root_id = :rootId AND dependency.met = 0 AND run.state IN ${LIVE} AND run.started_at IS NULL`,
      { rootId },
    )
    .flatMap(({ id }) => (lastEnd(reader, id) ? [id] : []))
}

/** How a task ended, for those who need it: completed once is for good. Undefined when it is at work. */
export function lastEnd(reader: Reader, taskId: string): RunRow | undefined {
  const run = reader.one<RunRow>(
    "SELECT * FROM run WHERE task_id = :taskId ORDER BY state = 'completed' DESC, n DESC LIMIT 1",
    { taskId },
  )
  return run && isTerminal(run.state) ? run : undefined
}

export function needsMore(reader: Reader, taskId: string): boolean {
  return reader.one("SELECT 1 FROM dependency WHERE task_id = :taskId AND met = 0 LIMIT 1", { taskId }) !== undefined
}

/** Whether anything was made to wait for a task, and was not freed. */
export function isNeeded(reader: Reader, taskId: string): boolean {
  return reader.one("SELECT 1 FROM dependency WHERE needs_id = :id AND met = 0 LIMIT 1", { id: taskId }) !== undefined
}

const NAMED = 3

/** What a queued task waits for, in a few words. */
export function waitsFor(needs: readonly string[]): string {
  const more = needs.length > NAMED ? ` and ${needs.length - NAMED} more` : ""
  return `waits for ${needs.slice(0, NAMED).join(", ")}${more}`
}

/**
 * The needed task that could not end before `task` does. An agent ends after its agents, so its task waits for them as
 * if it needed them. Only what is above the new task, or needs it already, can close a circle: for anything else this
 * looks at no more than two rows.
 */
function findCycle(tx: Tx, task: Dependant, needs: readonly string[]): string | undefined {
  const above = task.holdsParent && task.parentTaskId !== null
  if (!above && !isNeeded(tx, task.id) && !needs.includes(task.id)) return undefined
  const ends = new Set([task.id, ...(above ? ancestors(tx, task.parentTaskId!) : [])])
  return reaches(tx, needs, ends) ? needs.find((need) => reaches(tx, [need], ends)) : undefined
}

function ancestors(tx: Tx, taskId: string): string[] {
  return tx
    .all<{ id: string }>(
      `WITH RECURSIVE up (id, parent) AS (
         SELECT id, parent_task_id FROM task WHERE id = :taskId
         UNION SELECT task.id, task.parent_task_id FROM task JOIN up ON task.id = up.parent)
       SELECT id FROM up`,
      { taskId },
    )
    .map(({ id }) => id)
}

function reaches(tx: Tx, from: readonly string[], ends: ReadonlySet<string>): boolean {
  const reached = tx.all<{ id: string }>(
    `WITH RECURSIVE later (id) AS (
       SELECT value FROM json_each(:from)
       UNION SELECT dependency.needs_id FROM dependency JOIN later ON dependency.task_id = later.id
         WHERE dependency.met = 0
       UNION SELECT child.id FROM task JOIN later ON task.id = later.id
         JOIN task AS child ON child.owner_id = task.session_id JOIN run ON run.task_id = child.id
         WHERE child.kind = 'agent' AND run.state IN ${LIVE})
     SELECT id FROM later`,
    { from: JSON.stringify(from) },
  )
  return reached.some(({ id }) => ends.has(id))
}

function newestState(reader: Reader, taskId: string): RunRow["state"] {
  const sql = "SELECT state FROM run WHERE task_id = :taskId ORDER BY n DESC LIMIT 1"
  return reader.one<{ state: RunRow["state"] }>(sql, { taskId })!.state
}
