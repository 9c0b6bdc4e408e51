// What one place of the screen holds, and neighbours of one style taken together.
import type { IBufferCell } from "@xterm/headless"

/** `"default"`, a number of the palette (0 to 255), or `#rrggbb`. */
export type Colour = "default" | number | `#${string}`

export interface Style {
  foreground: Colour
  background: Colour
  bold: boolean
  dim: boolean
  italic: boolean
  underline: boolean
  inverse: boolean
  strikethrough: boolean
}

export interface Cell extends Style {
  /** The character; empty in the second half of a wide one. */
  text: string
  width: 0 | 1 | 2
}

/** Neighbouring cells of one style. */
export interface Run extends Style {
  text: string
  /** The first cell's column, from 0. */
  x: number
  /** In cells. */
  width: number
}

const BLANK: Cell = {
  text: " ",
  width: 1,
  foreground: "default",
  background: "default",
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
  strikethrough: false,
}

export function cellOf(cell: IBufferCell | undefined): Cell {
  if (!cell) return BLANK
  const width = cell.getWidth()
  return {
    // An invisible character takes its place, and nobody can read it.
    text: cell.isInvisible() ? " " : width === 0 ? "" : cell.getChars() || " ",
    width: width === 0 ? 0 : width === 2 ? 2 : 1,
    foreground: cell.isFgRGB() ? hex(cell.getFgColor()) : cell.isFgPalette() ? cell.getFgColor() : "default",
    background: cell.isBgRGB() ? hex(cell.getBgColor()) : cell.isBgPalette() ? cell.getBgColor() : "default",
    bold: cell.isBold() !== 0,
    dim: cell.isDim() !== 0,
    italic: cell.isItalic() !== 0,
    underline: cell.isUnderline() !== 0,
    inverse: cell.isInverse() !== 0,
    strikethrough: cell.isStrikethrough() !== 0,
  }
}

function hex(colour: number): `#${string}` {
  return `#${colour.toString(16).padStart(6, "0")}`
}

export function sameStyle(a: Style, b: Style): boolean {
  return (
    a.foreground === b.foreground &&
    a.background === b.background &&
    a.bold === b.bold &&
    a.dim === b.dim &&
    a.italic === b.italic &&
    a.underline === b.underline &&
    a.inverse === b.inverse &&
    a.strikethrough === b.strikethrough
  )
}

/** Without the blanks at the end that nobody can see. */
export function runsOf(cells: readonly Cell[]): Run[] {
  const runs: Run[] = []
  for (const [x, cell] of cells.entries()) {
    const last = runs.at(-1)
    if (last && (cell.width === 0 || sameStyle(last, cell))) {
      last.text += cell.text
      last.width += 1
      continue
    }
    const { width: _, ...style } = cell
    runs.push({ ...style, x, width: 1 })
  }
  const last = runs.at(-1)
  if (last && isUnseen(last)) {
    const text = last.text.trimEnd()
    if (text === "") return runs.slice(0, -1)
    last.width -= last.text.length - text.length
    last.text = text
  }
  return runs
}

/** Whether blanks of this style look like nothing. */
function isUnseen({ background, underline, inverse, strikethrough }: Style): boolean {
  return background === "default" && !underline && !inverse && !strikethrough
}
