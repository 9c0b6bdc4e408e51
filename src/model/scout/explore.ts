// The explorer: a pure function of a brief and the results so far to the next calls, or to its final text. It replays
// its plan on every request, so a crash or a resume changes nothing.
import { oneLine } from "../../base/text.ts"
import { type Brief, FAILED, type Finding, findingAt, renderFindings, type Side } from "./findings.ts"
import patterns from "./patterns.json" with { type: "json" }
import { best, type Candidate, worthwhile } from "./rank.ts"
import { type Found, grep, linesOf, type Move, type Round, type ScoutCall, searchFor } from "./search.ts"
import { definitionIn, isComment, scopes, trustOf } from "./source.ts"
import { patternOf, rate, type Term, termsOf, wholeName } from "./words.ts"

/** Most findings of a side, and of one file in it. */
const MOST = 6
const PER_FILE = 3
const SYMBOLS_USED = 3
/** Lines that are read above a definition, for its comment. */
const ABOVE = 30
/** Lines this close tell about the same thing. */
const NEAR = 4
const [TITLE, IMPORT] = [new RegExp(patterns.title), new RegExp(patterns.import)]
const MARKS = new RegExp(patterns.commentMarks, "g")

/** At most three rounds, so four requests. */
export function explore(brief: Brief, rounds: readonly Round[]): Move {
  const results = rounds.flat()
  if (results.length > 0 && results.every((one) => one.failed)) return `${FAILED}: ${results[0]!.text.slice(0, 300)}`
  if (brief.side !== "definitions" && brief.side !== "uses") return mentions(brief, scopes[brief.side], rounds[0])
  const search = searchFor(brief, rounds)
  if (Array.isArray(search)) return search
  return brief.side === "uses" ? uses(brief, search) : definitions(brief, search)
}

/** Reads around the best definitions for what their comments say. */
function definitions(brief: Brief, { ranked, left: [read] }: Found): Move {
  const shown = ranked.slice(0, MOST)
  if (!read && shown.length > 0) return shown.map(readAround)
  const docs = shown.map((one, index) => sentenceAt(one.line, rowsIn(read?.[index]?.text ?? "")))
  const findings = shown.flatMap((one, index) => findingAt(one, brief.side, docs[index]))
  return renderFindings(brief, findings)
}

function readAround({ path, line }: Candidate): ScoutCall {
  const offset = Math.max(1, line - ABOVE)
  return { name: "Read", input: { file_path: path, offset, limit: line - offset + 3 } }
}

/** The rows of a Read result, `N<tab>text`, by line number. */
function rowsIn(text: string): Map<number, string> {
  return new Map([...text.matchAll(/^\s*(\d+)[\t→](.*)$/gm)].map(([, line, row]) => [Number(line), row!]))
}

/** First sentence of the comment right above a line or, in Python, right below it; "" when there is none. */
function sentenceAt(line: number, rows: ReadonlyMap<number, string>): string {
  const comment: string[] = []
  for (let at = line - 1; isComment(rows.get(at) ?? ""); at--) comment.unshift(rows.get(at)!)
  if (comment.length === 0 && /^\s*(?:"""|''')/.test(rows.get(line + 1) ?? "")) comment.push(rows.get(line + 1)!)
  const prose = comment.map((row) => row.replace(MARKS, "").trim()).join(" ")
  const text = prose.split(/\s@\w/)[0]!.trim()
  const sentence = /^.{3,}?[.!?](?=\s|$)/.exec(text)?.[0] ?? text
  return /^@|eslint|prettier|biome|^\W*$/.test(sentence) ? "" : oneLine(sentence, 200)
}

/** Searches for where the best symbols stand: calls first, imports last. */
function uses(brief: Brief, { ranked, left: [found], glob }: Found): Move {
  const symbols = [...new Set([...brief.names, ...ranked.map((one) => one.symbol)])].slice(0, SYMBOLS_USED)
  if (!found && symbols.length > 0) return symbols.map((symbol) => grep(wholeName(symbol), glob))
  const rated = linesOf(found ?? []).flatMap((at): Candidate[] => {
    const index = symbols.findIndex((symbol) => new RegExp(wholeName(symbol)).test(at.text))
    const symbol = symbols[index]
    if (!symbol || isComment(at.text) || definitionIn(at.path, at.text)?.symbol === symbol) return []
    const isCall = new RegExp(`${wholeName(symbol)}\\s*(?:<[^()]*>)?\\(|new ${wholeName(symbol)}`).test(at.text)
    const kind = isCall ? 3 : IMPORT.test(at.text) ? 0.5 : 1.5
    return [{ ...at, symbol, score: kind * trustOf(at.path) * (1 - 0.15 * index) }]
  })
  return renderFindings(brief, pick(rated, brief.side))
}

/** Tests, documents, configuration: lines that hold most of the words; titles count for more. */
function mentions(brief: Brief, glob: string, round: Round | undefined): Move {
  const terms = termsOf(brief)
  const patterns = [...brief.names.map(wholeName), ...terms.map((term) => patternOf(term.stem))]
  if (!round) return patterns.map((pattern) => grep(pattern, glob))
  const lines = linesOf(round).filter((at) => trustOf(at.path) > 0.1)
  const rated = lines.flatMap((at): Candidate[] => {
    const name = brief.names.find((one) => new RegExp(wholeName(one)).test(at.text))
    const symbol = name ?? tellingWord(at.text, terms)
    const kind = TITLE.test(at.text) ? 1.6 : IMPORT.test(at.text) ? 0.3 : 1
    const score = (rate(terms, at.text) + (name ? 5 : 0)) * kind + 0.3 * rate(terms, at.path)
    return symbol ? [{ ...at, symbol, score }] : []
  })
  return renderFindings(brief, pick(rated, brief.side))
}

/** The word of the line, as it is written there, that answers the terms best. */
function tellingWord(text: string, terms: readonly Term[]): string | undefined {
  const rated = (text.match(/[A-Za-z_$][\w$]*/g) ?? []).map((word) => ({ word, value: rate(terms, word) }))
  return rated.filter((one) => one.value > 0).sort((a, b) => b.value - a.value)[0]?.word
}

/** The best, no more than a few of one file, nothing that is far behind the best. */
function pick(rated: readonly Candidate[], side: Side): Finding[] {
  const picked: Candidate[] = []
  for (const one of worthwhile(best(rated))) {
    const same = picked.filter((other) => other.path === one.path)
    const isCovered = side !== "uses" && same.some((other) => Math.abs(other.line - one.line) <= NEAR)
    if (same.length < PER_FILE && !isCovered) picked.push(one)
  }
  return picked.slice(0, MOST).flatMap((one) => findingAt(one, side))
}
