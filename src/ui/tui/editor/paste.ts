// What is pasted: made harmless, folded into a mark when it is long, and seen as dropped files when it is only paths.
import { fileURLToPath } from "node:url"
import { stripControl } from "../../../base/escape.ts"
import { withoutMarks } from "./marks.ts"

/** Longer ones are folded. */
const MOST_LINES = 10
const MOST_LENGTH = 1000
/** A text that comes from elsewhere (a draft, an earlier prompt, an editor) is folded only where it would be in the way. */
const MOST_LINES_OF_DRAFT = 1000
const MOST_LENGTH_OF_DRAFT = 20_000
/** More than people drop at a time, and more than is looked at for being paths. */
const MOST_PATHS = 50
const LONGEST_PATHS = 20_000

/** Text of any origin as the editor keeps it: no control characters but tabs and newlines, no marks. */
export function cleanText(text: string): string {
  // Terminals paste a carriage return for each line's end: most pastes have nothing else to strip.
  const lines = text.includes("\r") ? text.replaceAll("\r\n", "\n").replaceAll("\r", "\n") : text
  const clean = withoutMarks(stripControl(lines, { keepNewlines: true }))
  return clean.isWellFormed() ? clean : clean.toWellFormed()
}

export function isLongPaste(text: string): boolean {
  return text.length > MOST_LENGTH || hasMoreLines(text, MOST_LINES)
}

export function isLongDraft(text: string): boolean {
  return text.length > MOST_LENGTH_OF_DRAFT || hasMoreLines(text, MOST_LINES_OF_DRAFT)
}

function hasMoreLines(text: string, most: number): boolean {
  let at = -1
  for (let lines = 1; lines <= most; lines++) {
    at = text.indexOf("\n", at + 1)
    if (at < 0) return false
  }
  return true
}

export interface PastedPath {
  /** Absolute. */
  path: string
  /** As it was pasted. */
  raw: string
}

/**
 * The files that a terminal pastes when they are dropped on it: absolute paths or file: addresses, in quotes, with
 * backslashes or one on each line. Undefined when anything else is among them. Nobody has looked yet whether they exist.
 */
export function pastedPaths(text: string, home: string): PastedPath[] | undefined {
  const trimmed = text.trim()
  if (trimmed.length > LONGEST_PATHS || !/^(?:["']?(?:\/|~\/)|file:\/\/)/.test(trimmed)) return undefined
  const raws = trimmed.includes("\n") ? trimmed.split("\n").map((line) => line.trim()) : wordsOf(trimmed)
  if (!raws || raws.length > MOST_PATHS) return undefined
  const paths = raws.map((raw) => ({ raw, path: pathOf(raw, home) }))
  return paths.every((one): one is PastedPath => one.path !== undefined) ? paths : undefined
}

/** Words as a shell would see them, still quoted; undefined when a quote is open. */
function wordsOf(text: string): string[] | undefined {
  const word = /(?:\\.|"[^"]*"|'[^']*'|[^\s"'\\])+/g
  return text.replace(word, "").trim() === "" ? (text.match(word) ?? []) : undefined
}

function pathOf(raw: string, home: string): string | undefined {
  if (raw.startsWith("file://")) {
    try {
      return fileURLToPath(raw)
    } catch {
      return undefined // another machine's, or no address at all
    }
  }
  const quoted = /^(["'])(.*)\1$/s.exec(raw)
  const path = quoted ? quoted[2]! : raw.replace(/\\(.)/g, "$1")
  if (path.startsWith("~/")) return `${home}${path.slice(1)}`
  return path.startsWith("/") && path !== "/" ? path : undefined
}
