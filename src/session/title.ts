// What a conversation is about, in a few words: at once the beginning of its first prompt. The user's own word for it is
// its name (name.ts), which goes before it everywhere. A better title by a model: titling.ts.
import { stripControl } from "../base/escape.ts"
import { oneLine } from "../base/text.ts"
import type { UserPart } from "../model/message.ts"
import type { MessageRow } from "../store/rows.ts"
import type { Tx } from "../store/store.ts"

/** Longer ones are cut: a title stands in lists and in the title of a window. */
export const LONGEST_TITLE = 60

/** Titles a session that has no title yet by its first prompt; a fork by its own first one. */
export function titleByPrompt(tx: Tx, sessionId: string): void {
  if (!tx.one("SELECT 1 FROM session WHERE id = :sessionId AND title IS NULL", { sessionId })) return
  const prompt = tx.one<Pick<MessageRow, "content">>(
    `SELECT content FROM message WHERE session_id = :sessionId AND role = 'user' AND origin = 'human'
     ORDER BY seq LIMIT 1`,
    { sessionId },
  )
  const title = prompt && promptTitle(JSON.parse(prompt.content) as UserPart[])
  if (title === undefined) return
  tx.run("UPDATE session SET title = :title, title_by = 'prompt' WHERE id = :sessionId", { sessionId, title })
}

/** The first line of a prompt that says something, without marks; undefined when none does. */
export function promptTitle(parts: readonly UserPart[]): string | undefined {
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n")
  // What is behind the first thousands of characters is some pasted file.
  const lines = stripControl(text.slice(0, 10_000), { keepNewlines: true }).split("\n")
  const title = lines.map(plain).find((line) => /[\p{L}\p{N}]/u.test(line))
  if (title !== undefined) return shortened(title)
  return parts.some(({ type }) => type === "image") ? "About an image" : undefined
}

/** One line without what Markdown and quoting add, and without the fences and tags that stand alone. */
function plain(line: string): string {
  const text = line
    .trim()
    .slice(0, 5 * LONGEST_TITLE)
    .replace(/^(?:```|~~~).*$/, "")
    .replace(/^<\/?[a-z][\w-]*>$/i, "")
    .replace(/^(?:#{1,6}|>|[-*+]|\d{1,3}[.)])\s+/, "")
    .replace(/\[Image #\d+\]/g, " ")
    .replace(/`|\*\*|__/g, "")
  return text.replace(/\s+/g, " ").trim()
}

/** At most LONGEST_TITLE characters, cut between words where there are some; "…" at the end when it was cut. */
export function shortened(title: string): string {
  const line = title.replace(/[\s:;,.]+$/, "")
  const cut = oneLine(line, LONGEST_TITLE)
  if (!cut.endsWith("…") || line.length <= LONGEST_TITLE) return cut
  const space = cut.lastIndexOf(" ")
  return space > LONGEST_TITLE / 2 ? `${cut.slice(0, space).replace(/[:;,.]+$/, "")}…` : cut
}
