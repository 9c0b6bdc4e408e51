// TodoWrite: the model's own checklist of the session. It is replaced as a whole.
import { z } from "zod"
import { type Tool, textOutput } from "./tool.ts"

const todo = z.object({
  content: z.string().min(1),
  status: z.enum(["pending", "in_progress", "completed"]),
  activeForm: z.string().optional(),
})
const input = z.object({ todos: z.array(todo) })

export type Todo = z.infer<typeof todo>

export function todoWriteTool({
  store,
}: {
  store(todos: readonly Todo[]): Promise<void>
}): Tool<z.infer<typeof input>> {
  return {
    name: "TodoWrite",
    description: "Replace your checklist for work of several steps. Keep one entry in_progress.",
    input,
    replay: "safe",
    readOnly: true,
    async run({ todos }) {
      await store(todos)
      const open = todos.filter((entry) => entry.status !== "completed").length
      return textOutput(`Noted: ${todos.length - open} of ${todos.length} done.`)
    },
  }
}
