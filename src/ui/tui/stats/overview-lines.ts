// The first page of /stats: the year, the span in figures, and its days.
import { bar, type DayRow, type Fact, type HeatMap } from "../../view/stats.ts"
import { clip, pad } from "../line.ts"
import type { Theme } from "../theme.ts"
import { heatLines } from "./heat-lines.ts"

export interface Overview {
  heat: HeatMap
  used: readonly Fact[]
  habits: readonly Fact[]
  days: readonly DayRow[]
  notes: readonly string[]
}

const NAMES = [18, 16] as const
const COLUMN = 44

export function overviewLines(overview: Overview, { width, theme }: { width: number; theme: Theme }): string[] {
  const { heat, used, habits, days, notes } = overview
  return [
    "",
    ...heatLines(heat, { width, theme }),
    "",
    ...factLines(used, habits, { width, theme }),
    "",
    ...(days.length > 0
      ? dayLines(days, { width, theme })
      : [theme.dim("  Nothing was asked of a model in this time.")]),
    ...(notes.length > 0 ? ["", ...notes.map((note) => theme.dim(`  ${note}`))] : []),
  ].map((line) => clip(line, width))
}

/** Side by side where there is room. */
function factLines(
  left: readonly Fact[],
  right: readonly Fact[],
  { width, theme }: { width: number; theme: Theme },
): string[] {
  const fact = ({ name, value }: Fact, column: 0 | 1 = 0) =>
    `${theme.dim(name.padEnd(NAMES[column]))}${theme.bold(value)}`
  if (width < 2 * COLUMN - 12) return [...left, ...right].map((one) => `  ${fact(one)}`)
  const column = Math.min(COLUMN, Math.floor((width - 2) / 2) - 1)
  return Array.from({ length: Math.max(left.length, right.length) }, (_, at) => {
    const [one, other] = [left[at], right[at]]
    return `  ${pad(one ? fact(one) : "", column)}${other ? fact(other, 1) : ""}`.trimEnd()
  })
}

/** The newest first. */
function dayLines(days: readonly DayRow[], { width, theme }: { width: number; theme: Theme }): string[] {
  const widest = (title: string, of: (day: DayRow) => string) =>
    Math.max(title.length, ...days.map((day) => of(day).length))
  const columns = [
    { title: "sessions", of: (day: DayRow) => day.sessions },
    { title: "messages", of: (day: DayRow) => day.messages },
    { title: "tokens", of: (day: DayRow) => day.tokens },
    { title: "cost", of: (day: DayRow) => day.cost },
  ].map((column) => ({ ...column, width: widest(column.title, column.of) }))
  const head = ["day".padEnd(10), ...columns.map(({ title, width: room }) => title.padStart(room))].join("  ")
  const room = Math.max(0, Math.min(40, width - head.length - 6))
  const rows = days.toReversed().map((day) => {
    const cells = [day.date, ...columns.map(({ of, width: cell }) => of(day).padStart(cell))]
    return `  ${cells.join("  ")}  ${theme.accent(bar(day.part, room))}`.trimEnd()
  })
  return [theme.dim(`  ${head}`), ...rows]
}
