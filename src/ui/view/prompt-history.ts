// What the user has asked in this project, for looking back while writing the next prompt. It is read in slices, from
// the newest session on, so that even half a million messages never hold up a key.
import type { Reader } from "../../store/store.ts"

export interface PromptHistoryOptions {
  reader: Reader
  /** As sessions have it (base/paths.ts, `projectRoot`). */
  project: string
  /** Prompts at most. */
  limit?: number
  signal?: AbortSignal
}

const LIMIT = 1000
/** All prompts together, in UTF-16 units. */
const MOST_LENGTH = 4 * 1024 * 1024
/** A longer prompt is some pasted file: nobody looks back for it, and it would push the others out. */
const LONGEST = 200_000
/** Messages looked at in one go, about a millisecond without an index; and altogether. */
const SLICE = 500
const MOST_MESSAGES = 200_000

/** The user's own prompts in the sessions of a project, newest first, each once. */
export async function promptHistory({
  reader,
  project,
  limit = LIMIT,
  signal,
}: PromptHistoryOptions): Promise<string[]> {
  const found = new Map<string, number>()
  let length = 0
  let seen = 0
  // Of a fork only its own: what it shares is the origin's, which comes in its turn.
  for (const { id, first, last } of sessionsOf(reader, project)) {
    for (let to = last; to > first; to -= SLICE) {
      for (const { content, created_at } of promptsIn(reader, { id, from: to - SLICE, to })) {
        const text = promptText(content)
        if (text === undefined) continue
        const known = found.get(text)
        found.set(text, Math.max(known ?? 0, created_at))
        if (known === undefined) length += text.length
      }
      seen += Math.min(SLICE, to - first)
      if (found.size >= limit || length >= MOST_LENGTH || seen >= MOST_MESSAGES) return newestFirst(found, limit)
      await nextTurn()
      signal?.throwIfAborted()
    }
  }
  return newestFirst(found, limit)
}

/** By the index session_project; each session's highest number by the one on (session_id, seq). */
function sessionsOf(reader: Reader, project: string): { id: string; first: number; last: number }[] {
  return reader.all(
    `SELECT id, COALESCE(fork_seq, 0) AS first, COALESCE((SELECT MAX(seq) FROM message WHERE session_id = session.id), 0) AS last
     FROM session WHERE project = :project AND parent_id IS NULL ORDER BY updated_at DESC LIMIT 500`,
    { project },
  )
}

function promptsIn(
  reader: Reader,
  slice: { id: string; from: number; to: number },
): { content: string; created_at: number }[] {
  return reader.all(
    `SELECT content, created_at FROM message
     WHERE session_id = :id AND seq > :from AND seq <= :to AND role = 'user' AND origin = 'human'
     ORDER BY seq DESC`,
    slice,
  )
}

/** What was written; undefined where there is nothing to look back for. */
function promptText(content: string): string | undefined {
  if (content.length > LONGEST && !content.includes('"image"')) return undefined
  const parts = JSON.parse(content) as { type: string; text?: string }[]
  const said = parts.flatMap((part) => (part.type === "text" ? [part.text ?? ""] : [])).join("\n")
  // Images don't come back: their labels would promise what is not sent.
  const text = (parts.some(({ type }) => type === "image") ? said.replace(/[ \t]*\[Image #\d+\]/g, "") : said).trim()
  return text === "" || text.length > LONGEST ? undefined : text
}

/** Sessions may have been in use side by side. */
function newestFirst(found: ReadonlyMap<string, number>, limit: number): string[] {
  return [...found]
    .sort(([, a], [, b]) => b - a)
    .slice(0, limit)
    .map(([text]) => text)
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
