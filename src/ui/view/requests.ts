// What waits for the user's word in a tree: requests for permission and questions, oldest first.
import { oneLine } from "../../base/text.ts"
import type { ApprovalRow, SessionRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import type { Questions } from "../../tool/ask-user-question.ts"
import { summary } from "./summary.ts"

export interface Request {
  id: string
  type: "permission" | "question"
  tool: string
  input: unknown
  /** What it wants, in one line: the exact command, file or address. */
  what: string
  /** The rule that "always" would add. */
  rule: string | undefined
  questions: Questions["questions"]
  /** Where it would happen. */
  cwd: string
  /** The agent that asks; undefined when the conversation itself does. */
  taskId: string | undefined
  agent: string
  sessionId: string
  /** Our id of the call that waits. */
  callId: string
  at: number
}

export function openRequests(reader: Reader, rootId: string): Request[] {
  return reader
    .all<ApprovalRow>("SELECT * FROM approval WHERE root_id = :rootId AND state = 'open' ORDER BY created_at, rowid", {
      rootId,
    })
    .map((row) => requestOf(reader, row))
}

function requestOf(reader: Reader, row: ApprovalRow): Request {
  const session = reader.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id: row.session_id })
  const input: unknown = JSON.parse(row.input)
  const isQuestion = row.tool === "AskUserQuestion"
  const questions = isQuestion ? (input as Questions).questions : []
  const what = isQuestion ? oneLine(questions[0]?.question ?? "", 500) : summary(row.tool, input)
  return {
    id: row.id,
    type: isQuestion ? "question" : "permission",
    tool: row.tool,
    input,
    what,
    rule: row.rule ?? undefined,
    questions,
    cwd: session?.shell_cwd ?? session?.cwd ?? "",
    taskId: row.task_id ?? undefined,
    agent: session?.agent ?? "",
    sessionId: row.session_id,
    callId: row.tool_call_id,
    at: row.created_at,
  }
}

/** In a list of tasks: "wants Bash: npm install". */
export function wants({ type, tool, what }: Request): string {
  return type === "question" ? `asks: ${what}` : `wants ${tool}: ${what}`
}
