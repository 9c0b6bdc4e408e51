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

/** Cut to `width` columns, with "…" where something is left out. */
export function clip(text: string, width: number): string {
  return width <= 0 ? "" : truncateToWidth(text, width, "…")
}

/** Exactly `width` columns. */
export function pad(text: string, width: number): string {
  const cut = clip(text, width)
  return cut + " ".repeat(Math.max(0, width - visibleWidth(cut)))
}

/** Two texts at the ends of a line; the left one gives way. */
export function ends(left: string, right: string, width: number): string {
  const room = width - visibleWidth(right)
  if (room < 2) return clip(left, width)
  return pad(left, room) + right
}
