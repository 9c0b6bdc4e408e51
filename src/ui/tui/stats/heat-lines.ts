// A year as a heat map: a column for each week, a row for each day of it. Without colour, shades take its place.
import { HEAT_WEEKS, type HeatLevel, type HeatMap } from "../../view/stats.ts"
import type { Theme } from "../theme.ts"

export const SHADES = ["·", "░", "▒", "▓", "█"] as const
const SQUARE = "■"
const DAYS = ["Mon", "", "Wed", "", "Fri", "", ""]
/** Before the first week: a day's name. */
const MARGIN = 6

/** The newest weeks, as many as fit; two columns for each where there is room. */
export function heatLines(map: HeatMap, { width, theme }: { width: number; theme: Theme }): string[] {
  const wide = width >= MARGIN + 2 * HEAT_WEEKS + 1
  const cell = wide ? 2 : 1
  const fit = Math.max(1, Math.min(HEAT_WEEKS, Math.floor((width - MARGIN - 1) / cell)))
  const first = HEAT_WEEKS - fit
  const mark = (level: HeatLevel | undefined) => (level === undefined ? " " : painted(level, theme)) + (wide ? " " : "")
  const rows = DAYS.map((name, day) => {
    const marks = map.weeks.slice(first).map((week) => mark(week[day]))
    return `  ${theme.dim(name.padEnd(MARGIN - 2))}${marks.join("")}`.trimEnd()
  })
  const legend = `${" ".repeat(MARGIN)}${theme.dim("less")} ${([0, 1, 2, 3, 4] as const).map((level) => painted(level, theme)).join(" ")} ${theme.dim("more")}`
  return [theme.dim(" ".repeat(MARGIN) + monthLine(map, { first, cell })), ...rows, legend]
}

function painted(level: HeatLevel, theme: Theme): string {
  return theme.hasColour ? theme.heat[level]!(SQUARE) : SHADES[level]
}

/** Months' names where they begin; one that would run into the next is left out. */
export function monthLine({ months }: HeatMap, { first, cell }: { first: number; cell: number }): string {
  let line = ""
  for (const { week, name } of months) {
    const column = (week - first) * cell
    if (column < 0 || (line !== "" && column <= line.length) || column + name.length > (HEAT_WEEKS - first) * cell)
      continue
    line = line.padEnd(column) + name
  }
  return line
}
