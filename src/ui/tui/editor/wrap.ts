// How lines of text become rows of the screen: broken between words where that is possible, never within a grapheme.
// Rows say where they begin and end in the line; what is drawn and where the cursor goes both follow from them.
import { visibleWidth } from "@earendil-works/pi-tui"
import { hasMarks } from "./marks.ts"
import { graphemesOf } from "./motion.ts"
import type { Spot } from "./text.ts"

/** A row shows a line's columns from `from` up to `to`. A row's last space may hang over its end by one cell. */
export interface Row {
  line: number
  from: number
  to: number
}

/** A grapheme with what is shown for it. */
export interface Cell {
  col: number
  length: number
  shown: string
  width: number
  isMark: boolean
}

export type Labels = ReadonlyMap<string, string>

/** Tabs are kept in the text and shown as wide as this. */
const TAB = "    "
const ASCII = /^[ -~]*$/

/** Rows of lines are remembered: a key changes one line, and all are drawn. */
export class Wrapper {
  readonly #known = new Map<string, Row[]>()
  #width = 0

  rows(lines: readonly string[], labels: Labels, width: number): Row[] {
    if (width !== this.#width || this.#known.size > 2 * lines.length + 64) this.#known.clear()
    this.#width = width
    return lines.flatMap((line, index) => this.#rowsOf(line, labels, width).map((row) => ({ ...row, line: index })))
  }

  #rowsOf(line: string, labels: Labels, width: number): Row[] {
    if (line.length <= width && ASCII.test(line)) return [{ line: 0, from: 0, to: line.length }]
    if (hasMarks(line)) return wrap(line, labels, width)
    let rows = this.#known.get(line)
    if (!rows) {
      rows = wrap(line, labels, width)
      this.#known.set(line, rows)
    }
    return rows
  }
}

function wrap(line: string, labels: Labels, width: number): Row[] {
  const rows: Row[] = []
  let from = 0
  let used = 0
  // The last place in this row where it may be broken, and how much of the row is before it.
  let gap = { col: 0, used: 0 }
  for (const cell of cells(line, labels, width)) {
    const isSpace = cell.shown === " "
    const hangs = isSpace && used === width && cell.col + 1 < line.length
    if (used > 0 && used + cell.width > width && !hangs) {
      const breakAt = gap.col > from && !isSpace ? gap : { col: cell.col, used }
      rows.push({ line: 0, from, to: breakAt.col })
      from = breakAt.col
      used -= breakAt.used
      gap = { col: from, used: 0 }
    }
    used += cell.width
    // Between wide characters (Chinese, Japanese) a line may be broken, too.
    if (isSpace || cell.width === 2) gap = { col: cell.col + cell.length, used }
  }
  rows.push({ line: 0, from, to: line.length })
  return rows
}

/** A line's graphemes as they are shown; a label that is wider than a row is shortened to it. */
export function* cells(line: string, labels: Labels, width: number): Generator<Cell> {
  for (const { segment, index } of graphemesOf(line)) {
    const label = labels.get(segment)
    const shown = label !== undefined ? shortened(label, width) : segment === "\t" ? TAB : segment
    const isMark = label !== undefined
    yield { col: index, length: segment.length, shown, width: visibleWidth(shown), isMark }
  }
}

function shortened(label: string, width: number): string {
  if (visibleWidth(label) <= width) return label
  let short = ""
  for (const { segment } of graphemesOf(label)) {
    if (visibleWidth(short + segment) > width - 2) break
    short += segment
  }
  return width > 2 ? `${short}…]` : "…"
}

/** The row that shows a place; one at the end of a row is at the beginning of the next, unless the line ends there. */
export function rowOf(rows: readonly Row[], spot: Spot): number {
  return rows.findLastIndex((row) => row.line === spot.line && row.from <= spot.col)
}

/** How many cells are before a place in its row. */
export function cellsBefore(
  line: string,
  row: Row,
  { col, labels, width }: { col: number; labels: Labels; width: number },
): number {
  let used = 0
  for (const cell of cells(line.slice(row.from, col), labels, width)) used += cell.width
  return used
}

/** The place in a row that is nearest to a cell from the left. */
export function spotAt(
  line: string,
  row: Row,
  { cell: goal, labels, width, isLast }: { cell: number; labels: Labels; width: number; isLast: boolean },
): Spot {
  let used = 0
  let last = row.from
  for (const cell of cells(line.slice(row.from, row.to), labels, width)) {
    if (used + cell.width > goal) return { line: row.line, col: row.from + cell.col }
    used += cell.width
    last = row.from + cell.col
  }
  // The end of a row that goes on is shown at the beginning of the next one.
  return { line: row.line, col: isLast ? row.to : last }
}
