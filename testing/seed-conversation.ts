// A conversation as rows, of any length, for tests and benches of what reads them.
import type { AssistantPart, UserPart } from "../src/model/message.ts"
import type { Tx } from "../src/store/store.ts"
import { seed } from "./seed.ts"

/** What was said: by the user, or by the model, with calls and what came of them. */
export type Said =
  | { by: "user"; text: string; images?: number; origin?: "human" | "task" | "peer" }
  | { by: "model"; text?: string; calls?: readonly { name: string; input?: object; result: string; data?: object }[] }

/** Inserts the messages in their order, numbered from `from`; returns the number of the last one. */
export function seedConversation(
  tx: Tx,
  sessionId: string,
  { said, from = 1 }: { said: readonly Said[]; from?: number },
): number {
  let seq = from - 1
  const turn = `turn-${sessionId}-${from}`
  seed(tx, "turn", { id: turn, session_id: sessionId, state: "done", cause: "human" })
  for (const one of said) {
    seq++
    const id = `${sessionId}-m${seq}`
    const common = { id, session_id: sessionId, seq, turn_id: turn, created_at: seq * 1000 }
    if (one.by === "user") {
      const images = Array.from({ length: one.images ?? 0 }, (): UserPart => ({ type: "image", ...PICTURE }))
      const content: UserPart[] = [{ type: "text", text: one.text }, ...images]
      seed(tx, "message", { ...common, role: "user", origin: one.origin ?? "human", content: JSON.stringify(content) })
      continue
    }
    const step = `${sessionId}-s${seq}`
    const calls = (one.calls ?? []).map((call, idx) => ({ ...call, idx, callId: `${sessionId}-call-${seq}-${idx}` }))
    const content: AssistantPart[] = [
      ...(one.text ? [{ type: "text" as const, text: one.text }] : []),
      ...calls.map(({ callId, name, input = {} }) => ({ type: "tool-call" as const, callId, name, input })),
    ]
    seed(tx, "message", { ...common, role: "assistant", step_id: step, content: JSON.stringify(content) })
    seed(tx, "step", { id: step, session_id: sessionId, turn_id: turn, n: seq, state: "done", message_id: id })
    for (const { idx, callId, name, input = {}, result, data } of calls)
      seed(tx, "tool_call", {
        id: `${callId}-row`,
        call_id: callId,
        session_id: sessionId,
        step_id: step,
        idx,
        name,
        input: JSON.stringify(input),
        state: "done",
        replay: "safe",
        result: JSON.stringify({ content: [{ type: "text", text: result }], ...(data && { data }) }),
      })
  }
  return seq
}

const PICTURE = { mediaType: "image/png", data: "iVBORw0KGgo=" }
