// What a model says, as lines. An answer that streams in is laid out in two parts: up to its last whole paragraph, which
// is done once, and the rest, which changes with each word.
import { Markdown, type MarkdownTheme } from "@earendil-works/pi-tui"
import { stripControl } from "../../../base/escape.ts"
import type { Theme } from "../theme.ts"
import type { Highlighter } from "./highlight.ts"

export interface Speech {
  width: number
  theme: Theme
  highlighter: Highlighter
}

export function markdownLines(text: string, { width, theme, highlighter }: Speech): string[] {
  const clean = stripControl(text, { keepNewlines: true }).trim()
  if (clean === "") return []
  return new Markdown(clean, 0, 0, styles(theme, highlighter)).render(width)
}

/** Lays out a text that grows. */
export class StreamingMarkdown {
  #done = ""
  #doneLines: readonly string[] = []
  #speech: Speech | undefined

  lines(text: string, speech: Speech): string[] {
    const isSame = this.#speech?.width === speech.width && this.#speech.theme === speech.theme
    const cut = wholeParagraphs(text)
    const done = text.slice(0, cut)
    if (!isSame || done !== this.#done) {
      this.#speech = speech
      this.#done = done
      this.#doneLines = markdownLines(done, speech)
    }
    const rest = markdownLines(text.slice(cut), speech)
    return [...this.#doneLines, ...(this.#doneLines.length > 0 && rest.length > 0 ? [""] : []), ...rest]
  }
}

/** Where the last paragraph begins that is not whole yet; never within a fenced block of code. */
function wholeParagraphs(text: string): number {
  let isFenced = false
  let cut = 0
  let at = 0
  for (const line of text.split("\n")) {
    if (/^ {0,3}(```|~~~)/.test(line)) isFenced = !isFenced
    at += line.length + 1
    // What is indented may go on with a list.
    if (line.trim() === "" && !isFenced && at < text.length && !/^[\s\d*+-]/.test(text.slice(at, at + 1))) cut = at
  }
  return cut
}

function styles(theme: Theme, highlighter: Highlighter): MarkdownTheme {
  return {
    heading: (text) => theme.bold(theme.accent(text)),
    link: theme.accent,
    linkUrl: theme.dim,
    code: theme.code,
    codeBlock: (text) => text,
    // The language alone: the colours and the indent tell code from text.
    codeBlockBorder: (text) => theme.faint(text.replace(/^[`~]+/, "")),
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
