// Bash: every command is a task. In the foreground its call waits for it, until it is moved to the background by the
// user or by its own timeout; it is never killed for being slow.
import { z } from "zod"
import { duration } from "../base/text.ts"
import type { RunRow, SessionRow, TaskRow } from "../store/rows.ts"
import { outputSize } from "../task/output.ts"
import type { TaskRuntime, Unblocked } from "../task/runtime.ts"
import { folderAfter, type ShellInput } from "../task/shell.ts"
import { workedMs } from "../task/task.ts"
import { queuedOutput, skippedOutput } from "./queued.ts"
import { type Tool, type ToolContext, type ToolOutput, textOutput } from "./tool.ts"
import { truncate } from "./truncate.ts"

/** How long a command may hold the turn when the call doesn't say. */
const PATIENCE_MS = 120_000

const input = z.object({
  command: z.string().min(1),
  description: z.string().optional().describe("5-10 words"),
  timeout: z
    .number()
    .int()
    .positive()
    .optional()
    .describe("ms in the foreground, then it moves to the background (default 120000)"),
  run_in_background: z.boolean().optional(),
  deadline: z.number().int().positive().optional().describe("ms, then it is killed"),
  service: z.boolean().optional().describe("runs until stopped, e.g. a dev server"),
  depends_on: z.array(z.string()).optional().describe("ids of tasks that must complete first"),
})

export interface BashToolParts {
  tasks: TaskRuntime
  owner: SessionRow
  /** Where the next command begins, and where the last one in the foreground ended. */
  folder: { get(): string; set(folder: string): Promise<void> }
}

/** Commands that may end in another folder than they began in. */
const CHANGES_FOLDER = /\b(?:cd|pushd|popd)\b/

export function bashTool({ tasks, owner, folder }: BashToolParts): Tool<z.infer<typeof input>> {
  const finish = async (foreground: Foreground): Promise<ToolOutput> => {
    const { type, run } = await blockOn(tasks, foreground)
    if (type === "backgrounded") return movedOutput(run, foreground.task)
    const { cwd, keepFolder } = JSON.parse(foreground.task.input) as ShellInput
    const ended = keepFolder ? await folderAfter(run) : undefined
    if (ended === undefined || ended === cwd) return settledOutput(run)
    await folder.set(ended)
    return settledOutput(run, `, now in ${ended}`)
  }
  return {
    name: "Bash",
    description:
      "Run a bash command. Long ones: run_in_background, you are told when they end. Use Read, Grep, Glob, Edit rather than cat, grep, find, sed.",
    input,
    replay: "never",
    readOnly: false,
    async run(call, ctx) {
      const background = inBackground(call)
      const cwd = folder.get()
      const keepFolder = !background && CHANGES_FOLDER.test(call.command)
      const { task, run } = await tasks.start({
        kind: "shell",
        ownerId: owner.id,
        rootId: owner.root_id,
        parentTaskId: owner.task_id,
        callId: ctx.id,
        description: call.description ?? call.command,
        input: { command: call.command, cwd, ...(keepFolder ? { keepFolder } : {}) },
        background,
        service: call.service ?? false,
        deadlineMs: call.deadline ?? null,
        needs: call.depends_on ?? [],
      })
      if (run.state === "skipped") return skippedOutput(run)
      if (background) return run.state === "queued" ? queuedOutput(run) : startedOutput(task)
      return finish({ task, run, ctx, patienceMs: call.timeout ?? PATIENCE_MS })
    },
    async join(taskId, call, ctx) {
      const { task, run } = tasks.task(taskId)
      if (run.state === "skipped") return skippedOutput(run)
      if (inBackground(call)) return run.state === "queued" ? queuedOutput(run) : startedOutput(task)
      return finish({ task, run, ctx, patienceMs: call.timeout ?? PATIENCE_MS })
    },
  }
}

/** What waits for other tasks does not hold the turn unless it is asked to. */
function inBackground(call: z.infer<typeof input>): boolean {
  return call.service || (call.run_in_background ?? (call.depends_on?.length ?? 0) > 0)
}

interface Foreground {
  task: TaskRow
  run: RunRow
  ctx: ToolContext
  patienceMs: number
}

async function blockOn(tasks: TaskRuntime, { task, run, ctx, patienceMs }: Foreground): Promise<Unblocked> {
  try {
    return await tasks.block(run.id, { signal: ctx.signal, patienceMs })
  } catch (error) {
    if (ctx.signal.aborted) await tasks.stop([task.id], "user")
    throw error
  }
}

function startedOutput(task: TaskRow): ToolOutput {
  const text = `Started in the background as task ${task.id}. You will be told when it ends.`
  return textOutput(text, { data: { task: task.id } })
}

function settledOutput(run: RunRow, more = ""): ToolOutput {
  const took = duration(workedMs(run, run.event_at))
  const how = run.exit_code === null ? (run.reason ?? run.state) : `exit code ${run.exit_code}`
  const output = truncate(run.result ?? "")
  const cut = Buffer.byteLength(output) < run.bytes ? `; in all ${outputSize(run)}: ${run.spool}` : ""
  return textOutput(`${output}${output && !output.endsWith("\n") ? "\n" : ""}(${how}, ${took}${more}${cut})`, {
    isError: run.state !== "completed",
    data: { task: run.task_id, exitCode: run.exit_code },
  })
}

function movedOutput(run: RunRow, task: TaskRow): ToolOutput {
  const data = { task: task.id }
  const soFar = run.tail ? `\nOutput so far:\n${run.tail}` : ""
  if (run.service && !task.service)
    return textOutput(
      `The command ended with exit code ${run.exit_code ?? "unknown"} and left processes running. They go on as task ${task.id}; end them with TaskStop.${soFar}`,
      { data },
    )
  return textOutput(
    `Moved to the background as task ${task.id}; it goes on, and you will be told when it ends.${soFar}`,
    { data },
  )
}
