// Replacing text by its exact wording. Line ends are the one thing that is not taken literally: models see none of
// them, so `\n` stands for whatever the file has at that place, and new lines get the file's own kind.

export interface Span {
  /** Offsets in the new text, in UTF-16 units. */
  start: number
  end: number
}

export type Replaced =
  | { type: "replaced"; text: string; spans: Span[] }
  | { type: "absent" }
  /** Lines, from 1, where a match begins. */
  | { type: "ambiguous"; lines: number[] }

export function replaceText(text: string, wanted: { from: string; to: string; which: "only" | "all" }): Replaced {
  const matches = findAll(text, wanted.from)
  if (matches.length === 0) return { type: "absent" }
  if (matches.length > 1 && wanted.which === "only")
    return { type: "ambiguous", lines: matches.map(({ start }) => lineAt(text, start)) }

  const pieces: string[] = []
  const spans: Span[] = []
  const lineEnd = usesCrlf(text) ? "\r\n" : "\n"
  let length = 0
  let from = 0
  const push = (piece: string) => {
    pieces.push(piece)
    length += piece.length
  }
  for (const match of matches) {
    push(text.slice(from, match.start))
    const start = length
    push(lineEnd === "\r\n" ? wanted.to.replace(/\r?\n/g, lineEnd) : wanted.to)
    spans.push({ start, end: length })
    from = match.end
  }
  push(text.slice(from))
  return { type: "replaced", text: pieces.join(""), spans }
}

/** Number, from 1, of the line that holds the offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++
  return line
}

/** Matches that do not overlap, from the left. */
function findAll(text: string, wanted: string): Span[] {
  const found: Span[] = []
  if (!text.includes("\r") || !wanted.includes("\n")) {
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length))
      found.push({ start: at, end: at + wanted.length })
    return found
  }
  const lines = wanted.split(/\r?\n/).map((line) => line.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
  for (const match of text.matchAll(new RegExp(lines.join("\\r?\\n"), "g")))
    found.push({ start: match.index, end: match.index + match[0].length })
  return found
}

function usesCrlf(text: string): boolean {
  const all = text.match(/\n/g)?.length ?? 0
  const pairs = text.match(/\r\n/g)?.length ?? 0
  return pairs > all / 2
}
