// Columns of text for a terminal or a pipe: aligned, one row a line, nothing that a terminal would act on.
import { oneLine } from "../base/text.ts"

export interface Column {
  title: string
  /** Numbers stand at the right. */
  right?: boolean
}

/** The last column is cut so that a row fits into `width`; without a width nothing is cut. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], width?: number): string {
  const cells = [columns.map((column) => column.title), ...rows.map((row) => row.map((cell) => oneLine(cell, 500)))]
  const widths = columns.map((_, at) => Math.max(...cells.map((row) => (row[at] ?? "").length)))
  const lines = cells.map((row) => {
    const line = columns
      .map(({ right }, at) => (right ? (row[at] ?? "").padStart(widths[at]!) : (row[at] ?? "").padEnd(widths[at]!)))
      .join("  ")
    return width ? oneLineKeepingSpaces(line, width) : line.trimEnd()
  })
  return `${lines.join("\n")}\n`
}

function oneLineKeepingSpaces(line: string, width: number): string {
  const trimmed = line.trimEnd()
  return trimmed.length <= width ? trimmed : `${trimmed.slice(0, width - 1)}…`
}
