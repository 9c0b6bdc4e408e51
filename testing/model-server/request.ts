// One request as the server recorded it, for scripts to answer and for tests to look at.
import type { Block, Message, ParsedRequest, ProtocolName, ReplyUsage, WireCall } from "./protocol.ts"

/** `failed`: the reply broke off by the script's will. `aborted`: the client went away before the end. */
export type Outcome = "open" | "completed" | "failed" | "aborted"

export interface ToolResult {
  callId: string
  text: string
  isError: boolean
}

export class RecordedRequest {
  outcome: Outcome = "open"
  endedAt: number | undefined
  /** What the reply reported, once it was chosen. */
  usage: ReplyUsage | undefined
  /** The assistant message of the reply, with the ids that calls got; also when the reply did not come to its end. */
  said: SaidMessage | undefined
  /** The script meant the reply to fail (an error, a cut, a stall): repeating the request is a retry. */
  broken = false
  /** `c1`, `c2`, … : requests of one conversation; two agents with the same prompt are two conversations. */
  conversation = ""
  /** The earlier request whose reply this one answers to. */
  parent: RecordedRequest | undefined
  /** The earlier identical request, broken or abandoned, that this one repeats. */
  repeats: RecordedRequest | undefined
  readonly #ended = Promise.withResolvers<void>()
  #parsed: ParsedRequest
  #body: Record<string, unknown>

  constructor(
    /** From 1, in the order of arrival. */
    readonly n: number,
    readonly protocol: ProtocolName,
    readonly headers: Headers,
    /** Size of the body. */
    readonly bytes: number,
    /** Milliseconds since the epoch. */
    readonly at: number,
    content: { parsed: ParsedRequest; body: Record<string, unknown> },
  ) {
    this.#parsed = content.parsed
    this.#body = content.body
  }

  get parsed(): ParsedRequest {
    return this.#parsed
  }
  /** The body as it was sent. */
  get body(): Record<string, unknown> {
    return this.#body
  }
  get model(): string {
    return this.#parsed.model
  }
  get system(): string {
    return this.#parsed.system
  }
  get messages(): Message[] {
    return this.#parsed.messages
  }
  get tools() {
    return this.#parsed.tools
  }
  get aborted(): boolean {
    return this.outcome === "aborted"
  }
  /** Resolves when the reply is over, in whatever way. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** The text of the first user message: the prompt that began the conversation. */
  get prompt(): string {
    const first = this.messages.find((message) => message.role === "user")
    return first ? textOf(first) : ""
  }

  /** The text after the last assistant message: what is new, without tool results. */
  get news(): string {
    return this.#tail().map(textOf).filter(Boolean).join("\n")
  }

  /** The tool results after the last assistant message, in order. */
  get results(): ToolResult[] {
    const blocks = this.#tail().flatMap((message) => message.content)
    return blocks.flatMap((block) =>
      block.type === "result" ? [{ callId: block.callId, text: block.text, isError: block.isError }] : [],
    )
  }

  end(outcome: Exclude<Outcome, "open">, at: number): void {
    this.outcome = outcome
    this.endedAt = at
    this.#ended.resolve()
  }

  /** Lets the content go: for benchmarks, where nobody looks at it again. */
  forget(): void {
    this.#parsed = { ...this.#parsed, system: "", systemBlocks: [], messages: [], tools: [] }
    this.#body = {}
  }

  #tail(): Message[] {
    return this.messages.slice(this.messages.findLastIndex((message) => message.role === "assistant") + 1)
  }
}

export interface SaidMessage {
  reasoning: { id: string; text: string; signature: string }[]
  text: string
  calls: WireCall[]
  /** The order of it all: each reasoning block, each run of texts, each call. */
  kinds: ("reasoning" | "text" | "call")[]
}

export function textOf(message: { content: readonly Block[] }): string {
  return message.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n")
}
