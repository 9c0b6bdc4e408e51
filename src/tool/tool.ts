// A tool is a value that captures its authority: whoever holds it can use it. It returns data; how that looks is the
// interface's business. Bad input from a model becomes a ToolError that tells it how to mend the call.
import type { z } from "zod"
import type { UserPart } from "../model/message.ts"

export interface Tool<I = unknown> {
  readonly name: string
  /** For the model; short, because every request carries it. */
  readonly description: string
  readonly input: z.ZodType<I>
  /** After a crash: `safe` runs again, `never` is closed as interrupted unless it is known whether it happened. */
  readonly replay: "safe" | "never"
  /** Changes nothing outside the session: needs no permission. */
  readonly readOnly: boolean
  run(input: I, call: ToolContext): Promise<ToolOutput>
  /**
   * For tools that start tasks: goes on with a call whose task was started before its process died. The run's outcome
   * is the result.
   */
  join?(taskId: string, input: I, call: ToolContext): Promise<ToolOutput>
  /**
   * For `never` tools that store an intent before they act, or with it: whether it happened. With `done` the returned output is the result; with
   * `not-done` the call runs again.
   */
  happened?(
    intent: Record<string, unknown>,
    input: I,
  ): Promise<{ type: "done"; output: ToolOutput } | { type: "not-done" } | { type: "unknown" }>
}

/** What a tool knows of the call it serves. */
export interface ToolContext {
  /** Our id of the call (the tool_call row), under which a task that it starts is found again. */
  readonly id: string
  readonly sessionId: string
  readonly rootId: string
  /** Absolute path of the session's working folder. */
  readonly cwd: string
  /** Aborted when the turn is interrupted. */
  readonly signal: AbortSignal
  /** Commits what a `never` call is about to do (such as hashes before and after) before it does it. */
  intend(intent: Record<string, unknown>): Promise<void>
}

export interface ToolOutput {
  content: UserPart[]
  isError?: boolean
  /** For interfaces: a diff, an exit code, a task's id. Never sent to the model. */
  data?: Record<string, unknown>
  /** Runs whose settled notice this result makes superfluous: consumed in the transaction that stores the result. */
  consumes?: string[]
}

/** A call that cannot be done as asked. The message is for the model: what is wrong and what would be right. */
export class ToolError extends Error {
  override readonly name = "ToolError"
}

export function textOutput(text: string, more: Omit<ToolOutput, "content"> = {}): ToolOutput {
  return { content: [{ type: "text", text }], ...more }
}
