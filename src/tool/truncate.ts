// The one boundary that keeps a tool's result from filling the model's context. Tools that can go on where they
// stopped (Read, Grep) stay below it by themselves, so that nothing is lost in the middle of what they return.
import { headTail } from "../base/text.ts"

/** Most characters of one tool result that a model is shown. */
export const RESULT_CHARS = 30_000

export interface TruncateOptions {
  /** Length of the result at most, the note about what is missing included. */
  maxChars?: number
}

/** Head and tail of a text that is too long, cut between lines. NUL is removed: no provider takes it. */
export function truncate(text: string, { maxChars = RESULT_CHARS }: TruncateOptions = {}): string {
  return headTail(text.replaceAll("\0", ""), maxChars)
}
