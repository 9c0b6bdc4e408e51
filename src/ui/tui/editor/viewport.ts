// The rows of the text and which of them are on the screen: scrolling, going up and down, and where a click is.
import { textWidth } from "./draw.ts"
import type { Marks } from "./marks.ts"
import type { Spot, Text } from "./text.ts"
import { cellsBefore, type Labels, type Row, rowOf, spotAt, Wrapper } from "./wrap.ts"

export interface Shown {
  rows: readonly Row[]
  labels: Labels
  /** Index of the row with the cursor. */
  cursorRow: number
  /** The first row on the screen, and how many are. */
  from: number
  height: number
}

export class Viewport {
  readonly #marks: Marks
  readonly #wrapper = new Wrapper()
  #width = 80
  #from = 0
  #height = 1
  /** The cell that ↑ and ↓ keep to. */
  #goal: number | undefined

  constructor(marks: Marks) {
    this.#marks = marks
  }

  get height(): number {
    return this.#height
  }

  /** Scrolls so that the cursor is seen. `width`: of the whole prompt. */
  show(text: Text, { width, mostRows }: { width: number; mostRows: number }): Shown {
    this.#width = textWidth(width)
    const { rows, labels } = this.#lay(text)
    const cursorRow = Math.max(0, rowOf(rows, text))
    this.#height = Math.min(rows.length, mostRows)
    this.#from = Math.max(0, Math.min(this.#from, cursorRow, rows.length - this.#height))
    if (cursorRow >= this.#from + this.#height) this.#from = cursorRow - this.#height + 1
    return { rows, labels, cursorRow, from: this.#from, height: this.#height }
  }

  /** A row up (-1) or down (1) from the cursor; undefined when there is none. */
  step(text: Text, by: -1 | 1): Spot | undefined {
    const { rows, labels } = this.#lay(text)
    const row = rowOf(rows, text)
    if (!rows[row + by]) return undefined
    const place = { col: text.col, labels, width: this.#width }
    this.#goal ??= cellsBefore(text.lines[text.line]!, rows[row]!, place)
    return this.#spotIn(text, { rows, labels, index: row + by, cell: this.#goal })
  }

  /** What is at a cell of a row of the screen; beyond the last one, what is nearest. */
  at(text: Text, { cell, row }: { cell: number; row: number }): Spot {
    const { rows, labels } = this.#lay(text)
    const last = Math.min(this.#height, rows.length - this.#from) - 1
    const index = this.#from + Math.max(0, Math.min(row, last))
    return this.#spotIn(text, { rows, labels, index, cell })
  }

  /** The next step up or down begins where the cursor is. */
  forgetGoal(): void {
    this.#goal = undefined
  }

  #lay(text: Text): { rows: Row[]; labels: Labels } {
    const labels = this.#marks.labels(text.lines)
    return { rows: this.#wrapper.rows(text.lines, labels, this.#width), labels }
  }

  #spotIn(text: Text, place: { rows: readonly Row[]; labels: Labels; index: number; cell: number }): Spot {
    const { rows, labels, index, cell } = place
    const row = rows[index]!
    const isLast = rows[index + 1]?.line !== row.line
    return spotAt(text.lines[row.line]!, row, { cell, labels, width: this.#width, isLast })
  }
}
