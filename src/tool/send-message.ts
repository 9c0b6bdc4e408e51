// SendMessage: speaks to an agent that was started before: one at work hears it at its next step, one that has ended
// goes on with all it knows, in the background.
import { z } from "zod"
import type { SessionRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { findTask } from "../task/find.ts"
import type { Started } from "../task/runtime.ts"
import { type Tool, ToolError, type ToolOutput, textOutput } from "./tool.ts"

const input = z.object({ task_id: z.string(), message: z.string().min(1) })

/** What the call did, stored together with it. */
export interface Intent {
  task: string
  sent: "delivered" | "resumed"
}

export interface SendMessageParts {
  store: Reader
  owner: SessionRow
  /** The sessions that the tree was forked from. */
  origins: () => readonly string[]
  /** Stores an Intent with the call of that id in the transaction that sends. */
  send(message: { taskId: string; text: string; callId: string }): Promise<"delivered" | Started>
}

export function sendMessageTool({ store, owner, origins, send }: SendMessageParts): Tool<z.infer<typeof input>> {
  return {
    name: "SendMessage",
    description:
      "Tell an agent something: a running one hears it at its next step, one that has ended goes on in the background with all it knows.",
    input,
    replay: "never",
    readOnly: true,
    async run({ task_id, message }, ctx) {
      const { task } = findTask(store, task_id, [owner.root_id, ...origins()])
      if (task.root_id !== owner.root_id)
        throw new ToolError(`${task.id} works for the session that this one was forked from: only it can speak to it.`)
      if (task.kind !== "agent") throw new ToolError(`${task.id} is a ${task.kind}: only agents can be spoken to.`)
      if (task.session_id === owner.id) throw new ToolError("That is you. Name another agent's task.")
      const sent = await send({ taskId: task.id, text: message, callId: ctx.id })
      return said({ task: task.id, sent: sent === "delivered" ? sent : "resumed" })
    },
    happened: async (intent) => ({ type: "done", output: said(intent as unknown as Intent) }),
  }
}

function said({ task, sent }: Intent): ToolOutput {
  const text =
    sent === "delivered"
      ? `Delivered: ${task} hears it at its next step.`
      : `${task} had ended; it goes on in the background, and you will be told when it is done.`
  return textOutput(text, { data: { task } })
}
