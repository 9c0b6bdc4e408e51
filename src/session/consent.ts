// What a task says is not the user's word. While the user is being asked something, a turn that only a task has started
// may read and report; what would change anything waits for the answer, which may be about just that.
import type { SessionRow, ToolCallRow, TurnRow } from "../store/rows.ts"
import type { Reader, Store } from "../store/store.ts"
import { until } from "../store/watch.ts"

/** Resolves when the call may go on; rejects with the signal's reason when that is aborted. */
export async function untilHeard(
  store: Store,
  row: SessionRow,
  { call, signal }: { call: ToolCallRow; signal: AbortSignal },
): Promise<void> {
  if (!isWakeTurn(store, call)) return
  for (let open = openRequest(store, row, call); open !== undefined; open = openRequest(store, row, call))
    await until(store, [`approval:${open}`], {
      signal,
      look: () => (openRequest(store, row, call) === open ? undefined : "answered"),
    })
}

/** Nobody but tasks has said anything in it. */
function isWakeTurn(reader: Reader, call: ToolCallRow): boolean {
  const turn = reader.one<TurnRow>("SELECT turn.* FROM turn JOIN step ON step.turn_id = turn.id WHERE step.id = :id", {
    id: call.step_id,
  })
  if (turn?.cause !== "task") return false
  const said = "SELECT 1 FROM message WHERE session_id = :session AND turn_id = :id AND origin = 'human' LIMIT 1"
  return reader.one(said, { session: turn.session_id, id: turn.id }) === undefined
}

/** The oldest request of the tree that waits for the user, but for the call's own. */
function openRequest(reader: Reader, { root_id: rootId }: SessionRow, call: ToolCallRow): string | undefined {
  const sql = `SELECT id FROM approval WHERE root_id = :rootId AND state = 'open' AND tool_call_id <> :call
    ORDER BY rowid LIMIT 1`
  return reader.one<{ id: string }>(sql, { rootId, call: call.id })?.id
}
