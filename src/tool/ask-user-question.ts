// AskUserQuestion: a question to the user, in the root's inbox of approvals. Only this call waits for the answer.
import { z } from "zod"
import { type Tool, type ToolContext, ToolError, textOutput } from "./tool.ts"

const question = z.object({
  question: z.string().min(1),
  header: z.string().optional().describe("one word"),
  options: z.array(z.object({ label: z.string().min(1), description: z.string().optional() })).optional(),
  multiSelect: z.boolean().optional(),
})
const input = z.object({ questions: z.array(question).min(1).max(4) })

export type Questions = z.infer<typeof input>
export type Reply = { type: "answered"; text: string } | { type: "declined"; text: string } | { type: "nobody" }

export function askUserQuestionTool({
  ask,
}: {
  ask(questions: Questions, ctx: ToolContext): Promise<Reply>
}): Tool<Questions> {
  return {
    name: "AskUserQuestion",
    description: "Ask the user when only they can decide. Not for what you can find out, and not for permission.",
    input,
    // Asked again after a crash: an answer that was given is stored with the result.
    replay: "safe",
    readOnly: true,
    async run(questions, ctx) {
      const reply = await ask(questions, ctx)
      switch (reply.type) {
        case "answered":
          return textOutput(reply.text || "The user gave no answer: decide yourself.")
        case "declined":
          return textOutput(
            `The user did not answer${reply.text ? `: ${reply.text}` : ""}. Decide yourself, and say what you assumed.`,
          )
        case "nobody":
          throw new ToolError("Nobody is here to answer. Decide yourself, and say in your reply what you assumed.")
        default:
          return reply satisfies never
      }
    },
  }
}
