// An answer as it comes in: the parts in the order in which they began, and what has been used so far.
import type { LanguageModelV4FinishReason, LanguageModelV4StreamPart, LanguageModelV4Usage } from "@ai-sdk/provider"
import type { AssistantPart, ProviderData } from "./message.ts"
import type { ModelEvent, StopReason, Usage } from "./model.ts"
import { type Dialect, hasContent } from "./prompt.ts"

/** How many characters may stream in before the usage so far is told again. */
const TOLD_EVERY = 2_000
/** Characters of text in a token, roughly: only for what an unfinished answer cost. */
const CHARS_PER_TOKEN = 4

type Metadata = { providerMetadata?: ProviderData | Record<string, Record<string, unknown>> | undefined }
type TextPart = Extract<AssistantPart, { type: "text" | "reasoning" }>

export class Answer {
  private readonly parts: AssistantPart[] = []
  private readonly open = new Map<string, TextPart>()
  private usage: Usage | undefined
  private chars = 0
  private toldAt = 0

  constructor(private readonly dialect: Dialect) {}

  *add(part: LanguageModelV4StreamPart): Generator<ModelEvent> {
    switch (part.type) {
      case "text-start":
        this.begin({ type: "text", text: "" }, part)
        break
      case "reasoning-start":
        // Marked also when it comes without data of its own: it goes back only to whom it came from.
        this.begin({ type: "reasoning", text: "", provider: { [this.dialect.owner]: {} } }, part)
        break
      case "text-delta":
      case "reasoning-delta": {
        const target = this.openPart(part)
        if (!target) break
        target.text += part.delta
        this.keep(target, part)
        this.chars += part.delta.length
        if (part.delta !== "") yield { type: target.type, delta: part.delta }
        break
      }
      case "text-end":
      case "reasoning-end": {
        const target = this.open.get(part.id)
        if (target) this.keep(target, part)
        this.open.delete(part.id)
        break
      }
      case "tool-input-start":
        yield { type: "tool-start", callId: part.id, name: part.toolName }
        break
      case "tool-input-delta":
        this.chars += part.delta.length
        yield this.progress()
        return
      case "tool-call": {
        const call = {
          type: "tool-call" as const,
          callId: part.toolCallId,
          name: part.toolName,
          input: parsed(part.input),
        }
        this.keep(call, part)
        this.parts.push(call)
        break
      }
      case "custom":
        this.usage = anthropicStart(part.providerMetadata?.anthropic?.usage) ?? this.usage
        yield this.progress()
        return
      case "ping":
      case "response-metadata":
        yield this.progress()
        return
      default:
        return
    }
    if (this.usage && this.chars - this.toldAt >= TOLD_EVERY) yield this.progress()
  }

  finish(reason: LanguageModelV4FinishReason["unified"], usage: LanguageModelV4Usage): ModelEvent {
    const parts = this.parts.filter((part) => worthKeeping(part, this.dialect))
    const calls = parts.some((part) => part.type === "tool-call")
    return { type: "finish", parts, stop: stopReason(reason, calls), usage: usageOf(usage) }
  }

  /** What is known to be spent, output estimated from what came in; undefined when the provider told nothing yet. */
  usageSoFar(): Usage | undefined {
    if (!this.usage) return undefined
    const streamed = Math.ceil(this.chars / CHARS_PER_TOKEN)
    return { ...this.usage, outputTokens: Math.max(this.usage.outputTokens, streamed) }
  }

  private progress(): ModelEvent {
    this.toldAt = this.chars
    const usage = this.usageSoFar()
    return usage ? { type: "progress", usage } : { type: "progress" }
  }

  /** Bedrock's library takes every block that is announced for a text: what its pieces are counts. */
  private openPart(delta: Extract<LanguageModelV4StreamPart, { type: "text-delta" | "reasoning-delta" }>) {
    const target = this.open.get(delta.id)
    if (!target || delta.type === `${target.type}-delta`) return target
    const { owner } = this.dialect
    this.begin(
      target.type === "text" ? { type: "reasoning", text: "", provider: { [owner]: {} } } : { type: "text", text: "" },
      delta,
    )
    return this.open.get(delta.id)
  }

  private begin(part: TextPart, from: Metadata & { id: string }): void {
    this.keep(part, from)
    this.parts.push(part)
    this.open.set(from.id, part)
  }

  /** Adds what the provider wants back with the part. */
  private keep(part: AssistantPart, { providerMetadata }: Metadata): void {
    const { owner, library } = this.dialect
    const data = providerMetadata?.[library]
    if (data) part.provider = { [owner]: { ...part.provider?.[owner], ...data } }
  }
}

/** Reasoning without text may carry a signature, or encrypted data. */
function worthKeeping(part: AssistantPart, dialect: Dialect): boolean {
  if (part.type === "tool-call") return true
  if (part.type === "text") return hasContent(part, dialect)
  return part.text !== "" || Object.values(part.provider ?? {}).some((data) => Object.keys(data).length > 0)
}

function parsed(input: string): unknown {
  if (input.trim() === "") return {}
  try {
    return JSON.parse(input)
  } catch {
    return input
  }
}

/** Some servers say `stop` after calls, or `tool_calls` without any: what is there counts. */
function stopReason(reason: LanguageModelV4FinishReason["unified"], calls: boolean): StopReason {
  if (reason === "length") return "length"
  if (reason === "content-filter") return "refused"
  if (calls) return "tool-calls"
  return reason === "stop" || reason === "tool-calls" ? "end" : "other"
}

function usageOf({ inputTokens, outputTokens }: LanguageModelV4Usage): Usage {
  const cacheReadTokens = inputTokens.cacheRead ?? 0
  const cacheWriteTokens = inputTokens.cacheWrite ?? 0
  const rest = (inputTokens.total ?? 0) - cacheReadTokens - cacheWriteTokens
  return {
    inputTokens: Math.max(0, inputTokens.noCache ?? rest),
    outputTokens: outputTokens.total ?? 0,
    cacheReadTokens,
    cacheWriteTokens,
    reasoningTokens: outputTokens.reasoning ?? 0,
  }
}

/** The usage in Anthropic's `message_start`: the only one that an answer that is cut ever tells. */
function anthropicStart(usage: unknown): Usage | undefined {
  if (typeof usage !== "object" || usage === null) return undefined
  const count = (name: string) => Number((usage as Record<string, unknown>)[name] ?? 0)
  return {
    inputTokens: count("input_tokens"),
    outputTokens: count("output_tokens"),
    cacheReadTokens: count("cache_read_input_tokens"),
    cacheWriteTokens: count("cache_creation_input_tokens"),
    reasoningTokens: 0,
  }
}
