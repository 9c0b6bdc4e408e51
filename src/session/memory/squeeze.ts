// A memory in a budget of characters: what is left out when it does not fit, and that it is said so.
import { oneLine } from "../../base/text.ts"
import type { SectionName } from "./sections.ts"

export interface Part {
  name: SectionName
  head: string
  lines: readonly string[]
}

/** How much of what is scarce a section gets, beside the others. What it does not need goes to those. */
const WEIGHT: Readonly<Record<SectionName, number>> = {
  status: 4,
  todos: 3,
  tasks: 2,
  decisions: 4,
  questions: 2,
  completed: 3,
  matters: 3,
  changes: 2,
  commits: 1,
  commands: 1,
  log: 2,
}
/** A section with words of the focus in it. */
const FOCUSED = 3
/** No single line takes more of its section than this share, when there is too little room. */
const LINE_CHARS = 400

export function squeeze(
  parts: readonly Part[],
  { characters, focus = "" }: { characters: number; focus?: string },
): string {
  const full = parts.filter(({ lines }) => lines.length > 0)
  const whole = full.map(({ head, lines }) => section(head, lines)).join("\n\n")
  if (whole.length <= characters) return whole
  const words = wordsOf(focus)
  const rooms = shares(full, { characters, words })
  const shown = full.flatMap((part, i) => shorten(part, { room: rooms[i]!, words }) ?? [])
  return shown.join("\n\n")
}

function section(head: string, lines: readonly string[]): string {
  return `${head}\n${lines.join("\n")}`
}

/** So many characters for each, with the blank line behind it; together no more than there are. */
function shares(
  parts: readonly Part[],
  { characters, words }: { characters: number; words: readonly string[] },
): number[] {
  const needs = parts.map(({ head, lines }) => section(head, lines).length + 2)
  const weights = parts.map(({ name, lines }) => {
    const isFocused = words.length > 0 && lines.some((line) => score(line, words) > 0)
    return WEIGHT[name] * (isFocused ? FOCUSED : 1)
  })
  const rooms = parts.map(() => 0)
  let left = characters
  // Each round, those that need less than their share are served, and what they leave is shared among the others.
  for (let open = parts.map((_, i) => i); open.length > 0; ) {
    const sum = open.reduce((total, i) => total + weights[i]!, 0)
    const served = open.filter((i) => needs[i]! <= (left * weights[i]!) / sum)
    if (served.length === 0) {
      const scarce = left
      for (const i of open) rooms[i] = Math.floor((scarce * weights[i]!) / sum)
      break
    }
    for (const i of served) {
      rooms[i] = needs[i]!
      left -= needs[i]!
    }
    open = open.filter((i) => !served.includes(i))
  }
  return rooms
}

/** The lines that matter most, in their order, and how many are left out. Undefined where not even one has room. */
function shorten(
  { head, lines }: Part,
  { room, words }: { room: number; words: readonly string[] },
): string | undefined {
  const whole = section(head, lines)
  if (whole.length + 2 <= room) return whole
  const leftOut = (count: number) => `(${count} more left out)`
  let left = room - 2 - head.length - 1 - leftOut(lines.length).length
  // The end of a section is the newest.
  const ranked = lines
    .map((line, i) => ({ line: oneLineOf(line), i, rank: score(line, words) }))
    .sort((a, b) => b.rank - a.rank || b.i - a.i)
  const kept: { line: string; i: number }[] = []
  for (const { line, i } of ranked) {
    if (line.length + 1 > left) continue
    left -= line.length + 1
    kept.push({ line, i })
  }
  if (kept.length === 0) return undefined
  const missing = lines.length - kept.length
  const inOrder = kept.sort((a, b) => a.i - b.i).map(({ line }) => line)
  return section(head, missing > 0 ? [leftOut(missing), ...inOrder] : inOrder)
}

/** As it is where it is short; its indentation says what it belongs to. */
function oneLineOf(line: string): string {
  if (line.length <= LINE_CHARS) return line
  const indent = line.match(/^\s*/)?.[0] ?? ""
  return indent + oneLine(line, LINE_CHARS)
}

function wordsOf(focus: string): string[] {
  return [...new Set(focus.toLowerCase().match(/[\p{L}\p{N}_./-]{3,}/gu) ?? [])]
}

/** How many of the words are in the line. */
function score(line: string, words: readonly string[]): number {
  const text = line.toLowerCase()
  return words.filter((word) => text.includes(word)).length
}
