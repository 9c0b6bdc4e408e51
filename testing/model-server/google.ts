// Google's generateContent, streamed (POST /v1beta/models/MODEL:streamGenerateContent?alt=sse), as its reference
// describes it and @ai-sdk/google reads it. Signatures of thoughts are on what was thought of: the first call of a step,
// or the end of a text. https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/thought-signatures
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
  type ToolDeclaration,
  type WireCall,
  type WireRequest,
} from "./protocol.ts"

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const STATUSES: Record<number, string> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  413: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
  529: "UNAVAILABLE",
}

/** For the words that are common to all scripts. */
const COMMON_ERRORS: Record<string, string> = {
  overloaded_error: "UNAVAILABLE",
  rate_limit_error: "RESOURCE_EXHAUSTED",
}

const FINISH_REASONS = {
  end: "STOP",
  calls: "STOP",
  length: "MAX_TOKENS",
  refused: "SAFETY",
} satisfies Record<StopKind, string>

export const google: Protocol = {
  name: "google",
  path: /^\/v1beta\/models\/(?<model>[^/:]+):streamGenerateContent$/,
  callPrefix: "fc_",
  caching: "automatic",
  signs: "calls",
  refuse: ({ headers, url }) =>
    headers.get("x-goog-api-key") || headers.get("authorization") || url.searchParams.has("key")
      ? undefined
      : { status: 403, type: "PERMISSION_DENIED", message: "Method doesn't allow unregistered callers." },
  parse,
  errorBody,
  streamHeaders: () => ({ ...SSE_HEADERS, "x-gemini-service-tier": "standard" }),
  writer: ({ n, model, usage }) => new GoogleWriter(`resp-r${n}`, model, usage),
}

function errorBody(status: number, { type, message, retryAfter }: ErrorShape): string {
  const error = {
    code: status,
    message: message ?? `scripted error ${status}`,
    status: type ?? STATUSES[status] ?? "UNKNOWN",
    ...(retryAfter !== undefined && {
      details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${retryAfter}s` }],
    }),
  }
  return JSON.stringify({ error })
}

function parse(body: Record<string, unknown>, { headers, url, model = "" }: WireRequest): ParsedRequest {
  const instruction = body.systemInstruction === undefined ? {} : asObject(body.systemInstruction, "systemInstruction")
  const systemBlocks = asArray(instruction.parts ?? [], "systemInstruction.parts").map((part, i) =>
    blockOf(asObject(part, `systemInstruction.parts[${i}]`), ""),
  )
  return {
    model,
    system: systemBlocks.map((block) => (block.type === "text" ? block.text : "")).join("\n"),
    systemBlocks,
    messages: messagesOf(asArray(body.contents, "contents")),
    tools: asArray(body.tools ?? [], "tools").flatMap((tool, i) => toolsOf(asObject(tool, `tools[${i}]`))),
    stream: url.searchParams.get("alt") === "sse",
    clientKey: headers.get("x-session-id") ?? undefined,
  }
}

function toolsOf({ functionDeclarations }: Record<string, unknown>): ToolDeclaration[] {
  return asArray(functionDeclarations ?? [], "functionDeclarations").map((declaration, i) => {
    const wire = asObject(declaration, `functionDeclarations[${i}]`)
    const schema = wire.parametersJsonSchema ?? wire.parameters
    return { name: asText(wire.name), description: asText(wire.description), schema, wire, marked: false }
  })
}

/** Ids are optional: without them, the responses after a content answer its calls in order. */
function messagesOf(contents: unknown[]): Message[] {
  let asked: string[] = []
  return contents.map((content, i): Message => {
    const { role = "user", parts } = asObject(content, `contents[${i}]`)
    if (role !== "user" && role !== "model") throw new Malformed("Please use a valid role: user, model.")
    let [calls, results] = [0, 0]
    const blocks = asArray(parts ?? [], `contents[${i}].parts`).map((part, j) => {
      const wire = asObject(part, `contents[${i}].parts[${j}]`)
      if (wire.functionCall) return blockOf(wire, `unnamed_${i}_${++calls}`)
      return blockOf(wire, wire.functionResponse ? (asked[results++] ?? "") : "")
    })
    if (role === "model") asked = blocks.flatMap((block) => (block.type === "call" ? [block.id] : []))
    return { role: role === "model" ? "assistant" : "user", content: blocks }
  })
}

/** `id`: of a call or response that does not tell its own. */
function blockOf(wire: Record<string, unknown>, id: string): Block {
  const signed = typeof wire.thoughtSignature === "string" && { signature: wire.thoughtSignature }
  const base = { wire: wire as unknown, marked: false, ...signed }
  if (wire.functionCall !== undefined) {
    const call = asObject(wire.functionCall, "functionCall")
    return { ...base, type: "call", id: asText(call.id) || id, name: asText(call.name), input: call.args ?? {} }
  }
  if (wire.functionResponse !== undefined)
    return { ...base, ...responseOf(asObject(wire.functionResponse, "functionResponse"), id) }
  const media = wire.inlineData ?? wire.fileData
  if (media !== undefined) {
    const { mimeType, data, fileUri } = asObject(media, "inlineData")
    return { ...base, type: "image", mediaType: asText(mimeType), data: asText(data ?? fileUri) }
  }
  if (typeof wire.text !== "string") return { ...base, type: "unknown" }
  return { ...base, type: wire.thought === true ? "reasoning" : "text", text: wire.text }
}

function responseOf(sent: Record<string, unknown>, id: string): Extract<Block, { type: "result" }> {
  const response = asObject(sent.response, "functionResponse.response")
  const said = response.error ?? response.content ?? response.output ?? response.result ?? response
  const parts = asArray(sent.parts ?? [], "functionResponse.parts").map((part) =>
    blockOf(asObject(part, "functionResponse.parts"), ""),
  )
  const text = typeof said === "string" ? said : JSON.stringify(said)
  return {
    type: "result",
    callId: asText(sent.id) || id,
    name: asText(sent.name),
    text: parts.length > 0 ? `${text}\n${resultText(parts)}` : text,
    isError: response.error !== undefined,
    wire: sent,
    marked: false,
  }
}

class GoogleWriter implements ReplyWriter {
  /** What every event ends with. */
  readonly #tail: string
  /** A signature that no call has carried yet. */
  #signature: string | undefined

  constructor(
    readonly id: string,
    readonly model: string,
    usage: ReplyUsage,
  ) {
    this.#tail = this.#ending({ ...usage, output: 0, reasoning: 0 })
  }

  head(): string {
    return ""
  }

  text(piece: string): string {
    return this.#part({ text: piece })
  }

  reasoning(piece: string): string {
    return this.#part({ text: piece, thought: true })
  }

  signature(value: string): string {
    this.#signature = value
    return ""
  }

  /** A call comes in one piece. Arguments that a script garbled come as a string, which the client takes as they are. */
  call(call: WireCall): string {
    this.#signature = undefined
    const input = parsedJson(call.json)
    const functionCall = { name: call.name, args: input === undefined ? call.json : input, id: call.id }
    return this.#part({ functionCall, ...(call.signature !== undefined && { thoughtSignature: call.signature }) })
  }

  callInput(): string {
    return ""
  }

  ping(): string {
    return ": ping\r\n\r\n"
  }

  error(type: string, message: string): string {
    const status = COMMON_ERRORS[type] ?? type
    const [code = "500"] = Object.entries(STATUSES).find(([, name]) => name === status) ?? []
    return event(JSON.stringify({ error: { code: Number(code), message, status } }))
  }

  end(stop: StopKind, usage: ReplyUsage): string {
    const part = { text: "", ...(this.#signature !== undefined && { thoughtSignature: this.#signature }) }
    const candidate = { content: { parts: [part], role: "model" }, finishReason: FINISH_REASONS[stop], index: 0 }
    return event(`{"candidates":[${JSON.stringify(candidate)}],${this.#ending(usage)}`)
  }

  #part(part: unknown): string {
    return event(
      `{"candidates":[{"content":{"parts":[${JSON.stringify(part)}],"role":"model"},"index":0}],${this.#tail}`,
    )
  }

  #ending(usage: ReplyUsage): string {
    const ending = { usageMetadata: usageMetadata(usage), modelVersion: this.model, responseId: this.id }
    return JSON.stringify(ending).slice(1)
  }
}

/** Counts of nothing are left out, as Google does. */
function usageMetadata(usage: ReplyUsage) {
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite
  return {
    promptTokenCount: prompt,
    ...(usage.output > 0 && { candidatesTokenCount: usage.output - usage.reasoning }),
    totalTokenCount: prompt + usage.output,
    ...(usage.cacheRead > 0 && { cachedContentTokenCount: usage.cacheRead }),
    ...(usage.reasoning > 0 && { thoughtsTokenCount: usage.reasoning }),
  }
}

function event(json: string): string {
  return `data: ${json}\r\n\r\n`
}
