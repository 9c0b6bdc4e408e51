// Requests that the program makes for itself, beside a conversation: scripts are about conversations, and know nothing of
// them. Such a request has no tools, and its system prompt begins in a way that no conversation's does.
import { MEMORY_PROMPT } from "../../src/session/memory/update-prompt.ts"
import { TITLE_PROMPT } from "../../src/session/titling.ts"
import { type Reply, reply } from "./reply.ts"
import type { RecordedRequest } from "./request.ts"

export type AsidePurpose = "title" | "memory"

const BEGINNINGS: Readonly<Record<AsidePurpose, string>> = {
  title: TITLE_PROMPT.slice(0, 40),
  memory: MEMORY_PROMPT.slice(0, 40),
}

/** What a request is for, when it is none of a conversation's. */
export function asidePurpose({ system, tools }: RecordedRequest): AsidePurpose | undefined {
  if (tools.length > 0) return undefined
  return (Object.keys(BEGINNINGS) as AsidePurpose[]).find((purpose) => system.startsWith(BEGINNINGS[purpose]))
}

/** Says nothing and costs nothing, so that a screen is the same whether it came by then or not. */
export const silence: Reply = reply.text("–").usage({ input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 })
