// Full-text search over what was said in all sessions: the newest first, and at the most the newest thousand. What fits
// is found in the index; the texts are read from the messages themselves, when they are shown.
import type { MessageRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { projectWord, textOf } from "./index-messages.ts"
import { expressionOf, type Term } from "./query.ts"

export { textOf, toIndex } from "./index-messages.ts"
export { type Term, termsOf } from "./query.ts"
export { hasAll, type Piece, snippetOf } from "./snippet.ts"
export { type Word, wordsOf } from "./words.ts"

/** More is not looked at. */
export const MOST_HITS = 1000

export interface Hit {
  messageId: string
  seq: number
  role: MessageRow["role"]
  at: number
  /** Whose conversation it stands in; a sub-agent's is not the root's. */
  sessionId: string
  rootId: string
}

export interface Found {
  hits: readonly Hit[]
  /** There is more than what was looked at. */
  hasMore: boolean
}

export function searchMessages(
  reader: Reader,
  terms: readonly Term[],
  { project }: { project?: string | undefined },
): Found {
  const match = expressionOf(terms, { project: project === undefined ? undefined : projectWord(project) })
  if (match === undefined) return { hits: [], hasMore: false }
  // The rows that fit come from the index in their order, so that nothing behind the limit is looked at.
  const hits = reader.all<Hit>(
    `WITH found AS MATERIALIZED (
       SELECT rowid AS row FROM message_search WHERE message_search MATCH :match ORDER BY rowid DESC LIMIT :limit)
     SELECT message.id AS messageId, message.seq, message.role, message.created_at AS at,
       message.session_id AS sessionId, session.root_id AS rootId
     FROM found CROSS JOIN message ON message.rowid = found.row CROSS JOIN session ON session.id = message.session_id
     ORDER BY message.created_at DESC, message.rowid DESC`,
    { match, limit: MOST_HITS + 1 },
  )
  return { hits: hits.slice(0, MOST_HITS), hasMore: hits.length > MOST_HITS }
}

/** What was said in a message; empty when it is gone. */
export function textOfMessage(reader: Reader, id: string): string {
  const row = reader.one<{ content: string }>("SELECT content FROM message WHERE id = :id", { id })
  return row ? textOf(row.content) : ""
}
