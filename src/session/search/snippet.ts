// A piece of a text around what was found in it, in one line, with the words marked.
import { stripControl } from "../../base/escape.ts"
import type { Term } from "./query.ts"
import { type Word, wordsOf } from "./words.ts"

export interface Piece {
  text: string
  isFound: boolean
}

/** So much of a text is looked through; the index has no more of it either. */
const LOOKED_AT = 64 * 1024

/** At most about so many characters: where most of the terms stand near each other. */
export function snippetOf(text: string, terms: readonly Term[], most: number): Piece[] {
  const line = stripControl(text.slice(0, LOOKED_AT), { keepNewlines: true }).replace(/\s+/g, " ").trim()
  const marks = marksIn(wordsOf(line), terms)
  const from = beginning(line, marks, most)
  const to = Math.min(line.length, from + most)
  const pieces: Piece[] = from > 0 ? [{ text: "…", isFound: false }] : []
  let at = from
  for (const mark of marks) {
    if (mark.from < at || mark.to > to) continue
    if (mark.from > at) pieces.push({ text: line.slice(at, mark.from), isFound: false })
    pieces.push({ text: line.slice(mark.from, mark.to), isFound: true })
    at = mark.to
  }
  if (at < to) pieces.push({ text: line.slice(at, to), isFound: false })
  if (to < line.length) pieces.push({ text: "…", isFound: false })
  return pieces
}

/** Whether a text has all of the terms. */
export function hasAll(words: readonly Word[], terms: readonly Term[]): boolean {
  return terms.every((term) => words.some((_, at) => stands(words, at, term)))
}

interface Mark {
  from: number
  to: number
  term: number
}

/** Where the terms stand, in their order; of two that overlap the first one. */
function marksIn(words: readonly Word[], terms: readonly Term[]): Mark[] {
  const marks: Mark[] = []
  for (let i = 0; i < words.length; i++) {
    const term = terms.findIndex((one) => stands(words, i, one))
    if (term < 0) continue
    const last = i + terms[term]!.words.length - 1
    marks.push({ from: words[i]!.from, to: words[last]!.to, term })
    i = last
  }
  return marks
}

function stands(all: readonly Word[], at: number, { words, isBeginning }: Term): boolean {
  return words.every((word, i) => {
    const there = all[at + i]?.text
    if (there === undefined) return false
    return isBeginning && i === words.length - 1 ? there.startsWith(word) : there === word
  })
}

function beginning(line: string, marks: readonly Mark[], most: number): number {
  let best = { from: 0, terms: 0 }
  for (const [i, { from }] of marks.entries()) {
    const near = new Set<number>()
    for (let j = i; j < marks.length && marks[j]!.to <= from + most * 0.8; j++) near.add(marks[j]!.term)
    if (near.size > best.terms) best = { from, terms: near.size }
  }
  if (best.from < most * 0.6) return 0
  // Some words before it say where it stands.
  const start = best.from - Math.floor(most / 5)
  const space = line.indexOf(" ", start)
  const word = space >= 0 && space < best.from ? space + 1 : start
  // Not in the middle of a pair.
  return /[\udc00-\udfff]/.test(line[word] ?? "") ? word + 1 : word
}
