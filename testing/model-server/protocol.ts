// What a wire protocol is to the scripted model server: parse a request into the neutral form that scripts and the
// checker read, and write a scripted reply as the provider would stream it. One file per protocol implements it.

export type ProtocolName = "anthropic" | "openai"

/** A content block of a message. `wire` is the block as it was sent, without its cache mark: prefixes compare it. */
export type Block = { wire: unknown; marked: boolean } & (
  | { type: "text"; text: string }
  | { type: "image"; mediaType: string; data: string }
  | { type: "reasoning"; text: string; signature?: string }
  /** `input` is parsed; undefined when what was sent is no JSON. */
  | { type: "call"; id: string; name: string; input: unknown }
  | { type: "result"; callId: string; text: string; isError: boolean }
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

/** A tool call as it goes over the wire: `json` is the text of its arguments, which a script may have garbled. */
export interface WireCall {
  id: string
  name: string
  json: string
}

/** Writes one reply; keeps the index and the open block. Each method returns bytes of the body as text. */
export interface ReplyWriter {
  head(): string
  text(piece: string): string
  reasoning(piece: string): string
  /** The signature of the open reasoning block; only some protocols have one. */
  signature(value: string): string
  /** The start of a call, then each piece of its arguments. */
  call(call: WireCall): string
  callInput(piece: string): string
  ping(): string
  /** An error in mid-stream, as the provider sends it after its 200. */
  error(type: string, message: string): string
  end(stop: StopKind, usage: ReplyUsage): string
}

export interface ErrorShape {
  type: string | undefined
  message: string | undefined
}

export interface Protocol {
  readonly name: ProtocolName
  readonly path: string
  /** How call ids begin with this provider. */
  readonly callPrefix: string
  /** Whether the provider caches only what a request marks, or every prefix by itself. */
  readonly caching: "marked" | "automatic"
  /** Why the provider would refuse these headers, or undefined. */
  refuse(headers: Headers): { status: number; type: string; message: string } | undefined
  parse(body: Record<string, unknown>, headers: Headers): ParsedRequest
  errorBody(status: number, error: ErrorShape): string
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

/** One server-sent event; `name` for protocols that name their events. */
export function sse(data: unknown, name?: string): string {
  const line = `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`
  return name ? `event: ${name}\n${line}` : line
}
