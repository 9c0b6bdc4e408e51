// A session in a glance, below the list: the last exchange, its memory, its tasks.
import { wrapTextWithAnsi } from "@earendil-works/pi-tui"
import { stripControl } from "../../../base/escape.ts"
import { oneLine, plural } from "../../../base/text.ts"
import { ago } from "../../view/session-list.ts"
import type { MemoryStatus, SessionPreview } from "../../view/session-preview.ts"
import { clip } from "../line.ts"
import type { Drawing } from "./session-lines.ts"

/** Exactly `rows` lines. */
export function previewLines(preview: SessionPreview, rows: number, drawing: Drawing): string[] {
  const { width, theme, now } = drawing
  const facts = [
    ...(preview.memory ? memoryLines(preview.memory, now) : ["memory   none yet"]).map((line) => theme.dim(line)),
    ...taskLines(preview).map((line) => theme.dim(line)),
  ]
  const kept = facts.slice(0, Math.max(1, Math.floor(rows / 2)))
  const room = Math.max(1, rows - kept.length)
  const said = exchange(preview, room, drawing)
  const lines = [...said, ...kept.map((line) => ` ${line}`)]
  while (lines.length < rows) lines.push("")
  return lines.slice(0, rows).map((line) => clip(line, width))
}

function exchange({ prompt, reply }: SessionPreview, room: number, { width, theme }: Drawing): string[] {
  if (prompt === undefined && reply === undefined) return [theme.dim(" Nothing was said yet.")]
  const wrapped = (text: string) =>
    wrapTextWithAnsi(stripControl(text.slice(0, 4000), { keepNewlines: true }), width - 6)
  const mine = wrapped(prompt ?? "")
  const answer = wrapped(reply ?? "")
  const forPrompt = Math.min(mine.length, Math.max(1, room - Math.min(answer.length, Math.ceil((room * 2) / 3))))
  const lines = cut(mine, forPrompt).map(
    (line, i) => `${i === 0 ? ` ${theme.accent("›")} ` : "   "}${theme.user(line)}`,
  )
  const forReply = room - lines.length
  if (reply !== undefined && forReply > 0) lines.push(...cut(answer, forReply).map((line) => `   ${line}`))
  return lines
}

function cut(lines: readonly string[], room: number): string[] {
  return lines.length <= room ? [...lines] : [...lines.slice(0, room - 1), `${lines[room - 1]} …`]
}

function memoryLines({ version, behind, at, status }: MemoryStatus, now: number): string[] {
  const age = ago(at, now)
  const when = age === "now" ? "just now" : /^\d{4}/.test(age) ? age : `${age} ago`
  const covers = behind === 0 ? "covers everything" : `covers all but the last ${plural(behind, "message")}`
  const first = oneLine(stripControl(status), 300)
  return [`memory   version ${version}, ${when}, ${covers}`, ...(first ? [`         ${first}`] : [])]
}

function taskLines({ tasks, taskCount }: SessionPreview): string[] {
  if (taskCount === 0) return ["tasks    none"]
  const lines = tasks.map(({ kind, description, state }, i) => {
    const name = oneLine(stripControl(description), 120)
    return `${i === 0 ? "tasks    " : "         "}${state.replace("_", " ")}  ${kind === "shell" ? "$ " : ""}${name}`
  })
  return taskCount > tasks.length ? [...lines, `         and ${taskCount - tasks.length} more`] : lines
}
