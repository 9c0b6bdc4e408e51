// How long a conversation is for its model: as the provider counted at the last answer, and an estimate for what came
// since. Nothing long is read for it.
import { estimateTokens, toolsLength } from "../model/estimate.ts"
import type { ModelMessage } from "../model/message.ts"
import type { ModelRequest } from "../model/model.ts"
import type { LedgerRow, MessageRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { compactionOf } from "./compaction.ts"
import { modelMessages } from "./history.ts"
import { messagesAfter, messagesBefore, sessionsBack } from "./lineage.ts"

/** What each request begins with. */
export type Fixed = Pick<ModelRequest, "system" | "tools">

/** The providers' own rule of thumb, for figures; what is reserved is estimated on the safe side (model/estimate.ts). */
const CHARACTERS = 4

/** Of these messages, by the rule of thumb: without what each request begins with. */
export function likelyTokens(messages: readonly ModelMessage[]): number {
  return Math.ceil(estimateTokens({ system: "", messages, tools: [] }) * 0.75)
}

export function fixedTokens({ system, tools }: Fixed): number {
  return Math.ceil((system.length + toolsLength(tools)) / CHARACTERS)
}

/** Tokens of the request that would be sent now. */
export function contextTokens(reader: Reader, sessionId: string, fixed: Fixed): number {
  const compaction = compactionOf(reader, sessionId)
  const [answer] = messagesBefore(reader, sessionId, { limit: 1, only: "role = 'assistant'" })
  if (answer && answer.seq > (compaction?.seq ?? 0)) {
    const counted = countedTokens(reader, answer)
    // Its calls' results are new to the provider, the answer itself is not.
    const results = modelMessages(reader, answer).slice(1)
    if (counted !== undefined) return counted + tokensOf([...results, ...after(reader, sessionId, answer.seq)])
  }
  if (compaction) return compaction.tokens_after + tokensOf(after(reader, sessionId, compaction.seq))
  return fixedTokens(fixed) + storedTokens(reader, sessionId)
}

/** With its answer. Undefined when the provider did not say. */
function countedTokens(reader: Reader, { session_id: sessionId, step_id: stepId }: MessageRow): number | undefined {
  const entry = reader.one<LedgerRow>(
    `SELECT * FROM ledger WHERE session_id = :sessionId AND step_id = :stepId AND state = 'closed'
     ORDER BY rowid DESC LIMIT 1`,
    { sessionId, stepId },
  )
  if (!entry) return undefined
  const input = entry.input_tokens + entry.cache_read_tokens + entry.cache_write_tokens
  return input > 0 ? input + entry.output_tokens : undefined
}

function after(reader: Reader, sessionId: string, seq: number): ModelMessage[] {
  return messagesAfter(reader, sessionId, seq).flatMap((row) => modelMessages(reader, row))
}

/** On the safe side: a request that is refused as too long costs more than a compaction that comes early. */
function tokensOf(messages: readonly ModelMessage[]): number {
  return estimateTokens({ system: "", messages, tools: [] }) - estimateTokens({ system: "", messages: [], tools: [] })
}

/** Where no provider ever said: by the lengths of all that is stored. */
function storedTokens(reader: Reader, sessionId: string): number {
  const bytes = [...sessionsBack(reader, sessionId)].reduce((sum, stretch) => {
    const row = reader.one<{ bytes: number | null }>(
      `SELECT SUM(octet_length(message.content) + COALESCE((SELECT SUM(octet_length(result)) FROM tool_call
         WHERE tool_call.step_id = message.step_id), 0)) AS bytes
       FROM message WHERE session_id = :sessionId AND seq > :after AND seq <= :upTo`,
      { ...stretch },
    )
    return sum + (row?.bytes ?? 0)
  }, 0)
  return Math.ceil(bytes / CHARACTERS)
}
