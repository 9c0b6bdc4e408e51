// A session whose last process ended in the middle: what was under way is closed, so that the conversation is whole
// again and can go on. Which calls took effect is not known, and the results say so.
import type { Clock } from "../base/clock.ts"
import type { ToolCallRow } from "../store/rows.ts"
import type { Tx } from "../store/store.ts"
import { textOutput } from "../tool/tool.ts"

const INTERRUPTED = textOutput(
  "Interrupted: the program ended during this call. It may have taken effect; check before you repeat it.",
  {
    isError: true,
  },
)

export function mend(tx: Tx, clock: Clock, sessionId: string): void {
  const now = clock.now()
  const calls = tx.all<ToolCallRow>("SELECT * FROM tool_call WHERE session_id = :sessionId AND state <> 'done'", {
    sessionId,
  })
  for (const call of calls)
    tx.run("UPDATE tool_call SET state = 'done', result = :result, is_error = 1, ended_at = :now WHERE id = :id", {
      id: call.id,
      result: JSON.stringify(INTERRUPTED),
      now,
    })
  tx.run("UPDATE step SET state = 'done', ended_at = :now WHERE session_id = :sessionId AND state = 'calling'", {
    sessionId,
    now,
  })
  tx.run("UPDATE step SET state = 'aborted', ended_at = :now WHERE session_id = :sessionId AND state = 'asking'", {
    sessionId,
    now,
  })
  tx.run("UPDATE turn SET state = 'interrupted', ended_at = :now WHERE session_id = :sessionId AND state = 'open'", {
    sessionId,
    now,
  })
  tx.run("UPDATE ledger SET state = 'estimated', closed_at = :now WHERE session_id = :sessionId AND state = 'open'", {
    sessionId,
    now,
  })
}
