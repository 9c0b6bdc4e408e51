// What somebody types to search: words, "phrases" and beginnings* of words. A message fits when it has all of them.
// Whatever is typed means something or nothing, and is never an error.
import { wordsOf } from "./words.ts"

/** Words that stand one behind the other. */
export interface Term {
  words: readonly string[]
  /** The last of them is the beginning of a word. */
  isBeginning: boolean
}

/** What is more than that is not looked at. */
const LONGEST = 400
const MOST_TERMS = 24
/** Fewer letters are the beginning of far too much; one of a script without blanks is a word by itself. */
const LEAST_BEGINNING = 2

/** `isTyping`: the last word may not be complete yet. */
export function termsOf(text: string, { isTyping = false }: { isTyping?: boolean } = {}): Term[] {
  const parts = [...text.slice(0, LONGEST).matchAll(/"([^"]*)("?)(\*?)|[^\s"]+/g)]
  const terms = parts.flatMap((part, i): Term[] => {
    const isQuoted = part[1] !== undefined
    const words = wordsOf(part[1] ?? part[0]).map((word) => word.text)
    const last = words.at(-1)
    if (last === undefined) return []
    const isOpen = isTyping && i === parts.length - 1 && (isQuoted ? part[2] === "" : !/\s$/.test(text))
    const hasStar = isQuoted ? part[3] === "*" : part[0].endsWith("*")
    const isBeginning = (hasStar || isOpen) && last.length >= LEAST_BEGINNING
    return [{ words, isBeginning }]
  })
  return terms.slice(0, MOST_TERMS)
}

/** The expression for FTS5 (sqlite.org/fts5.html, 3); undefined when there is nothing to search for. */
export function expressionOf(
  terms: readonly Term[],
  { project }: { project?: string | undefined } = {},
): string | undefined {
  if (terms.length === 0) return undefined
  // Words have no quotes in them, nor anything else that would mean something.
  const all = terms.map(({ words, isBeginning }) => `"${words.join(" ")}"${isBeginning ? " *" : ""}`).join(" AND ")
  return `{text} : (${all})${project === undefined ? "" : ` AND {project} : "${project}"`}`
}
