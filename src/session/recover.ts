// Recovery: what the rows of a dead process say was under way goes on from there. It switches on stored states and never
// guesses from what is missing.
import type { Clock } from "../base/clock.ts"
import type { StopReason } from "../model/model.ts"
import type { StepRow, ToolCallRow, TurnRow } from "../store/rows.ts"
import type { Reader, Tx } from "../store/store.ts"
import { removeDraft } from "./draft.ts"
import type { Session, SessionParts } from "./session.ts"
import type { Reply } from "./step.ts"

/** The turn that is under way, or was when its process died. */
export function openTurn(reader: Reader, sessionId: string): TurnRow | undefined {
  return reader.one<TurnRow>(
    "SELECT * FROM turn WHERE session_id = :sessionId AND state = 'open' ORDER BY started_at LIMIT 1",
    {
      sessionId,
    },
  )
}

/**
 * Where an open turn goes on: with the calls of its last reply that have no result yet, at the boundary after them, or,
 * when undefined, with a request. A request that was under way is asked again; what it cost: orphans.ts.
 */
export async function resumeStep(
  { row }: Session,
  { store, clock }: SessionParts,
  turn: TurnRow,
): Promise<Reply | undefined> {
  const step = store.one<StepRow>("SELECT * FROM step WHERE turn_id = :id ORDER BY n DESC LIMIT 1", { id: turn.id })
  if (!step) return undefined
  switch (step.state) {
    case "failed":
    case "aborted":
      return undefined
    case "asking":
      removeDraft(store, step.id)
      await store.write((tx) => abandon(tx, clock, step))
      return undefined
    case "calling": {
      const sql = "SELECT * FROM tool_call WHERE step_id = :id AND state <> 'done' ORDER BY idx"
      const calls = store.all<ToolCallRow>(sql, { id: step.id })
      return { step, calls, called: true, stop: step.stop_reason as StopReason }
    }
    case "done": {
      const called = store.one("SELECT 1 FROM tool_call WHERE step_id = :id LIMIT 1", { id: step.id }) !== undefined
      const answered = store.one(
        "SELECT 1 FROM message WHERE turn_id = :turn AND role = 'user' AND seq > :seq LIMIT 1",
        {
          turn: turn.id,
          seq: seqOf(store, { id: step.message_id, sessionId: row.id }),
        },
      )
      // At the boundary, where what came meanwhile joins, or the turn ends: unless something has joined there already.
      return answered ? undefined : { step, calls: [], called, stop: step.stop_reason as StopReason }
    }
    default:
      return step.state satisfies never
  }
}

function seqOf(reader: Reader, { id, sessionId }: { id: string; sessionId: string }): number {
  const sql = "SELECT seq FROM message WHERE id = :id"
  const last = "SELECT MAX(seq) AS seq FROM message WHERE session_id = :sessionId"
  return reader.one<{ seq: number }>(sql, { id })?.seq ?? reader.one<{ seq: number }>(last, { sessionId })?.seq ?? 0
}

function abandon(tx: Tx, clock: Clock, step: StepRow): void {
  const now = clock.now()
  tx.run("UPDATE step SET state = 'aborted', error = 'its process ended', ended_at = :now WHERE id = :id", {
    id: step.id,
    now,
  })
}
