// The turn: a plain loop. What waits in the inbox becomes messages; the model is asked; its tool calls run side by
// side; what came in meanwhile joins at the step boundary; until the model calls nothing and nothing waits.
import { isStorageError, messageOf, UserError } from "../base/error.ts"
import { publish } from "../store/feed.ts"
import type { Origin, RunState, SessionRow, TurnRow } from "../store/rows.ts"
import { insertRow, type Tx } from "../store/store.ts"
import { until } from "../store/watch.ts"
import { CapReached } from "./budget.ts"
import { runCall } from "./call.ts"
import { compactAfterOverflow, compactAtBoundary, isTooLong, stillTooLong } from "./compactor.ts"
import { drain, steers } from "./inbox.ts"
import { openTurn, resumeStep } from "./recover.ts"
import type { Session, SessionParts } from "./session.ts"
import { ask, type Reply } from "./step.ts"
import { titleByPrompt } from "./title.ts"

export type TurnEnd =
  /** Nothing was waiting. */
  | { type: "nothing" }
  | { type: "done"; turnId: string }
  | { type: "failed"; turnId: string; error: unknown }
  | { type: "out-of-steps"; turnId: string }
  | { type: "capped"; turnId: string; error: CapReached }
  | { type: "interrupted"; turnId: string }

/** How many more steps a session may take; shared by the turns of one call. */
export interface Allowance {
  steps: number
}

export async function runTurn(
  session: Session,
  parts: SessionParts,
  { signal, allowance }: { signal: AbortSignal; allowance: Allowance },
): Promise<TurnEnd> {
  const turn = openTurn(parts.store, session.row.id) ?? (await begin(session, parts))
  if (!turn) return { type: "nothing" }
  try {
    // A turn whose process died goes on where its rows say that it was.
    let reply = await resumeStep(session, parts, turn)
    for (;;) {
      const raise = await untilResumed(session, parts, signal)
      if (!reply && allowance.steps-- <= 0) return await end(session, parts, { type: "out-of-steps", turnId: turn.id })
      if (!reply) await compactAtBoundary(session, parts)
      const next = reply ?? (await askUnlessPaused(session, parts, { id: turn.id, signal, raise }))
      reply = undefined
      if (!next) {
        allowance.steps++
        continue
      }
      const { calls, called, step, stop } = next
      await Promise.all(calls.map((call) => runCall(session, parts, { call, signal })))
      if (called) await closeStep(parts, step.id)
      signal.throwIfAborted()
      if (stop === "refused")
        throw new UserError(
          "refused",
          `${step.model} refused to answer this. Put it in other words, or use another model (--model).`,
        )
      if (await goesOn(session, parts, { turn, mustAnswer: called })) continue
      return { type: "done", turnId: turn.id }
    }
  } catch (error) {
    if (signal.aborted) return await end(session, parts, { type: "interrupted", turnId: turn.id })
    // The turn stays open: whoever goes on, here or in another process, goes on with it.
    if (isStorageError(error)) throw error
    if (error instanceof CapReached) return await end(session, parts, { type: "capped", turnId: turn.id, error })
    return await end(session, parts, { type: "failed", turnId: turn.id, error })
  }
}

/** Undefined when a cap has paused the agent instead. */
async function askUnlessPaused(
  session: Session,
  parts: SessionParts,
  turn: { id: string; signal: AbortSignal; raise: boolean },
): Promise<Reply | undefined> {
  try {
    return await askWithinWindow(session, parts, turn)
  } catch (error) {
    if (error instanceof CapReached && error.paused) return undefined
    throw error
  }
}

/** What a model refuses as too long is compacted, once, and asked again. */
async function askWithinWindow(
  session: Session,
  parts: SessionParts,
  turn: { id: string; signal: AbortSignal; raise: boolean },
): Promise<Reply> {
  try {
    return await ask(session, parts, turn)
  } catch (error) {
    if (!isTooLong(error) || turn.signal.aborted) throw error
    if (!(await compactAfterOverflow(session, parts))) throw stillTooLong(error, session.row)
  }
  return ask(session, parts, { ...turn, raise: false }).catch((error) => {
    throw isTooLong(error) ? stillTooLong(error, session.row) : error
  })
}

/**
 * A paused agent waits here, at its step boundary: it holds no permit, and starts nothing. Returns whether a cap had
 * paused it: whoever resumes it then wants that cap raised.
 */
async function untilResumed({ runId }: Session, { store }: SessionParts, signal: AbortSignal): Promise<boolean> {
  if (runId === null) return false
  const sql = "SELECT state, reason FROM run WHERE id = :runId"
  const before = store.one<{ state: RunState; reason: string | null }>(sql, { runId })
  await until(store, [`run:${runId}`], {
    signal,
    look: () => (store.one<{ state: RunState }>(sql, { runId })?.state === "paused" ? undefined : "resumed"),
  })
  return before?.state === "paused" && before.reason?.startsWith("cap:") === true
}

/** Opens a turn with everything that waits, or returns undefined when nothing does. */
async function begin(session: Session, { store, clock, ids }: SessionParts): Promise<TurnRow | undefined> {
  const { row } = session
  return store.write((tx) => {
    const turnId = ids.uuid()
    const messages = drain(tx, clock, { rootId: row.root_id, sessionId: row.id, turnId, at: "start" })
    if (messages.length === 0) return undefined
    const origins = new Set(messages.map((message) => message.origin))
    const cause = (["human", "peer", "system", "task"] as Origin[]).find((origin) => origins.has(origin)) ?? "system"
    const turn: TurnRow = {
      id: turnId,
      session_id: row.id,
      state: "open",
      cause,
      error: null,
      started_at: clock.now(),
      ended_at: null,
    }
    insertRow(tx, "turn", turn)
    if (row.parent_id === null) titleByPrompt(tx, row.id)
    markUsed(tx, row, clock.now())
    publish(tx, clock, { rootId: row.root_id, sessionId: row.id, kind: "turn", ref: turnId, data: { state: "open" } })
    return turn
  })
}

/** The one used last is behind all others, also when the clock was set back since they were used. */
function markUsed(tx: Tx, { id, project }: SessionRow, now: number): void {
  const newest = `SELECT updated_at FROM session WHERE project = :project AND parent_id IS NULL AND id <> :id
    ORDER BY updated_at DESC LIMIT 1`
  const sql = `UPDATE session SET updated_at = MAX(:now, 1 + COALESCE((${newest}), 0)) WHERE id = :id`
  tx.run(sql, { id, project, now })
}

/** At a step boundary: takes in what came meanwhile. Ends the turn, in the same transaction, when there is no more. */
async function goesOn(
  { row }: Session,
  { store, clock }: SessionParts,
  { turn, mustAnswer }: { turn: TurnRow; mustAnswer: boolean },
): Promise<boolean> {
  return store.write((tx) => {
    // What wakes nobody must not keep a turn from its end either: it waits for the next one.
    if (mustAnswer || steers(tx, row.id)) {
      drain(tx, clock, { rootId: row.root_id, sessionId: row.id, turnId: turn.id, at: "boundary" })
      return true
    }
    closeTurn(tx, { id: turn.id, state: "done", error: null, now: clock.now() })
    publish(tx, clock, { rootId: row.root_id, sessionId: row.id, kind: "turn", ref: turn.id, data: { state: "done" } })
    return false
  })
}

async function closeStep({ store, clock }: SessionParts, stepId: string): Promise<void> {
  await store.write((tx) =>
    tx.run("UPDATE step SET state = 'done', ended_at = :now WHERE id = :id", { id: stepId, now: clock.now() }),
  )
}

async function end<E extends Exclude<TurnEnd, { type: "nothing" | "done" }>>(
  { row }: Session,
  { store, clock }: SessionParts,
  how: E,
): Promise<E> {
  const state = how.type === "interrupted" ? "interrupted" : "failed"
  const error =
    how.type === "failed" || how.type === "capped"
      ? messageOf(how.error)
      : how.type === "out-of-steps"
        ? "out of steps"
        : null
  await store.write((tx) => {
    closeTurn(tx, { id: how.turnId, state, error, now: clock.now() })
    publish(tx, clock, { rootId: row.root_id, sessionId: row.id, kind: "turn", ref: how.turnId, data: { state } })
  })
  return how
}

function closeTurn(
  tx: Tx,
  { id, state, error, now }: { id: string; state: TurnRow["state"]; error: string | null; now: number },
): void {
  tx.run("UPDATE turn SET state = :state, error = :error, ended_at = :now WHERE id = :id AND state = 'open'", {
    id,
    state,
    error,
    now,
  })
}
