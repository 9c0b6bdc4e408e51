// The usage ledger: a row is open before its request is sent, and closed with what the request used. Every figure of
// tokens or money that is shown anywhere is a sum over these rows.
import type { Clock } from "../base/clock.ts"
import type { Usage } from "../model/model.ts"
import { splitId } from "../model/provider-table.ts"
import type { LedgerRow, SessionRow, StepRow } from "../store/rows.ts"
import { insertRow, type Tx } from "../store/store.ts"
import type { Most } from "../task/caps.ts"
import type { Session } from "./session.ts"

export interface NewEntry {
  id: string
  row: Pick<SessionRow, "id" | "root_id">
  runId: string | null
  /** Null for what no step of the conversation asks. */
  stepId: string | null
  purpose: LedgerRow["purpose"]
  /** The one that is asked, which may be another than the session's (`modelFallback`). */
  model: string
  /** What is reserved until the entry is closed. */
  most: Most
}

/** What an entry for a step's request says of where it belongs. */
export function entryOf({ row, runId }: Pick<Session, "row" | "runId">, { id, model }: StepRow) {
  return { row, runId, stepId: id, purpose: "turn", model } as const
}

export function openEntry(tx: Tx, clock: Clock, { id, row, runId, stepId, purpose, model, most }: NewEntry): void {
  const { inputTokens, outputTokens, cost } = most
  const ledger: LedgerRow = {
    id,
    root_id: row.root_id,
    session_id: row.id,
    run_id: runId,
    step_id: stepId,
    purpose,
    ...splitId(model),
    state: "open",
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
    cost_nanos: cost ? Math.ceil(cost.inputNanos + outputTokens * cost.outputNanosPerToken) : null,
    opened_at: clock.now(),
    closed_at: null,
  }
  insertRow(tx, "ledger", ledger)
}

/** `estimated`: the provider did not say; the figures are our best guess and are shown as such. */
export function closeEntry(
  tx: Tx,
  clock: Clock,
  entry: { id: string; state: "closed" | "estimated"; usage: Usage; costNanos: number | null },
): void {
  const closed = tx.one<{ root_id: string }>(
    `UPDATE ledger SET state = :state, input_tokens = :input, output_tokens = :output, cache_read_tokens = :read,
       cache_write_tokens = :write, reasoning_tokens = :reasoning, cost_nanos = :cost, closed_at = :now
     WHERE id = :id AND state = 'open' RETURNING root_id`,
    {
      id: entry.id,
      state: entry.state,
      input: entry.usage.inputTokens,
      output: entry.usage.outputTokens,
      read: entry.usage.cacheReadTokens,
      write: entry.usage.cacheWriteTokens,
      reasoning: entry.usage.reasoningTokens,
      cost: entry.costNanos,
      now: clock.now(),
    },
  )
  // Others may wait for what it had reserved.
  if (closed) tx.ring(`ledger:${closed.root_id}`)
}
