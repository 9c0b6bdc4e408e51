// What the tests of this folder share: a model at a scripted server, and the events of one request.
import type { ModelMessage, ToolSpec } from "../../src/model/message.ts"
import { type Model, ModelError, type ModelEvent, type ModelRequest } from "../../src/model/model.ts"
import { openModel, type ProviderSettings } from "../../src/model/providers.ts"

/** Each provider as a user has it; `local` is a server of the settings that speaks Chat Completions. */
export const protocols = ["anthropic", "openai", "local", "google", "bedrock"] as const
export type ProtocolName = (typeof protocols)[number]

export const MODELS: Readonly<Record<ProtocolName, string>> = {
  anthropic: "anthropic/claude-sonnet-5-5",
  openai: "openai/gpt-6-sol",
  local: "local/qwen",
  google: "google/gemini-3.8-flash",
  bedrock: "bedrock/us.anthropic.claude-sonnet-5-5",
}

/** The variable or setting that a person would look at. */
export const KEYS: Readonly<Record<ProtocolName, string>> = {
  anthropic: "ANTHROPIC_API_KEY",
  openai: "OPENAI_API_KEY",
  local: "LOCAL_KEY",
  google: "GEMINI_API_KEY",
  bedrock: "AWS_BEARER_TOKEN_BEDROCK",
}

export const ADDRESSES: Readonly<Record<ProtocolName, string>> = {
  anthropic: "ANTHROPIC_BASE_URL",
  openai: "OPENAI_BASE_URL",
  local: "providers.local.baseURL",
  google: "GOOGLE_GEMINI_BASE_URL",
  bedrock: "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
}

const SETTINGS: Readonly<Record<ProtocolName, (url: string) => ProviderSettings>> = {
  anthropic: (url) => ({ env: { ANTHROPIC_API_KEY: "test-key", ANTHROPIC_BASE_URL: url } }),
  openai: (url) => ({ env: { OPENAI_API_KEY: "test-key", OPENAI_BASE_URL: `${url}/v1` } }),
  local: (url) => ({
    env: { LOCAL_KEY: "test-key" },
    providers: { local: { kind: "openai-compatible", baseURL: `${url}/v1`, apiKeyEnv: "LOCAL_KEY" } },
    models: { "local/qwen": { images: true } },
  }),
  google: (url) => ({ env: { GEMINI_API_KEY: "test-key", GOOGLE_GEMINI_BASE_URL: url } }),
  bedrock: (url) => ({
    env: {
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test-key",
      AWS_SECRET_ACCESS_KEY: "test-secret",
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: url,
    },
  }),
}

/** `url`: of a server that speaks all the protocols, without a path. */
export function settingsAt({ url }: { url: string }, protocol: ProtocolName): ProviderSettings {
  return SETTINGS[protocol](url)
}

export function modelAt(server: { url: string }, protocol: ProtocolName = "anthropic"): Promise<Model> {
  return openModel(MODELS[protocol], settingsAt(server, protocol))
}

export const tools: ToolSpec[] = ["Read", "Write"].map((name) => ({
  name,
  description: `${name} a file`,
  schema: { type: "object", properties: { path: { type: "string" } }, required: ["path"], additionalProperties: false },
}))

export function request(messages: ModelMessage[] = [user("hello")], more: Partial<ModelRequest> = {}): ModelRequest {
  return { system: "You are a test.", tools, messages, ...more }
}

export function user(text: string): ModelMessage {
  return { role: "user", content: [{ type: "text", text }] }
}

export function result(callId: string, name: string, text: string): ModelMessage {
  return {
    role: "tool",
    content: [{ type: "tool-result", callId, name, isError: false, content: [{ type: "text", text }] }],
  }
}

export async function events(model: Model, asked: ModelRequest, signal?: AbortSignal): Promise<ModelEvent[]> {
  return await Array.fromAsync(model.stream(asked, signal ?? new AbortController().signal))
}

/** The finish of a request that goes well. */
export async function finish(model: Model, asked: ModelRequest): Promise<Extract<ModelEvent, { type: "finish" }>> {
  const last = (await events(model, asked)).at(-1)
  if (last?.type !== "finish") throw new Error(`the last event is ${last?.type}`)
  return last
}

/** The error of a request that fails. */
export async function failure(model: Model, asked: ModelRequest): Promise<ModelError> {
  try {
    await events(model, asked)
  } catch (error) {
    if (error instanceof ModelError) return error
    throw error
  }
  throw new Error("the request went well")
}

export function textOf(all: readonly { type: string; delta?: string }[], type: "text" | "reasoning"): string {
  return all.map((event) => (event.type === type ? event.delta : "")).join("")
}
