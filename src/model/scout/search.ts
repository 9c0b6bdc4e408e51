// The search behind definitions and uses: a survey of all files (a wider one when that is empty) or else a look inside
// the best of them, so at most two rounds; then the ranking. And how results of Grep and Read are read.
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

/** The next calls, or the final text. */
export type Move = ScoutCall[] | string

/** Definitions, best first; `left` are the rounds after the search's own, `glob` is where something was found. */
export interface Found {
  ranked: Candidate[]
  left: readonly Round[]
  glob: string
}

const FILES_INSIDE = 6

/** The next calls of the search, or what it found. */
export function searchFor(brief: Brief, rounds: readonly Round[]): ScoutCall[] | Found {
  const terms = termsOf(brief)
  const isWide = rounds[0] !== undefined && isEmpty(rounds[0])
  const glob = isWide ? scopes.any : scopes.source
  const [survey, ...left] = isWide ? rounds.slice(1) : rounds
  if (!survey) return surveyCalls(brief, terms, glob)
  const [sizes = new Map(), ...hits] = survey.filter((one) => !isContent(one)).map((one) => countsIn(one.text))
  const known = surveyOf(terms, sizes, hits)
  const rank = (lines: readonly Line[]) => rankDefinitions(lines, { ...brief, terms }, known)
  const rough = rank(linesOf(survey))
  const isExact = brief.words.length < 2 && rough.some((one) => brief.names.includes(one.symbol))
  const files = isExact || isWide ? [] : bestFiles(known, rough)
  if (files.length === 0) return { ranked: worthwhile(rough), left, glob }
  const [inside, ...rest] = left
  if (!inside) return files.map((path) => insideCall(path, terms))
  return { ranked: worthwhile(rank([...linesOf(survey), ...linesOf(inside)])), left: rest, glob }
}

export function grep(pattern: string, glob: string, limit = 100): ScoutCall {
  return { name: "Grep", input: { pattern, glob, output_mode: "content", "-n": true, head_limit: limit } }
}

function count(pattern: string, glob: string): ScoutCall {
  return { name: "Grep", input: { pattern, glob, output_mode: "count", head_limit: 2000 } }
}

/** The files' sizes; how often each holds each word; definitions of the names, and of what is named after a word. */
function surveyCalls({ names }: Brief, terms: readonly Term[], glob: string): ScoutCall[] {
  const exact = names.map((name) => grep(definitionPattern(wholeName(name)), glob))
  const named = terms.map((term) => {
    const ideas = [term.stem, ...(term.weight === 1 ? term.akin : [])].map(patternOf).join("|")
    return grep(definitionPattern(`[\\w$]*(?:${ideas})[\\w$]*`), glob)
  })
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
  return one.input.output_mode === "content"
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
