// An entry of a conversation as lines of the screen. Pure, but for what streams: the caller keeps what was laid out.
import { wrapTextWithAnsi } from "@earendil-works/pi-tui"
import { stripControl } from "../../../base/escape.ts"
import { duration, oneLine, plural } from "../../../base/text.ts"
import type { CallEntry, Entry, PromptEntry, ReasoningEntry, WakeEntry } from "../../view/entry.ts"
import { summary } from "../../view/summary.ts"
import type { TaskItem } from "../../view/task-item.ts"
import { clip, type Line } from "../line.ts"
import { spinner } from "../marks.ts"
import type { Theme } from "../theme.ts"
import { changeOf, diffCounts, diffText } from "./diff-lines.ts"
import type { Highlighter } from "./highlight.ts"
import { markdownLines, StreamingMarkdown } from "./markdown.ts"
import { taskLine } from "./task-line.ts"

export interface Laying {
  width: number
  theme: Theme
  highlighter: Highlighter
  now: number
  isUnfolded(id: string): boolean
  /** The call waits for the user's word. */
  isAsking(callId: string): boolean
  /** Kept from one time to the next, for what streams. */
  streaming: Map<string, Stream>
}

/** A text that streams in, as it was laid out last. */
export interface Stream {
  parts: StreamingMarkdown
  texts: readonly string[]
  lines: readonly Line[]
}

/** Tells the library where a prompt stands (OSC 133 of FinalTerm), for going from one to the next; never written. */
const PROMPT_START = "\x1b]133;A\x07"
/** What everything that is not the user's own is indented by. */
const INDENT = "   "
/** A folded diff shows so many lines, and an unfolded output so many. */
const FOLDED_DIFF = 10
const UNFOLDED = 400
const OWN_OUTPUT = 12

export function layOut(entry: Entry, laying: Laying): Line[] {
  const { theme, width } = laying
  switch (entry.type) {
    case "prompt":
      return promptLines(entry, laying)
    case "text":
      return speech(entry, laying)
    case "reasoning":
      return reasoningLines(entry, laying)
    case "call":
      return callLines(entry, laying)
    case "wake":
      return wakeLines(entry, laying)
    case "note": {
      const paint = entry.tone === "error" ? theme.error : entry.tone === "warning" ? theme.warn : theme.dim
      const mark = entry.tone === "info" ? "· " : "! "
      const text = stripControl(entry.text, { keepNewlines: true })
      return wrapped(text, width - 5).map((line, i) => ({
        text: `${INDENT}${paint(`${i === 0 ? mark : "  "}${line}`)}`,
      }))
    }
    default:
      return entry satisfies never
  }
}

/** Whether a blank line stands between two entries: calls that follow each other stand together. */
export function isApart(before: Entry, after: Entry): boolean {
  const isCall = (entry: Entry) => entry.type === "call"
  return !(isCall(before) && isCall(after))
}

/** Whether it looks different as time goes on. */
export function isTicking(entry: Entry): boolean {
  if (entry.type !== "call") return false
  if (entry.task) return entry.task.endedAt === undefined
  return entry.state === "running" || entry.state === "writing" || entry.state === "pending"
}

function promptLines({ text, images, from }: PromptEntry, { width, theme }: Laying): Line[] {
  const clean = stripControl(text, { keepNewlines: true }).trim()
  const shown = images > 0 ? `${clean}${clean ? "\n" : ""}[${plural(images, "image")}]` : clean
  const mark = from === "human" ? "›" : "▸"
  return wrapped(shown, width - 4).map((line, i) => ({
    text: `${i === 0 && from === "human" ? PROMPT_START : ""} ${theme.accent(i === 0 ? mark : " ")} ${from === "human" ? theme.user(line) : line}`,
  }))
}

function speech({ id, text, isStreaming }: Extract<Entry, { type: "text" }>, laying: Laying): Line[] {
  const { width, theme, highlighter, streaming } = laying
  const spoken = { width: Math.max(10, width - 4), theme, highlighter }
  if (!isStreaming) {
    streaming.delete(id)
    return markdownLines(text, spoken).map(indented)
  }
  const { parts, ...before } = streaming.get(id) ?? { parts: new StreamingMarkdown(), texts: [], lines: [] }
  const texts = parts.lines(text, spoken)
  // A line that stays is the same object, by which one sees that it stays.
  const lines = texts.map((line, i) => (line === before.texts[i] ? before.lines[i]! : indented(line)))
  streaming.set(id, { parts, texts, lines })
  return lines
}

function reasoningLines({ id, text, isStreaming }: ReasoningEntry, laying: Laying): Line[] {
  const { width, theme } = laying
  const target = { type: "fold", id } as const
  const clean = stripControl(text, { keepNewlines: true }).trim()
  if (laying.isUnfolded(id))
    return [
      { text: `${INDENT}${theme.dim("∴ thoughts")}`, target },
      ...wrapped(clean, width - 6).map((line) => ({ text: `     ${theme.dim(theme.italic(line))}` })),
    ]
  const line = isStreaming ? (clean.split("\n").at(-1) ?? "") : (clean.split("\n", 1)[0] ?? "")
  return [{ text: clip(`${INDENT}${theme.dim(`∴ ${line}`)}`, width - 1), target }]
}

function wakeLines({ tasks }: WakeEntry, { width, theme }: Laying): Line[] {
  const ended = tasks.every(({ state }) => state !== "reports")
  const what =
    tasks.length === 0 ? "There is news" : `${plural(tasks.length, "task")} ${ended ? "finished" : "reported"}`
  const names = tasks.map(({ title, state }) => (state === "completed" ? title : `${title} (${state})`)).join(", ")
  const its = tasks.length > 1 ? "their results" : "its result"
  const head = `${INDENT}${theme.accent("●")} ${what}, picking up ${its}`
  const target = tasks.length === 1 ? { target: { type: "task", id: tasks[0]!.id } as const } : {}
  return [{ text: clip(names ? `${head}  ${theme.dim(oneLine(names, 400))}` : head, width - 1), ...target }]
}

function callLines(entry: CallEntry, laying: Laying): Line[] {
  const { width, theme, now } = laying
  const { task } = entry
  const unfolded = laying.isUnfolded(entry.id) ? detail(entry, laying) : undefined
  if (task && !laying.isAsking(entry.id)) {
    const isOwn = entry.id.startsWith("line:")
    const head = `${isOwn ? ` ${theme.accent("!")} ` : INDENT}${taskLine(task, { width: width - 4, theme, now })}`
    const output = isOwn ? ownOutput(task, laying) : []
    return [{ text: head, target: { type: "task", id: task.id } }, ...output, ...(unfolded ?? [])]
  }
  const change = changeOf(entry.data)
  const target = laying.isAsking(entry.id) ? ({ type: "requests" } as const) : ({ type: "fold", id: entry.id } as const)
  const head = { text: clip(`${INDENT}${headOf(entry, laying)}`, width - 1), target }
  if (unfolded) return [head, ...unfolded]
  if (!change || entry.state !== "done") return [head]
  const diff = diffText(change, { width: width - 6, theme, most: FOLDED_DIFF })
  return [head, ...diff.map((text) => ({ text: `     ${text}`, target }))]
}

/** The end of what the user's own command has printed. */
function ownOutput({ result, bytes }: TaskItem, { width, theme }: Laying): Line[] {
  if (result === undefined) return []
  const all = wrapped(stripControl(result, { keepNewlines: true, keepColours: true }).trimEnd(), width - 7)
  const shown = all.slice(-OWN_OUTPUT).filter((line, i) => line !== "" || i > 0)
  const isCut = all.length > shown.length || Buffer.byteLength(result) < bytes
  const more = isCut ? [theme.dim(`… ${all.length - shown.length} lines before these`)] : []
  return [...more, ...shown].map((line) => ({ text: `     ${theme.faint("│")} ${line}` }))
}

function headOf(entry: CallEntry, laying: Laying): string {
  const { theme, now } = laying
  const what = summary(entry.tool, entry.input)
  const name = `${entry.tool}  ${what}`
  if (laying.isAsking(entry.id)) return `${theme.warn("▲")} ${name}  ${theme.warn("waits for your word")}`
  switch (entry.state) {
    case "writing":
      return `${theme.running(spinner(now))} ${theme.dim(`${entry.tool} …`)}`
    case "pending":
      return `${theme.dim("○")} ${theme.dim(name)}`
    case "running":
      return `${theme.running(spinner(now))} ${name}  ${theme.dim(entry.startedAt ? duration(now - entry.startedAt) : "")}`
    case "done":
      return `${theme.dim("·")} ${theme.dim(name)}  ${outcome(entry, theme)}`
    case "failed":
      return `${theme.error("✗")} ${theme.dim(name)}  ${theme.error(oneLine(stripControl(entry.output), 200))}`
    case "denied":
      return `${theme.warn("⊘")} ${theme.dim(name)}  ${theme.warn("not permitted")}`
    case "interrupted":
      return `${theme.warn("■")} ${theme.dim(name)}  ${theme.dim("interrupted")}`
    default:
      return entry.state satisfies never
  }
}

/** A result in a few words. */
function outcome({ tool, data, output }: CallEntry, theme: Theme): string {
  const change = changeOf(data)
  if (change) return diffCounts(change, theme)
  if (typeof data.matches === "number") return theme.dim(plural(data.matches, "match", "matches"))
  if (typeof data.files === "number") return theme.dim(plural(data.files, "file"))
  if (typeof data.lines === "number") return theme.dim(plural(data.lines, "line"))
  if (tool === "TodoWrite") return ""
  return theme.dim(oneLine(stripControl(output), 120))
}

/** What was asked for and what came of it. */
function detail(entry: CallEntry, { width, theme }: Laying): Line[] {
  const target = { type: "fold", id: entry.id } as const
  const change = changeOf(entry.data)
  if (change)
    return diffText(change, { width: width - 6, theme, most: UNFOLDED }).map((text) => ({
      text: `     ${text}`,
      target,
    }))
  const asked = typeof entry.input === "object" ? Object.entries(entry.input ?? {}) : [["input", entry.input] as const]
  const input = asked.flatMap(([name, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value)
    return wrapped(`${name}: ${stripControl(text, { keepNewlines: true })}`, width - 7).map((line) => theme.dim(line))
  })
  const all = wrapped(stripControl(entry.output, { keepNewlines: true, keepColours: true }).trimEnd(), width - 7)
  const shown = all.slice(0, UNFOLDED)
  const left = all.length - shown.length
  const more = left > 0 ? [theme.dim(`… ${left} more lines`)] : []
  return [...input, ...shown, ...more].map((line) => ({ text: `     ${theme.faint("│")} ${line}`, target }))
}

function wrapped(text: string, width: number): string[] {
  return wrapTextWithAnsi(text.replaceAll("\t", "  "), Math.max(8, width))
}

function indented(text: string): Line {
  return { text: `${INDENT}${text}` }
}
