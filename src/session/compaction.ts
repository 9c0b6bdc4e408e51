// What a model sees after a compaction: one message with what is known of the conversation, then its last messages, long
// results cut to their ends, then all that came later. It is built from the row and the messages, the same each time.
import type { ModelMessage, ToolResultPart, UserPart } from "../model/message.ts"
import type { CompactionRow } from "../store/rows.ts"
import { insertRow, type Reader, type Tx } from "../store/store.ts"
import { sessionsBack, WHOLE } from "./lineage.ts"

export interface CompactionPolicy {
  /** The share of the model's window at which a session is compacted by itself; 0: never. */
  at: number
  /** Below so many tokens nobody need ask how large the window is. */
  smallestWindow: number
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
  /** Whether the memory had anything to tell. */
  hasMemory: boolean
  /** Live tasks, and open entries of the checklist, that are told. */
  tasks: number
  todos: number
}

export type Compaction = Omit<CompactionRow, "kept" | "content"> & { kept: Kept; content: UserPart[] }

/** The one in force: the session's newest. A fork has a copy of the one that was when it split off. */
export function compactionOf(reader: Reader, sessionId: string): Compaction | undefined {
  const row = newest(reader, sessionId, WHOLE)
  return row && readCompaction(row)
}

function newest(reader: Reader, sessionId: string, upTo: number): CompactionRow | undefined {
  return reader.one<CompactionRow>(
    "SELECT * FROM compaction WHERE session_id = :sessionId AND seq <= :upTo ORDER BY seq DESC, rowid DESC LIMIT 1",
    { sessionId, upTo },
  )
}

/**
 * Gives a fork the compaction that was in force in its origin at that message. A copy: the origin may be compacted again
 * at the same message, or be deleted.
 */
export function inheritCompaction(tx: Tx, fork: { id: string; originId: string; seq: number }): void {
  for (const { sessionId, after } of sessionsBack(tx, fork.originId)) {
    const row = newest(tx, sessionId, fork.seq)
    if (row) insertRow(tx, "compaction", { ...row, id: `fork:${fork.id}`, session_id: fork.id })
    // What an origin of its own had by then, it has itself, unless it is left before its own beginning.
    if (row || fork.seq >= after) return
  }
}

/** Those that were made behind these messages, not the copies of forks: from number `from` to `to`. In their order. */
export function compactionsBetween(
  reader: Reader,
  sessionId: string,
  { from, to }: { from: number; to: number },
): CompactionRow[] {
  const stretches = [...sessionsBack(reader, sessionId)].reverse()
  const rows = stretches.flatMap((stretch) =>
    reader.all<CompactionRow>(
      `SELECT * FROM compaction WHERE session_id = :id AND seq >= :from AND seq <= :to AND id NOT LIKE 'fork:%'
       ORDER BY seq, rowid`,
      { id: stretch.sessionId, from, to: Math.min(to, stretch.upTo) },
    ),
  )
  // A fork's copy is no second one.
  const seen = new Set<string>()
  return rows.filter(({ seq, created_at: at }) => !seen.has(`${seq} ${at}`) && seen.add(`${seq} ${at}`))
}

export function readCompaction(row: CompactionRow): Compaction {
  return { ...row, kept: JSON.parse(row.kept) as Kept, content: JSON.parse(row.content) as UserPart[] }
}

/** How kept messages are shown. `seq`: up to this message. */
export type Shape = Omit<Kept, "messages" | "shortened" | "leftOut" | "hasMemory" | "tasks" | "todos"> & { seq: number }

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
