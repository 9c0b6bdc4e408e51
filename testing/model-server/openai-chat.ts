// OpenAI Chat Completions (POST /v1/chat/completions) as its reference describes it and @ai-sdk/openai-compatible
// reads it; `reasoning_content` is what DeepSeek, vLLM and others add. https://platform.openai.com/docs/api-reference/chat
import {
  asArray,
  asObject,
  asText,
  type Block,
  type ErrorShape,
  Malformed,
  type Message,
  type ParsedRequest,
  type Protocol,
  parsedJson,
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
  401: "invalid_request_error",
  404: "invalid_request_error",
  413: "invalid_request_error",
  429: "requests",
  500: "server_error",
  503: "server_error",
}

const ERROR_CODES: Record<number, string> = {
  401: "invalid_api_key",
  404: "model_not_found",
  413: "request_too_large",
  429: "rate_limit_exceeded",
}

const FINISH_REASONS = {
  end: "stop",
  calls: "tool_calls",
  length: "length",
  refused: "content_filter",
} satisfies Record<StopKind, string>

export const openaiChat: Protocol = {
  name: "openai",
  path: /^\/v1\/chat\/completions$/,
  callPrefix: "call_",
  caching: "automatic",
  signs: "reasoning",
  refuse: () => undefined,
  parse,
  errorBody: openaiErrorBody,
  streamHeaders: (n) => ({ ...SSE_HEADERS, "x-request-id": `req_r${n}` }),
  writer: ({ n, model, body }) => {
    const options = body.stream_options as { include_usage?: unknown } | undefined
    return new ChatWriter(`chatcmpl-r${n}`, model, options?.include_usage === true ? "usage" : "no-usage")
  },
}

/** The shape of all of OpenAI's errors. */
export function openaiErrorBody(status: number, error: ErrorShape): string {
  return JSON.stringify({
    error: {
      message: error.message ?? `scripted error ${status}`,
      type: error.type ?? ERROR_TYPES[status] ?? "server_error",
      param: null,
      code: ERROR_CODES[status] ?? null,
    },
  })
}

function parse(body: Record<string, unknown>, { headers }: WireRequest): ParsedRequest {
  const all = asArray(body.messages, "messages").map((message, i) => messageOf(asObject(message, `messages[${i}]`)))
  const first = all.findIndex((message) => message.role !== "system")
  const head = first === -1 ? all : all.slice(0, first)
  const systemBlocks = head.flatMap((message) => message.content)
  return {
    model: asText(body.model),
    system: systemBlocks.map((block) => (block.type === "text" ? block.text : "")).join("\n"),
    systemBlocks,
    messages: all.slice(head.length),
    tools: asArray(body.tools ?? [], "tools").map((tool, i) => {
      const wire = asObject(tool, `tools[${i}]`)
      const declared = asObject(wire.function, `tools[${i}].function`)
      return {
        name: asText(declared.name),
        description: asText(declared.description),
        schema: declared.parameters,
        wire,
        marked: false,
      }
    }),
    stream: body.stream === true,
    clientKey: (headers.get("x-session-id") ?? asText(body.prompt_cache_key)) || undefined,
  }
}

function messageOf(sent: Record<string, unknown>): Message {
  switch (sent.role) {
    case "system":
    case "developer":
      return { role: "system", content: partsOf(sent.content) }
    case "user":
      return { role: "user", content: partsOf(sent.content) }
    case "tool": {
      const inner = partsOf(sent.content)
      const text = resultText(inner)
      return {
        role: "tool",
        content: [
          { type: "result", callId: asText(sent.tool_call_id), text, isError: false, wire: sent, marked: false },
        ],
      }
    }
    case "assistant":
      return { role: "assistant", content: assistantBlocks(sent) }
    default:
      throw new Malformed(`messages: unknown role ${JSON.stringify(sent.role)}`)
  }
}

function assistantBlocks(sent: Record<string, unknown>): Block[] {
  const reasoning = asText(sent.reasoning_content)
  const blocks: Block[] = []
  if (reasoning) blocks.push({ type: "reasoning", text: reasoning, wire: { reasoning }, marked: false })
  // An empty string beside tool calls says the same as null; alone it is an empty message, which the checker reports.
  if (sent.content != null && !(sent.content === "" && sent.tool_calls)) blocks.push(...partsOf(sent.content))
  for (const [i, call] of asArray(sent.tool_calls ?? [], "tool_calls").entries()) {
    const wire = asObject(call, `tool_calls[${i}]`)
    const called = asObject(wire.function, `tool_calls[${i}].function`)
    const input = parsedJson(asText(called.arguments))
    blocks.push({ type: "call", id: asText(wire.id), name: asText(called.name), input, wire, marked: false })
  }
  return blocks
}

function partsOf(content: unknown): Block[] {
  if (typeof content === "string") return [textBlock(content)]
  return asArray(content ?? [], "content").map((part, i): Block => {
    const wire = asObject(part, `content[${i}]`)
    if (wire.type === "text") return textBlock(asText(wire.text))
    if (wire.type !== "image_url") return { type: "unknown", wire, marked: false }
    const url = asText(asObject(wire.image_url, "image_url").url)
    const [, mediaType = "", data = url] = /^data:([^;]*);base64,(.*)$/s.exec(url) ?? []
    return { type: "image", mediaType, data, wire, marked: false }
  })
}

function textBlock(text: string): Block {
  return { type: "text", text, wire: { type: "text", text }, marked: false }
}

class ChatWriter implements ReplyWriter {
  #calls = 0

  constructor(
    readonly id: string,
    readonly model: string,
    readonly report: "usage" | "no-usage",
  ) {}

  head(): string {
    return this.#delta({ role: "assistant", content: "" })
  }

  text(piece: string): string {
    return this.#delta({ content: piece })
  }

  reasoning(piece: string): string {
    return this.#delta({ reasoning_content: piece })
  }

  signature(): string {
    return ""
  }

  call(call: WireCall): string {
    const index = this.#calls++
    const started = { index, id: call.id, type: "function", function: { name: call.name, arguments: "" } }
    return this.#delta({ tool_calls: [started] })
  }

  callInput(piece: string): string {
    return this.#delta({ tool_calls: [{ index: this.#calls - 1, function: { arguments: piece } }] })
  }

  ping(): string {
    return ": ping\n\n"
  }

  error(type: string, message: string): string {
    return sse({ error: { message, type, param: null, code: null } })
  }

  end(stop: StopKind, usage: ReplyUsage): string {
    const last = this.#chunk([{ index: 0, delta: {}, logprobs: null, finish_reason: FINISH_REASONS[stop] }])
    const counted = this.report === "usage" ? this.#chunk([], chatUsage(usage)) : ""
    return `${last}${counted}${sse("[DONE]")}`
  }

  #delta(delta: unknown): string {
    return this.#chunk([{ index: 0, delta, logprobs: null, finish_reason: null }])
  }

  #chunk(choices: unknown[], usage: unknown = null): string {
    const base = { id: this.id, object: "chat.completion.chunk", created: 1_700_000_000, model: this.model }
    return sse(this.report === "usage" ? { ...base, choices, usage } : { ...base, choices })
  }
}

function chatUsage(usage: ReplyUsage) {
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output,
    total_tokens: prompt + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cacheRead },
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
  }
}
