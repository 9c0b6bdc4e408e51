// SendMessage: speaks to an agent that was started before: one at work hears it at its next step, one that has ended
// goes on with all it knows, in the background.
import { z } from "zod"
import type { SessionRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { findTask } from "../task/find.ts"
import type { Started } from "../task/runtime.ts"
import { type Tool, ToolError, textOutput } from "./tool.ts"

const input = z.object({ task_id: z.string(), message: z.string().min(1) })

export interface SendMessageParts {
  store: Reader
  owner: SessionRow
  send(taskId: string, message: string): Promise<"delivered" | Started>
}

export function sendMessageTool({ store, owner, send }: SendMessageParts): Tool<z.infer<typeof input>> {
  return {
    name: "SendMessage",
    description:
      "Tell an agent something: a running one hears it at its next step, one that has ended goes on in the background with all it knows.",
    input,
    replay: "never",
    readOnly: true,
    async run({ task_id, message }) {
      const { task } = findTask(store, task_id, owner.root_id)
      if (task.kind !== "agent") throw new ToolError(`${task.id} is a ${task.kind}: only agents can be spoken to.`)
      if (task.session_id === owner.id) throw new ToolError("That is you. Name another agent's task.")
      const sent = await send(task.id, message)
      if (sent === "delivered")
        return textOutput(`Delivered: ${task.id} hears it at its next step.`, { data: { task: task.id } })
      return textOutput(`${task.id} had ended; it goes on in the background, and you will be told when it is done.`, {
        data: { task: task.id },
      })
    },
  }
}
