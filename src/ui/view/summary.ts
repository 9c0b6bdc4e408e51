// A tool call in one line: what it is about, as short as it can be said. Tools of any name come through here, so what is
// not known is shown as it is.
import { stripControl } from "../../base/escape.ts"
import { oneLine } from "../../base/text.ts"

const MAX = 500

/** The fields that say what a call is about, by tool; the first that is there counts. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  Bash: ["command"],
  Monitor: ["description", "command"],
  Read: ["file_path", "path"],
  Write: ["file_path", "path"],
  Edit: ["file_path", "path"],
  Glob: ["pattern"],
  Grep: ["pattern"],
  WebFetch: ["url"],
  Agent: ["description", "prompt"],
  Task: ["description", "prompt"],
  SendMessage: ["message", "text"],
  TaskOutput: ["task_id", "id"],
  TaskStop: ["task_id", "id"],
}

/** Quoted, because a pattern's spaces count. */
const QUOTED = new Set(["Grep", "Glob"])

export function summary(tool: string, input: unknown): string {
  if (typeof input !== "object" || input === null) return oneLine(String(input ?? ""), MAX)
  const fields = input as Record<string, unknown>
  if (tool === "TodoWrite") return todos(fields.todos)
  if (tool === "AskUserQuestion") return questions(fields.questions)
  for (const name of FIELDS[tool] ?? []) {
    const value = fields[name]
    if (typeof value !== "string" || value === "") continue
    const text = oneLine(stripControl(value), MAX)
    return QUOTED.has(tool) ? `"${text}"${within(fields.path)}` : text
  }
  const first = Object.values(fields).find((value) => typeof value === "string" && value !== "")
  return oneLine(stripControl(typeof first === "string" ? first : rest(fields)), MAX)
}

function within(path: unknown): string {
  return typeof path === "string" && path !== "" && path !== "." ? ` in ${oneLine(stripControl(path), 200)}` : ""
}

function rest(fields: Record<string, unknown>): string {
  return Object.keys(fields).length === 0 ? "" : JSON.stringify(fields)
}

function questions(list: unknown): string {
  const asked = Array.isArray(list) ? list.map((one) => (one as { question?: unknown } | null)?.question) : []
  return oneLine(stripControl(asked.filter((text) => typeof text === "string").join(" ")), MAX)
}

function todos(list: unknown): string {
  if (!Array.isArray(list)) return ""
  const done = list.filter((todo) => (todo as { status?: unknown } | null)?.status === "completed").length
  return `${done} of ${list.length} done`
}
