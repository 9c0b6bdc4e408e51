// The search behind definitions and uses: a survey of all files (a wider one when that is empty), then a look inside the
// best of them; then the ranking. And how results of Grep are read.
import type { Brief } from "./findings.ts"
import { type Candidate, type Line, order, placeOf, rankDefinitions, surveyOf, worthwhile } from "./rank.ts"
import { definitionPattern, scopes } from "./source.ts"
import { patternOf, type Term, termsOf, uniqueBy, wholeName } from "./words.ts"

export type ScoutCall = { name: string; input: Record<string, unknown> }

/** The calls of one step with what came back, in order. */
export type Round = readonly (ScoutCall & { text: string; failed: boolean })[]

/** The next calls, or the final text. */
export type Move = ScoutCall[] | string

/** Definitions, best first; `left` are the rounds after the search's own, `glob` is where something was found. */
export type Found = { ranked: Candidate[]; left: readonly Round[]; glob: string }

const FILES_INSIDE = 6
const COUNT = { output_mode: "count", head_limit: 2000 }

/** The next calls of the search, or what it found. */
export function searchFor(brief: Brief, rounds: readonly Round[]): ScoutCall[] | Found {
  const terms = termsOf(brief)
  const hitsIn = (round: Round) => round.slice(1, terms.length + 1).map((one) => countsIn(one.text))
  const isWide = rounds[0] && linesOf(rounds[0]).length === 0 && hitsIn(rounds[0]).every((hits) => hits.size === 0)
  const glob = isWide ? scopes.any : scopes.source
  const [survey, ...left] = isWide ? rounds.slice(1) : rounds
  if (!survey) return surveyCalls(brief, terms, glob)
  const known = surveyOf(terms, countsIn(survey[0]?.text ?? ""), hitsIn(survey))
  const rank = (round: Round) => worthwhile(rankDefinitions(linesOf(round), { ...brief, terms }, known))
  const ranked = rank(survey)
  const isExact = brief.words.length < 2 && ranked.some((one) => brief.names.includes(one.symbol))
  // Names suffice to look for uses; comments and bodies are read only for definitions.
  const files = isExact || isWide || brief.side === "uses" ? [] : [...known.files.keys()].slice(0, FILES_INSIDE)
  if (files.length === 0) return { ranked, left, glob }
  const [inside, ...rest] = left
  if (inside) return { ranked: rank([...survey, ...inside]), left: rest, glob }
  const pattern = [definitionPattern(), ...terms.map((term) => patternOf(term.stem))].join("|")
  return files.map((path) => grep(pattern, path.replace(/[[\]{}*?\\!]/g, "\\$&"), { head_limit: 250 }))
}

/** Lines that match; `\w`, `\s` and `\b` mean ASCII, as in JavaScript: ten times as fast for patterns as long as ours. */
export function grep(pattern: string, glob: string, other: ScoutCall["input"] = {}): ScoutCall {
  const shown = { output_mode: "content", "-n": true, head_limit: 100 }
  return { name: "Grep", input: { pattern: `(?-u)${pattern}`, glob, ...shown, ...other } }
}

/** The files' sizes; how often each holds each word; definitions of the names, and of what is named after a word. */
function surveyCalls({ names }: Brief, terms: readonly Term[], glob: string): ScoutCall[] {
  const counts = ["^", ...terms.map((term) => patternOf(term.stem))].map((pattern) => grep(pattern, glob, COUNT))
  const named = terms.map((term) => {
    const ideas = [term.stem, ...(term.weight === 1 ? term.akin : [])].map(patternOf).join("|")
    return `[\\w$]*(?:${ideas})[\\w$]*`
  })
  return [...counts, ...[...names.map(wholeName), ...named].map((name) => grep(definitionPattern(name), glob))]
}

/** The `path:line:text` lines of a round's results, each once, in order. */
export function linesOf(round: Round): Line[] {
  const rows = round.flatMap((one) => [...one.text.matchAll(/^(?:\.\/)?(.+?):(\d+):(.*)$/gm)])
  const lines = rows.map(([, path, line, text]) => ({ path: path!, line: Number(line), text: text!.slice(0, 600) }))
  return uniqueBy(lines, placeOf).sort(order)
}

/** The `path:count` lines of a result. */
function countsIn(text: string): Map<string, number> {
  return new Map([...text.matchAll(/^(?:\.\/)?(.+):(\d+)$/gm)].map(([, path, found]) => [path!, Number(found)]))
}
