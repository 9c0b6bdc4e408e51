// What a model sees after a compaction: one message with what is known of the conversation, then its last messages, long
// results cut to their ends, then all that came later. It is built from the row and the messages, the same each time.
import type { ModelMessage, ToolResultPart, UserPart } from "../model/message.ts"
import type { CompactionRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { sessionsBack } from "./lineage.ts"

export interface CompactionPolicy {
  /** The share of the model's window at which a session is compacted by itself; 0: never. */
  at: number
}

/** How the messages are shown that a compaction keeps, and what it says of itself to people. */
export interface Kept {
  /** How many messages are kept. */
  messages: number
  /**
   * Characters of a tool's result that are shown: in messages up to `briefUpTo` a few, behind it more, and the most of
   * the newest ones, which the model has not seen yet.
   */
  briefChars: number
  resultChars: number
  newestChars: number
  briefUpTo: number
  /** The number of the message whose calls' results are the newest ones. */
  newest: number
  /** Images in messages up to this number are left out. */
  noImagesUpTo: number
  /** Messages that are neither in the memory nor kept, of which the beginnings are told, or nothing. */
  shortened: number
  leftOut: number
  /** Live tasks, and open entries of the checklist, that are told. */
  tasks: number
  todos: number
}

export type Compaction = Omit<CompactionRow, "kept" | "content"> & { kept: Kept; content: UserPart[] }

/** The one in force: the newest, of the session itself or, for a fork, as it was when it split off. */
export function compactionOf(reader: Reader, sessionId: string): Compaction | undefined {
  for (const stretch of sessionsBack(reader, sessionId)) {
    const row = reader.one<CompactionRow>(
      "SELECT * FROM compaction WHERE session_id = :id AND seq <= :upTo ORDER BY seq DESC, rowid DESC LIMIT 1",
      { id: stretch.sessionId, upTo: stretch.upTo },
    )
    if (row) return readCompaction(row)
  }
  return undefined
}

/** Of the conversation, those of a time: from then on, and before `until`. In their order. */
export function compactionsBetween(
  reader: Reader,
  sessionId: string,
  { from, until }: { from: number; until: number },
): CompactionRow[] {
  const found = [...sessionsBack(reader, sessionId)].flatMap((stretch) =>
    reader.all<CompactionRow>(
      `SELECT * FROM compaction WHERE session_id = :id AND seq <= :upTo AND created_at >= :from AND created_at < :until
       ORDER BY seq, rowid`,
      { id: stretch.sessionId, upTo: stretch.upTo, from, until },
    ),
  )
  return found.sort((a, b) => a.seq - b.seq || a.created_at - b.created_at)
}

export function readCompaction(row: CompactionRow): Compaction {
  return { ...row, kept: JSON.parse(row.kept) as Kept, content: JSON.parse(row.content) as UserPart[] }
}

/** How kept messages are shown. `seq`: up to this message. */
export type Shape = Omit<Kept, "messages" | "shortened" | "leftOut" | "tasks" | "todos"> & { seq: number }

/** Of the results of that message. */
export function resultLimit(seq: number, shape: Omit<Shape, "seq" | "noImagesUpTo">): number {
  if (seq === shape.newest) return shape.newestChars
  return seq <= shape.briefUpTo ? shape.briefChars : shape.resultChars
}

/** Messages of the row with that number as the model sees them. Never changes how many there are. */
export function shaped(messages: readonly ModelMessage[], seq: number, shape: Shape): ModelMessage[] {
  if (seq > shape.seq) return [...messages]
  const limit = resultLimit(seq, shape)
  const withImages = seq > shape.noImagesUpTo
  return messages.map((message): ModelMessage => {
    switch (message.role) {
      case "user":
        return withImages ? message : { ...message, content: message.content.map((part) => wordsFor(part, seq)) }
      case "assistant":
        return message
      case "tool":
        return { ...message, content: message.content.map((part) => shapedResult(part, { seq, limit, withImages })) }
      default:
        return message satisfies never
    }
  })
}

function shapedResult(
  part: ToolResultPart,
  { seq, limit, withImages }: { seq: number; limit: number; withImages: boolean },
): ToolResultPart {
  const content = part.content.map((inner) => {
    const shown = withImages ? inner : wordsFor(inner, seq)
    return shown.type === "text" ? { ...shown, text: tail(shown.text, { seq, limit }) } : shown
  })
  return { ...part, content }
}

/** Whether a result is shown as it was. */
export function isWhole(text: string, limit: number): boolean {
  return text.length <= limit
}

function tail(text: string, { seq, limit }: { seq: number; limit: number }): string {
  if (isWhole(text, limit)) return text
  const end = text.slice(-limit)
  // A broken first line says nothing, unless it is nearly all there is; nor does half of a pair of code units.
  const line = end.indexOf("\n")
  const clean = line >= 0 && line < end.length / 2 ? end.slice(line + 1) : end.replace(/^[\udc00-\udfff]/, "")
  return `[${text.length - clean.length} characters left out; Read "message:${seq}" shows all]\n${clean}`
}

function wordsFor(part: UserPart, seq: number): UserPart {
  return part.type === "text" ? part : { type: "text", text: `[an image of message ${seq} is not shown any more]` }
}
