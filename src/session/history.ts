// The conversation as a model sees it, built from rows: messages in order, and after each assistant message the
// results of its tool calls, which live on the calls' rows. Kept between steps, so that a step reads only what is new.
import type { AssistantPart, ModelMessage, ToolResultPart, UserPart } from "../model/message.ts"
import type { MessageRow, ToolCallRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import type { ToolOutput } from "../tool/tool.ts"
import { type Compaction, compactionOf, shaped } from "./compaction.ts"
import { messagesAfter, messagesBefore } from "./lineage.ts"

export { lastSeq } from "./lineage.ts"

export class History {
  readonly #reader: Reader
  readonly #sessionId: string
  #messages: ModelMessage[] = []
  #compaction: Compaction | undefined
  #lastSeq = 0

  constructor(reader: Reader, sessionId: string) {
    this.#reader = reader
    this.#sessionId = sessionId
  }

  /** All messages so far, from the compaction in force on. Called between steps, when every tool call has its result. */
  messages(): readonly ModelMessage[] {
    const compaction = compactionOf(this.#reader, this.#sessionId)
    if (compaction && compaction.id !== this.#compaction?.id) {
      this.#compaction = compaction
      this.#messages = [{ role: "user", content: compaction.content }]
      this.#lastSeq = compaction.kept_after
    }
    for (const row of messagesAfter(this.#reader, this.#sessionId, this.#lastSeq)) {
      this.#messages.push(...this.#shown(row))
      this.#lastSeq = row.seq
    }
    return this.#messages
  }

  #shown(row: MessageRow): ModelMessage[] {
    const messages = modelMessages(this.#reader, row)
    if (!this.#compaction) return messages
    return shaped(messages, row.seq, { seq: this.#compaction.seq, ...this.#compaction.kept })
  }
}

/** A message as the model is given it, and behind it the results of its tool calls. */
export function modelMessages(reader: Reader, row: MessageRow): ModelMessage[] {
  if (row.role === "user") return [{ role: "user", content: JSON.parse(row.content) as UserPart[] }]
  const said: ModelMessage = { role: "assistant", content: JSON.parse(row.content) as AssistantPart[] }
  const sql = "SELECT * FROM tool_call WHERE step_id = :step ORDER BY idx"
  const calls = reader.all<ToolCallRow>(sql, { step: row.step_id })
  return calls.length > 0 ? [said, { role: "tool", content: calls.map(resultPart) }] : [said]
}

function resultPart(call: ToolCallRow): ToolResultPart {
  if (call.result === null) throw new Error(`tool call ${call.id} has no result yet`)
  const output = JSON.parse(call.result) as ToolOutput
  return {
    type: "tool-result",
    callId: call.call_id,
    name: call.name,
    content: output.content,
    isError: call.is_error === 1,
  }
}

/** What the session's last step said, when that step ended the turn (it called nothing) and said anything. */
export function finalText(reader: Reader, sessionId: string): string | undefined {
  const row = reader.one<{ content: string | null }>(
    `SELECT (SELECT content FROM message WHERE message.id = step.message_id) AS content FROM step
     WHERE session_id = :sessionId AND NOT EXISTS (SELECT 1 FROM tool_call WHERE step_id = step.id)
       AND n = (SELECT MAX(n) FROM step WHERE session_id = :sessionId)`,
    { sessionId },
  )
  return row?.content ? textOf(JSON.parse(row.content) as AssistantPart[]) : undefined
}

/** The last text that the session's model said at all, be it on the way; `after`: behind that number of a message. */
export function lastText(reader: Reader, sessionId: string, after = 0): string | undefined {
  return firstText(messagesBefore(reader, sessionId, { after, limit: 20, only: "role = 'assistant'" }))
}

function firstText(rows: readonly { content: string }[]): string | undefined {
  for (const row of rows) {
    const text = textOf(JSON.parse(row.content) as AssistantPart[])
    if (text) return text
  }
  return undefined
}

/** The last text that the session's model said in these turns. */
export function lastTextOf(reader: Reader, sessionId: string, turns: readonly string[]): string | undefined {
  const rows = reader.all<{ content: string }>(
    `SELECT content FROM message WHERE session_id = :sessionId AND role = 'assistant'
       AND turn_id IN (SELECT value FROM json_each(:turns)) ORDER BY seq DESC LIMIT 20`,
    { sessionId, turns: JSON.stringify(turns) },
  )
  return firstText(rows)
}

export function textOf(parts: readonly (AssistantPart | UserPart)[]): string | undefined {
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n")
  return text.trim() ? text : undefined
}
