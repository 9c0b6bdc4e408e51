// How many tokens a request may have, before anybody has counted them: on the safe side, for what is reserved.
import type { AssistantPart, ModelMessage, ToolResultPart, ToolSpec, UserPart } from "./message.ts"
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
  const said = messages.reduce((sum, message) => sum + saidIn(message), 0)
  return Math.ceil((system.length + toolsLength(tools)) / CHARACTERS) + said
}

// A conversation is estimated anew for each of its requests, which begin as the one before: neither messages nor tools
// are ever changed.
const saidBefore = new WeakMap<ModelMessage, number>()
const specLengths = new WeakMap<ToolSpec, number>()

function saidIn(message: ModelMessage): number {
  const known = saidBefore.get(message)
  if (known !== undefined) return known
  const parts: readonly Part[] = message.content
  const said = parts.reduce((sum, part) => sum + tokensOf(part), 0)
  saidBefore.set(message, said)
  return said
}

/** Of the tools as JSON. */
export function toolsLength(tools: readonly ToolSpec[]): number {
  const brackets = 2
  const commas = Math.max(0, tools.length - 1)
  return tools.reduce((sum, tool) => sum + specLength(tool), brackets + commas)
}

function specLength(tool: ToolSpec): number {
  const known = specLengths.get(tool)
  if (known !== undefined) return known
  const { length } = JSON.stringify(tool)
  specLengths.set(tool, length)
  return length
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
