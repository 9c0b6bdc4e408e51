// The real client libraries, asked at the level that src/model uses, with all that a stream gave collected.
import { createAnthropic } from "@ai-sdk/anthropic"
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import type { ModelServer } from "../../testing/model-server.ts"

export function claude(server: ModelServer) {
  return createAnthropic({ baseURL: `${server.url}/v1`, apiKey: "test-key" })("claude-sonnet-4-5")
}

export function chat(server: ModelServer) {
  return createOpenAICompatible({
    name: "openai",
    baseURL: `${server.url}/v1`,
    apiKey: "test-key",
    includeUsage: true,
  })("gpt-test")
}

export type Client = ReturnType<typeof claude> | ReturnType<typeof chat>
export type CallOptions = Parameters<Client["doStream"]>[0]
export type Prompt = CallOptions["prompt"]

export const tools: NonNullable<CallOptions["tools"]> = ["Read", "Bash"].map((name) => ({
  type: "function",
  name,
  description: `the ${name} tool`,
  inputSchema: { type: "object", properties: {}, additionalProperties: true },
}))

export function user(text: string): Prompt[number] {
  return { role: "user", content: [{ type: "text", text }] }
}

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
}

/** Asks and reads to the end. Throws what `doStream` itself throws. */
export async function ask(client: Client, prompt: Prompt, more: Partial<CallOptions> = {}): Promise<Collected> {
  const { stream } = await client.doStream({ prompt, tools, ...more })
  return await read(stream)
}

async function read(stream: Awaited<ReturnType<Client["doStream"]>>["stream"]): Promise<Collected> {
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
  }
  const deltas = new Map<string, number>()
  try {
    for await (const part of stream) {
      if (part.type === "text-start") got.textBlocks++
      if (part.type === "text-delta") got.text += part.delta
      if (part.type === "reasoning-delta") {
        got.reasoning += part.delta
        if (part.providerMetadata?.anthropic?.signature) got.signatures.push(part.providerMetadata.anthropic.signature)
      }
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
  return got
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
