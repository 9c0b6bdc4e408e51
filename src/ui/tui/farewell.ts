// What is left in the normal screen when the interface has gone: the last reply, and how to come back.
import type { Program } from "../../program.ts"
import type { SessionRow } from "../../store/rows.ts"
import { Highlighter } from "./conversation/highlight.ts"
import { markdownLines } from "./conversation/markdown.ts"
import type { Theme } from "./theme.ts"

/** Of a long reply the end. */
const MOST_LINES = 60

export function farewell(
  program: Program,
  row: SessionRow,
  { width, theme, note }: { width: number; theme: Theme; note?: string | undefined },
): string {
  const reply = program.lastText(row)
  if (reply === undefined && note === undefined) return ""
  const highlighter = new Highlighter(() => undefined)
  const lines = markdownLines(reply ?? "", { width: Math.max(20, width - 1), theme, highlighter })
  const shown = lines.length > MOST_LINES ? [theme.dim("…"), ...lines.slice(-MOST_LINES)] : lines
  const back = theme.dim(
    wayBack(program.store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id: row.id }) ?? row),
  )
  return [...shown, ...(shown.length > 0 ? [""] : []), ...(note ? [note] : []), back, ""].join("\n")
}

/** What to type to be there again, by its name as it is now. */
export function wayBack({ id, name }: Pick<SessionRow, "id" | "name">): string {
  const short = name ?? id.slice(0, 8)
  return `meanwhile --resume ${/^\w[\w.-]*$/.test(short) ? short : JSON.stringify(short)}`
}
