// Requests whose process died: nobody will learn what they cost. Whoever takes a tree over closes them with a guess, so
// that they count, and are shown as what they are.
import type { Clock } from "../base/clock.ts"
import type { Models } from "../model/ask.ts"
import type { Usage } from "../model/model.ts"
import type { LedgerRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import { closeEntry } from "./ledger.ts"

/** All that is open in a tree when its lease was just taken is an orphan. */
export async function closeOrphans(
  { store, clock, models }: { store: Store; clock: Clock; models: Pick<Models, "price"> },
  rootId: string,
): Promise<void> {
  const orphans = store.all<LedgerRow>("SELECT * FROM ledger WHERE root_id = :rootId AND state = 'open'", { rootId })
  for (const orphan of orphans) {
    const usage = guess(store, orphan)
    const id = orphan.provider === orphan.model ? orphan.model : `${orphan.provider}/${orphan.model}`
    const costNanos = await models.price(id, usage)
    await store.write((tx) => closeEntry(tx, clock, { id: orphan.id, state: "estimated", usage, costNanos }))
  }
}

/** All of its input, which was sent; of the answer, as much as the session's answers had on average. */
function guess(store: Store, { session_id: sessionId, input_tokens: inputTokens }: LedgerRow): Usage {
  const usual = store.one<{ tokens: number | null }>(
    "SELECT AVG(output_tokens) AS tokens FROM ledger WHERE session_id = :sessionId AND state = 'closed'",
    { sessionId },
  )
  const outputTokens = Math.round(usual?.tokens ?? 0)
  return { inputTokens, outputTokens, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
}
