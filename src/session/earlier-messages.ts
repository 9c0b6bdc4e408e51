// The messages of a session as text, for its own model to read again: who said it, what was called, and what came of it.
import type { AssistantPart, UserPart } from "../model/message.ts"
import type { MessageRow, ToolCallRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import type { Earlier } from "../tool/earlier.ts"
import type { ToolOutput } from "../tool/tool.ts"
import { lastSeq, messagesBefore, messagesBetween } from "./lineage.ts"

export function earlierMessages(reader: Reader): Earlier {
  return {
    newest: (sessionId) => lastSeq(reader, sessionId),
    messages: (sessionId, { from, to, most, order }) => {
      const rows =
        order === "backwards"
          ? messagesBefore(reader, sessionId, { before: to + 1, after: from - 1, limit: most })
          : messagesBetween(reader, sessionId, { after: from - 1, upTo: to, limit: most })
      return rows.map((row) => ({ seq: row.seq, text: textOfMessage(reader, row) }))
    },
  }
}

function textOfMessage(reader: Reader, row: MessageRow): string {
  const parts = JSON.parse(row.content) as (UserPart | AssistantPart)[]
  const sql = "SELECT * FROM tool_call WHERE step_id = :step ORDER BY idx"
  const calls = row.role === "assistant" ? reader.all<ToolCallRow>(sql, { step: row.step_id }) : []
  let next = 0
  const said = parts.flatMap((part): string[] => {
    switch (part.type) {
      case "text":
        return [part.text]
      case "image":
        return [`[an image, ${part.mediaType}]`]
      case "reasoning":
        return []
      case "tool-call":
        return [`[call] ${part.name} ${JSON.stringify(part.input ?? {})}`, ...resultOf(calls[next++])]
      default:
        return part satisfies never
    }
  })
  return [`── message ${row.seq}, ${speaker(row)}`, ...said].join("\n")
}

function speaker({ role, origin }: MessageRow): string {
  if (role === "assistant") return "you"
  return origin === "human" || origin === null ? "the user" : origin === "peer" ? "another agent" : origin
}

function resultOf(call: ToolCallRow | undefined): string[] {
  if (!call || call.result === null) return []
  const { content } = JSON.parse(call.result) as ToolOutput
  const text = content.map((part) => (part.type === "text" ? part.text : `[an image, ${part.mediaType}]`))
  return [`[${call.is_error ? "error" : "result"}] ${text.join("\n")}`]
}
