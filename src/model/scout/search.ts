// The search behind definitions and uses: a survey of all files, a look inside the best of them, then the ranking. And
// how results of Grep and Read are read.
import type { Brief } from "./findings.ts"
import { type Candidate, type Line, rankDefinitions, type Survey, surveyOf } from "./rank.ts"
import { definitionPattern, scopes } from "./source.ts"
import { patternOf, type Term, termsOf, wholeName } from "./words.ts"

export interface ScoutCall {
  name: string
  input: Record<string, unknown>
}

/** The calls of one step with what came back, in order. */
export type Round = readonly (ScoutCall & { text: string; failed: boolean })[]

export type Move = { type: "calls"; calls: ScoutCall[] } | { type: "done"; text: string }

/** `left` are the rounds after those that the search took. */
export type Search =
  | { type: "calls"; calls: ScoutCall[] }
  | { type: "found"; ranked: Candidate[]; left: readonly Round[] }

/** Rounds after which an explorer answers with what it has, so that it needs at most four requests. */
export const MAX_ROUNDS = 3
const FILES_INSIDE = 6

/** `spare` rounds of the explorer's are kept for what comes after the search. */
export function searchFor(brief: Brief, rounds: readonly Round[], spare: number): Search {
  const terms = termsOf(brief)
  const subject = { ...brief, terms }
  let [survey, ...left] = rounds
  if (!survey) return { type: "calls", calls: surveyCalls(brief, terms, scopes.source) }
  if (isEmpty(survey)) {
    ;[survey, ...left] = left
    if (!survey) return { type: "calls", calls: surveyCalls(brief, terms, scopes.any) }
  }
  const [sizes = new Map(), ...hits] = survey.filter((one) => !isContent(one)).map((one) => countsIn(one.text))
  const known = surveyOf(terms, sizes, hits)
  const named = linesOf(survey)
  const rough = rankDefinitions(named, subject, known)
  const isExact = brief.words.length < 2 && rough.some((one) => brief.names.includes(one.symbol))
  if (isExact || rounds.length - left.length + spare >= MAX_ROUNDS)
    return { type: "found", ranked: worthwhile(rough), left }
  const [inside, ...rest] = left
  const files = bestFiles(known, rough)
  if (!inside && files.length > 0) return { type: "calls", calls: files.map((path) => insideCall(path, terms)) }
  const ranked = rankDefinitions([...named, ...linesOf(inside ?? [])], subject, known)
  return { type: "found", ranked: worthwhile(ranked), left: rest }
}

export function grep(pattern: string, glob: string, limit: number): ScoutCall {
  return { name: "Grep", input: { pattern, glob, output_mode: "content", "-n": true, head_limit: limit } }
}

function count(pattern: string, glob: string): ScoutCall {
  return { name: "Grep", input: { pattern, glob, output_mode: "count", head_limit: 2000 } }
}

/** The files' sizes; how often each holds each word; definitions of the names, and of what is named after a word. */
function surveyCalls(brief: Brief, terms: readonly Term[], glob: string): ScoutCall[] {
  const named = terms.map((term) => {
    const ideas = new Set([term.stem, ...(term.weight === 1 ? term.akin : [])])
    return grep(definitionPattern(`[\\w$]*(?:${[...ideas].map(patternOf).join("|")})[\\w$]*`), glob, 100)
  })
  const exact = brief.names.map((name) => grep(definitionPattern(wholeName(name)), glob, 100))
  return [count("^", glob), ...terms.map((term) => count(patternOf(term.stem), glob)), ...exact, ...named]
}

function insideCall(path: string, terms: readonly Term[]): ScoutCall {
  const pattern = [definitionPattern(), ...terms.map((term) => patternOf(term.stem))].join("|")
  return grep(pattern, path.replace(/[[\]{}*?\\!]/g, "\\$&"), 250)
}

/** Nothing but the sizes of the files came back. */
function isEmpty(survey: Round): boolean {
  return survey.slice(1).every((one) => (isContent(one) ? linesIn(one.text).length : countsIn(one.text).size) === 0)
}

/** The files with the most promising text, and those with the most promising names, by turns. */
function bestFiles(known: Survey, rough: readonly Candidate[]): string[] {
  const byName = [...new Set(rough.map((one) => one.path))]
  const mixed = [...known.files.keys()].flatMap((path, index) => (byName[index] ? [path, byName[index]!] : [path]))
  return [...new Set(mixed)].slice(0, FILES_INSIDE)
}

/** What is far behind the best is noise. */
function worthwhile(ranked: readonly Candidate[]): Candidate[] {
  return ranked.filter((one) => one.score >= 0.4 * ranked[0]!.score).slice(0, 20)
}

/** The `path:line:text` lines of a round's content searches. */
export function linesOf(round: Round): Line[] {
  return round.filter(isContent).flatMap((one) => linesIn(one.text))
}

function isContent(one: Round[number]): boolean {
  return one.input["output_mode"] === "content"
}

function linesIn(text: string): Line[] {
  return [...text.matchAll(/^(?:\.\/)?(.+?):(\d+):(.*)$/gm)].map(([, path, line, row]) => ({
    path: path!,
    line: Number(line),
    text: row!.slice(0, 600),
  }))
}

function countsIn(text: string): Map<string, number> {
  return new Map([...text.matchAll(/^(?:\.\/)?(.+):(\d+)$/gm)].map(([, path, found]) => [path!, Number(found)]))
}

/** The rows of a Read result, `N<tab>text`, by line number. */
export function rowsIn(text: string): Map<number, string> {
  return new Map([...text.matchAll(/^\s*(\d+)[\t→](.*)$/gm)].map(([, line, row]) => [Number(line), row!]))
}
