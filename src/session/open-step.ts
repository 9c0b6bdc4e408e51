// Before a request is sent: its step's row and its ledger row, open with the most that it may cost, are written in the
// transaction that has looked at every cap above. A step that is over a cap is never written.
import type { Clock } from "../base/clock.ts"
import type { ModelRequest } from "../model/model.ts"
import { publish } from "../store/feed.ts"
import type { RunRow, StepRow, TaskRow } from "../store/rows.ts"
import { insertRow, type Tx } from "../store/store.ts"
import { until } from "../store/watch.ts"
import { amount } from "../task/caps.ts"
import { renderWord } from "../task/notice.ts"
import { CapReached, type Near } from "./budget.ts"
import { entryOf, openEntry } from "./ledger.ts"
import type { Session, SessionParts } from "./session.ts"

export interface Opening {
  request: ModelRequest
  signal: AbortSignal
  /** Somebody resumed what had been paused by a cap: what is reached is raised. */
  raise: boolean
  /** The step's row, in the transaction that inserts it. */
  row(tx: Tx): StepRow
}

export interface Opened {
  step: StepRow
  ledgerId: string
  /** What fits of the answer, where that is less than the model could say. */
  maxOutputTokens: number | undefined
}

/** Throws CapReached; waits while steps under way have reserved what is left. */
export async function openStep(session: Session, parts: SessionParts, opening: Opening): Promise<Opened> {
  const { store, clock, ids, budget } = parts
  const { row } = session
  const most = await budget.most(store, row, opening.request)
  const ledgerId = ids.uuid()
  let raise = opening.raise
  for (;;) {
    const opened = await store.write((tx) => {
      // Paused since it was looked at, perhaps while it waited here: it asks nothing, as one that its cap has paused.
      if (isPaused(tx, session)) return { type: "reached", error: new CapReached("paused", true) } as const
      if (raise) budget.raise(tx, row, most)
      raise = false
      const verdict = budget.verdict(tx, row, most)
      if (verdict.type === "busy") return verdict
      if (verdict.type === "reached") {
        const paused = budget.whenReached === "pause" && pauseRun(tx, clock, session, verdict)
        return { type: "reached", error: new CapReached(verdict.text, paused) } as const
      }
      const step = opening.row(tx)
      insertRow(tx, "step", step)
      openEntry(tx, clock, { ...entryOf(session, step), id: ledgerId, most: verdict.most })
      for (const near of verdict.near) warn(tx, clock, near)
      const fits = verdict.most.outputTokens
      return { type: "opened", step, ledgerId, maxOutputTokens: fits < most.outputTokens ? fits : undefined } as const
    })
    if (opened.type === "opened") return opened
    if (opened.type === "reached") throw opened.error
    await until(store, [`ledger:${row.root_id}`], {
      signal: opening.signal,
      look: () => (budget.verdict(store, row, most).type === "busy" ? undefined : "free"),
    })
  }
}

function isPaused(tx: Tx, { runId }: Session): boolean {
  return runId !== null && tx.one("SELECT 1 FROM run WHERE id = :runId AND state = 'paused'", { runId }) !== undefined
}

/** An agent at its cap is paused in the background, and its owner is told; false when there is no run to pause. */
function pauseRun(
  tx: Tx,
  clock: Clock,
  { runId }: Session,
  { text, ownerId }: { text: string; ownerId: string },
): boolean {
  const now = clock.now()
  const run = tx.one<RunRow>(
    `UPDATE run SET state = 'paused', reason = :text, paused_at = :now, event_at = :now, background = 1,
       backgrounded_at = COALESCE(backgrounded_at, :now), notice_count = notice_count + 1
     WHERE id = :runId AND state = 'running' AND stop_by IS NULL RETURNING *`,
    { runId, text, now },
  )
  if (!run) return false
  const task = tx.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: run.task_id })!
  const patch = { status: "paused", is_backgrounded: true }
  publish(tx, clock, { rootId: task.root_id, sessionId: task.owner_id, kind: "task_updated", ref: run.id, data: patch })
  const said = `(${text}) Only the user can let it go on: meanwhile tasks resume ${task.id}`
  notice(tx, clock, {
    id: `notice:${run.id}:${run.notice_count}`,
    sessionId: task.owner_id,
    text: renderWord(task, { status: "paused", text: said }),
    // At a cap of the whole tree the owner's own next step is over it as well.
    wake: ownerId === task.owner_id ? 1 : 0,
  })
  tx.ring(`run:${run.id}`)
  return true
}

/** Told once for each cap, and waking nobody. */
function warn(tx: Tx, clock: Clock, { scope, cap }: Near): void {
  const limit = scope.caps[cap]!
  const id = `cap:${scope.type}:${scope.id}:${cap}:${limit}`
  const sql = "SELECT 1 FROM inbox WHERE id = :id UNION ALL SELECT 1 FROM message WHERE id = :id"
  if (tx.one(sql, { id })) return
  const said = `80 % of the cap of ${amount(cap, limit)} is used.`
  const task =
    scope.type === "task" ? tx.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: scope.id }) : undefined
  const text = task
    ? renderWord(task, { status: "running", text: said })
    : `<system-reminder>This ${scope.type}: ${said} Come to an end in time.</system-reminder>`
  notice(tx, clock, { id, sessionId: scope.ownerId, text, wake: 0 })
}

function notice(tx: Tx, clock: Clock, told: { id: string; sessionId: string; text: string; wake: 0 | 1 }): void {
  insertRow(tx, "inbox", {
    id: told.id,
    session_id: told.sessionId,
    kind: "notice",
    // What wakes nobody must not keep a turn from its end either.
    delivery: told.wake ? "steer" : "queue",
    wake: told.wake,
    origin: "task",
    content: JSON.stringify([{ type: "text", text: told.text }]),
    run_id: null,
    created_at: clock.now(),
  })
  tx.ring(`inbox:${told.sessionId}`)
}
