// Amazon Bedrock's ConverseStream (POST /model/MODEL/converse-stream) as its reference describes it and
// @ai-sdk/amazon-bedrock reads it. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
import { awsEvent } from "./aws-events.ts"
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
  type StopKind,
  type ToolDeclaration,
  type WireCall,
  type WireRequest,
} from "./protocol.ts"

const ERROR_TYPES: Record<number, string> = {
  400: "ValidationException",
  401: "UnrecognizedClientException",
  403: "AccessDeniedException",
  404: "ResourceNotFoundException",
  408: "ModelTimeoutException",
  413: "ValidationException",
  424: "ModelErrorException",
  429: "ThrottlingException",
  500: "InternalServerException",
  503: "ServiceUnavailableException",
  529: "ServiceUnavailableException",
}

/** For the words that are common to all scripts. */
const COMMON_ERRORS: Record<string, string> = {
  overloaded_error: "serviceUnavailableException",
  rate_limit_error: "throttlingException",
}

const STOP_REASONS = {
  end: "end_turn",
  calls: "tool_use",
  length: "max_tokens",
  refused: "content_filtered",
} satisfies Record<StopKind, string>

/** A key, or a signature for this service. The signature itself is the client library's business. */
const AUTHORIZATION =
  /^(Bearer \S+|AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[^/]+\/bedrock\/aws4_request, .*Signature=\w+)$/

export const bedrock: Protocol = {
  name: "bedrock",
  path: /^\/model\/(?<model>[^/]+)\/converse-stream$/,
  callPrefix: "tooluse_",
  caching: "marked",
  signs: "reasoning",
  refuse: ({ headers }) => {
    const authorization = headers.get("authorization")
    if (!authorization)
      return { status: 403, type: "MissingAuthenticationTokenException", message: "Missing Authentication Token" }
    if (AUTHORIZATION.test(authorization)) return undefined
    return { status: 403, type: "IncompleteSignatureException", message: "Authorization is no signature for bedrock." }
  },
  parse,
  errorBody: (status, error) => JSON.stringify({ message: error.message ?? `scripted error ${status}` }),
  errorHeaders: (status, error) => {
    const type = error.type ?? ERROR_TYPES[status] ?? "InternalServerException"
    return { "x-amzn-errortype": `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/` }
  },
  streamHeaders: (n) => ({ "content-type": "application/vnd.amazon.eventstream", "x-amzn-requestid": `req-r${n}` }),
  writer: () => new BedrockWriter(),
}

function parse(body: Record<string, unknown>, { headers, model = "" }: WireRequest): ParsedRequest {
  const systemBlocks = blocksOf(body.system ?? [], "system")
  const toolConfig = body.toolConfig === undefined ? {} : asObject(body.toolConfig, "toolConfig")
  return {
    model,
    system: systemBlocks.map((block) => (block.type === "text" ? block.text : "")).join("\n"),
    systemBlocks,
    messages: asArray(body.messages, "messages").map((message, i): Message => {
      const { role, content } = asObject(message, `messages[${i}]`)
      if (role !== "user" && role !== "assistant") throw new Malformed(`messages[${i}]: unknown role ${role}`)
      return { role, content: blocksOf(content, `messages[${i}].content`) }
    }),
    tools: toolsOf(asArray(toolConfig.tools ?? [], "toolConfig.tools")),
    stream: true,
    clientKey: headers.get("x-session-id") ?? undefined,
  }
}

function toolsOf(sent: unknown[]): ToolDeclaration[] {
  const tools: ToolDeclaration[] = []
  for (const [i, tool] of sent.entries()) {
    const wire = asObject(tool, `toolConfig.tools[${i}]`)
    const last = tools.at(-1)
    if (wire.cachePoint !== undefined && last) {
      last.marked = true
      continue
    }
    const { name, description, inputSchema } = asObject(wire.toolSpec, `toolConfig.tools[${i}].toolSpec`)
    const schema = asObject(inputSchema, `toolConfig.tools[${i}].toolSpec.inputSchema`).json
    tools.push({ name: asText(name), description: asText(description), schema, wire, marked: false })
  }
  return tools
}

/** A cache point is no content: it marks the block before it, and may move. */
function blocksOf(content: unknown, what: string): Block[] {
  const blocks: Block[] = []
  for (const [i, each] of asArray(content, what).entries()) {
    const wire = asObject(each, `${what}[${i}]`)
    const last = blocks.at(-1)
    if (wire.cachePoint !== undefined && last) last.marked = true
    else blocks.push(blockOf(wire))
  }
  return blocks
}

function blockOf(wire: Record<string, unknown>): Block {
  const base = { wire: wire as unknown, marked: false }
  if (typeof wire.text === "string") return { ...base, type: "text", text: wire.text }
  if (wire.reasoningContent !== undefined)
    return { ...base, ...reasoningOf(asObject(wire.reasoningContent, "reasoningContent")) }
  if (wire.toolUse !== undefined) {
    const { toolUseId, name, input } = asObject(wire.toolUse, "toolUse")
    return { ...base, type: "call", id: asText(toolUseId), name: asText(name), input }
  }
  if (wire.toolResult !== undefined) {
    const { toolUseId, content, status } = asObject(wire.toolResult, "toolResult")
    const inner = asArray(content, "toolResult.content").map((each) => blockOf(asObject(each, "toolResult.content")))
    if (inner.some((block) => block.type === "unknown"))
      throw new Malformed(`toolResult.content: unknown content in ${JSON.stringify(content).slice(0, 80)}`)
    const isError = status === "error"
    return { ...base, type: "result", callId: asText(toolUseId), text: resultText(inner), isError }
  }
  if (wire.image !== undefined) {
    const { format, source } = asObject(wire.image, "image")
    const data = asText(asObject(source, "image.source").bytes)
    return { ...base, type: "image", mediaType: `image/${asText(format)}`, data }
  }
  if (wire.json !== undefined) return { ...base, type: "text", text: JSON.stringify(wire.json) }
  return { ...base, type: "unknown" }
}

function reasoningOf(sent: Record<string, unknown>): { type: "reasoning"; text: string; signature?: string } {
  if (sent.reasoningText === undefined) return { type: "reasoning", text: "", signature: asText(sent.redactedContent) }
  const { text, signature } = asObject(sent.reasoningText, "reasoningText")
  return { type: "reasoning", text: asText(text), ...(typeof signature === "string" && { signature }) }
}

/** Only calls are told when they start; the kind of other blocks is seen from their first delta. */
class BedrockWriter implements ReplyWriter {
  #index = 0
  #open: "text" | "reasoning" | "call" | undefined

  head(): Uint8Array {
    return event("messageStart", { role: "assistant" })
  }

  text(piece: string): Uint8Array {
    return joined(this.#into("text"), this.#delta({ text: piece }))
  }

  reasoning(piece: string): Uint8Array {
    return joined(this.#into("reasoning"), this.#delta({ reasoningContent: { text: piece } }))
  }

  signature(value: string): Uint8Array {
    const signed = this.#into("reasoning")
    return joined(signed, this.#delta({ reasoningContent: { signature: value } }), this.#close())
  }

  call(call: WireCall): Uint8Array {
    const closed = this.#close()
    this.#open = "call"
    const start = { toolUse: { toolUseId: call.id, name: call.name } }
    return joined(closed, event("contentBlockStart", { contentBlockIndex: this.#index, start }))
  }

  callInput(piece: string): Uint8Array {
    return this.#delta({ toolUse: { input: piece } })
  }

  /** There is none: a stream of Bedrock is silent while its model thinks. */
  ping(): Uint8Array {
    return NOTHING
  }

  error(type: string, message: string): Uint8Array {
    const known = COMMON_ERRORS[type] ?? type
    const name = known.endsWith("Exception") ? known : "modelStreamErrorException"
    return awsEvent(name, { message }, "exception")
  }

  end(stop: StopKind, usage: ReplyUsage): Uint8Array {
    const stopped = event("messageStop", { stopReason: STOP_REASONS[stop] })
    const counted = {
      inputTokens: usage.input,
      outputTokens: usage.output,
      totalTokens: usage.input + usage.cacheRead + usage.cacheWrite + usage.output,
      cacheReadInputTokens: usage.cacheRead,
      cacheWriteInputTokens: usage.cacheWrite,
    }
    return joined(this.#close(), stopped, event("metadata", { usage: counted, metrics: { latencyMs: 1 } }))
  }

  #into(kind: "text" | "reasoning"): Uint8Array {
    if (this.#open === kind) return NOTHING
    const closed = this.#close()
    this.#open = kind
    return closed
  }

  #delta(delta: unknown): Uint8Array {
    return event("contentBlockDelta", { contentBlockIndex: this.#index, delta })
  }

  #close(): Uint8Array {
    if (!this.#open) return NOTHING
    this.#open = undefined
    return event("contentBlockStop", { contentBlockIndex: this.#index++ })
  }
}

const NOTHING = new Uint8Array()

/** `p` is padding, which hides the length of what is said. */
function event(name: string, payload: Record<string, unknown>): Uint8Array {
  return awsEvent(name, { ...payload, p: "abcdefgh" })
}

function joined(...pieces: Uint8Array[]): Uint8Array {
  const filled = pieces.filter((piece) => piece.length > 0)
  return filled.length === 1 ? filled[0]! : Buffer.concat(filled)
}
