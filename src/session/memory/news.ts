// The messages that a memory does not cover yet, in their order: how much they are, and as text for whoever takes them
// in. Only what is complete counts: an assistant's message whose calls all have their results.
import { breathe } from "../../base/breathe.ts"
import { headTail, oneLine } from "../../base/text.ts"
import type { AssistantPart, UserPart } from "../../model/message.ts"
import type { MessageRow, ToolCallRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import type { ToolOutput } from "../../tool/tool.ts"
import { lineage, WITHIN } from "../lineage.ts"
import { dayAndTime } from "./moment.ts"

/** What of one message, and of one result, is told. */
const SAID_CHARS = 4_000
const RESULT_CHARS = 500
const INPUT_CHARS = 300
/** Of all messages of one update: with the memory itself, a small part of any model's window. */
export const UPDATE_CHARS = 48_000
/** So many rows are read at a time: a millisecond or two. */
const PAGE = 25
/** A look must be short, also at a session that nobody has kept a memory of before. */
const SIZED_AT_ONCE = 500

/** A message with what became of its calls. */
export interface News {
  row: MessageRow
  parts: readonly (UserPart | AssistantPart)[]
  calls: readonly ToolCallRow[]
}

export interface Batch {
  news: readonly News[]
  /** The number of the last of them. */
  upTo: number
  text: string
}

/**
 * The next messages behind `after`, as many as one update takes; undefined when there is none. Read some at a time:
 * whoever types must not notice.
 */
export async function nextBatch(reader: Reader, sessionId: string, after: number): Promise<Batch | undefined> {
  const news: News[] = []
  const texts: string[] = []
  let room = UPDATE_CHARS
  for (const one of newsAfter(reader, sessionId, after)) {
    const text = textOfNews(one)
    if (news.length > 0 && text.length > room) break
    room -= text.length
    news.push(one)
    texts.push(text)
    if (news.length % PAGE === 0) await breathe("agent")
  }
  const last = news.at(-1)
  return last && { news, upTo: last.row.seq, text: texts.join("\n\n") }
}

/** How many characters the messages behind `after` have as text, about; and up to which message that was looked at now. */
export function sizeAfter(reader: Reader, sessionId: string, after: number): { characters: number; upTo: number } {
  let characters = 0
  let upTo = after
  for (const stretch of lineage(reader, sessionId)) {
    if (stretch.upTo <= after) continue
    const rows = reader.all<{ seq: number; said: number; calls: number; done: number; told: number }>(
      `SELECT message.seq, octet_length(message.content) AS said, COUNT(tool_call.id) AS calls,
         COALESCE(SUM(tool_call.state = 'done'), 0) AS done,
         COALESCE(SUM(MIN(octet_length(tool_call.result), ${RESULT_CHARS})), 0) AS told
       FROM message LEFT JOIN tool_call ON message.role = 'assistant' AND tool_call.step_id = message.step_id
       WHERE message.session_id = :sessionId AND message.seq > :after AND message.seq <= :upTo
       GROUP BY message.seq ORDER BY message.seq LIMIT ${SIZED_AT_ONCE}`,
      { ...stretch, after: Math.max(after, stretch.after) },
    )
    for (const { seq, said, calls, done, told } of rows) {
      if (done < calls) return { characters, upTo }
      characters += Math.min(said, SAID_CHARS) + told
      upTo = seq
    }
    if (rows.length === SIZED_AT_ONCE) return { characters, upTo }
  }
  return { characters, upTo }
}

function* newsAfter(reader: Reader, sessionId: string, after: number): Generator<News> {
  for (const stretch of lineage(reader, sessionId)) {
    for (let at = Math.max(after, stretch.after); at < stretch.upTo; ) {
      const rows = reader.all<MessageRow>(`SELECT * FROM message WHERE ${WITHIN} ORDER BY seq LIMIT ${PAGE}`, {
        ...stretch,
        after: at,
      })
      for (const row of rows) {
        const calls = row.role === "assistant" ? callsOf(reader, row) : []
        if (calls.some(({ state }) => state !== "done")) return
        yield { row, parts: JSON.parse(row.content) as (UserPart | AssistantPart)[], calls }
      }
      const last = rows.at(-1)
      if (rows.length < PAGE || !last) break
      at = last.seq
    }
  }
}

function callsOf(reader: Reader, { step_id: step }: MessageRow): ToolCallRow[] {
  if (step === null) return []
  return reader.all<ToolCallRow>("SELECT * FROM tool_call WHERE step_id = :step ORDER BY idx", { step })
}

/** "[12] user, 2026-01-31 14:05:" and what was said; results shortened. */
export function textOfNews({ row, parts, calls }: News): string {
  const said = parts.flatMap((part) => {
    if (part.type === "text") return [headTail(part.text.trim(), SAID_CHARS)]
    return part.type === "image" ? ["(an image)"] : []
  })
  const who = row.role === "assistant" ? "assistant" : WHO[row.origin ?? "human"]
  const head = `[${row.seq}] ${who}, ${dayAndTime(row.created_at)}:`
  const texts = [...said.filter((text) => text !== ""), ...calls.map(textOfCall)]
  // Nothing that was said can pass for the head of another message.
  return [head, ...texts.flatMap((text) => text.split("\n")).map((line) => `  ${line}`)].join("\n")
}

const WHO = { human: "user", task: "notice of a task", peer: "another agent", system: "program" } as const

function textOfCall({ name, input, result, is_error: isError }: ToolCallRow): string {
  const output = result === null ? undefined : (JSON.parse(result) as ToolOutput)
  const told = (output?.content ?? []).flatMap((part) => (part.type === "text" ? [part.text] : ["(an image)"]))
  const text = headTail(told.join("\n").trim(), RESULT_CHARS)
  return `→ ${name} ${oneLine(input, INPUT_CHARS)}\n← ${isError ? "error: " : ""}${text}`
}
