// Monitor: a command in the background each of whose lines is an event that can wake the conversation.
import { z } from "zod"
import type { BashToolParts } from "./bash.ts"
import { type Tool, type ToolOutput, textOutput } from "./tool.ts"

const input = z.object({
  command: z.string().min(1),
  description: z.string(),
  wake: z.enum(["each", "none"]).optional().describe("none: events wait for the next turn"),
  deadline: z.number().int().positive().optional().describe("ms, then it is ended"),
  service: z.boolean().optional().describe("it never ends by itself"),
})

export function monitorTool({
  tasks,
  owner,
  folder,
}: Pick<BashToolParts, "tasks" | "owner" | "folder">): Tool<z.infer<typeof input>> {
  return {
    name: "Monitor",
    description:
      "Watch with a background command: you are told of the lines it prints, in batches, and of its end. Make it print only what matters.",
    input,
    replay: "never",
    readOnly: false,
    async run(call, ctx) {
      const { task } = await tasks.start({
        kind: "monitor",
        ownerId: owner.id,
        rootId: owner.root_id,
        parentTaskId: owner.task_id,
        callId: ctx.id,
        description: call.description,
        input: { command: call.command, cwd: folder.get() },
        background: true,
        wake: call.wake ?? "each",
        service: call.service ?? false,
        deadlineMs: call.deadline ?? null,
      })
      return watching(task.id)
    },
    join: async (taskId) => watching(taskId),
  }
}

function watching(taskId: string): ToolOutput {
  const text = `Watching as task ${taskId}. You will be told of its lines and of its end.`
  return textOutput(text, { data: { task: taskId } })
}
