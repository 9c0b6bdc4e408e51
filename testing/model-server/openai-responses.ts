// OpenAI Responses (POST /v1/responses) as its reference describes it and @ai-sdk/openai reads it: a request is a flat
// list of items, a reply a stream of events about items. https://platform.openai.com/docs/api-reference/responses-streaming
import { openaiErrorBody } from "./openai-chat.ts"
import {
  asArray,
  asObject,
  asText,
  type Block,
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
  type StreamErrorForm,
  sse,
  type ToolDeclaration,
  type WireCall,
  type WireRequest,
} from "./protocol.ts"

export const openaiResponses: Protocol = {
  name: "openai-responses",
  path: /^\/v1\/responses$/,
  callPrefix: "call_",
  caching: "automatic",
  signs: "reasoning",
  refuse: ({ headers }) =>
    headers.get("authorization")
      ? undefined
      : { status: 401, type: "invalid_request_error", message: "You didn't provide an API key." },
  parse,
  errorBody: openaiErrorBody,
  streamHeaders: (n) => ({ ...SSE_HEADERS, "x-request-id": `req_r${n}` }),
  writer: ({ n, model, body }) => new ResponsesWriter(n, model, wantsEncrypted(body) ? "encrypted" : "hidden"),
}

/** Whether reasoning goes to the client in a form that can come back: only when it asks for that. */
export function wantsEncrypted(body: Record<string, unknown>): boolean {
  return Array.isArray(body.include) && body.include.includes("reasoning.encrypted_content")
}

function parse(body: Record<string, unknown>, { headers }: WireRequest): ParsedRequest {
  for (const name of ["previous_response_id", "conversation"])
    if (body[name] != null) throw new Malformed(`${name}: nothing is stored here, the whole input has to be sent`)
  const input = typeof body.input === "string" ? [{ role: "user", content: body.input }] : asArray(body.input, "input")
  const all = messagesOf(input.map((item, i) => asObject(item, `input[${i}]`)))
  const first = all.findIndex((message) => message.role !== "system")
  const head = first === -1 ? all : all.slice(0, first)
  const instructions = asText(body.instructions)
  const systemBlocks = [
    ...(instructions ? [textBlock(instructions, { instructions })] : []),
    ...head.flatMap((message) => message.content),
  ]
  return {
    model: asText(body.model),
    system: systemBlocks.map((block) => (block.type === "text" ? block.text : "")).join("\n"),
    systemBlocks,
    messages: all.slice(head.length),
    tools: asArray(body.tools ?? [], "tools").map((tool, i) => toolOf(asObject(tool, `tools[${i}]`))),
    stream: body.stream === true,
    clientKey: (headers.get("x-session-id") ?? asText(body.prompt_cache_key)) || undefined,
  }
}

/** The provider's own tools have no name and no schema. */
function toolOf(wire: Record<string, unknown>): ToolDeclaration {
  if (wire.type !== "function")
    return { name: asText(wire.type), description: "", schema: { type: "object" }, wire, marked: false }
  const { name, description, parameters } = wire
  return { name: asText(name), description: asText(description), schema: parameters, wire, marked: false }
}

/** What the model said in a row (reasoning, texts, calls) are items of their own, and one message here. */
function messagesOf(items: Record<string, unknown>[]): Message[] {
  const messages: Message[] = []
  for (const item of items) {
    const message = messageOf(item)
    const last = messages.at(-1)
    if (message.role === "assistant" && last?.role === "assistant") last.content.push(...message.content)
    else messages.push(message)
  }
  return messages
}

function messageOf(item: Record<string, unknown>): Message {
  switch (item.type ?? "message") {
    case "message":
      return roleMessage(item)
    case "reasoning":
      return { role: "assistant", content: [reasoningBlock(item)] }
    case "function_call": {
      const input = parsedJson(asText(item.arguments))
      const call = { type: "call", id: asText(item.call_id), name: asText(item.name), input } as const
      return { role: "assistant", content: [{ ...call, wire: item, marked: false }] }
    }
    case "function_call_output": {
      const inner = partsOf(item.output)
      const wire = { ...item, output: inner.map((block) => block.wire) }
      const result = { type: "result", callId: asText(item.call_id), text: resultText(inner), isError: false } as const
      return { role: "tool", content: [{ ...result, wire, marked: inner.some((block) => block.marked) }] }
    }
    default:
      return { role: "assistant", content: [{ type: "unknown", wire: item, marked: false }] }
  }
}

function roleMessage({ role, content }: Record<string, unknown>): Message {
  switch (role) {
    case "system":
    case "developer":
      return { role: "system", content: partsOf(content) }
    case "user":
    case "assistant":
      return { role, content: partsOf(content) }
    default:
      throw new Malformed(`input: unknown role ${JSON.stringify(role)}`)
  }
}

function reasoningBlock(item: Record<string, unknown>): Block {
  const summary = asArray(item.summary, "reasoning.summary").map((part) => asText(asObject(part, "summary").text))
  const id = asText(item.id)
  return {
    type: "reasoning",
    text: summary.join(""),
    wire: item,
    marked: false,
    ...(id && { id }),
    ...(typeof item.encrypted_content === "string" && { signature: item.encrypted_content }),
  }
}

/** A string stands for one text part. `prompt_cache_breakpoint` is a cache mark: it may move. */
function partsOf(content: unknown): Block[] {
  if (typeof content === "string") return [textBlock(content, { text: content })]
  return asArray(content, "content").map((part, i): Block => {
    const { prompt_cache_breakpoint, ...wire } = asObject(part, `content[${i}]`)
    const marked = prompt_cache_breakpoint != null
    switch (wire.type) {
      case "input_text":
      case "output_text":
        return { ...textBlock(asText(wire.text), { text: wire.text }), marked }
      case "refusal":
        return { ...textBlock(asText(wire.refusal), wire), marked }
      case "input_image": {
        const url = asText(wire.image_url)
        const [, mediaType = "", data = url] = /^data:([^;]*);base64,(.*)$/s.exec(url) ?? []
        return { type: "image", mediaType, data: data || asText(wire.file_id), wire, marked }
      }
      default:
        return { type: "unknown", wire, marked }
    }
  })
}

function textBlock(text: string, wire: unknown): Block {
  return { type: "text", text, wire, marked: false }
}

type Item =
  | { type: "message"; id: string; text: string }
  | { type: "reasoning"; id: string; summary: string[] }
  | { type: "function_call"; id: string; call: WireCall }

/** Known codes of a failed response, for the words that are common to all scripts. */
const ERROR_CODES: Record<string, string> = {
  overloaded_error: "server_is_overloaded",
  rate_limit_error: "rate_limit_exceeded",
}

class ResponsesWriter implements ReplyWriter {
  #sequence = 0
  #open: Item | undefined
  #reasoning = 0
  #items = 0
  readonly #output: unknown[] = []

  constructor(
    readonly n: number,
    readonly model: string,
    readonly reasoningIs: "encrypted" | "hidden",
  ) {}

  head(): string {
    const response = this.#response("in_progress")
    return this.#event("response.created", { response }) + this.#event("response.in_progress", { response })
  }

  text(piece: string): string {
    let opened = ""
    if (this.#open?.type !== "message") {
      opened = this.#start({ type: "message", id: `msg_r${this.n}_${++this.#items}`, text: "" })
      opened += this.#about("response.content_part.added", { content_index: 0, part: textPart("") })
    }
    if (this.#open?.type === "message") this.#open.text += piece
    return opened + this.#about("response.output_text.delta", { content_index: 0, delta: piece, logprobs: [] })
  }

  reasoning(piece: string): string {
    const opened = this.#intoReasoning()
    if (this.#open?.type !== "reasoning") return opened
    const { summary } = this.#open
    const begun = summary.length === 0 ? this.reasoningBreak() : ""
    const at = summary.length - 1
    summary[at] += piece
    const delta = this.#about("response.reasoning_summary_text.delta", { summary_index: at, delta: piece })
    return opened + begun + delta
  }

  /** Begins the next part of the summary. */
  reasoningBreak(): string {
    if (this.#open?.type !== "reasoning") return ""
    const ended = this.#endSummary()
    this.#open.summary.push("")
    const part = { summary_index: this.#open.summary.length - 1, part: summaryPart("") }
    return ended + this.#about("response.reasoning_summary_part.added", part)
  }

  signature(value: string): string {
    const opened = this.#intoReasoning()
    if (this.#open?.type !== "reasoning") return opened
    const { id, summary } = this.#open
    const ended = this.#endSummary()
    return opened + ended + this.#done(reasoningItem(id, summary, this.#encrypted(value)))
  }

  call(call: WireCall): string {
    return this.#start({ type: "function_call", id: `fc_r${this.n}_${++this.#items}`, call })
  }

  callInput(piece: string): string {
    return this.#about("response.function_call_arguments.delta", { delta: piece })
  }

  ping(): string {
    return this.#event("keepalive", {})
  }

  error(type: string, message: string, form: StreamErrorForm): string {
    const code = ERROR_CODES[type] ?? type
    if (form === "event") return this.#event("error", { code, message, param: null })
    return this.#event("response.failed", { response: { ...this.#response("failed"), error: { code, message } } })
  }

  end(stop: StopKind, usage: ReplyUsage): string {
    const closed = this.#close()
    const reason = stop === "length" ? "max_output_tokens" : stop === "refused" ? "content_filter" : undefined
    const status = reason ? "incomplete" : "completed"
    const response = {
      ...this.#response(status),
      incomplete_details: reason ? { reason } : null,
      output: this.#output,
      usage: responsesUsage(usage),
    }
    return closed + this.#event(`response.${status}`, { response })
  }

  #intoReasoning(): string {
    if (this.#open?.type === "reasoning") return ""
    return this.#start({ type: "reasoning", id: `rs_r${this.n}_${++this.#reasoning}`, summary: [] })
  }

  #start(item: Item): string {
    const closed = this.#close()
    this.#open = item
    return (
      closed + this.#event("response.output_item.added", { output_index: this.#output.length, item: this.#new(item) })
    )
  }

  #new(item: Item): unknown {
    switch (item.type) {
      case "message":
        return { id: item.id, type: "message", status: "in_progress", role: "assistant", content: [] }
      case "reasoning":
        // What comes first is not what has to come back: that is in the item when it is done.
        return reasoningItem(item.id, [], this.#encrypted("unfinished"))
      case "function_call":
        return callItem(item, "in_progress")
      default:
        return item satisfies never
    }
  }

  #close(): string {
    const item = this.#open
    switch (item?.type) {
      case undefined:
        return ""
      case "message": {
        const part = textPart(item.text)
        const message = { id: item.id, type: "message", status: "completed", role: "assistant", content: [part] }
        const text = this.#about("response.output_text.done", { content_index: 0, text: item.text, logprobs: [] })
        return text + this.#about("response.content_part.done", { content_index: 0, part }) + this.#done(message)
      }
      case "reasoning":
        return this.#endSummary() + this.#done(reasoningItem(item.id, item.summary, null))
      case "function_call": {
        const input = this.#about("response.function_call_arguments.done", { arguments: item.call.json })
        return input + this.#done(callItem(item, "completed"))
      }
      default:
        return item satisfies never
    }
  }

  #endSummary(): string {
    if (this.#open?.type !== "reasoning" || this.#open.summary.length === 0) return ""
    const { summary } = this.#open
    const at = summary.length - 1
    const text = summary[at]!
    const ended = this.#about("response.reasoning_summary_text.done", { summary_index: at, text })
    return ended + this.#about("response.reasoning_summary_part.done", { summary_index: at, part: summaryPart(text) })
  }

  #done(item: unknown): string {
    const told = this.#event("response.output_item.done", { output_index: this.#output.length, item })
    this.#output.push(item)
    this.#open = undefined
    return told
  }

  #encrypted(value: string): string | null {
    return this.reasoningIs === "encrypted" ? value : null
  }

  /** An event about the open item. */
  #about(type: string, data: Record<string, unknown>): string {
    return this.#event(type, { item_id: this.#open?.id, output_index: this.#output.length, ...data })
  }

  #event(type: string, data: Record<string, unknown>): string {
    return sse({ type, sequence_number: this.#sequence++, ...data }, type)
  }

  #response(status: string) {
    return {
      id: `resp_r${this.n}`,
      object: "response",
      created_at: 1_700_000_000,
      status,
      error: null,
      incomplete_details: null,
      model: this.model,
      output: [] as unknown[],
      usage: null as unknown,
    }
  }
}

function textPart(text: string) {
  return { type: "output_text", text, annotations: [], logprobs: [] }
}

function summaryPart(text: string) {
  return { type: "summary_text", text }
}

function reasoningItem(id: string, summary: string[], encrypted: string | null) {
  return { id, type: "reasoning", summary: summary.map(summaryPart), encrypted_content: encrypted }
}

function callItem({ id, call }: Extract<Item, { type: "function_call" }>, status: "in_progress" | "completed") {
  const written = status === "completed" ? call.json : ""
  return { id, type: "function_call", status, arguments: written, call_id: call.id, name: call.name }
}

function responsesUsage(usage: ReplyUsage) {
  const input = usage.input + usage.cacheRead + usage.cacheWrite
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: usage.cacheRead,
      ...(usage.cacheWrite > 0 && { cache_write_tokens: usage.cacheWrite }),
    },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: input + usage.output,
  }
}
