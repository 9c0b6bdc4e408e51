// The text of a PDF by `pdftotext` (poppler), where it is installed. It is given nothing but the file, and has an end.
import type { Env } from "../base/paths.ts"
import { plural } from "../base/text.ts"
import { capture } from "../exec/capture.ts"
import { findProgram } from "../exec/find-program.ts"
import { ToolError } from "./tool.ts"
import { RESULT_CHARS } from "./truncate.ts"

/** Pages that are read when nobody says which. */
const DEFAULT_PAGES = 20
const TIMEOUT_MS = 30_000
const MAX_TEXT_BYTES = 4 * 1024 * 1024
/** Leaves room for notes. */
const TEXT_CHARS = RESULT_CHARS - 1000

export interface PdfSource {
  /** Absolute path of the file. */
  path: string
  /** How it is called in messages. */
  shown: string
  /** The first page wanted, from 1, and the last; all of a page range that is open at its end. */
  pages?: PageRange | undefined
  /** How to ask for page 8 and on, for this tool; undefined where it cannot be asked for. */
  more?: (from: number) => string
  env: Env
  signal: AbortSignal
}

export interface PageRange {
  first: number
  last: number | undefined
}

/** `3`, `1-5`, `7-`. Throws a ToolError. */
export function parsePages(text: string): PageRange {
  const [, from, dash, to] = /^\s*(\d{1,6})\s*(-)?\s*(\d{1,6})?\s*$/.exec(text) ?? []
  const first = Number(from)
  const last = dash ? (to === undefined ? undefined : Number(to)) : first
  if (from === undefined || (!dash && to !== undefined) || first < 1 || (last !== undefined && last < first))
    throw new ToolError(`pages must be like "3", "1-5" or "7-", not ${JSON.stringify(text.slice(0, 40))}.`)
  return { first, last }
}

export interface PdfText {
  text: string
  /** Pages shown. */
  first: number
  last: number
}

/** Pages with a line before each that says its number. Throws a ToolError that says what stands in the way. */
export async function pdfText({ path, shown, pages, more, env, signal }: PdfSource): Promise<PdfText> {
  const program = findProgram("pdftotext", env.PATH)
  if (!program)
    throw new ToolError(
      `${shown} is a PDF, and pdftotext is not installed to read it. The user can install it (Debian, Ubuntu: poppler-utils; macOS: brew install poppler).`,
    )
  const first = pages?.first ?? 1
  const last = Math.min(pages?.last ?? Number.POSITIVE_INFINITY, first + DEFAULT_PAGES - 1)
  const done = await capture({
    program,
    args: ["-enc", "UTF-8", "-f", String(first), "-l", String(last), path, "-"],
    cwd: "/",
    env: { PATH: env.PATH ?? "/usr/bin:/bin", HOME: "/nonexistent", LC_ALL: "C.UTF-8" },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_TEXT_BYTES,
    signal,
  })
  if (done.end === "timeout") throw new ToolError(`${shown}: pdftotext took longer than 30 s. Ask for fewer pages.`)
  if (done.end === "exited" && done.code !== 0) throw failure(done.stderr, { shown, first })
  const found = done.stdout
    .toString("utf8")
    .split("\f")
    .slice(0, last - first + 1)
  // Each page ends with a form feed.
  if (done.end === "exited" && found.at(-1)?.trim() === "" && found.length > 1) found.pop()
  return pagesThatFit(found, { shown, first, last, more })
}

function failure(stderr: string, { shown, first }: { shown: string; first: number }): ToolError {
  if (/incorrect password/i.test(stderr))
    return new ToolError(
      `${shown} is encrypted: it needs a password. The user can make a copy without one (qpdf --decrypt).`,
    )
  const range = /the first page \(\d+\) can not be after the last page \((\d+)\)/i.exec(stderr)
  if (range) return new ToolError(`${shown} has ${plural(Number(range[1]), "page")}; there is no page ${first}.`)
  const said = stderr.trim().split("\n")[0]?.slice(0, 200)
  return new ToolError(`${shown} cannot be read as a PDF${said ? `: ${said}` : ""}.`)
}

function pagesThatFit(
  pages: readonly string[],
  {
    shown,
    first,
    last,
    more,
  }: { shown: string; first: number; last: number; more?: ((from: number) => string) | undefined },
): PdfText {
  if (pages.every((page) => page.trim() === ""))
    throw new ToolError(
      `${shown} has no text on ${plural(pages.length, "page")} from ${first} on: they may be scanned. pdftoppm (in Bash) makes images of pages, which Read can show.`,
    )
  const texts: string[] = []
  let chars = 0
  for (const [index, page] of pages.entries()) {
    const text = `--- page ${first + index} ---\n${page.replace(/\r/g, "").trim()}`
    if (texts.length > 0 && chars + text.length > TEXT_CHARS) break
    texts.push(
      text.length > TEXT_CHARS
        ? `${text.slice(0, TEXT_CHARS)}\n[cut: the page has ${plural(text.length, "character")}]`
        : text,
    )
    chars += text.length + 1
  }
  const shownLast = first + texts.length - 1
  const isAll = texts.length === pages.length && pages.length < last - first + 1
  if (!isAll && more) texts.push(`[Pages ${first} to ${shownLast}. If there are more: ${more(shownLast + 1)}]`)
  if (!isAll && !more) texts.push(`[Only pages ${first} to ${shownLast}.]`)
  return { text: texts.join("\n"), first, last: shownLast }
}
