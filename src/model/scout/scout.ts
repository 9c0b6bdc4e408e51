// The offline scout: what answers when no model is connected. Small, deterministic, rule-based; it really uses the
// tools, reads nothing but the messages, and is no language model. The same request gives the same output, byte for byte.
import { createHash } from "node:crypto"
import type { AssistantPart } from "../message.ts"
import type { Model, ModelEvent, ModelRequest, Usage } from "../model.ts"
import { reply } from "./root.ts"

const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }

export function scoutModel(): Model {
  return { id: "scout", provider: "scout", stream: streamReply }
}

async function* streamReply(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
  signal.throwIfAborted()
  const { text, calls } = reply(request)
  for (const delta of text.match(/[^\n]*\n+|[^\n]+$/g) ?? []) yield { type: "text", delta }
  const parts: AssistantPart[] = text ? [{ type: "text", text }] : []
  const seed = createHash("sha256").update(JSON.stringify(request.messages)).digest("hex").slice(0, 10)
  for (const [index, call] of calls.entries()) {
    const callId = `scout_${seed}_${index}`
    yield { type: "tool-start", callId, name: call.name }
    parts.push({ type: "tool-call", callId, name: call.name, input: call.input })
  }
  signal.throwIfAborted()
  yield { type: "finish", parts, stop: calls.length > 0 ? "tool-calls" : "end", usage: NO_USAGE }
}
