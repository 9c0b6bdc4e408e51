// The rows with which a task begins.
import type { RunRow, TaskRow } from "../store/rows.ts"
import { insertRow, type Tx } from "../store/store.ts"
import { pausedAsItsStarter } from "./pause.ts"

/** A run that begins now, in the state in which it is inserted unless something holds it up. */
export function newRun(made: { id: string; task: TaskRow; n: number; background: boolean; now: number }): RunRow {
  const background = made.background ? 1 : 0
  return {
    id: made.id,
    task_id: made.task.id,
    n: made.n,
    attempt: 1,
    state: "running",
    background,
    backgrounded_at: background ? made.now : null,
    service: made.task.service,
    pid: null,
    pid_started: null,
    pgid: null,
    exit_code: null,
    reason: null,
    result: null,
    spool: null,
    bytes: 0,
    tail: "",
    tool_uses: 0,
    last_tool: null,
    activity: null,
    stop_by: null,
    notice: "none",
    quiet: 0,
    notice_count: 0,
    told_bytes: 0,
    paused_at: null,
    paused_ms: 0,
    created_at: made.now,
    started_at: made.now,
    ended_at: null,
    event_at: made.now,
  }
}

/** A new task with its first run. */
export function insert(tx: Tx, { task, run }: { task: TaskRow; run: RunRow }): void {
  insertRow(tx, "task", task)
  const paused = pausedAsItsStarter(tx, task)
  insertRow(tx, "run", paused ? { ...run, state: "paused", reason: paused, paused_at: task.created_at } : run)
  if (task.call_id) linkCall(tx, { call: task.call_id, task: task.id, now: task.created_at })
}

/** From here on the call is never closed as interrupted: the task's outcome is its result. */
export function linkCall(tx: Tx, { call, task, now }: { call: string; task: string; now: number }): void {
  tx.run("UPDATE tool_call SET state = 'running', task_id = :task, started_at = :now WHERE id = :call", {
    call,
    task,
    now,
  })
}
