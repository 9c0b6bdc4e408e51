// What happens while `-p` works, on standard error: a live block of the running tasks where that is a terminal, or a
// line for each event with --verbose. Standard output has the answer alone.

import { stripControl } from "../../base/escape.ts"
import { oneLine, stopwatch, tokens } from "../../base/text.ts"
import type { AssistantPart } from "../../model/message.ts"
import type { CompactionRow, FeedRow, MessageRow, RunRow, TaskRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { workedMs } from "../../task/task.ts"
import { compactionLine } from "../view/compaction.ts"

export interface LiveTask {
  task: TaskRow
  run: RunRow
  tokens: number
}

/** One line for an event that a person would want to know of, or undefined. */
export function eventLine(reader: Reader, row: FeedRow): string | undefined {
  switch (row.kind) {
    case "message":
      return messageLine(reader, row)
    case "task_started": {
      const { task, run } = taskOf(reader, row.ref)
      return `◐ ${nameOf(task)}  ${task.id.slice(0, 4)}${run.background ? "  in the background" : ""}`
    }
    case "task_settled": {
      const { task, run } = taskOf(reader, row.ref)
      const took = (workedMs(run, run.event_at) / 1000).toFixed(1)
      const why = run.reason && run.state !== "completed" ? `: ${oneLine(run.reason, 100)}` : ""
      return `${MARKS[run.state] ?? "●"} ${nameOf(task)}  ${run.state}${why}  ${took} s`
    }
    case "retry": {
      const retry = JSON.parse(row.data ?? "{}") as { attempt: number; wait_ms: number; reason: string }
      return `↻ asking again in ${(retry.wait_ms / 1000).toFixed(1)} s: ${oneLine(retry.reason, 160)}`
    }
    case "compaction": {
      const made = reader.one<CompactionRow>("SELECT * FROM compaction WHERE id = :id", { id: row.ref })
      return made && row.session_id === row.root_id ? `▤ ${compactionLine(made, { short: true })}` : undefined
    }
    default:
      return undefined
  }
}

const MARKS: Partial<Record<RunRow["state"], string>> = {
  completed: "✓",
  failed: "✗",
  stopped: "■",
  timed_out: "✗",
  lost: "?",
}

function messageLine(reader: Reader, row: FeedRow): string | undefined {
  if (row.session_id !== row.root_id) return undefined
  const message = reader.one<MessageRow>("SELECT * FROM message WHERE id = :id", { id: row.ref })
  if (message?.origin === "task") {
    const run = reader.one<RunRow>("SELECT * FROM run WHERE 'notice:' || id || ':settled' = :id", { id: message.id })
    const task = run && taskOf(reader, run.id).task
    return task ? `● ${nameOf(task)} has reported, picking up its result` : undefined
  }
  if (message?.role !== "assistant") return undefined
  const parts = JSON.parse(message.content) as AssistantPart[]
  // The last reply goes to standard output; what is said on the way is said here.
  if (!parts.some((part) => part.type === "tool-call")) return undefined
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(" ")
  return text.trim() ? oneLine(text, 200) : undefined
}

/** The block of running tasks, at most `rows` lines. */
export function liveBlock(
  tasks: readonly LiveTask[],
  { now, columns, rows }: { now: number; columns: number; rows: number },
): string[] {
  const lines = tasks.slice(0, rows - 1).map(({ task, run, tokens: used }) => {
    const figures = [
      stopwatch(workedMs(run, now)),
      task.kind === "agent" ? `${tokens(used)} tok` : `${run.bytes} bytes`,
    ]
    const activity = run.activity ?? stripControl(run.tail).trimEnd().split("\n").at(-1)
    return oneLine(`◐ ${nameOf(task)}  ${figures.join(" · ")}${activity ? ` · ${activity}` : ""}`, columns - 1)
  })
  if (tasks.length > lines.length) lines.push(`  and ${tasks.length - lines.length} more`)
  return lines
}

function nameOf(task: TaskRow): string {
  const what = oneLine(task.description, 60)
  if (task.kind !== "agent") return `$ ${what}`
  return `${(JSON.parse(task.input) as { agent: string }).agent}  ${what}`
}

function taskOf(reader: Reader, runId: string): { task: TaskRow; run: RunRow } {
  const run = reader.one<RunRow>("SELECT * FROM run WHERE id = :runId", { runId })!
  return { run, task: reader.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: run.task_id })! }
}
