// Our messages as the client library's prompt. The same messages give the same bytes at every step: nothing here may
// depend on time, chance or on what comes later, except the cache marks, which are no part of a provider's prefix.
import type {
  LanguageModelV4FilePart,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4TextPart,
  LanguageModelV4ToolResultOutput,
} from "@ai-sdk/provider"
import { withAcceptableCalls } from "./acceptable.ts"
import type { AssistantPart, ModelMessage, ProviderData, ToolResultPart, ToolSpec, UserPart } from "./message.ts"
import type { ModelRequest } from "./model.ts"

type Options = NonNullable<LanguageModelV4Message["providerOptions"]>

/** How providers differ in what they take. */
export interface Dialect {
  /** Under whose name ProviderData is stored: reasoning by anybody else is not sent. */
  owner: string
  /** What the client library calls the same data. Two endpoints that it serves may not read each other's thoughts. */
  library: string
  /** The field of ProviderData for whose sake a blank text is kept: it carries what the provider must have back. */
  signature?: string
  /** Where images in a tool's result go: some providers take only text there. */
  resultImages: "inline" | "after"
  /** Put on what ends a prefix worth caching; undefined where caching needs no marks. */
  cacheMark?: Options
  /** Makes another provider's call id acceptable; must be a pure function. */
  callId?: (id: string) => string
  /** Whether tools must say that their schema is not to be made strict, which would make every parameter required. */
  looseTools?: boolean
}

/** What most providers take as the id of a call. One by another provider may be longer, or have other characters. */
export function plainId(id: string): string {
  return id.replace(/[^\w-]/g, "_").slice(-64)
}

export function promptOf(request: ModelRequest, dialect: Dialect): LanguageModelV4Prompt {
  const system: LanguageModelV4Prompt = request.system === "" ? [] : [{ role: "system", content: request.system }]
  const messages = withAcceptableCalls(request.messages, dialect.callId)
  const prompt = [...system, ...messages.flatMap((message) => translate(message, dialect))]
  if (!dialect.cacheMark) return prompt
  const marked = new Set(system.length > 0 ? [0, ...turnEnds(prompt)] : turnEnds(prompt))
  const { cacheMark } = dialect
  return prompt.map((message, index) => (marked.has(index) ? { ...message, providerOptions: cacheMark } : message))
}

export function toolsOf(tools: readonly ToolSpec[], dialect: Dialect): LanguageModelV4FunctionTool[] {
  return tools.map((tool, index) => ({
    type: "function",
    name: tool.name,
    description: tool.description,
    inputSchema: tool.schema as LanguageModelV4FunctionTool["inputSchema"],
    ...(dialect.looseTools && { strict: false }),
    ...(dialect.cacheMark && index === tools.length - 1 && { providerOptions: dialect.cacheMark }),
  }))
}

/**
 * Where the last two user turns end. The last one writes the cache that the next step reads; the one before it is
 * where this step finds the cache of the last, however much came in between.
 */
function turnEnds(prompt: LanguageModelV4Prompt): number[] {
  const ends: number[] = []
  for (let i = prompt.length - 1; i >= 0 && ends.length < 2; i--) {
    const next = prompt[i + 1]?.role
    if (isUserSide(prompt[i]?.role) && !isUserSide(next)) ends.push(i)
  }
  return ends
}

function isUserSide(role: string | undefined): boolean {
  return role === "user" || role === "tool"
}

function translate(message: ModelMessage, dialect: Dialect): LanguageModelV4Prompt {
  switch (message.role) {
    case "user": {
      const content = userParts(message.content)
      return content.length > 0 ? [{ role: "user", content }] : []
    }
    case "assistant": {
      const content = message.content.flatMap((part) => assistantPart(part, dialect))
      // A message of nothing but reasoning counts as empty, which providers refuse.
      return content.some((part) => part.type !== "reasoning") ? [{ role: "assistant", content }] : []
    }
    case "tool":
      return toolMessages(message.content, dialect)
    default:
      return message satisfies never
  }
}

/** The same messages for a model that cannot see. They stay the same from step to step, as long as it cannot. */
export function withoutImages(messages: readonly ModelMessage[]): ModelMessage[] {
  return messages.map((message): ModelMessage => {
    if (message.role === "user") return { ...message, content: message.content.map(wordsFor) }
    if (message.role === "assistant") return message
    return { ...message, content: message.content.map((part) => ({ ...part, content: part.content.map(wordsFor) })) }
  })
}

export function hasImages(messages: readonly ModelMessage[]): boolean {
  return messages.some(({ role, content }) => {
    if (role === "assistant") return false
    return content.some((part) => (part.type === "tool-result" ? part.content.some(isImage) : part.type === "image"))
  })
}

function wordsFor(part: UserPart): UserPart {
  return part.type === "text"
    ? part
    : { type: "text", text: "[an image is left out: this model is not known to see images]" }
}

/** Providers refuse blank text parts, so they are left out. */
function userParts(parts: readonly UserPart[]): (LanguageModelV4TextPart | LanguageModelV4FilePart)[] {
  return parts.filter((part) => part.type !== "text" || part.text.trim() !== "").map(userPart)
}

function userPart(part: UserPart): LanguageModelV4TextPart | LanguageModelV4FilePart {
  if (part.type === "text") return { type: "text", text: part.text }
  return { type: "file", mediaType: part.mediaType, data: { type: "data", data: part.data } }
}

type AssistantContent = Extract<LanguageModelV4Message, { role: "assistant" }>["content"]

function assistantPart(part: AssistantPart, dialect: Dialect): AssistantContent {
  const own = ownData(part.provider, dialect)
  switch (part.type) {
    case "text":
      return hasContent(part, dialect) ? [{ type: "text", text: part.text, ...own }] : []
    case "reasoning":
      return own ? [{ type: "reasoning", text: part.text, ...own }] : []
    case "tool-call":
      return [
        {
          type: "tool-call",
          toolCallId: part.callId,
          toolName: part.name,
          input: isObject(part.input) ? part.input : { _invalid: part.input },
          ...own,
        },
      ]
    default:
      return part satisfies never
  }
}

function ownData(data: ProviderData | undefined, dialect: Dialect): { providerOptions: Options } | undefined {
  const own = data?.[dialect.owner]
  return own && { providerOptions: { [dialect.library]: own } as Options }
}

/** Blank text is refused when it is sent back, unless it carries a signature. */
export function hasContent(part: Extract<AssistantPart, { type: "text" }>, { owner, signature }: Dialect): boolean {
  return part.text.trim() !== "" || (signature !== undefined && part.provider?.[owner]?.[signature] !== undefined)
}

function toolMessages(results: readonly ToolResultPart[], dialect: Dialect): LanguageModelV4Prompt {
  const content = results.map((result) => ({
    type: "tool-result" as const,
    toolCallId: result.callId,
    toolName: result.name,
    output: resultOutput(result, dialect),
  }))
  const images = dialect.resultImages === "after" ? results.flatMap((result) => result.content.filter(isImage)) : []
  if (images.length === 0) return [{ role: "tool", content }]
  return [
    { role: "tool", content },
    { role: "user", content: [{ type: "text", text: "Images from the tool results above:" }, ...images.map(userPart)] },
  ]
}

function resultOutput(result: ToolResultPart, dialect: Dialect): LanguageModelV4ToolResultOutput {
  const hasImage = result.content.some(isImage)
  if (hasImage && dialect.resultImages === "inline")
    return { type: "content", value: userParts(result.content) as never }
  const text = result.content.map((part) => (part.type === "text" ? part.text : "[image: see the next message]"))
  return { type: result.isError ? "error-text" : "text", value: text.join("\n") }
}

function isImage(part: UserPart): part is Extract<UserPart, { type: "image" }> {
  return part.type === "image"
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
