// The family of a session as a tree: what it comes from, what comes from it, and where each splits off.
import { oneLine } from "../../../base/text.ts"
import type { Reader } from "../../../store/store.ts"
import { callOf, familyOf, grouped, type ListedSession, readSessions } from "../../view/session-list.ts"
import { splitOf } from "../../view/session-preview.ts"

export interface ForkRow {
  item: ListedSession
  /** Where it splits off, in words. */
  split: string
}

/** The whole family, also what of it belongs to another project. */
export function forkRows(reader: Reader, { id }: Pick<ListedSession, "id">): ForkRow[] {
  return familyOf(grouped(readSessions(reader)), id).map((item) => ({ item, split: wordsOn(reader, item) }))
}

function wordsOn(reader: Reader, item: ListedSession): string {
  const split = splitOf(reader, item)
  if (!split) return `begins with: ${oneLine(callOf(reader, item), 200)}`
  const who = split.role === "user" ? "you" : "answer"
  const text = split.text === "" ? "" : `, ${who}: ${oneLine(split.text, 300)}`
  return `splits off after message ${split.seq}${text}`
}
