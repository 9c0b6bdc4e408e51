// What a wire protocol is to the scripted model server: parse a request into the neutral form that scripts and the
// checker read, and write a scripted reply as the provider would stream it. One file per protocol implements it.

/** `openai` is Chat Completions, `openai-responses` is Responses: one provider, one address. */
export type ProtocolName = "anthropic" | "openai" | "openai-responses" | "google" | "bedrock"

/** A piece of a body. */
export type Bytes = string | Uint8Array

/**
 * A content block of a message. `wire` is the block as it was sent, without its cache mark: prefixes compare it.
 * `signature` is what the provider gave and wants back with the block: signed or encrypted reasoning.
 */
export type Block = { wire: unknown; marked: boolean; signature?: string } & (
  | { type: "text"; text: string }
  | { type: "image"; mediaType: string; data: string }
  /** `id`: with providers whose reasoning has one. */
  | { type: "reasoning"; text: string; id?: string }
  /** `input` is parsed; undefined when what was sent is no JSON. */
  | { type: "call"; id: string; name: string; input: unknown }
  /** `name`: of the tool, with providers that want it repeated. */
  | { type: "result"; callId: string; text: string; isError: boolean; name?: string }
  | { type: "unknown" }
)

/** One message of the wire: the protocols differ in where tool results are (a `user` message, or `tool` messages). */
export interface Message {
  role: "user" | "assistant" | "tool" | "system"
  content: Block[]
}

export interface ToolDeclaration {
  name: string
  description: string
  schema: unknown
  wire: unknown
  marked: boolean
}

export interface ParsedRequest {
  model: string
  /** The system prompt as one string. */
  system: string
  systemBlocks: Block[]
  messages: Message[]
  tools: ToolDeclaration[]
  stream: boolean
  /** What the client itself says the conversation is (a header, a cache key, metadata), where it says so. */
  clientKey: string | undefined
}

/** Tokens. `input` is neither read from nor written to a cache; `reasoning` is a part of `output`. */
export interface ReplyUsage {
  input: number
  output: number
  cacheRead: number
  cacheWrite: number
  reasoning: number
}

export type StopKind = "end" | "calls" | "length" | "refused"

/**
 * A tool call as it goes over the wire: `json` is the text of its arguments, which a script may have garbled;
 * `signature` is only there with providers that sign calls.
 */
export interface WireCall {
  id: string
  name: string
  json: string
  signature?: string
}

/** Writes one reply; keeps the index and the open block. Each method returns bytes of the body. */
export interface ReplyWriter {
  head(): Bytes
  text(piece: string): Bytes
  reasoning(piece: string): Bytes
  /** Between two parts of one reasoning block, with providers that tell them apart. */
  reasoningBreak?(): Bytes
  /** The end of the open reasoning block (of one without text: the block), with what is wanted back with it. */
  signature(value: string): Bytes
  /** The start of a call, then each piece of its arguments. */
  call(call: WireCall): Bytes
  callInput(piece: string): Bytes
  ping(): Bytes
  /** An error in mid-stream, as the provider sends it after its 200; `form` where the provider has several. */
  error(type: string, message: string, form: StreamErrorForm): Bytes
  end(stop: StopKind, usage: ReplyUsage): Bytes
}

/** OpenAI's Responses can end in an `error` event, or with a response that `failed`; other providers have one form. */
export type StreamErrorForm = "event" | "failed"

export interface ErrorShape {
  type?: string | undefined
  message?: string | undefined
  /** Seconds, for providers that put it into the body. */
  retryAfter?: number | undefined
}

/** What a protocol sees of a request beside its body. `model` is the one in the path, where it has one. */
export interface WireRequest {
  headers: Headers
  url: URL
  model: string | undefined
}

export interface Protocol {
  readonly name: ProtocolName
  /** Of the whole path; a group `model` catches the model. */
  readonly path: RegExp
  /** How call ids begin with this provider. */
  readonly callPrefix: string
  /** Whether the provider caches only what a request marks, or every prefix by itself. */
  readonly caching: "marked" | "automatic"
  /** Where signatures are: with the reasoning, or with the first call after it (the first of all always has one). */
  readonly signs: "reasoning" | "calls"
  /** Why the provider would refuse such a request whatever its body says, or undefined. */
  refuse(request: WireRequest): { status: number; type: string; message: string } | undefined
  parse(body: Record<string, unknown>, request: WireRequest): ParsedRequest
  errorBody(status: number, error: ErrorShape): string
  /** Headers of an error, beside those of the script. */
  errorHeaders?(status: number, error: ErrorShape): Record<string, string>
  /** Headers of a stream; `n` is the request's number. */
  streamHeaders(n: number): Record<string, string>
  writer(reply: { n: number; model: string; usage: ReplyUsage; body: Record<string, unknown> }): ReplyWriter
}

/** A request that is not shaped as the protocol wants: answered with 400 and recorded. */
export class Malformed extends Error {
  override readonly name = "Malformed"
}

export function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Malformed(`${what}: expected an object, got ${JSON.stringify(value)?.slice(0, 80)}`)
}

export function asArray(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value
  throw new Malformed(`${what}: expected an array, got ${JSON.stringify(value)?.slice(0, 80)}`)
}

export function asText(value: unknown): string {
  return typeof value === "string" ? value : ""
}

/** The object that a text holds as JSON, or whatever else it holds; undefined when it is no JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the checker reports it
  }
}

/** What a tool result says, in one text for scripts. */
export function resultText(blocks: readonly Block[]): string {
  return blocks.map((block) => (block.type === "text" ? block.text : `[${block.type}]`)).join("\n")
}

export const SSE_HEADERS = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" }

/** One server-sent event; `name` for protocols that name their events. */
export function sse(data: unknown, name?: string): string {
  const line = `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`
  return name ? `event: ${name}\n${line}` : line
}
