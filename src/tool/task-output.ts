// TaskOutput: a task's status, and its result or a bounded part of its output; it can wait. Returning a settled run
// takes its notice: the model is told once.
import { z } from "zod"
import { duration } from "../base/text.ts"
import type { RunRow, SessionRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { findTask, type TaskView } from "../task/find.ts"
import { outputSize, readOutput } from "../task/output.ts"
import type { TaskRuntime } from "../task/runtime.ts"
import { isTerminal, workedMs } from "../task/task.ts"
import { type Tool, textOutput } from "./tool.ts"
import { truncate } from "./truncate.ts"

/** How long `block` waits when the call doesn't say. */
const PATIENCE_MS = 30_000
const LOOK_MS = 500

const input = z.object({
  task_id: z.string(),
  block: z.boolean().optional().describe("wait for its end"),
  timeout: z.number().int().nonnegative().optional().describe("ms to wait (default 30000)"),
  offset: z.number().int().nonnegative().optional().describe("byte to read the output from; default: its end"),
  grep: z.string().optional().describe("only output lines that match this regular expression"),
})

export interface TaskOutputParts {
  store: Reader
  tasks: TaskRuntime
  owner: SessionRow
  /** The sessions that the tree was forked from: their tasks may be looked at. */
  origins: () => readonly string[]
}

export function taskOutputTool({ store, tasks, owner, origins }: TaskOutputParts): Tool<z.infer<typeof input>> {
  return {
    name: "TaskOutput",
    description: "A task's state and its output or result. Not needed for results: you are told when a task ends.",
    input,
    replay: "safe",
    readOnly: true,
    async run(call, ctx) {
      const view = findTask(store, call.task_id, [owner.root_id, ...origins()])
      const isShared = view.task.root_id !== owner.root_id
      if (call.block) {
        const wait = isShared ? waitElsewhere : waitHere
        await wait(tasks, view.task.id, { timeoutMs: call.timeout ?? PATIENCE_MS, signal: ctx.signal })
      }
      const run = tasks.run(view.run.id)
      const body = await bodyOf({ ...view, run }, call)
      const settled = isTerminal(run.state) && view.task.owner_id === owner.id
      return textOutput(`${head({ ...view, run })}\n${body}`, {
        data: { task: view.task.id },
        ...(settled ? { consumes: [run.id] } : {}),
      })
    },
  }
}

interface Waiting {
  timeoutMs: number
  signal: AbortSignal
}

async function waitHere(tasks: TaskRuntime, id: string, waiting: Waiting): Promise<void> {
  await tasks.wait([id], waiting)
}

/** Another process may drive what a fork shares, and rings no bell here. */
async function waitElsewhere(tasks: TaskRuntime, id: string, { timeoutMs, signal }: Waiting): Promise<void> {
  for (let left = timeoutMs; left > 0; left -= LOOK_MS) {
    const [run] = await tasks.wait([id], { timeoutMs: Math.min(left, LOOK_MS), signal })
    if (run && isTerminal(run.state)) return
  }
}

function head({ task, run }: TaskView): string {
  const took = duration(workedMs(run, run.event_at))
  const exit = run.exit_code === null ? "" : `, exit code ${run.exit_code}`
  const reason = run.reason && run.state !== "completed" ? ` (${run.reason})` : ""
  const size = outputSize(run)
  return `${task.id} (${task.kind}): ${run.state}${reason}${exit}, ${took}${size && `, ${size}`}`
}

async function bodyOf(
  { run }: TaskView,
  { offset, grep }: { offset?: number | undefined; grep?: string | undefined },
): Promise<string> {
  if (!run.spool) return truncate(run.result ?? activity(run))
  const output = await readOutput(run, { offset, grep })
  return truncate(output) || "(no output)"
}

function activity(run: RunRow): string {
  return isTerminal(run.state) ? "(no result)" : `${run.activity ?? "starting"} · ${run.tool_uses} tool calls so far`
}
