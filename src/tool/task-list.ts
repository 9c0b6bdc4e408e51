// TaskList: what this session started, running or done.
import { z } from "zod"
import { duration, oneLine } from "../base/text.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { listTasks, type TaskView } from "../task/find.ts"
import { isTerminal, workedMs } from "../task/task.ts"
import { type Tool, textOutput } from "./tool.ts"

const input = z.object({})

/** More settled tasks than this are only counted. */
const SETTLED_SHOWN = 20

export interface TaskListParts {
  store: Reader
  owner: SessionRow
  now: () => number
  /** The sessions that the owner was forked from: their tasks may be looked at. */
  origins: () => readonly string[]
}

export function taskListTool({ store, owner, now, origins }: TaskListParts): Tool<z.infer<typeof input>> {
  return {
    name: "TaskList",
    description: "List your background tasks and their states.",
    input,
    replay: "safe",
    readOnly: true,
    async run() {
      const own = lines(listTasks(store, { ownerId: owner.id }), now())
      // What they started since the fork is none of its business.
      const known = ({ task }: TaskView) => task.created_at <= owner.created_at
      const shared = (owner.parent_id === null ? origins() : []).flatMap((ownerId) =>
        listTasks(store, { ownerId }).filter(known),
      )
      if (shared.length === 0) return textOutput(own.join("\n") || "No tasks.")
      const title = "Of the session that this one was forked from (TaskOutput reads them; they can't be stopped here):"
      return textOutput([...own, title, ...lines(shared, now())].join("\n"))
    },
  }
}

function lines(all: readonly TaskView[], now: number): string[] {
  const live = all.filter((view) => !isTerminal(view.run.state))
  const settled = all.filter((view) => isTerminal(view.run.state))
  const shown = [...live, ...settled.slice(-SETTLED_SHOWN)].map((view) => line(view, now))
  const left = settled.length - SETTLED_SHOWN
  return left > 0 ? [...shown, `… and ${left} older settled ones`] : shown
}

function line({ task, run }: TaskView, now: number): string {
  const age = duration(workedMs(run, now))
  const what = task.kind === "agent" ? `agent ${(JSON.parse(task.input) as { agent: string }).agent}` : task.kind
  const detail = run.state === "running" ? run.activity : run.reason
  return [task.id, run.state, age, what, oneLine(task.description, 80), detail ? `(${oneLine(detail, 80)})` : ""]
    .filter(Boolean)
    .join("  ")
}
