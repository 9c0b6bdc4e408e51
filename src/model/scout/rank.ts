// Ranking: BM25 over files (from match counts), then over definitions, where a word in the name counts more than one in
// the comment above, and that more than one in the body (BM25F: one saturation over weighted fields).
import { type Definition, definitionIn, isComment, trustOf } from "./source.ts"
import { type Subject, type Term, total, uniqueBy, weigh } from "./words.ts"

export type Line = { path: string; line: number; text: string }
export type Candidate = Line & { symbol: string; score: number }

/** What is known of all files: the rarity (inverse document frequency) of each term, and the scores, best first. */
export type Survey = { rarity: number[]; files: Counts }
type Counts = ReadonlyMap<string, number>
type Asked = Subject & { terms: readonly Term[] }

const K1 = 1.2
const B = 0.75
const FIELD = { name: 4, doc: 1.5, body: 0.4, path: 1 } as const
/** A comment stands at most this many lines above what it describes. */
const DOC_REACH = 30

/** BM25 of the files. `sizes` are lines by path, `hits` the lines that match each term by path. */
export function surveyOf(terms: readonly Term[], sizes: Counts, hits: readonly Counts[]): Survey {
  const paths = new Set([...sizes.keys(), ...hits.flatMap((found) => [...found.keys()])])
  const rarity = hits.map((found) => Math.log(1 + (paths.size + 1) / (found.size + 0.5)))
  const average = [...sizes.values()].reduce((sum, size) => sum + size, 0) / Math.max(1, sizes.size) || 1
  const scores = [...paths].map((path): [string, number] => {
    const named = weigh(terms, path)
    const length = K1 * (1 - B + (B * (sizes.get(path) ?? average)) / average)
    const values = hits.map((found, i) => {
      const frequency = (found.get(path) ?? 0) + 3 * named[i]!
      return (rarity[i]! * frequency) / (frequency + length)
    })
    return [path, total(terms, values) * trustOf(path)]
  })
  const found = scores.filter(([, score]) => score > 0)
  return { rarity, files: new Map(found.sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))) }
}

/** The definitions in `lines`, best first; of those with one name in one file (overloads) the best. */
export function rankDefinitions(lines: readonly Line[], subject: Asked, known: Survey): Candidate[] {
  const { terms } = subject
  const bestFile = Math.max(1, ...known.files.values())
  const ranked = [...Map.groupBy(lines, (one) => one.path)].flatMap(([path, its]) => {
    const inFile = trustOf(path) * (1 + (0.5 * (known.files.get(path) ?? 0)) / bestFile)
    const ofPath = weigh(terms, path)
    return definitionsOf(path, its).map(({ at, symbol, weight, doc, body }): Candidate => {
      const [named, told, done] = [weigh(terms, symbol), tally(terms, doc), tally(terms, body)]
      const values = known.rarity.map((rarity, i) => {
        const name = FIELD.name * named[i]! + FIELD.path * ofPath[i]!
        const all = name + FIELD.doc * Math.min(2, told[i]!) + FIELD.body * Math.min(3, done[i]!)
        return (rarity * all) / (all + 2)
      })
      const score = total(terms, values)
      return { ...at, symbol, score: (score + asked(symbol, subject)) * weight * inFile }
    })
  })
  return uniqueBy(best(ranked), (one) => `${one.path} ${one.symbol}`).filter((one) => one.score > 0)
}

/** A name that was asked for stands first; when the question has more to say, it only counts for more. */
function asked(symbol: string, { names, words }: Subject): number {
  if (names.includes(symbol)) return words.length < 2 ? 1000 : 2
  return names.some((name) => name.length > 3 && symbol.toLowerCase().includes(name.toLowerCase())) ? 1 : 0
}

type Described = Definition & { at: Line; doc: Line[]; body: Line[] }

/** Comments describe the definition below them, code belongs to the one above it. */
function definitionsOf(path: string, lines: readonly Line[]): Described[] {
  const all: Described[] = []
  let comments: Line[] = []
  for (const at of lines) {
    const definition = definitionIn(path, at.text)
    if (definition) {
      const rest = { ...at, text: at.text.replace(definition.symbol, " ") }
      all.push({ ...definition, at, doc: comments.filter((one) => at.line - one.line <= DOC_REACH), body: [rest] })
      comments = []
    } else if (isComment(at.text)) comments.push(at)
    else all.at(-1)?.body.push(at)
  }
  return all
}

/** How often each term is answered in these lines. */
function tally(terms: readonly Term[], lines: readonly Line[]): number[] {
  const rows = lines.map((one) => weigh(terms, one.text))
  return terms.map((_, index) => rows.reduce((sum, row) => sum + row[index]!, 0))
}

/** The best first, in a total order, so that the same results always give the same answer. */
export function best(all: readonly Candidate[]): Candidate[] {
  return all.toSorted((a, b) => b.score - a.score || order(a, b))
}

/** What is far behind the best is noise. */
export function worthwhile(ranked: readonly Candidate[]): Candidate[] {
  return ranked.filter((one) => one.score >= 0.4 * ranked[0]!.score)
}

export function placeOf({ path, line }: { path: string; line: number }): string {
  return `${path}:${line}`
}

export function order(a: Line, b: Line): number {
  return a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1
}
