// The explorer: a pure function of a brief and the results so far to the next calls, or to its final text. It replays
// its plan on every request, so a crash or a resume changes nothing.
import { oneLine } from "../../base/text.ts"
import { type Brief, FAILED, type Finding, findingAt, renderFindings } from "./findings.ts"
import { byPath, type Candidate, type Line, order, weigh } from "./rank.ts"
import { grep, linesOf, type Move, type Round, rowsIn, type ScoutCall, searchFor } from "./search.ts"
import { definitionIn, isComment, scopes, trustOf } from "./source.ts"
import { escapeRegex, patternOf, splitName, type Term, termsOf, wholeName } from "./words.ts"

/** Most findings of a side, and of one file in it. */
const MOST = 8
const PER_FILE = 3
const SYMBOLS_USED = 3
const WINDOWS_READ = 6
const ABOVE = 30
/** Lines this close tell about the same thing. */
const NEAR = 4
const TITLE =
  "^\\s*(?:(?:test|it|describe|specify|context)(?:\\.\\w+)*\\s*\\(|(?:async )?def test|func Test|fn test|#+ ).*"
const IMPORT = /^\s*(?:import|from|use|using|export \{|#include)\b|\brequire\(|^\s*[\w$]+,?\s*$/

/** At most three rounds, so four requests. */
export function explore(brief: Brief, rounds: readonly Round[]): Move {
  const results = rounds.flat()
  if (results.length > 0 && results.every((one) => one.failed)) return `${FAILED}: ${results[0]!.text.slice(0, 300)}`
  if (brief.side === "definitions") return definitions(brief, rounds)
  return brief.side === "uses" ? uses(brief, rounds) : mentions(brief, rounds)
}

/** Searches, then reads around the best for what their comments say. */
function definitions(brief: Brief, rounds: readonly Round[]): Move {
  const search = searchFor(brief, rounds)
  if (Array.isArray(search)) return search
  const { ranked, left } = search
  const windows = ranked.slice(0, WINDOWS_READ)
  if (left.length === 0 && windows.length > 0) return windows.map(readAround)
  const findings = ranked.slice(0, MOST).flatMap((one, index): Finding[] => {
    const finding = findingAt(one, brief.side, one.symbol)
    const doc = sentenceAt(one.line, rowsIn(left[0]?.[index]?.text ?? ""))
    return finding ? [doc ? { ...finding, doc } : finding] : []
  })
  return renderFindings(brief, findings)
}

function readAround({ path, line }: Candidate): ScoutCall {
  const offset = Math.max(1, line - ABOVE)
  return { name: "Read", input: { file_path: path, offset, limit: line - offset + 3 } }
}

/** First sentence of the comment right above a line or, in Python, right below it. */
function sentenceAt(line: number, rows: ReadonlyMap<number, string>): string | undefined {
  const comment: string[] = []
  for (let at = line - 1; isComment(rows.get(at) ?? ""); at--) comment.unshift(rows.get(at)!)
  const below = rows.get(line + 1) ?? ""
  if (comment.length === 0 && /^\s*(?:"""|''')/.test(below)) comment.push(below)
  const prose = comment.map((row) =>
    row.replace(/^\s*(?:\/\/+|\/\*+|\*+\/|\*|#+|--|"""|''')\s?|\s*(?:\*\/|"""|''')\s*$/g, "").trim(),
  )
  const text = prose.join(" ").split(/\s@\w/)[0]!.trim()
  const sentence = /^.{3,}?[.!?](?=\s|$)/.exec(text)?.[0] ?? text
  return /^@|eslint|prettier|biome|^\W*$/.test(sentence) ? undefined : oneLine(sentence, 200)
}

/** Searches for the symbols in question, then for where they stand: calls first, imports last. */
function uses(brief: Brief, rounds: readonly Round[]): Move {
  const search = searchFor(brief, rounds)
  if (Array.isArray(search)) return search
  const terms = termsOf(brief)
  const telling = search.ranked.filter((one) => weigh(terms, one.symbol).some((found) => found > 0))
  const symbols = [...new Set([...brief.names, ...telling.map((one) => one.symbol)])].slice(0, SYMBOLS_USED)
  const found = search.left[0]
  if (!found && symbols.length > 0) return symbols.map((symbol) => grep(wholeName(symbol), search.glob))
  const rated = sorted(found ?? []).flatMap((at): Rated[] => {
    const index = symbols.findIndex((symbol) => new RegExp(wholeName(symbol)).test(at.text))
    const symbol = symbols[index]
    if (!symbol || isComment(at.text) || definitionIn(at.path, at.text)?.symbol === symbol) return []
    const isCall = new RegExp(`${wholeName(symbol)}\\s*(?:<[^()]*>)?\\(|new ${escapeRegex(symbol)}`).test(at.text)
    const base = isCall ? 3 : IMPORT.test(at.text) ? 0.5 : 1.5
    const close = 1 + 0.2 * weigh(terms, at.text).reduce((sum, one) => sum + one, 0)
    return [{ ...at, symbol, score: base * close * trustOf(at.path) * (1 - 0.15 * index) }]
  })
  return renderFindings(brief, pick(rated, brief))
}

/** Tests, documents, configuration: lines that hold most of the words; rare words and titles count for more. */
function mentions(brief: Brief, [round]: readonly Round[]): Move {
  const terms = termsOf(brief)
  const glob = scopes[brief.side as "tests" | "documents" | "configuration"]
  if (!round) {
    const patterns = terms.flatMap((term) => [TITLE + patternOf(term.stem), patternOf(term.stem)])
    return [...brief.names.map(wholeName), ...patterns].map((pattern) => grep(pattern, glob))
  }
  const lines = sorted(round).filter((at) => trustOf(at.path) > 0.1)
  const rows = lines.map((at) => weigh(terms, at.text))
  const rarity = terms.map((_, index) =>
    Math.log(1 + lines.length / (0.5 + rows.filter((row) => row[index]! > 0).length)),
  )
  const value = (row: readonly number[]) => terms.reduce((sum, term, i) => sum + term.weight * rarity[i]! * row[i]!, 0)
  const rated = lines.flatMap((at, index): Rated[] => {
    const name = brief.names.find((one) => new RegExp(wholeName(one)).test(at.text))
    const symbol = name ?? tellingWord(at.text, terms)
    const title = new RegExp(TITLE).test(at.text) ? 1.6 : IMPORT.test(at.text) ? 0.3 : 1
    const score = (value(rows[index]!) + (name ? 5 : 0)) * title + 0.3 * value(weigh(terms, at.path))
    return symbol ? [{ ...at, symbol, score }] : []
  })
  return renderFindings(brief, pick(rated, brief))
}

interface Rated extends Line {
  symbol: string
  score: number
}

function sorted(round: Round): Line[] {
  return [...byPath(linesOf(round)).values()].flat()
}

/** The best, each place once, no more than a few of one file, nothing that is far behind the best. */
function pick(rated: readonly Rated[], { side }: Brief): Finding[] {
  const best = rated.toSorted((a, b) => b.score - a.score || order(a, b))
  const picked: Rated[] = []
  for (const one of best) {
    if (picked.length === MOST || one.score < 0.4 * best[0]!.score) break
    const same = picked.filter((other) => other.path === one.path)
    const isCovered = side !== "uses" && same.some((other) => isNear(other, one))
    if (same.length < PER_FILE && !isCovered) picked.push(one)
  }
  return picked.flatMap((one) => findingAt(one, side, one.symbol) ?? [])
}

function isNear(one: Line, other: Line): boolean {
  return one.path === other.path && Math.abs(one.line - other.line) <= NEAR
}

/** The word of the line, as it is written there, that answers the terms best. */
function tellingWord(text: string, terms: readonly Term[]): string | undefined {
  const rated = [...new Set(text.match(/[A-Za-z_$][\w$]*/g))].map((word) => {
    const score = weigh(terms, word).reduce((sum, one, index) => sum + one * terms[index]!.weight, 0)
    return { word, score: score / (1 + 0.05 * splitName(word).length) }
  })
  return rated.reduce((best, one) => (one.score > best.score ? one : best), { word: "", score: 0 }).word || undefined
}
