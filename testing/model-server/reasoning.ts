// Whether a model's reasoning comes back as its provider wants it: unchanged where it was signed or encrypted, and not
// left out before the calls that it led to. Each provider has its own way to bind it.
import type { Problem } from "./check.ts"
import { excerpt } from "./excerpt.ts"
import { wantsEncrypted } from "./openai-responses.ts"
import type { Block } from "./protocol.ts"
import type { RecordedRequest, SaidMessage } from "./request.ts"

/** `request` goes on from `earlier`: its last assistant message is what was answered there. */
export function changedReasoning(request: RecordedRequest, earlier: RecordedRequest): Problem[] {
  const { said } = earlier
  if (!said || earlier.outcome !== "completed") return []
  const back = request.messages.findLast((message) => message.role === "assistant")?.content ?? []
  const message = changeOf(request, said, back)
  return message === undefined ? [] : [{ request: request.n, code: "reasoning-changed", message }]
}

function changeOf(request: RecordedRequest, said: SaidMessage, back: readonly Block[]): string | undefined {
  switch (request.protocol) {
    case "anthropic":
    case "bedrock":
      return changedBlock(said, back) ?? (isThinkingOn(request) ? missing(said, back) : undefined)
    case "openai-responses":
      if (!wantsEncrypted(request.body)) return undefined
      return changedBlock(said, back) ?? missing(said, back) ?? moved(said, back)
    case "google":
      return changedSignature(said, back)
    case "openai":
      return undefined
    default:
      return request.protocol satisfies never
  }
}

function reasoningIn(back: readonly Block[]) {
  return back.filter((block) => block.type === "reasoning")
}

function changedBlock(said: SaidMessage, back: readonly Block[]): string | undefined {
  const changed = reasoningIn(back).find(
    (block) =>
      !said.reasoning.some(
        ({ id, text, signature }) =>
          text === block.text && signature === block.signature && (block.id === undefined || block.id === id),
      ),
  )
  return changed && `a thinking block is not as the model signed it: ${excerpt(JSON.stringify(changed.wire))}`
}

function missing(said: SaidMessage, back: readonly Block[]): string | undefined {
  if (said.calls.length === 0 || reasoningIn(back).length >= said.reasoning.length) return undefined
  return "thinking is on, and the thinking block before the tool calls was not sent back"
}

/** "Item of type 'reasoning' was provided without its required following item", and the other way round. */
function moved(said: SaidMessage, back: readonly Block[]): string | undefined {
  const kinds: string[] = []
  for (const block of back) {
    if (block.type === "text" && (block.text.trim() === "" || kinds.at(-1) === "text")) continue
    kinds.push(block.type)
  }
  if (reasoningIn(back).length !== said.reasoning.length || kinds.join() === said.kinds.join()) return undefined
  return `a reasoning item is not before what it led to: it was ${said.kinds.join(", ")}, came back ${kinds.join(", ")}`
}

/** "Function call is missing a thought_signature", and signatures that nobody gave. */
function changedSignature(said: SaidMessage, back: readonly Block[]): string | undefined {
  const calls = back.filter((block) => block.type === "call")
  for (const [i, { id, signature }] of said.calls.entries()) {
    if (signature === undefined || calls[i]?.signature === signature) continue
    return `call ${id} has the thought signature ${signature}, and came back with ${calls[i]?.signature ?? "none"}`
  }
  const given = new Set([...said.reasoning, ...said.calls].map(({ signature }) => signature))
  const forged = back.find((block) => block.signature !== undefined && !given.has(block.signature))
  return forged && `a thought signature is not one that the model gave: ${excerpt(JSON.stringify(forged.wire))}`
}

function isThinkingOn({ protocol, body }: RecordedRequest): boolean {
  if (protocol === "anthropic") return Boolean(body.thinking)
  const fields = body.additionalModelRequestFields as Record<string, unknown> | undefined
  return Boolean(fields?.thinking ?? fields?.reasoningConfig)
}
