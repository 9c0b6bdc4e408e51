// A line of the screen, and what a click on it means.
import { truncateToWidth, visibleWidth } from "@earendil-works/pi-tui"

export interface Line {
  text: string
  target?: Target
}

export type Target =
  | { type: "task"; id: string }
  /** Unfolds what is folded, and folds it again. */
  | { type: "fold"; id: string }
  | { type: "requests" }
  | { type: "tasks" }

/** ASCII and the marks that lines are made of: each is a column by itself, and nothing need be looked up. */
const NARROW = /^[ -~·…‖─│○●◌◉◐◑◒◓▲■✓✗›]*$/
const COLOURS = /\x1b\[[\d;]*m/g

/** How many columns it takes. */
export function columnsOf(text: string): number {
  return narrowColumns(text) ?? visibleWidth(text)
}

/** Undefined where something else than narrow characters and colours is in it. */
function narrowColumns(text: string): number | undefined {
  const plain = text.replace(COLOURS, "")
  return NARROW.test(plain) ? plain.length : undefined
}

/** Cut to `width` columns, with "…" where something is left out. */
export function clip(text: string, width: number): string {
  if (width <= 0) return ""
  const columns = narrowColumns(text)
  if (columns === undefined) return truncateToWidth(text, width, "…")
  if (columns <= width) return text
  // As the library does it.
  return `${text.slice(0, endOf(text, width - 1))}\x1b[0m…\x1b[0m`
}

/** Where so many columns of a narrow text end. */
function endOf(text: string, columns: number): number {
  let at = 0
  for (let left = columns; left > 0; at++) {
    if (text[at] === "\x1b") at = text.indexOf("m", at)
    else left--
  }
  return at
}

/** Exactly `width` columns. */
export function pad(text: string, width: number): string {
  const cut = clip(text, width)
  return cut + " ".repeat(Math.max(0, width - columnsOf(cut)))
}

/** Two texts at the ends of a line; the left one gives way. */
export function ends(left: string, right: string, width: number): string {
  const room = width - columnsOf(right)
  if (room < 2) return clip(left, width)
  return pad(left, room) + right
}
