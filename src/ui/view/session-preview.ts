// One session in a glance: the last exchange, what its memory says, the newest tasks; and where a fork splits off.
import { stripControl } from "../../base/escape.ts"
import { lastSeq, messagesBefore, WHOLE } from "../../session/lineage.ts"
import { versionInForce } from "../../session/memory/memory.ts"
import { textOf } from "../../session/search/search.ts"
import type { MessageRow, RunState } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"

export interface SessionPreview {
  /** What the user said last. */
  prompt: string | undefined
  /** What was answered last, after that. */
  reply: string | undefined
  memory: MemoryStatus | undefined
  tasks: readonly PreviewTask[]
  /** How many there are in all. */
  taskCount: number
}

export interface MemoryStatus {
  version: number
  /** How many messages it does not cover yet. */
  behind: number
  at: number
  /** What it says is being done, and what is next. */
  status: string
}

export interface PreviewTask {
  id: string
  kind: string
  description: string
  state: RunState
}

const NEWEST_TASKS = 5
/** The last answer is looked for so far back. */
const LOOKED_BACK = 30
const IS_PROMPT = "role = 'user' AND origin = 'human'"

export function previewOf(reader: Reader, sessionId: string): SessionPreview {
  const said = (only: string, limit: number, after = 0) =>
    messagesBefore(reader, sessionId, { before: WHOLE, after, limit, only })
  const prompt = said(IS_PROMPT, 1)[0]
  const replies = said("role = 'assistant'", LOOKED_BACK, prompt?.seq ?? 0).map(spoken)
  const newest = reader.all<PreviewTask>(
    `SELECT task.id, task.kind, task.description, run.state FROM task JOIN run ON run.task_id = task.id
     WHERE task.root_id = :sessionId AND run.n = (SELECT MAX(n) FROM run AS newer WHERE newer.task_id = task.id)
     ORDER BY task.rowid DESC LIMIT :limit`,
    { sessionId, limit: NEWEST_TASKS },
  )
  const count = reader.one<{ n: number }>("SELECT COUNT(*) AS n FROM task WHERE root_id = :sessionId", { sessionId })
  return {
    prompt: prompt && spoken(prompt),
    reply: replies.find((text) => text !== ""),
    memory: memoryStatus(reader, sessionId),
    tasks: newest,
    taskCount: count?.n ?? 0,
  }
}

function memoryStatus(reader: Reader, sessionId: string): MemoryStatus | undefined {
  const { version, coversSeq, sections, at } = versionInForce(reader, sessionId)
  if (version === 0) return undefined
  const lines = sections.status?.lines.map((line) => (typeof line === "string" ? line : line.user)) ?? []
  return { version, behind: Math.max(0, lastSeq(reader, sessionId) - coversSeq), at, status: lines.join("\n") }
}

/** The last thing that a fork shares with its origin, in words: the message with that number, or the nearest before it. */
export function splitOf(
  reader: Reader,
  { forkedFrom, forkSeq }: { forkedFrom: string | null; forkSeq: number | null },
) {
  if (forkedFrom === null || forkSeq === null) return undefined
  const shared = messagesBefore(reader, forkedFrom, { before: forkSeq + 1, limit: LOOKED_BACK })
  const row = shared.find((message) => spoken(message) !== "")
  return { seq: forkSeq, role: row?.role, text: row ? spoken(row) : "" }
}

function spoken({ content }: Pick<MessageRow, "content">): string {
  return stripControl(textOf(content), { keepNewlines: true }).trim()
}
