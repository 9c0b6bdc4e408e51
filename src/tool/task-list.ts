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

export function taskListTool({
  store,
  owner,
  now,
}: {
  store: Reader
  owner: SessionRow
  now: () => number
}): Tool<z.infer<typeof input>> {
  return {
    name: "TaskList",
    description: "List your background tasks and their states.",
    input,
    replay: "safe",
    readOnly: true,
    async run() {
      const all = listTasks(store, { ownerId: owner.id })
      const live = all.filter((view) => !isTerminal(view.run.state))
      const settled = all.filter((view) => isTerminal(view.run.state))
      const shown = [...live, ...settled.slice(-SETTLED_SHOWN)].map((view) => line(view, now()))
      const left = settled.length - SETTLED_SHOWN
      if (left > 0) shown.push(`… and ${left} older settled ones`)
      return textOutput(shown.join("\n") || "No tasks.")
    },
  }
}

function line({ task, run }: TaskView, now: number): string {
  const age = duration(workedMs(run, now))
  const what = task.kind === "agent" ? `agent ${(JSON.parse(task.input) as { agent: string }).agent}` : task.kind
  const detail = run.state === "running" ? run.activity : run.reason
  return [task.id, run.state, age, what, oneLine(task.description, 80), detail ? `(${oneLine(detail, 80)})` : ""]
    .filter(Boolean)
    .join("  ")
}
