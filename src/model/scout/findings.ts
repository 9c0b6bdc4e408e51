// What an explorer is given and hands back: a brief goes in, lines `path:line: kind: symbol: snippet` come out. Both are
// readable English, and exact enough to be read back.
import { oneLine } from "../../base/text.ts"
import type { Subject } from "./words.ts"

export type Side = "definitions" | "uses" | "tests" | "documents" | "configuration"

export interface Brief extends Subject {
  side: Side
}

/** A line of the code base that holds `symbol`. `doc` is the first sentence of the comment above a definition. */
export interface Finding {
  path: string
  line: number
  kind: string
  symbol: string
  snippet: string
  doc?: string
}

export const LABEL = "offline scout, not a language model"

/** How an explorer's final text begins when no search worked. */
export const FAILED = "Every search failed"

const SNIPPET = 140

const TASKS: Record<Side, { goal: string; kind: string }> = {
  definitions: { goal: "Find where it is defined", kind: "definition" },
  uses: { goal: "Find where it is called or used", kind: "use" },
  tests: { goal: "Find the tests that cover it", kind: "test" },
  documents: { goal: "Find the documents that describe it", kind: "document" },
  configuration: { goal: "Find the configuration that concerns it", kind: "configuration" },
}

export function promptOf(brief: Brief): string {
  return `${TASKS[brief.side].goal}: ${subjectText(brief)}.
Search with Grep, look at the best places with Read, change nothing. Answer with one line for each reference, best first:
path:line: ${TASKS[brief.side].kind}: symbol: snippet
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
  if (!Object.hasOwn(TASKS, side)) return undefined
  const listed = (text: string) => [...text.matchAll(/"([\w$]{2,80})"/g)].map(([, word]) => word!).slice(0, 8)
  return { side: side as Side, names: listed(names), words: listed(words) }
}

/** A finding for a line, or undefined when the symbol is not in it: nothing is claimed that the line does not hold. */
export function findingAt(
  at: { path: string; line: number; text: string },
  side: Side,
  symbol: string,
): Finding | undefined {
  const text = oneLine(at.text, 600)
  const where = text.indexOf(symbol)
  if (where < 0) return undefined
  const snippet = where + symbol.length > SNIPPET ? `…${text.slice(where - 20)}` : text
  return { path: at.path, line: at.line, kind: TASKS[side].kind, symbol, snippet: oneLine(snippet, SNIPPET) }
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
  const findings: Finding[] = []
  for (const row of text.split("\n")) {
    const doc = /^ {4}“(.*)”$/.exec(row)?.[1]
    if (doc && findings.length > 0) findings.at(-1)!.doc = doc
    const [, path, line, kind, symbol, snippet] = /^(.+?):(\d+): (\w+): (\S+): (.*)$/.exec(row) ?? []
    if (path && kind && symbol && snippet?.includes(symbol))
      findings.push({ path, line: Number(line), kind, symbol, snippet })
  }
  return findings
}
