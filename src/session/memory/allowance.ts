// What a memory may cost: a share of what its session itself has used, so that nobody pays for it without noticing.
import type { Models } from "../../model/ask.ts"
import type { SessionRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"

/** So much is always allowed, some five cents: without it nothing would be remembered of a short session. */
const LEAST_NANOS = 50_000_000
const LEAST_TOKENS = 40_000
/** What is asked and the sections as they are; what is answered. */
const ASKED_TOKENS = 2_500
const ANSWERED_TOKENS = 1_000
/** As they are in what is said here: half prose, half code. */
const CHARACTERS_PER_TOKEN = 3.5

/** Whether an update with so much to take in stays within its share; by tokens where a price is not known. */
export async function isAllowed(
  { store, models }: { store: Reader; models: Pick<Models, "price"> },
  { row, model, share, characters }: { row: SessionRow; model: string; share: number; characters: number },
): Promise<boolean> {
  if (model === "scout") return true
  const none = { cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
  const inputTokens = ASKED_TOKENS + Math.ceil(characters / CHARACTERS_PER_TOKEN)
  const price = await models.price(model, { ...none, inputTokens, outputTokens: ANSWERED_TOKENS })
  const used = usedIn(store, row.root_id)
  if (price !== null && used.unpriced === 0)
    return used.memoryNanos + price <= Math.max(LEAST_NANOS, share * used.otherNanos)
  const next = inputTokens + ANSWERED_TOKENS
  return used.memoryTokens + next <= Math.max(LEAST_TOKENS, share * used.otherTokens)
}

interface Used {
  memoryNanos: number
  otherNanos: number
  memoryTokens: number
  otherTokens: number
  /** Requests that used tokens and whose price nobody knows. */
  unpriced: number
}

function usedIn(reader: Reader, rootId: string): Used {
  const tokens = "(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens)"
  return reader.one<Used>(
    `SELECT COALESCE(SUM(CASE purpose WHEN 'memory' THEN cost_nanos END), 0) AS memoryNanos,
       COALESCE(SUM(CASE purpose WHEN 'memory' THEN 0 ELSE cost_nanos END), 0) AS otherNanos,
       COALESCE(SUM(CASE purpose WHEN 'memory' THEN ${tokens} END), 0) AS memoryTokens,
       COALESCE(SUM(CASE purpose WHEN 'memory' THEN 0 ELSE ${tokens} END), 0) AS otherTokens,
       COALESCE(SUM(cost_nanos IS NULL AND ${tokens} > 0), 0) AS unpriced
     FROM ledger WHERE root_id = :rootId AND state <> 'open'`,
    { rootId },
  )!
}
