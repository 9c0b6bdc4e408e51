// Columns of text for a terminal or a pipe: aligned, one row a line, nothing that a terminal would act on.
import { oneLine } from "../base/text.ts"
import { displayWidth } from "../runtime/width.ts"

export interface Column {
  title: string
  /** Numbers stand at the right. */
  right?: boolean
}

/** A row is cut, at its end, so that it fits into `width` columns of a terminal; without a width nothing is cut. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], width?: number): string {
  const cells = [columns.map((column) => column.title), ...rows.map((row) => row.map((cell) => oneLine(cell, 500)))]
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => displayWidth(row[at] ?? ""))))
  const lines = cells.map((row) => {
    const padded = columns.map(({ right }, at) => {
      const cell = row[at] ?? ""
      const space = " ".repeat(widths[at]! - displayWidth(cell))
      return right ? space + cell : cell + space
    })
    const line = padded.join("  ").trimEnd()
    return width === undefined ? line : fitted(line, width)
  })
  return `${lines.join("\n")}\n`
}

/** The text, cut so that it takes at most `width` columns of a terminal. */
export function fitted(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ""
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (displayWidth(kept + segment) > width - 1) break
    kept += segment
  }
  return `${kept}…`
}
