// The session's own conversation, read like a file: "message:12", "message:12-20" for Read, "message:" for Grep. After a
// compaction the model finds in it what it does not see any more.
import { breathe } from "../base/breathe.ts"
import { oneLine, plural } from "../base/text.ts"
import { LinePicker } from "./lines.ts"
import { ToolError, type ToolOutput, textOutput } from "./tool.ts"

/** Where earlier messages come from. */
export interface Earlier {
  /** The number of the newest message. */
  newest(sessionId: string): number
  /** Messages from a number on, as text, at most so many; in their order, or backwards. */
  messages(
    sessionId: string,
    range: { from: number; to: number; most: number; order: "forwards" | "backwards" },
  ): { seq: number; text: string }[]
}

export interface MessageRange {
  from: number
  to: number
}

/** What a path means when it means messages and no file; `./message:1` is always a file. */
export function messageRange(path: string): MessageRange | undefined {
  const [, first, last] = /^messages?:(\d{1,9})(?:\s*-\s*(?:message:)?(\d{1,9}))?$/.exec(path.trim()) ?? []
  if (first === undefined) return undefined
  return { from: Number(first), to: Number(last ?? first) }
}

export function isAllMessages(path: string | undefined): boolean {
  return path !== undefined && /^messages?:$/.test(path.trim())
}

/** Of one call; more is read with the next. */
const MOST_MESSAGES = 100
const PAGE = 100
const LINE_CHARS = 400
const DEFAULT_HITS = 60
/** Characters of what is found, with room for the notes. */
const HITS_CHARS = 25_000

export function readMessages(
  earlier: Earlier,
  sessionId: string,
  { range, offset, limit }: { range: MessageRange; offset: number | undefined; limit: number | undefined },
): ToolOutput {
  const newest = earlier.newest(sessionId)
  const { from, to } = range
  if (from < 1 || from > newest || to < from)
    throw new ToolError(
      `There is no message ${from > to ? `${from}-${to}` : from}: messages have numbers from 1 to ${newest}.`,
    )
  const found = earlier.messages(sessionId, { from, to, most: MOST_MESSAGES, order: "forwards" })
  const text = found.map((message) => message.text).join("\n\n")
  const first = Math.max(1, offset ?? 1)
  const lines = new LinePicker({ first, count: limit ?? Number.MAX_SAFE_INTEGER })
  lines.feed(Buffer.from(text.replaceAll("\0", "")))
  const picked = lines.end()
  const notes: string[] = []
  const next = first + picked.lines.length
  if (picked.rest.type === "counted" && picked.rest.total >= next)
    notes.push(`[${plural(picked.rest.total - next + 1, "more line")}. Go on with offset ${next}.]`)
  const last = found.at(-1)?.seq ?? from
  if (last < Math.min(to, newest) && notes.length === 0)
    notes.push(`[Go on with "message:${last + 1}-${Math.min(to, newest)}".]`)
  return textOutput([...picked.lines, ...notes].join("\n") || "(nothing in this range)", {
    data: { messages: found.length },
  })
}

/** Plain text, the newest messages first: a pattern of a model's may take a regular expression's engine for ever. */
export async function searchMessages(
  earlier: Earlier,
  sessionId: string,
  search: { pattern: string; ignoreCase: boolean; limit: number | undefined; offset: number; signal: AbortSignal },
): Promise<ToolOutput> {
  const fold = (text: string) => (search.ignoreCase ? text.toLowerCase() : text)
  const wanted = search.pattern
    .split("|")
    .map((part) => fold(plain(part)))
    .filter(Boolean)
  if (wanted.length === 0) throw new ToolError("Grep: there is nothing to search for in the pattern.")
  const limit = search.limit || DEFAULT_HITS
  const lines: string[] = []
  let skip = search.offset
  let chars = 0
  for (let to = earlier.newest(sessionId); to >= 1; ) {
    await breathe("agent")
    search.signal.throwIfAborted()
    const page = earlier.messages(sessionId, { from: 1, to, most: PAGE, order: "backwards" })
    for (const { seq, text } of page) {
      const folded = fold(text)
      if (!wanted.some((part) => folded.includes(part))) continue
      for (const line of text.split("\n")) {
        const hit = fold(line)
        const at = wanted.map((part) => hit.indexOf(part)).filter((index) => index >= 0)
        if (at.length === 0 || skip-- > 0) continue
        if (lines.length >= limit || chars > HITS_CHARS)
          return hits(lines, `[There are more. Go on with offset ${search.offset + lines.length}.]`)
        const shown = `message:${seq}: ${around(line, Math.min(...at))}`
        lines.push(shown)
        chars += shown.length + 1
      }
    }
    if (page.length < PAGE) break
    to = page.at(-1)!.seq - 1
  }
  if (lines.length > 0) return hits(lines)
  const how = "plain text, | between alternatives"
  return textOutput(`No message has ${JSON.stringify(search.pattern)} (it is taken as ${how}).`, {
    data: { matches: 0 },
  })
}

function hits(lines: readonly string[], note?: string): ToolOutput {
  return textOutput([...lines, ...(note ? [note] : [])].join("\n"), { data: { matches: lines.length } })
}

/** What a pattern means when nothing in it is special. */
function plain(pattern: string): string {
  return pattern.replace(/\\([^\w\s])/g, "$1").trim()
}

function around(line: string, at: number): string {
  const start = Math.max(0, at - 100)
  return oneLine(`${start > 0 ? "…" : ""}${line.slice(start, start + 2 * LINE_CHARS)}`, LINE_CHARS)
}
