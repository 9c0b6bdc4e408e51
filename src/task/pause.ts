// Pause and resume, as rows: a run is paused from queued or running, and comes back to what it was. A task is paused with
// all that it started, and resumed so. What a pause means is the kind's: an agent waits at its next step boundary, a
// command's processes are stopped by a signal.
import type { Clock } from "../base/clock.ts"
import { publish } from "../store/feed.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"
import type { Tx } from "../store/store.ts"
import { waitsFor } from "./dependencies.ts"
import { WAITS_FOR_PLACE } from "./shell-pool.ts"
import { liveTree } from "./tree.ts"

export const PAUSED_BY_USER = "paused by the user"

/** For SQL: a run that has yet to begin, in the queue or paused there. */
export const NOT_BEGUN = "state IN ('queued', 'paused') AND started_at IS NULL"

/**
 * Marks the trees of these tasks as paused; returns the ids of the runs that it changed. What is being stopped, or has
 * ended, stays as it is. A foreground task goes to the background first: nobody's turn is blocked on a paused one.
 */
export function pauseRuns(
  tx: Tx,
  clock: Clock,
  { taskIds, reason }: { taskIds: readonly string[]; reason: string },
): string[] {
  const now = clock.now()
  return liveTree(tx, taskIds).filter((id) => {
    const run = tx.one<RunRow>(
      `UPDATE run SET state = 'paused', reason = :reason, paused_at = :now, event_at = :now
       WHERE id = :id AND state IN ('queued', 'running') AND stop_by IS NULL RETURNING *`,
      { id, reason, now },
    )
    if (!run) return false
    const moves = taskIds.includes(run.task_id) && run.background === 0
    if (moves) tx.run("UPDATE run SET background = 1, backgrounded_at = :now WHERE id = :id", { id, now })
    tell(tx, clock, { run, patch: { status: "paused", ...(moves ? { is_backgrounded: true } : {}) } })
    return true
  })
}

/** The opposite; returns the runs that it changed, as they are then: queued, when they had not begun. */
export function resumeRuns(tx: Tx, clock: Clock, taskIds: readonly string[]): RunRow[] {
  const now = clock.now()
  return liveTree(tx, taskIds).flatMap((id) => {
    const run = tx.one<RunRow>(
      `UPDATE run SET state = CASE WHEN started_at IS NULL THEN 'queued' ELSE 'running' END, reason = NULL,
         paused_ms = paused_ms + :now - paused_at, paused_at = NULL, event_at = :now
       WHERE id = :id AND state = 'paused' RETURNING *`,
      { id, now },
    )
    if (!run) return []
    const reason = run.state === "queued" ? whyQueued(tx, run) : null
    if (reason) tx.run("UPDATE run SET reason = :reason WHERE id = :id", { id, reason })
    tell(tx, clock, { run, patch: { status: run.state } })
    return [{ ...run, reason }]
  })
}

/** An agent that a paused one starts, in the last step before it waits, is paused as the rest of its tree is. */
export function pausedAsItsStarter(tx: Tx, { parent_task_id: parent, kind }: TaskRow): string | undefined {
  if (parent === null || kind !== "agent") return undefined
  const sql = "SELECT reason FROM run WHERE task_id = :parent AND state = 'paused'"
  return tx.one<{ reason: string }>(sql, { parent })?.reason
}

function whyQueued(tx: Tx, run: RunRow): string | null {
  const sql = "SELECT needs_id AS id FROM dependency WHERE task_id = :id AND met = 0"
  const needs = tx.all<{ id: string }>(sql, { id: run.task_id }).map(({ id }) => id)
  if (needs.length > 0) return waitsFor(needs)
  const { kind } = tx.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: run.task_id })!
  return kind === "shell" ? WAITS_FOR_PLACE : null
}

function tell(tx: Tx, clock: Clock, { run, patch }: { run: RunRow; patch: object }): void {
  const task = tx.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: run.task_id })!
  publish(tx, clock, {
    rootId: task.root_id,
    sessionId: task.owner_id,
    kind: "task_updated",
    ref: run.id,
    data: patch,
  })
  tx.ring(`run:${run.id}`)
}
