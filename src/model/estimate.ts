// How many tokens a request may have, before anybody has counted them: on the safe side, for what is reserved.
import type { AssistantPart, ToolResultPart, UserPart } from "./message.ts"
import type { ModelRequest } from "./model.ts"

/** The providers' own pages say four characters a token for English prose; code and other languages have fewer. */
const CHARACTERS = 3
/** The most that a picture counts at Anthropic; others are below it. docs.anthropic.com, Vision. */
const IMAGE_TOKENS = 1_600
/** A message's role, a call's name and id, the marks between them. */
const FRAME_TOKENS = 8

export function estimateTokens({
  system,
  messages,
  tools,
}: Pick<ModelRequest, "system" | "messages" | "tools">): number {
  const parts = messages.flatMap((message): Part[] => message.content)
  const said = parts.reduce((sum, part) => sum + tokensOf(part), 0)
  return Math.ceil((system.length + JSON.stringify(tools).length) / CHARACTERS) + said
}

type Part = UserPart | AssistantPart | ToolResultPart

function tokensOf(part: Part): number {
  switch (part.type) {
    case "text":
    case "reasoning":
      return FRAME_TOKENS + Math.ceil(part.text.length / CHARACTERS)
    case "image":
      return IMAGE_TOKENS
    case "tool-call":
      return FRAME_TOKENS + Math.ceil((JSON.stringify(part.input) ?? "").length / CHARACTERS)
    case "tool-result":
      return part.content.reduce((sum, inner) => sum + tokensOf(inner), FRAME_TOKENS)
    default:
      return part satisfies never
  }
}
