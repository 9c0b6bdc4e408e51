// Anthropic Messages (POST /v1/messages) as its streaming documentation describes it and @ai-sdk/anthropic reads it.
// https://platform.claude.com/docs/en/build-with-claude/streaming
import {
  asArray,
  asObject,
  asText,
  type Block,
  Malformed,
  type Message,
  type ParsedRequest,
  type Protocol,
  type ReplyUsage,
  type ReplyWriter,
  resultText,
  SSE_HEADERS,
  type StopKind,
  sse,
  type WireCall,
  type WireRequest,
} from "./protocol.ts"

const ERROR_TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  529: "overloaded_error",
}

const STOP_REASONS = {
  end: "end_turn",
  calls: "tool_use",
  length: "max_tokens",
  refused: "refusal",
} satisfies Record<StopKind, string>

export const anthropic: Protocol = {
  name: "anthropic",
  path: /^\/v1\/messages$/,
  callPrefix: "toolu_",
  caching: "marked",
  signs: "reasoning",
  refuse: ({ headers }) => {
    if (!headers.get("x-api-key") && !headers.get("authorization"))
      return { status: 401, type: "authentication_error", message: "x-api-key header is required" }
    if (!headers.get("anthropic-version"))
      return { status: 400, type: "invalid_request_error", message: "anthropic-version: header is required" }
    return undefined
  },
  parse,
  errorBody: (status, error) =>
    JSON.stringify({
      type: "error",
      error: {
        type: error.type ?? ERROR_TYPES[status] ?? "api_error",
        message: error.message ?? `scripted error ${status}`,
      },
    }),
  streamHeaders: (n) => ({ ...SSE_HEADERS, "request-id": `req_r${n}` }),
  writer: ({ n, model, usage }) => new AnthropicWriter(`msg_r${n}`, model, usage),
}

function parse(body: Record<string, unknown>, { headers }: WireRequest): ParsedRequest {
  const metadata = body.metadata === undefined ? {} : asObject(body.metadata, "metadata")
  const systemBlocks = blocksOf(body.system ?? [], "system")
  return {
    model: asText(body.model),
    system: systemBlocks.map((block) => (block.type === "text" ? block.text : "")).join("\n"),
    systemBlocks,
    messages: asArray(body.messages, "messages").map((message, i): Message => {
      const { role, content } = asObject(message, `messages[${i}]`)
      if (role !== "user" && role !== "assistant") throw new Malformed(`messages[${i}]: unknown role ${role}`)
      return { role, content: blocksOf(content, `messages[${i}].content`) }
    }),
    tools: asArray(body.tools ?? [], "tools").map((tool, i) => {
      const { cache_control, ...wire } = asObject(tool, `tools[${i}]`)
      return {
        name: asText(wire.name),
        description: asText(wire.description),
        schema: wire.input_schema,
        wire,
        marked: cache_control != null,
      }
    }),
    stream: body.stream === true,
    clientKey: headers.get("x-session-id") ?? (asText(metadata.user_id) || undefined),
  }
}

/** A string stands for one text block. */
function blocksOf(content: unknown, what: string): Block[] {
  if (typeof content === "string") return [blockOf({ type: "text", text: content })]
  return asArray(content, what).map((block, i) => blockOf(asObject(block, `${what}[${i}]`)))
}

function blockOf(sent: Record<string, unknown>): Block {
  const { cache_control, ...wire } = sent
  const base = { wire: wire as unknown, marked: cache_control != null }
  switch (wire.type) {
    case "text":
      return { ...base, type: "text", text: asText(wire.text) }
    case "thinking":
      return { ...base, type: "reasoning", text: asText(wire.thinking), signature: asText(wire.signature) }
    case "redacted_thinking":
      return { ...base, type: "reasoning", text: "", signature: asText(wire.data) }
    case "image": {
      const source = asObject(wire.source, "image.source")
      return { ...base, type: "image", mediaType: asText(source.media_type), data: asText(source.data) }
    }
    case "tool_use":
      return { ...base, type: "call", id: asText(wire.id), name: asText(wire.name), input: wire.input }
    case "tool_result": {
      const inner = blocksOf(wire.content ?? [], "tool_result.content")
      return {
        ...base,
        marked: base.marked || inner.some((block) => block.marked),
        wire: { ...wire, content: inner.map((block) => block.wire) },
        type: "result",
        callId: asText(wire.tool_use_id),
        text: resultText(inner),
        isError: wire.is_error === true,
      }
    }
    default:
      return { ...base, type: "unknown" }
  }
}

class AnthropicWriter implements ReplyWriter {
  #index = -1
  #open: "text" | "thinking" | "tool_use" | undefined

  constructor(
    readonly id: string,
    readonly model: string,
    readonly usage: ReplyUsage,
  ) {}

  head(): string {
    const message = {
      id: this.id,
      type: "message",
      role: "assistant",
      model: this.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...inputUsage(this.usage), output_tokens: 1 },
    }
    return event({ type: "message_start", message }) + this.ping()
  }

  text(piece: string): string {
    return this.#into("text", { type: "text", text: "" }) + this.#delta({ type: "text_delta", text: piece })
  }

  reasoning(piece: string): string {
    const opened = this.#into("thinking", { type: "thinking", thinking: "", signature: "" })
    return opened + this.#delta({ type: "thinking_delta", thinking: piece })
  }

  signature(value: string): string {
    const opened = this.#into("thinking", { type: "thinking", thinking: "", signature: "" })
    return opened + this.#delta({ type: "signature_delta", signature: value }) + this.#close()
  }

  call(call: WireCall): string {
    const opened = this.#start("tool_use", { type: "tool_use", id: call.id, name: call.name, input: {} })
    return opened + this.#delta({ type: "input_json_delta", partial_json: "" })
  }

  callInput(piece: string): string {
    return this.#delta({ type: "input_json_delta", partial_json: piece })
  }

  ping(): string {
    return event({ type: "ping" })
  }

  error(type: string, message: string): string {
    return event({ type: "error", error: { type, message } })
  }

  end(stop: StopKind, usage: ReplyUsage): string {
    const delta = { stop_reason: STOP_REASONS[stop], stop_sequence: null }
    const counted = {
      ...inputUsage(usage),
      output_tokens: usage.output,
      ...(usage.reasoning > 0 && { output_tokens_details: { thinking_tokens: usage.reasoning } }),
    }
    return this.#close() + event({ type: "message_delta", delta, usage: counted }) + event({ type: "message_stop" })
  }

  #into(kind: "text" | "thinking", block: unknown): string {
    return this.#open === kind ? "" : this.#start(kind, block)
  }

  #start(kind: "text" | "thinking" | "tool_use", block: unknown): string {
    const closed = this.#close()
    this.#index++
    this.#open = kind
    return closed + event({ type: "content_block_start", index: this.#index, content_block: block })
  }

  #delta(delta: unknown): string {
    return event({ type: "content_block_delta", index: this.#index, delta })
  }

  #close(): string {
    if (!this.#open) return ""
    this.#open = undefined
    return event({ type: "content_block_stop", index: this.#index })
  }
}

function inputUsage(usage: ReplyUsage) {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite,
    cache_read_input_tokens: usage.cacheRead,
  }
}

function event(data: { type: string } & Record<string, unknown>): string {
  return sse(data, data.type)
}
