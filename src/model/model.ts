// The one interface to a model, real or scout: a request becomes a stream of events and ends with exactly one
// `finish`, or throws a ModelError. Retrying, permits and the ledger are around it (model/ask.ts), not in it.
import type { AssistantPart, ModelMessage, ToolSpec } from "./message.ts"

export interface ModelRequest {
  system: string
  messages: readonly ModelMessage[]
  tools: readonly ToolSpec[]
  maxOutputTokens?: number
  /** Requests with the same key share a prefix: the session's id. Used for cache routing where a provider has it. */
  cacheKey?: string
  /** How much to think, where a model can be told; the client libraries take the nearest that it knows. */
  effort?: Effort
}

export type Effort = "minimal" | "low" | "medium" | "high" | "xhigh" | "max"

export interface Usage {
  /** Input tokens that were neither read from nor written to a cache. */
  inputTokens: number
  outputTokens: number
  cacheReadTokens: number
  cacheWriteTokens: number
  /** Part of outputTokens. */
  reasoningTokens: number
}

export type StopReason = "end" | "tool-calls" | "length" | "refused" | "other"

export type ModelEvent =
  | { type: "text"; delta: string }
  | { type: "reasoning"; delta: string }
  /** A tool call has begun to stream in; shown, not acted on. */
  | { type: "tool-start"; callId: string; name: string }
  /**
   * A sign of life that shows nothing: a ping, a piece of a tool's input. `usage`: what the request has cost so far
   * (output estimated), when the provider told; it replaces what an earlier one said, and is all there is after a cut.
   */
  | { type: "progress"; usage?: Usage }
  /** The last event: the whole message as it is to be stored and sent back. */
  | { type: "finish"; parts: AssistantPart[]; stop: StopReason; usage: Usage }

export interface Model {
  /** `provider/model` as in `--model`; the scout is `scout`. */
  readonly id: string
  readonly provider: string
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>
}

/**
 * Why a request failed. `retry`: whether the same request may succeed later; `afterMs`: how long the server asked us to
 * wait; `final`: that it will not succeed soon though its kind says so (a day's allowance is used up). The message is
 * for the person: what happened and what to do.
 */
export class ModelError extends Error {
  override readonly name = "ModelError"
  constructor(
    readonly kind: ModelErrorKind,
    message: string,
    readonly options: { status?: number; afterMs?: number; usage?: Usage; final?: boolean } = {},
  ) {
    super(message)
  }
  get retry(): boolean {
    return RETRIED.has(this.kind) && !this.options.final
  }
}

export type ModelErrorKind =
  | "auth"
  | "not-found"
  | "bad-request"
  | "too-long"
  | "refused"
  | "rate-limit"
  | "overloaded"
  | "server"
  | "network"
  | "cut"
  | "idle"
  | "garbled"

const RETRIED: ReadonlySet<ModelErrorKind> = new Set([
  "rate-limit",
  "overloaded",
  "server",
  "network",
  "cut",
  "idle",
  "garbled",
])
