// The message that a compacted conversation begins with: what happened, how earlier messages can be read again, the
// memory, what the user asked word for word, the open entries of the checklist, and the live tasks.
import { headTail, plural } from "../base/text.ts"
import type { UserPart } from "../model/message.ts"
import type { MessageRow, SessionRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { defuse } from "../task/defuse.ts"
import type { Todo } from "../tool/todo-write.ts"
import type { Plan } from "./compaction-plan.ts"
import { textOf } from "./history.ts"
import { firstMessage, messagesBefore } from "./lineage.ts"
import { type Memory, renderMemory } from "./memory/memory.ts"

export interface Telling {
  row: SessionRow
  plan: Plan
  memory: Memory
  /** For the memory. */
  characters: number
  focus: string | undefined
  /** Of the live tasks (task-ledger.ts). */
  ledger: string | undefined
}

/** At the most, where the window is large. */
const PROMPT_CHARS = 6_000
/** What an agent was given to do is all that it knows of its purpose. */
const TASK_CHARS = 16_000

export function compactionText(reader: Reader, telling: Telling): string {
  const { row, plan, memory, characters, focus, ledger } = telling
  const told = { ...memory, sections: { ...memory.sections, todos: "" } }
  const parts = [
    head(plan, focus),
    block("What is known of it", renderMemory(told, { characters, ...(focus && { focus }) })),
    ...prompts(reader, row, { plan, characters }),
    block("The checklist (TodoWrite), its open entries", todoLines(row).join("\n")),
    outline(plan),
  ]
  const text = parts.filter(Boolean).join("\n\n")
  return `<system-reminder>\n${defuse(text)}\n</system-reminder>${ledger ? `\n\n${ledger}` : ""}`
}

export function openTodos({ todos }: SessionRow): Todo[] {
  const list = todos === null ? [] : (JSON.parse(todos) as Todo[])
  return list.filter(({ status }) => status !== "completed")
}

function head({ seq, keptAfter, messages }: Plan, focus: string | undefined): string {
  const kept =
    messages > 0
      ? `Behind it ${messages === 1 ? "comes the last message" : `come the last ${plural(messages, "message")}`}, from message ${keptAfter + 1} on, with long results of tools cut to their ends. `
      : ""
  const gone = keptAfter > 0 ? ` up to message ${keptAfter}` : ""
  return (
    `The conversation was compacted by the program: what was said${gone} is now what this message tells of it. ${kept}` +
    "Go on with the work where it stands; do not start anew what is done or under way.\n" +
    `Earlier messages can be read again, with the results of their calls: Read with file_path "message:12", or ` +
    `"message:12-20"; the newest so far is ${seq}. Grep with path "message:" searches all of them. ` +
    "Files that were read before may have to be read again." +
    (focus ? `\nThe user wants the focus to be on: ${focus}` : "")
  )
}

function block(title: string, text: string): string {
  return text.trim() === "" ? "" : `# ${title}\n\n${text}`
}

/** What the work is about must be there word for word, however long ago it was said. */
function prompts(
  reader: Reader,
  row: SessionRow,
  { plan: { keptAfter }, characters }: { plan: Plan; characters: number },
): string[] {
  const isAgent = row.parent_id !== null
  const gone = { before: keptAfter + 1 }
  const given = isAgent ? firstMessage(reader, row.id, "role = 'user'") : undefined
  const only = isAgent ? "role = 'user' AND origin IN ('human', 'peer')" : "role = 'user' AND origin = 'human'"
  const last = messagesBefore(reader, row.id, { ...gone, limit: isAgent ? 1 : 2, only }).reverse()
  const task = given && given.seq <= keptAfter ? given : undefined
  return [
    ...(task
      ? [
          quoteOf(task, {
            title: "The task that you were given",
            chars: Math.min(TASK_CHARS, Math.max(2_000, characters)),
          }),
        ]
      : []),
    ...last
      .filter(({ id }) => id !== task?.id)
      .map((message) =>
        quoteOf(message, {
          title: "What the user said",
          chars: Math.min(PROMPT_CHARS, Math.max(1_000, characters / 2)),
        }),
      ),
  ]
}

function quoteOf(message: MessageRow, { title, chars }: { title: string; chars: number }): string {
  const text = textOf(JSON.parse(message.content) as UserPart[]) ?? ""
  return block(`${title} (message ${message.seq}), word for word`, headTail(text, chars))
}

function todoLines(row: SessionRow): string[] {
  const marks = { in_progress: "[in progress]", pending: "[open]", completed: "[done]" } as const
  return openTodos(row).map(({ content, status }) => `- ${marks[status]} ${content}`)
}

/** What is in neither the memory nor among the messages that follow. */
function outline({ outline: lines, outlineFrom, leftOut, keptAfter }: Plan): string {
  if (lines.length === 0 && leftOut === 0) return ""
  const missing =
    leftOut > 0
      ? `${plural(leftOut, "message")} before ${outlineFrom === undefined ? "" : `message ${outlineFrom} `}had no room here and nothing above tells of them: read them again where they matter.`
      : ""
  const title = `Messages ${outlineFrom ?? 1} to ${keptAfter}, shortened: what is known above does not tell of them`
  return [missing, lines.length > 0 ? block(title, lines.join("\n")) : ""].filter(Boolean).join("\n\n")
}
