// One update of a session's memory: the next messages that it does not cover are taken in, by a model or by rules, and
// stored as a new version in the transaction that closes what it cost. Whatever goes wrong, the messages stay uncovered.
import type { SessionRow } from "../../store/rows.ts"
import type { Tx } from "../../store/store.ts"
import { type AsideParts, askAside } from "../aside.ts"
import { nextBatch } from "./news.ts"
import { sectionsByRules } from "./rules.ts"
import { readAnswer, withAnswer } from "./update-answer.ts"
import { updateRequest } from "./update-prompt.ts"
import { addVersion, newestVersion } from "./versions.ts"

export interface Update {
  row: SessionRow
  /** `provider/model`; the scout's is by rules. */
  model: string
  /** What the user wants to be remembered above all. */
  focus?: string | undefined
  signal: AbortSignal
}

export type Updated =
  /** Another one may follow: an update takes in so much and no more. */
  | "stored"
  | "nothing-new"
  /** A cap of the session's. */
  | "no-room"
  /** The model said something else; it was paid for, and nothing was stored. */
  | "bad-answer"
  /** Somebody else has updated the memory meanwhile. */
  | "outdated"

/** Throws what the request threw. */
export async function updateMemory(parts: AsideParts, { row, model, focus, signal }: Update): Promise<Updated> {
  const { store, clock } = parts
  const { id: sessionId } = row
  const base = newestVersion(store, sessionId)
  const batch = await nextBatch(store, sessionId, base.coversSeq)
  if (!batch && (focus === undefined || base.version === 0)) return "nothing-new"
  const upTo = batch?.upTo ?? base.coversSeq
  if (model === "scout") {
    if (!batch) return "nothing-new"
    return store.write((tx) => {
      const newest = newestVersion(tx, sessionId)
      if (newest.coversSeq !== base.coversSeq) return "outdated"
      const sections = withAnswer(newest.sections, sectionsByRules(newest.sections, batch.news))
      addVersion(tx, { sessionId, coversSeq: upTo, sections, madeBy: "rules", now: clock.now() })
      return "stored"
    })
  }
  let updated: Updated = "bad-answer"
  const keep = (tx: Tx, answer: { text: string }) => {
    const lines = readAnswer(answer.text)
    if (!lines) return
    // The user may have edited it meanwhile: the answer goes on top of that, and leaves the user's lines as they are.
    const newest = newestVersion(tx, sessionId)
    if (newest.coversSeq !== base.coversSeq) {
      updated = "outdated"
      return
    }
    const sections = withAnswer(newest.sections, lines)
    addVersion(tx, { sessionId, coversSeq: upTo, sections, madeBy: "model", now: clock.now() })
    updated = "stored"
  }
  const request = updateRequest(base.sections, { text: batch?.text ?? "", focus, cacheKey: `memory:${sessionId}` })
  const answer = await askAside(parts, { purpose: "memory", row, model, request, signal }, keep)
  return answer.type === "no-room" ? "no-room" : updated
}
