// The real client libraries, asked at the level that src/model uses, with all that a stream gave collected.
import { createAmazonBedrock } from "@ai-sdk/amazon-bedrock"
import { createAnthropic } from "@ai-sdk/anthropic"
import { createGoogle } from "@ai-sdk/google"
import { createOpenAI } from "@ai-sdk/openai"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from "@ai-sdk/provider"
import type { ModelServer } from "../../testing/model-server.ts"

export type CallOptions = LanguageModelV4CallOptions
export type Prompt = CallOptions["prompt"]
export type Client = Pick<LanguageModelV4, "doStream">

export function claude(server: ModelServer): Client {
  return createAnthropic({ baseURL: `${server.url}/v1`, apiKey: "test-key" })("claude-sonnet-4-5")
}

export function chat(server: ModelServer): Client {
  return createOpenAICompatible({
    name: "openai",
    baseURL: `${server.url}/v1`,
    apiKey: "test-key",
    includeUsage: true,
  })("gpt-test")
}

/** As src/model asks: nothing is stored, so that encrypted reasoning comes, and has to go back. */
export function responses(server: ModelServer): Client {
  const model = createOpenAI({ baseURL: `${server.url}/v1`, apiKey: "test-key" }).responses("gpt-5.5")
  return {
    doStream: (options) => model.doStream({ providerOptions: { openai: { store: false } }, ...options }),
  }
}

export function gemini(server: ModelServer): Client {
  return createGoogle({ baseURL: `${server.url}/v1beta`, apiKey: "test-key" })("gemini-3-pro-preview")
}

export function converse(server: ModelServer): Client {
  return createAmazonBedrock({
    baseURL: server.url,
    region: "us-east-1",
    accessKeyId: "test-key",
    secretAccessKey: "test-secret",
    apiKey: "",
  })("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
}

export const tools: NonNullable<CallOptions["tools"]> = ["Read", "Bash"].map((name) => ({
  type: "function",
  name,
  description: `the ${name} tool`,
  inputSchema: { type: "object", properties: {}, additionalProperties: true },
}))

export function user(text: string): Prompt[number] {
  return { role: "user", content: [{ type: "text", text }] }
}

/** What calls gave, in their order. */
export function results(...of: { id: string; name: string }[]): Prompt[number] {
  const content = of.map(({ id, name }) => ({
    type: "tool-result" as const,
    toolCallId: id,
    toolName: name,
    output: { type: "text" as const, value: `of ${id}` },
  }))
  return { role: "tool", content }
}

type AssistantContent = Extract<Prompt[number], { role: "assistant" }>["content"]
type Spoken = Extract<AssistantContent[number], { type: "text" | "reasoning" | "tool-call" }>

export interface Collected {
  text: string
  textBlocks: number
  reasoning: string
  signatures: unknown[]
  calls: { id: string; name: string; input: string; deltas: number }[]
  finish: string | undefined
  usage: { input: unknown; output: unknown } | undefined
  errors: unknown[]
  /** What reading the stream threw. */
  thrown: unknown
  /** The message to send back. */
  said: { role: "assistant"; content: Spoken[] }
}

/** Asks and reads to the end. Throws what `doStream` itself throws. */
export async function ask(client: Client, prompt: Prompt, more: Partial<CallOptions> = {}): Promise<Collected> {
  const { stream } = await client.doStream({ prompt, tools, ...more })
  return await read(stream)
}

async function read(stream: ReadableStream<LanguageModelV4StreamPart>): Promise<Collected> {
  const got: Collected = {
    text: "",
    textBlocks: 0,
    reasoning: "",
    signatures: [],
    calls: [],
    finish: undefined,
    usage: undefined,
    errors: [],
    thrown: undefined,
    said: { role: "assistant", content: [] },
  }
  const deltas = new Map<string, number>()
  try {
    for await (const part of stream) {
      hear(got.said.content, part)
      if (part.type === "text-start") got.textBlocks++
      if (part.type === "text-delta") got.text += part.delta
      if (part.type === "reasoning-delta") got.reasoning += part.delta
      if (part.type === "tool-input-delta") deltas.set(part.id, (deltas.get(part.id) ?? 0) + 1)
      if (part.type === "tool-call")
        got.calls.push({
          id: part.toolCallId,
          name: part.toolName,
          input: part.input,
          deltas: deltas.get(part.toolCallId) ?? 0,
        })
      if (part.type === "error") got.errors.push(part.error)
      if (part.type === "finish") {
        got.finish = part.finishReason.unified
        got.usage = { input: part.usage.inputTokens, output: part.usage.outputTokens }
      }
    }
  } catch (error) {
    got.thrown = error
  }
  got.signatures = got.said.content.map(signatureOf).filter((signature) => signature !== undefined)
  return got
}

const open = new WeakMap<Spoken[], Map<string, Spoken>>()

/** Adds a part of the stream to the message, with all that the provider wants back with it. */
function hear(content: Spoken[], part: LanguageModelV4StreamPart): void {
  const parts = open.get(content) ?? new Map<string, Spoken>()
  open.set(content, parts)
  const begin = (id: string, begun: Spoken) => {
    content.push(begun)
    parts.set(id, begun)
  }
  if (part.type === "text-start") begin(part.id, { type: "text", text: "" })
  if (part.type === "reasoning-start") begin(part.id, { type: "reasoning", text: "" })
  if (part.type === "tool-call") {
    const { toolCallId, toolName, input } = part
    begin(toolCallId, { type: "tool-call", toolCallId, toolName, input: objectOf(input) })
  }
  const id = part.type === "tool-call" ? part.toolCallId : "id" in part ? part.id : undefined
  const target = id === undefined ? undefined : parts.get(id)
  if (!target) return
  if ((part.type === "text-delta" || part.type === "reasoning-delta") && target.type !== "tool-call")
    target.text += part.delta
  for (const [provider, data] of Object.entries(("providerMetadata" in part && part.providerMetadata) || {}))
    target.providerOptions = {
      ...target.providerOptions,
      [provider]: { ...target.providerOptions?.[provider], ...data },
    }
}

/** Providers take only objects as inputs. */
function objectOf(input: string): unknown {
  try {
    const value: unknown = JSON.parse(input)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : { _invalid: value }
  } catch {
    return { _invalid: input }
  }
}

function signatureOf({ providerOptions: data }: Spoken): unknown {
  const { anthropic, openai, google, bedrock } = data ?? {}
  return (
    anthropic?.signature ??
    openai?.reasoningEncryptedContent ??
    google?.thoughtSignature ??
    bedrock?.signature ??
    undefined
  )
}

/** What an asynchronous call threw; fails when it did not. */
export async function thrownBy(call: Promise<unknown>): Promise<Record<string, unknown>> {
  try {
    await call
  } catch (error) {
    return error as Record<string, unknown>
  }
  throw new Error("expected it to throw")
}

/** All that a list of errors tells, whatever they are. */
export function told(errors: readonly unknown[]): string {
  return errors.map((error) => `${error} ${JSON.stringify(error)}`).join("\n")
}
