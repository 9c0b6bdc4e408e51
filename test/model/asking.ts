// What the tests of this folder share: a model at a scripted server, and the events of one request.
import type { ModelMessage, ToolSpec } from "../../src/model/message.ts"
import { type Model, ModelError, type ModelEvent, type ModelRequest } from "../../src/model/model.ts"
import { openModel } from "../../src/model/providers.ts"
import type { ModelServer } from "../../testing/model-server.ts"

export const protocols = ["anthropic", "openai"] as const
export type ProtocolName = (typeof protocols)[number]

const MODELS = { anthropic: "claude-sonnet-5-5", openai: "gpt-6-sol" }

export function modelAt(server: ModelServer, protocol: ProtocolName = "anthropic"): Promise<Model> {
  return openModel(`${protocol}/${MODELS[protocol]}`, { env: server.env(protocol) })
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
