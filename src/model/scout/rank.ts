// Ranking: BM25 over files (from match counts), then over definitions, where a word in the name counts more than one in
// the comment above, and that more than one in the body (BM25F: one saturation over weighted fields).
import { type Definition, definitionIn, isComment, trustOf } from "./source.ts"
import { matchIn, type Subject, splitName, stem, type Term } from "./words.ts"

export interface Line {
  path: string
  line: number
  text: string
}

export interface Candidate extends Line {
  symbol: string
  score: number
}

/** What is known of all files: the rarity (inverse document frequency) of each term, and the score of each file. */
export interface Survey {
  rarity: number[]
  files: ReadonlyMap<string, number>
}

const K1 = 1.2
const B = 0.75
const FIELD = { name: 4, doc: 1.5, body: 0.4, path: 1 } as const
/** A comment stands at most this many lines above what it describes. */
const DOC_REACH = 30

/** BM25 of the files. `sizes` are lines by path, `hits` the lines that match each term by path. */
export function surveyOf(
  terms: readonly Term[],
  sizes: ReadonlyMap<string, number>,
  hits: readonly ReadonlyMap<string, number>[],
): Survey {
  const paths = new Set([...sizes.keys(), ...hits.flatMap((found) => [...found.keys()])])
  const rarity = hits.map((found) => Math.log(1 + (paths.size + 1) / (found.size + 0.5)))
  const average = [...sizes.values()].reduce((sum, size) => sum + size, 0) / Math.max(1, sizes.size) || 1
  const scores = [...paths].map((path) => {
    const named = stemsOf(path)
    const length = K1 * (1 - B + (B * (sizes.get(path) ?? average)) / average)
    const score = total(terms, (index) => {
      const frequency = (hits[index]?.get(path) ?? 0) + 3 * matchIn(terms[index]!, named)
      return (rarity[index]! * frequency) / (frequency + length)
    })
    return [path, score * trustOf(path)] as const
  })
  return {
    rarity,
    files: new Map(scores.sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).filter(([, score]) => score > 0)),
  }
}

/** The definitions in `lines`, best first; of those with one name in one file (overloads) the best. */
export function rankDefinitions(
  lines: readonly Line[],
  subject: Subject & { terms: readonly Term[] },
  known: Survey,
): Candidate[] {
  const { terms } = subject
  const bestFile = Math.max(1, ...known.files.values())
  const ranked = [...byPath(lines)].flatMap(([path, its]) => {
    const inFile = trustOf(path) * (1 + (0.5 * (known.files.get(path) ?? 0)) / bestFile)
    const pathStems = stemsOf(path)
    return definitionsOf(path, its, terms).map(({ at, definition, doc, body }): Candidate => {
      const { symbol, weight } = definition
      const parts = stemsOf(symbol)
      const score = total(terms, (index) => {
        const named = FIELD.name * matchIn(terms[index]!, parts) + FIELD.path * matchIn(terms[index]!, pathStems)
        const told = named + FIELD.doc * Math.min(2, doc[index]!) + FIELD.body * Math.min(3, body[index]!)
        return (known.rarity[index]! * told) / (told + 2)
      })
      return { ...at, symbol, score: (score + asked(symbol, subject)) * weight * inFile }
    })
  })
  const unique = new Map<string, Candidate>()
  for (const one of ranked.sort((a, b) => b.score - a.score || order(a, b)))
    if (one.score > 0 && !unique.has(`${one.path} ${one.symbol}`)) unique.set(`${one.path} ${one.symbol}`, one)
  return [...unique.values()]
}

/** A name that was asked for stands first; when the question has more to say, it only counts for more. */
function asked(symbol: string, { names, words }: Subject): number {
  if (names.includes(symbol)) return words.length < 2 ? 1000 : 2
  return names.some((name) => name.length > 3 && symbol.toLowerCase().includes(name.toLowerCase())) ? 1 : 0
}

interface Weighed {
  at: Line
  definition: Definition
  indent: number
  doc: number[]
  body: number[]
}

/** Comments count for the definition below them, code for those around it. */
function definitionsOf(path: string, lines: readonly Line[], terms: readonly Term[]): Weighed[] {
  const all: Weighed[] = []
  const open: Weighed[] = []
  let comments: Line[] = []
  for (const at of lines) {
    if (isComment(at.text)) {
      comments.push(at)
      continue
    }
    const definition = definitionIn(path, at.text)
    const indent = at.text.search(/\S/)
    while (open.length > 0 && open.at(-1)!.indent >= (definition ? indent : indent + 1)) open.pop()
    const found = weigh(terms, definition ? at.text.replace(definition.symbol, " ") : at.text)
    for (const outer of open) for (const index of terms.keys()) outer.body[index]! += found[index]!
    if (!definition) continue
    const above = comments.filter((comment) => at.line - comment.line <= DOC_REACH)
    const told = above.map((comment) => weigh(terms, comment.text))
    const doc = terms.map((_, index) => told.reduce((sum, row) => sum + row[index]!, 0))
    const one = { at, definition, indent, doc, body: found }
    all.push(one)
    open.push(one)
    comments = []
  }
  return all
}

function total(terms: readonly Term[], score: (index: number) => number): number {
  return terms.reduce((sum, term, index) => sum + term.weight * score(index), 0)
}

/** How well each term is answered by the words of a text. */
export function weigh(terms: readonly Term[], text: string): number[] {
  const stems = stemsOf(text)
  return terms.map((term) => matchIn(term, stems))
}

function stemsOf(text: string): string[] {
  return splitName(text).map(stem)
}

/** Lines by file, in the order of the file, each once. */
export function byPath(lines: readonly Line[]): Map<string, Line[]> {
  const files = new Map<string, Line[]>()
  for (const one of [...lines].sort(order)) {
    const its = files.get(one.path)
    if (!its) files.set(one.path, [one])
    else if (its.at(-1)!.line !== one.line) its.push(one)
  }
  return files
}

/** A total order, so that the same results always give the same answer. */
export function order(a: Line, b: Line): number {
  return a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1
}
