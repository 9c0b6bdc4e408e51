// What a compaction keeps: the last messages, as many as fit a budget, and whatever the memory does not cover yet. It
// looks back from the end and stops when it is full, so that its time does not grow with the conversation.
import type { AssistantPart, UserPart } from "../model/message.ts"
import type { MessageRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { isWhole, type Kept, type Shape, shaped } from "./compaction.ts"
import { likelyTokens } from "./compaction-size.ts"
import { modelMessages } from "./history.ts"
import { lastSeq, messagesBefore } from "./lineage.ts"

/** In tokens, of what is left of the window when each request's beginning is taken off. */
export interface Room {
  memory: number
  /** The last messages. */
  last: number
  /** All that is kept, where the memory is behind. */
  most: number
  /** What is told of messages that are neither covered nor kept. */
  outline: number
}

/** What is kept does not depend on how long the conversation was, so that a second compaction keeps what the first did. */
export function roomIn(tokens: number): Room {
  const share = (part: number, [least, most]: [number, number]) =>
    Math.round(Math.min(most, Math.max(least, tokens * part)))
  return {
    memory: share(0.15, [300, 8_000]),
    last: share(0.1, [300, 20_000]),
    most: share(0.3, [600, 120_000]),
    outline: share(0.08, [200, 10_000]),
  }
}

export interface Plan {
  /** The conversation's newest message, when it was planned. */
  seq: number
  keptAfter: number
  shape: Shape
  /** Of the messages that are kept. */
  tokens: number
  messages: number
  /** Of messages that are neither covered nor kept, what is told of them, the oldest first. */
  outline: readonly string[]
  /** The first of those, and of those that are not told at all, how many there are. */
  outlineFrom: number | undefined
  leftOut: number
}

/** Of results that are kept; the brief ones before the last messages, where the memory is so far behind that there is too little room. */
const BRIEF_CHARS = 400
const RESULT_CHARS = 2_000
const NEWEST_CHARS = 12_000
/** Of the images that are kept, the newest are shown. */
const IMAGES = 3
const PAGE = 64

/** `coversSeq`: messages up to this number are in the memory. */
export function planCompaction(
  reader: Reader,
  sessionId: string,
  { room, coversSeq }: { room: Room; coversSeq: number },
): Plan {
  const seq = lastSeq(reader, sessionId)
  const [answer] = messagesBefore(reader, sessionId, { limit: 1, only: "role = 'assistant'" })
  const newest = answer?.seq ?? 0
  // What the model has not seen yet is worth more, and must fit as well.
  const newestChars = Math.min(NEWEST_CHARS, Math.max(1_000, room.most * 2))
  const resultChars = Math.min(RESULT_CHARS, newestChars)
  const shape = { seq, briefChars: BRIEF_CHARS, resultChars, newestChars, briefUpTo: 0, newest, noImagesUpTo: 0 }
  let kept = walk(reader, sessionId, { room, coversSeq, shape, isBrief: false })
  if (kept.keptAfter > coversSeq) kept = walk(reader, sessionId, { room, coversSeq, shape, isBrief: true })
  const { keptAfter } = kept
  const told = keptAfter > coversSeq ? outlineOf(reader, sessionId, { room, keptAfter, coversSeq }) : NOTHING
  return { seq, ...kept, ...told }
}

interface Walked {
  keptAfter: number
  tokens: number
  messages: number
  shape: Shape
}

/**
 * From the end back, until there is no more room. The newest answer with its results is kept in any case. `isBrief`:
 * before the last messages, results are told in few characters.
 */
function walk(
  reader: Reader,
  sessionId: string,
  { room, coversSeq, shape, isBrief }: { room: Room; coversSeq: number; shape: Shape; isBrief: boolean },
): Walked {
  let tokens = 0
  let messages = 0
  let images = 0
  let noImagesUpTo = 0
  let briefUpTo = 0
  let keptAfter = shape.seq
  for (const row of backwards(reader, sessionId)) {
    if (isBrief && briefUpTo === 0 && tokens > room.last) briefUpTo = row.seq
    let shown = shaped(modelMessages(reader, row), row.seq, { ...shape, briefUpTo, noImagesUpTo })
    const count = imagesIn(shown)
    if (noImagesUpTo === 0 && count > 0 && images + count > IMAGES) {
      noImagesUpTo = row.seq
      shown = shaped(shown, row.seq, { ...shape, briefUpTo, noImagesUpTo })
    }
    const cost = likelyTokens(shown)
    const limit = row.seq > coversSeq ? room.most : room.last
    const isNeeded = row.seq >= shape.newest
    if (!isNeeded && tokens + cost > limit) break
    images += count
    tokens += cost
    messages++
    keptAfter = row.seq - 1
  }
  return { keptAfter, tokens, messages, shape: { ...shape, briefUpTo, noImagesUpTo } }
}

function imagesIn(messages: ReturnType<typeof modelMessages>): number {
  const parts = messages.flatMap((message) => (message.role === "assistant" ? [] : [...message.content]))
  const inner = parts.flatMap((part) => (part.type === "tool-result" ? part.content : [part]))
  return inner.filter(({ type }) => type === "image").length
}

function* backwards(reader: Reader, sessionId: string, before?: number): Generator<MessageRow> {
  for (let from = before; ; ) {
    const page = messagesBefore(reader, sessionId, { ...(from !== undefined && { before: from }), limit: PAGE })
    yield* page
    if (page.length < PAGE) return
    from = page.at(-1)!.seq
  }
}

const NOTHING = { outline: [], outlineFrom: undefined, leftOut: 0 }
const SAID_CHARS = 600
const CALL_CHARS = 120

/** The messages between what the memory covers and what is kept, in few words each, as far back as there is room. */
function outlineOf(
  reader: Reader,
  sessionId: string,
  { room, keptAfter, coversSeq }: { room: Room; keptAfter: number; coversSeq: number },
): Pick<Plan, "outline" | "outlineFrom" | "leftOut"> {
  const lines: string[] = []
  let left = room.outline * 4
  let from = keptAfter + 1
  for (const row of backwards(reader, sessionId, keptAfter + 1)) {
    if (row.seq <= coversSeq) break
    const line = outlineLine(row)
    if (line.length > left) break
    left -= line.length + 1
    lines.unshift(line)
    from = row.seq
  }
  return {
    outline: lines.filter((line) => line !== ""),
    outlineFrom: lines.length > 0 ? from : undefined,
    leftOut: from - 1 - coversSeq,
  }
}

function outlineLine(row: MessageRow): string {
  const parts = JSON.parse(row.content) as (UserPart | AssistantPart)[]
  const said = parts.flatMap((part): string[] => {
    if (part.type === "text" && part.text.trim()) return [cut(part.text.trim(), SAID_CHARS)]
    if (part.type === "tool-call") return [cut(`${part.name} ${JSON.stringify(part.input ?? {})}`, CALL_CHARS)]
    return []
  })
  const who = row.role === "assistant" ? "you" : row.origin === "human" ? "the user" : (row.origin ?? "the user")
  return said.length > 0 ? `- message ${row.seq}, ${who}: ${said.join(" · ").replace(/\s+/g, " ")}` : ""
}

function cut(text: string, chars: number): string {
  return isWhole(text, chars) ? text : `${text.slice(0, chars).replace(/[\ud800-\udbff]$/, "")}…`
}

export function keptOf(plan: Plan, told: Pick<Kept, "hasMemory" | "tasks" | "todos">): Kept {
  const { seq: _, ...shown } = plan.shape
  return { messages: plan.messages, ...shown, shortened: plan.outline.length, leftOut: plan.leftOut, ...told }
}
