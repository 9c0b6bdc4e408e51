// What an edit changed, as lines with their numbers.
import { diffLines } from "diff"
import { stripControl } from "../../../base/escape.ts"
import { clip } from "../line.ts"
import type { Theme } from "../theme.ts"

export interface Change {
  path: string
  /** Line, from 1, where the texts begin. */
  line: number
  before: string
  after: string
  added: number
  removed: number
  /** The texts are the beginning only. */
  cut: boolean
}

/** A tool's word on what it changed (tool/change.ts); undefined when it is none. */
export function changeOf(data: Readonly<Record<string, unknown>>): Change | undefined {
  const { path, line, before = "", after, added, removed, cut } = data
  if (typeof path !== "string" || typeof line !== "number" || typeof after !== "string") return undefined
  if (typeof before !== "string" || typeof added !== "number" || typeof removed !== "number") return undefined
  return { path, line, before, after, added, removed, cut: cut === true }
}

export function diffCounts({ added, removed }: Change, theme: Theme): string {
  const parts = [
    ...(added > 0 ? [theme.added(`+${added}`)] : []),
    ...(removed > 0 ? [theme.removed(`−${removed}`)] : []),
  ]
  return parts.join(" ") || theme.dim("no change")
}

/** At most `most` lines, and one that says how many there are beyond. */
export function diffText(
  change: Change,
  { width, theme, most }: { width: number; theme: Theme; most: number },
): string[] {
  let old = change.line
  let now = change.line
  const lines = diffLines(change.before, change.after).flatMap((part) =>
    part.value
      .replace(/\n$/, "")
      .split("\n")
      .map((text) => {
        const clean = stripControl(text, { keepNewlines: true }).replaceAll("\t", "  ")
        if (part.added) return theme.added(clip(`${number(now++)} + ${clean}`, width))
        if (part.removed) return theme.removed(clip(`${number(old++)} − ${clean}`, width))
        old++
        return clip(`${theme.dim(number(now++))}   ${clean}`, width)
      }),
  )
  const shown = lines.slice(0, most)
  const left = lines.length - shown.length
  if (left > 0) return [...shown, theme.dim(`     … ${left} more lines`)]
  return change.cut ? [...shown, theme.dim("     … and more")] : shown
}

function number(line: number): string {
  return String(line).padStart(5)
}
