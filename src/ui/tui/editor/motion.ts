// Where the cursor goes: by graphemes and by words, over the ends of lines.
import type { Spot, Text } from "./text.ts"

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" })
const words = new Intl.Segmenter(undefined, { granularity: "word" })

export function left({ lines, line, col }: Text): Spot {
  if (col > 0) return { line, col: previousBoundary(lines[line]!, col) }
  return line > 0 ? { line: line - 1, col: lines[line - 1]!.length } : { line, col }
}

export function right({ lines, line, col }: Text): Spot {
  const here = lines[line]!
  if (col < here.length) return { line, col: nextBoundary(here, col) }
  return line < lines.length - 1 ? { line: line + 1, col: 0 } : { line, col }
}

export function wordLeft(text: Text): Spot {
  const { lines, line, col } = text
  if (col === 0) return left(text)
  const pieces = piecesOf(lines[line]!.slice(0, col))
  let at = pieces.length
  while (at > 0 && pieces[at - 1]!.kind === "space") at--
  return { line, col: at > 0 ? pieces[at - 1]!.from : 0 }
}

export function wordRight(text: Text): Spot {
  const { lines, line, col } = text
  const rest = lines[line]!.slice(col)
  if (rest === "") return right(text)
  const piece = piecesOf(rest).find(({ kind }) => kind !== "space")
  return { line, col: piece ? col + piece.to : lines[line]!.length }
}

interface Piece {
  kind: "space" | "word" | "other"
  from: number
  to: number
}

/** Spaces, words, signs; a mark (marks.ts, plane 16) is a piece by itself, and so is each word of Chinese or Japanese. */
const PIECE = /(\s+)|([\u{100000}-\u{10fffd}])|([\p{L}\p{N}\p{M}_]+)|([^\s\p{L}\p{N}\p{M}_\u{100000}-\u{10fffd}]+)/gu
const WITHOUT_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u

function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = []
  for (const match of text.matchAll(PIECE)) {
    const [whole, space, , word] = match
    const from = match.index
    if (word !== undefined && WITHOUT_SPACES.test(word)) {
      for (const { segment, index } of words.segment(word))
        pieces.push({ kind: "word", from: from + index, to: from + index + segment.length })
      continue
    }
    pieces.push({ kind: space ? "space" : word ? "word" : "other", from, to: from + whole.length })
  }
  return pieces
}

/** Enough for any grapheme that people write; a longer one is taken in parts. */
const LONGEST_GRAPHEME = 256

function previousBoundary(line: string, col: number): number {
  const start = Math.max(0, col - LONGEST_GRAPHEME)
  let at = start
  for (const { index } of graphemes.segment(line.slice(start, col))) at = start + index
  return at
}

function nextBoundary(line: string, col: number): number {
  const [first] = graphemes.segment(line.slice(col, col + LONGEST_GRAPHEME))
  return col + (first?.segment.length ?? 1)
}

/** The beginnings of a line's graphemes. */
export function graphemesOf(line: string): Iterable<{ segment: string; index: number }> {
  return graphemes.segment(line)
}
