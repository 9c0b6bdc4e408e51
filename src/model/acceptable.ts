// Calls as every provider takes them back. A model may call a tool by a name that no provider accepts, or give two calls
// one id; sent back as they are, they would have every later request of the session refused.
import type { AssistantPart, ModelMessage, ToolResultPart } from "./message.ts"

/** Names and ids that are right stay as they are. The same messages give the same result, whatever comes after them. */
export function withAcceptableCalls(
  messages: readonly ModelMessage[],
  plain: (id: string) => string = (id) => id,
): readonly ModelMessage[] {
  const used = new Set<string>()
  /** Of the assistant message before: by the id that the model gave, the ids that stand for it, in order. */
  let given = new Map<string, string[]>()
  const idFor = (callId: string): string => {
    const wanted = plain(callId) || "call"
    let id = wanted
    for (let n = 2; used.has(id); n++) id = `${wanted.slice(0, 58)}_${n}`
    used.add(id)
    given.set(callId, [...(given.get(callId) ?? []), id])
    return id
  }
  const call = (part: AssistantPart): AssistantPart =>
    part.type === "tool-call" ? { ...part, callId: idFor(part.callId), name: acceptableName(part.name) } : part
  const result = (part: ToolResultPart): ToolResultPart => {
    const [id = part.callId, ...others] = given.get(part.callId) ?? []
    given.set(part.callId, others)
    return { ...part, callId: id, name: acceptableName(part.name) }
  }
  return messages.map((message): ModelMessage => {
    if (message.role === "tool") return { ...message, content: message.content.map(result) }
    if (message.role === "user") return message
    given = new Map()
    return { ...message, content: message.content.map(call) }
  })
}

/** What all providers take as a tool's name. The libraries look names up in plain objects, which have some already. */
function acceptableName(name: string): string {
  const plain = name.replace(/[^\w-]/g, "_").slice(0, 60)
  if (plain === "") return "unnamed"
  return plain in Object.prototype ? `${plain}_` : plain
}
