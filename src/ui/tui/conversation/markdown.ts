// What a model says, as lines. A text is laid out in pieces of whole paragraphs, which are remembered: of an answer that
// streams in only its last piece is laid out anew with each word, and of one that is complete nothing is.
import { Markdown, type MarkdownTheme } from "@earendil-works/pi-tui"
import { stripControl } from "../../../base/escape.ts"
import type { Theme } from "../theme.ts"
import type { Highlighter } from "./highlight.ts"

export interface Speech {
  width: number
  theme: Theme
  highlighter: Highlighter
}

export function markdownLines(text: string, speech: Speech): string[] {
  const clean = stripControl(text, { keepNewlines: true }).trim()
  // What defines links belongs to the whole.
  if (/^ {0,3}\[[^\]]+\]:/m.test(clean)) return layOut(clean, speech)
  return joined(piecesOf(clean).map((piece) => remembered(piece, speech)))
}

/** Lays out a text that grows. */
export class StreamingMarkdown {
  /** What is whole: pieces that no further word changes. */
  #done = ""
  #doneLines: string[] = []
  #speech: Speech | undefined

  lines(text: string, speech: Speech): string[] {
    const isSame = this.#speech?.width === speech.width && this.#speech.theme === speech.theme
    if (!isSame || !text.startsWith(this.#done)) {
      this.#done = ""
      this.#doneLines = []
    }
    this.#speech = speech
    const pieces = piecesOf(text.slice(this.#done.length))
    const last = pieces.pop() ?? ""
    for (const piece of pieces) {
      this.#done += piece
      this.#doneLines = joined([this.#doneLines, markdownLines(piece, speech)])
    }
    return joined([this.#doneLines, layOut(stripControl(last, { keepNewlines: true }).trim(), speech)])
  }
}

/** The most pieces that are remembered for a theme. */
const MOST_PIECES = 400
/** Longer ones are rare, and would take much room. */
const LONGEST_PIECE = 20_000

const pieces = new WeakMap<Theme, Map<string, string[]>>()

function remembered(piece: string, speech: Speech): string[] {
  const { width, theme, highlighter } = speech
  const known = pieces.get(theme) ?? new Map<string, string[]>()
  pieces.set(theme, known)
  const clean = piece.trim()
  const key = `${width} ${highlighter.isReady} ${clean}`
  const lines = known.get(key) ?? layOut(clean, speech)
  known.delete(key)
  if (clean.length <= LONGEST_PIECE) known.set(key, lines)
  for (const oldest of known.keys()) {
    if (known.size <= MOST_PIECES) break
    known.delete(oldest)
  }
  return lines
}

/** In the place of a border that is not drawn, so that no blank line stays of it. Never in a text, which has no controls. */
const NO_BORDER = "\x00"

/** Without blank lines at its ends. */
function layOut(clean: string, { width, theme, highlighter }: Speech): string[] {
  if (clean === "") return []
  const all = new Markdown(clean, 0, 0, styles(theme, highlighter)).render(width)
  const lines = all.filter((line) => line.trim() !== NO_BORDER).map((line) => line.replaceAll(NO_BORDER, "").trimEnd())
  return lines.slice(0, lines.findLastIndex((line) => line !== "") + 1)
}

/** A blank line between each two. */
function joined(parts: readonly (readonly string[])[]): string[] {
  return parts.filter((lines) => lines.length > 0).flatMap((lines, i) => (i > 0 ? ["", ...lines] : lines))
}

/** Cut after paragraphs, never within a list or a fenced block of code. */
function piecesOf(text: string): string[] {
  const out: string[] = []
  let isFenced = false
  let from = 0
  let at = 0
  for (const line of text.split("\n")) {
    if (/^ {0,3}(```|~~~)/.test(line)) isFenced = !isFenced
    at += line.length + 1
    // What is indented may go on with a list.
    if (isFenced || at >= text.length || line.trim() !== "" || /^[\s\d*+-]/.test(text.slice(at, at + 1))) continue
    out.push(text.slice(from, at))
    from = at
  }
  out.push(text.slice(from))
  return out
}

function styles(theme: Theme, highlighter: Highlighter): MarkdownTheme {
  return {
    heading: (text) => theme.bold(theme.accent(text)),
    link: theme.accent,
    linkUrl: theme.dim,
    code: theme.code,
    codeBlock: (text) => text,
    // The language alone: the colours and the indent tell code from text.
    codeBlockBorder: (text) => theme.faint(text.replace(/^[`~]+/, "")) || NO_BORDER,
    quote: theme.dim,
    quoteBorder: theme.faint,
    hr: theme.faint,
    listBullet: theme.accent,
    bold: theme.bold,
    italic: theme.italic,
    strikethrough: theme.strike,
    underline: theme.underline,
    highlightCode: (code, language) => highlighter.paint(code, language, theme),
  }
}
