// TaskStop: ends a task and everything that it started.
import { z } from "zod"
import type { SessionRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { findTask } from "../task/find.ts"
import type { TaskRuntime } from "../task/runtime.ts"
import { isTerminal } from "../task/task.ts"
import { type Tool, ToolError, textOutput } from "./tool.ts"

const input = z.object({ task_id: z.string() })

export interface TaskStopParts {
  store: Reader
  tasks: TaskRuntime
  owner: SessionRow
  /** The sessions that the tree was forked from. */
  origins: () => readonly string[]
}

export function taskStopTool({ store, tasks, owner, origins }: TaskStopParts): Tool<z.infer<typeof input>> {
  return {
    name: "TaskStop",
    description: "Stop a task and all that it started.",
    input,
    replay: "safe",
    readOnly: true,
    async run(call) {
      const { task, run } = findTask(store, call.task_id, [owner.root_id, ...origins()])
      if (task.root_id !== owner.root_id)
        throw new ToolError(`${task.id} is a task of the session that this one was forked from: only it can stop it.`)
      // Its own stop, perhaps before a crash, was to be told by this result alone.
      const consumes = task.owner_id === owner.id ? [run.id] : []
      if (run.state === "stopped" && run.stop_by === "model") return textOutput(`${task.id}: stopped.`, { consumes })
      if (isTerminal(run.state)) return textOutput(`${task.id} had ended before: ${run.state}.`)
      const [stopped] = await tasks.stop([task.id], "model")
      return textOutput(`${task.id}: ${stopped?.state ?? "unknown"}.`, { consumes })
    },
  }
}
