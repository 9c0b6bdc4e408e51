// What a model hears of a task that did not begin at once, whatever its kind.
import type { RunRow } from "../store/rows.ts"
import { type ToolOutput, textOutput } from "./tool.ts"

export function queuedOutput(run: RunRow): ToolOutput {
  const text = `Queued as task ${run.task_id}: it ${run.reason ?? "is about to begin"}. It begins by itself, and you will be told when it ends.`
  return textOutput(text, { data: { task: run.task_id } })
}

/** It never begins. Said here, it needs no notice. */
export function skippedOutput(run: RunRow): ToolOutput {
  const text = `Task ${run.task_id} was skipped: ${run.reason}. Start it again without depends_on if it makes sense on its own.`
  return textOutput(text, { isError: true, data: { task: run.task_id }, consumes: [run.id] })
}
