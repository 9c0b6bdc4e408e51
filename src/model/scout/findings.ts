// What an explorer is given and hands back: a brief goes in, lines `path:line: kind: symbol: snippet` come out. Both are
// readable English, and exact enough to be read back.
import { oneLine } from "../../base/text.ts"
import type { Candidate } from "./rank.ts"
import lists from "./words.json" with { type: "json" }
import type { Subject } from "./words.ts"

const SIDES = lists.sides
export type Side = keyof typeof SIDES
export type Brief = Subject & { side: Side }

/** A line of the code base that holds `symbol`. `doc` is the first sentence of a definition's comment, or "". */
export type Finding = Omit<Candidate, "text" | "score"> & { kind: string; snippet: string; doc: string }

export const LABEL = "offline scout, not a language model"

/** How an explorer's final text begins when no search worked. */
export const FAILED = "Every search failed"

const SNIPPET = 140

export function promptOf(brief: Brief): string {
  const { goal, kind } = SIDES[brief.side]
  return `${goal}: ${subjectText(brief)}.
Search with Grep, look at the best places with Read, change nothing. Answer with one line for each reference, best first:
path:line: ${kind}: symbol: snippet
scout-brief: ${JSON.stringify(brief)}`
}

export function subjectText({ names, words }: Subject): string {
  const others = words.filter((word) => !names.includes(word))
  return [...names.map((name) => `\`${name}\``), ...others.map((word) => `“${word}”`)].join(", ")
}

/** The brief in the last line of a prompt; undefined when it has none that is whole. */
export function briefIn(prompt: string): Brief | undefined {
  const line = /(?:^|\n)scout-brief: \{"side":"(\w+)","names":(\[[^\]\n]*\]),"words":(\[[^\]\n]*\])\}\s*$/.exec(prompt)
  const [, side = "", names = "", words = ""] = line ?? []
  if (!Object.hasOwn(SIDES, side)) return undefined
  const listed = (text: string) => [...text.matchAll(/"([\w$]{2,80})"/g)].map(([, word]) => word!).slice(0, 8)
  return { side: side as Side, names: listed(names), words: listed(words) }
}

/** The finding of a line; none when the symbol is not in it: nothing is claimed that the line does not hold. */
export function findingAt({ path, line, text, symbol }: Candidate, side: Side, doc = ""): Finding[] {
  const row = oneLine(text, 600)
  const where = row.indexOf(symbol)
  const snippet = where + symbol.length > SNIPPET ? `…${row.slice(where - 20)}` : row
  return where < 0 ? [] : [{ path, line, kind: SIDES[side].kind, symbol, snippet: oneLine(snippet, SNIPPET), doc }]
}

/** An explorer's final text. */
export function renderFindings(brief: Brief, findings: readonly Finding[]): string {
  if (findings.length === 0) return `Nothing found (${LABEL}) for ${subjectText(brief)}.`
  const lines = findings.map(({ path, line, kind, symbol, snippet, doc }) => {
    return `${path}:${line}: ${kind}: ${symbol}: ${snippet}${doc ? `\n    “${doc}”` : ""}`
  })
  return [`The best of ${brief.side} (${LABEL}) for ${subjectText(brief)}:`, ...lines].join("\n")
}

/** Reads the lines of an explorer's final text back; whatever else is in it is ignored. */
export function parseFindings(text: string): Finding[] {
  const rows = text.matchAll(/^(.+?):(\d+): (\w+): (\S+): (.*)(?:\n {4}“(.*)”)?$/gm)
  const found = [...rows].map(([, path = "", line, kind = "", symbol = "", snippet = "", doc = ""]): Finding => {
    return { path, line: Number(line), kind, symbol, snippet, doc }
  })
  return found.filter((one) => one.snippet.includes(one.symbol))
}
