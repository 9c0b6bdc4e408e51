// The end of a run. Its terminal state, its notice and what passes to its owner are one transaction; settling twice is
// a no-op. The state in the WHERE clause is the only guard: a key conflict further on is a bug and throws.
import type { Clock } from "../base/clock.ts"
import { publish } from "../store/feed.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"
import type { Tx } from "../store/store.ts"
import { freeDependants, hopelessDependants, isNeeded, lastEnd } from "./dependencies.ts"
import { renderNotice, settledNoticeId } from "./notice.ts"
import { LIVE, type Outcome } from "./task.ts"

/** The most of a result that is kept on the row and told to the owner; the spool or the child session has the rest. */
export const RESULT_BYTES = 32 * 1024

/**
 * `freed`: queued runs that need nothing more; whoever drives the tree begins them after the commit. `skipped`: runs
 * that settled as well, because they, or what they need, needed it. `rest`: ends for which more wait than one
 * transaction can see to; they are for the next one, or for the next host (`endedNeeds`).
 */
export interface Followed {
  freed: RunRow[]
  skipped: RunRow[]
  rest: End[]
}

/** A task that has ended; those who wait for it are seen to up to this id. */
export interface End {
  taskId: string
  after: string
}

export type Settled = ({ type: "settled"; run: RunRow } & Followed) | { type: "already-settled" }

/** Ten thousand may wait for one task: no transaction sees to more of them, because none may be long. */
const FOLLOWED_AT_ONCE = 25

export function settle(tx: Tx, clock: Clock, { runId, outcome }: { runId: string; outcome: Outcome }): Settled {
  const run = settleOne(tx, clock, { runId, outcome })
  if (!run) return { type: "already-settled" }
  return { type: "settled", run, ...settleDependants(tx, clock, [{ taskId: run.task_id, after: "" }]) }
}

/** Goes on with what waits for tasks that have ended. Nothing is lost between two of these: what waits is still queued. */
export function settleDependants(tx: Tx, clock: Clock, ends: readonly End[]): Followed {
  const freed: RunRow[] = []
  const skipped: RunRow[] = []
  // A list and no recursion: a chain may have thousands of tasks.
  const open = [...ends]
  for (let room = FOLLOWED_AT_ONCE; open.length > 0 && room > 0; ) {
    const { taskId, after } = open.shift()!
    const end = lastEnd(tx, taskId)
    if (!end) continue
    const isMet = end.state === "completed"
    const { runs, seen, rest } = isMet
      ? freeDependants(tx, taskId, room)
      : hopelessDependants(tx, taskId, { after, most: room })
    room -= Math.max(1, seen)
    if (rest !== undefined) open.unshift({ taskId, after: rest })
    if (isMet) {
      freed.push(...runs)
      continue
    }
    const reason = `it needs task ${taskId}, which ${end.state === "failed" ? "failed" : `was ${end.state}`}`
    for (const { id } of runs) {
      const also = settleOne(tx, clock, { runId: id, outcome: { state: "skipped", reason }, quiet: end.quiet === 1 })
      if (!also) continue
      skipped.push(also)
      if (isNeeded(tx, also.task_id)) open.push({ taskId: also.task_id, after: "" })
    }
  }
  return { freed, skipped, rest: open }
}

interface Settling {
  runId: string
  outcome: Outcome
  /** Nobody is to be woken by it. */
  quiet?: boolean
}

function settleOne(tx: Tx, clock: Clock, { runId, outcome, quiet = false }: Settling): RunRow | undefined {
  const now = clock.now()
  const changed = tx.run(
    `UPDATE run SET state = :state, result = :result, reason = :reason, exit_code = COALESCE(:exitCode, exit_code),
       bytes = COALESCE(:bytes, bytes), tail = COALESCE(:tail, tail), ended_at = :now, event_at = :now,
       notice = CASE background WHEN 1 THEN 'pending' ELSE 'none' END,
       quiet = CASE WHEN :quiet OR stop_by IN ('user', 'program') THEN 1 ELSE quiet END
     WHERE id = :runId AND state IN ${LIVE}`,
    {
      runId,
      now,
      quiet: quiet ? 1 : 0,
      state: outcome.state,
      result: outcome.result === undefined ? null : capped(outcome.result),
      reason: outcome.reason ?? null,
      exitCode: outcome.exitCode ?? null,
      bytes: outcome.output?.bytes ?? null,
      tail: outcome.output?.tail ?? null,
    },
  )
  if (changed === 0) return undefined
  const run = tx.one<RunRow>("SELECT * FROM run WHERE id = :runId", { runId })!
  const task = tx.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: run.task_id })!
  if (task.session_id) passOn(tx, now, { from: task.session_id, task, run })
  if (run.background) admitNotice(tx, now, { task, run })
  if (task.wake === "all" && (run.quiet || !run.background) && !groupIsLive(tx, task)) wakeGroup(tx, task)
  publish(tx, clock, { rootId: task.root_id, sessionId: task.owner_id, kind: "task_settled", ref: runId })
  tx.ring(`run:${runId}`)
  tx.ring(`inbox:${task.owner_id}`)
  return run
}

/**
 * An agent that ends leaves its live shells and monitors to its owner, in the background, and what it was told and has
 * not read. What told one that was stopped, with all that it had started, concerns nobody any more.
 */
function passOn(tx: Tx, now: number, { from, task, run }: { from: string; task: TaskRow; run: RunRow }): void {
  const heirlooms = `task_id IN (SELECT id FROM task WHERE owner_id = :from AND kind <> 'agent') AND state IN ${LIVE}`
  tx.run(`UPDATE run SET background = 1, backgrounded_at = COALESCE(backgrounded_at, :now) WHERE ${heirlooms}`, {
    from,
    now,
  })
  tx.run(
    `UPDATE task SET owner_id = :to, parent_task_id = :parent WHERE owner_id = :from AND kind <> 'agent'
       AND EXISTS (SELECT 1 FROM run WHERE run.task_id = task.id AND run.state IN ${LIVE})`,
    { from, to: task.owner_id, parent: task.parent_task_id },
  )
  const unread = "session_id = :from AND kind = 'notice' AND wake = 1"
  const isStopped = run.state === "stopped" || run.state === "timed_out"
  if (isStopped) tx.run(`UPDATE inbox SET wake = 0 WHERE ${unread}`, { from })
  else tx.run(`UPDATE inbox SET session_id = :to WHERE ${unread}`, { from, to: task.owner_id })
}

function admitNotice(tx: Tx, now: number, { task, run }: { task: TaskRow; run: RunRow }): void {
  const agent = task.kind === "agent" ? (JSON.parse(task.input) as { agent?: string }).agent : undefined
  const wake = run.quiet || task.wake === "none" || (task.wake === "all" && groupIsLive(tx, task)) ? 0 : 1
  tx.run(
    `INSERT INTO inbox (id, session_id, kind, delivery, wake, origin, content, run_id, created_at)
     VALUES (:id, :session, 'notice', 'steer', :wake, 'task', :content, :run, :now)`,
    {
      id: settledNoticeId(run.id),
      session: task.owner_id,
      wake,
      content: JSON.stringify([{ type: "text", text: renderNotice(task, run, agent) }]),
      run: run.id,
      now,
    },
  )
}

/** Looks at the group, or, without one, at the newest first: of many that end one by one, those are at work the longest. */
function groupIsLive(tx: Tx, { owner_id: owner, group_id: group }: TaskRow): boolean {
  const within = group === null ? "task.owner_id = :owner AND task.group_id IS NULL" : "task.group_id = :group"
  const sql = `SELECT 1 FROM task JOIN run ON run.task_id = task.id
    WHERE ${within} AND +task.owner_id = :owner AND task.wake = 'all' AND run.state IN ${LIVE}
    ORDER BY task.rowid DESC LIMIT 1`
  return tx.one(sql, { owner, ...(group !== null && { group }) }) !== undefined
}

/** The last of a group wakes nobody, because the user has stopped it or a call returns it: the others' notices must. */
function wakeGroup(tx: Tx, task: TaskRow): void {
  tx.run(
    `UPDATE inbox SET wake = 1 WHERE session_id = :owner AND run_id IN (
       SELECT run.id FROM task JOIN run ON run.task_id = task.id
       WHERE task.owner_id = :owner AND task.group_id IS :group AND task.wake = 'all' AND run.quiet = 0)`,
    { owner: task.owner_id, group: task.group_id },
  )
}

function capped(result: string): string {
  const bytes = Buffer.from(result)
  if (bytes.length <= RESULT_BYTES) return result
  const note = `\n… (${bytes.length - RESULT_BYTES} more bytes were left out)`
  // Cut before the note so that both fit; a character cut in two at the end is dropped.
  return `${new TextDecoder().decode(bytes.subarray(0, RESULT_BYTES - note.length - 8), { stream: true })}${note}`
}
