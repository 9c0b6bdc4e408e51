// Agent: starts a sub-agent as a task, in the foreground (the call returns its report) or in the background (the
// report wakes the conversation).
import { z } from "zod"
import type { RunRow, SessionRow, TaskRow } from "../store/rows.ts"
import { type Caps, capsOf, tightest } from "../task/caps.ts"
import type { Started, TaskRuntime } from "../task/runtime.ts"
import { queuedOutput, skippedOutput } from "./queued.ts"
import { type Tool, type ToolContext, ToolError, type ToolOutput, textOutput } from "./tool.ts"

const input = z.object({
  subagent_type: z.string(),
  description: z.string().describe("3-5 words"),
  prompt: z.string().min(1).describe("all it needs to know: it sees nothing of this conversation"),
  run_in_background: z.boolean().optional(),
  group: z.string().optional().describe("name shared by agents that belong together"),
  wake: z.enum(["each", "all", "none"]).optional().describe("be woken by each, when all of its group are done, or not"),
  max_cost_usd: z.number().positive().optional(),
  depends_on: z.array(z.string()).optional().describe("ids of tasks that must complete first"),
})

export interface AgentToolParts {
  tasks: TaskRuntime
  owner: SessionRow
  /** The agents that may be started, by name: whether they start in the background by themselves, and their own caps. */
  agents: ReadonlyMap<string, { background: boolean; caps?: Caps }>
  /** Names and descriptions of the agents, for the model. */
  listing: string
}

export function agentTool({ tasks, owner, agents, listing }: AgentToolParts): Tool<z.infer<typeof input>> {
  return {
    name: "Agent",
    description: `Start a sub-agent. For independent work start several in one message with run_in_background; each reports when done.\n${listing}`,
    input,
    // It owns a task: recovery joins the run instead of starting another.
    replay: "never",
    readOnly: true,
    async run(call, ctx) {
      const agent = agents.get(call.subagent_type)
      if (!agent)
        throw new ToolError(
          `There is no agent ${JSON.stringify(call.subagent_type)}. subagent_type is one of: ${[...agents.keys()].join(", ")}.`,
        )
      const background = inBackground(call, agent)
      const started = await tasks.start({
        kind: "agent",
        ownerId: owner.id,
        rootId: owner.root_id,
        parentTaskId: owner.task_id,
        callId: ctx.id,
        description: call.description,
        input: { agent: call.subagent_type, prompt: call.prompt },
        background,
        wake: call.wake ?? "each",
        group: call.group ?? null,
        caps: tightest(agent.caps, capsOf({ costUsd: call.max_cost_usd })),
        needs: call.depends_on ?? [],
        once: true,
      })
      return answer(tasks, started, { background, ctx })
    },
    async join(taskId, call, ctx) {
      const background = inBackground(call, agents.get(call.subagent_type))
      return answer(tasks, tasks.task(taskId), { background, ctx })
    },
  }
}

/** What waits for other tasks does not hold the turn unless it is asked to. */
function inBackground(call: z.infer<typeof input>, agent: { background: boolean } | undefined): boolean {
  return call.run_in_background ?? (call.depends_on?.length ? true : (agent?.background ?? false))
}

function answer(
  tasks: TaskRuntime,
  { task, run, already }: Started,
  { background, ctx }: { background: boolean; ctx: ToolContext },
): ToolOutput | Promise<ToolOutput> {
  if (run.state === "skipped") return skippedOutput(run)
  if (already && (background || run.background)) return alreadyOutput(task, run)
  if (!background) return foreground(tasks, { task, run, ctx })
  return run.state === "queued" ? queuedOutput(run) : startedOutput(task)
}

function alreadyOutput(task: TaskRow, run: RunRow): ToolOutput {
  const text = `The same agent is at work on the same prompt as task ${task.id} (${run.state}), so no other was started. You will be told when it is done.`
  return textOutput(text, { data: { task: task.id } })
}

function startedOutput(task: TaskRow): ToolOutput {
  const { agent } = JSON.parse(task.input) as { agent: string }
  const text = `Started agent ${agent} as task ${task.id} in the background. You will be told when it is done; don't wait for it.`
  return textOutput(text, { data: { task: task.id } })
}

async function foreground(
  tasks: TaskRuntime,
  { task, run, ctx }: { task: TaskRow; run: RunRow; ctx: ToolContext },
): Promise<ToolOutput> {
  try {
    const unblocked = await tasks.block(run.id, { signal: ctx.signal })
    if (unblocked.type === "settled") return report(unblocked.run)
    return textOutput(`Moved to the background as task ${task.id}; it goes on, and you will be told when it is done.`, {
      data: { task: task.id },
    })
  } catch (error) {
    if (ctx.signal.aborted) await tasks.stop([task.id], "user")
    throw error
  }
}

function report(run: RunRow): ToolOutput {
  const data = { task: run.task_id }
  if (run.state === "completed") return textOutput(run.result ?? "(no report)", { data })
  const said = run.result ? `\nWhat it said last:\n${run.result}` : ""
  return textOutput(
    `The agent ${run.state === "failed" ? "failed" : `was ${run.state}`}: ${run.reason ?? "no reason given"}.${said}`,
    { isError: true, data },
  )
}
