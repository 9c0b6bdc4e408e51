// How amounts and texts are shown and cut, the same in every interface. Lengths are UTF-16 units; no surrogate pair is
// ever split.
import { stripControl, visible } from "./escape.ts"

/**
 * The beginning and the end of a text that is longer than `max`, with a line between them that says how much is left
 * out. Cuts at a line end when one is near. The result is never longer than `max`.
 */
export function headTail(text: string, max: number): string {
  if (text.length <= max) return text
  const marker = (left: number) => `\n… ${grouped(left)} characters left out …\n`
  const room = max - marker(text.length).length
  if (room < 2) return cutEnd(text, max)
  const head = atLineEnd(cutEnd(text, Math.ceil(room / 2)))
  const tail = atLineStart(cutStart(text, Math.floor(room / 2)))
  return head + marker(text.length - head.length - tail.length) + tail
}

/** A text as one line of at most `max` characters, without control characters; "…" at the end when it was cut. */
export function oneLine(text: string, max: number): string {
  const line = stripControl(text).replace(/\s+/g, " ").trim()
  return line.length <= max ? line : `${cutEnd(line, max - 1).trimEnd()}…`
}

/** What somebody wrote, within a message: in quotes, on one line, with whatever a terminal would act on made visible. */
export function quoted(text: string): string {
  return `"${oneLine(visible(text), 100)}"`
}

/** How long something took: "<1 s", "12 s", "1 min 05 s", "1 h 02 min", "2 d 03 h". */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (seconds < 1) return "<1 s"
  if (minutes < 1) return `${seconds} s`
  if (hours < 1) return `${minutes} min ${two(seconds % 60)} s`
  if (hours < 24) return `${hours} h ${two(minutes % 60)} min`
  return `${Math.floor(hours / 24)} d ${two(hours % 24)} h`
}

/** A running time for columns: "0:42", "12:05", "1:02:10". */
export function stopwatch(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
}

/** A count of tokens: "842", "12.4k", "3.1M". */
export function tokens(count: number): string {
  if (count < 1000) return String(Math.max(0, Math.round(count)))
  if (count < 999_950) return `${(count / 1000).toFixed(1)}k`
  return `${(count / 1_000_000).toFixed(1)}M`
}

/** Nano-dollars as dollars: "$0.00", "<$0.01", "$0.08", "$1,234.50". */
export function usd(nanos: number): string {
  if (nanos <= 0) return "$0.00"
  const cents = Math.round(nanos / 10_000_000)
  if (cents < 1) return "<$0.01"
  return `$${grouped(Math.floor(cents / 100))}.${two(cents % 100)}`
}

/** "1 task", "3 tasks"; `many` for words whose plural is not made with an s. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}

/** The candidates that somebody who typed `name` may have meant, best first: beginnings and small slips. */
export function nearest(name: string, candidates: readonly string[]): string[] {
  const wanted = name.slice(0, 100).toLowerCase()
  if (wanted === "") return []
  const limit = Math.max(1, Math.floor(wanted.length / 3))
  return candidates
    .map((candidate) => {
      const known = candidate.slice(0, 100).toLowerCase()
      if (known.startsWith(wanted) || wanted.startsWith(known)) return { candidate, distance: 0 }
      // Of a long name people type the beginning. Short words would be near to the beginning of anything.
      const beginning = wanted.length < 4 ? known : known.slice(0, wanted.length + 1)
      return { candidate, distance: Math.min(slips(wanted, known), slips(wanted, beginning)) }
    })
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate)
}

/** 12,345. Independent of the machine's language, because programs and tests read it too. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",")
}

function two(count: number): string {
  return String(count).padStart(2, "0")
}

function cutEnd(text: string, length: number): string {
  const end = Math.max(0, length)
  return text.slice(0, isInsidePair(text, end) ? end - 1 : end)
}

function cutStart(text: string, length: number): string {
  const start = text.length - length
  return text.slice(isInsidePair(text, start) ? start + 1 : start)
}

function isInsidePair(text: string, at: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1))
}

/** Without the broken last line, unless that is most of the text. */
function atLineEnd(text: string): string {
  const end = text.lastIndexOf("\n")
  return end > text.length * 0.8 ? text.slice(0, end) : text
}

function atLineStart(text: string): string {
  const end = text.indexOf("\n")
  return end >= 0 && end < text.length * 0.2 ? text.slice(end + 1) : text
}

/** Edit distance (Levenshtein). */
function slips(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
