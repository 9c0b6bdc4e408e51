// What the session has used: by model, and by who used it.
import { stripControl } from "../../../base/escape.ts"
import type { Reader } from "../../../store/store.ts"
import { type CostRow, sessionCost } from "../../view/cost.ts"
import type { TaskItem } from "../../view/task-item.ts"
import { clip, type Line, pad } from "../line.ts"
import { nameOf } from "../marks.ts"
import type { Theme } from "../theme.ts"

/** Most that the amounts take of a line, and least that names get. */
const AMOUNTS = 38
const NAME = 24
/** Kinds of tokens are shown from this width on. */
const WIDE = 130

export function costLines(
  reader: Reader,
  { rootId, items }: { rootId: string; items: readonly TaskItem[] },
  { width, theme }: { width: number; theme: Theme },
): Line[] {
  const names = new Map(items.flatMap((item) => (item.sessionId ? [[item.sessionId, nameOf(item)]] : [])))
  const cost = sessionCost(reader, { rootId, nameOf: (id) => names.get(id) })
  const room = Math.max(NAME, Math.min(60, width - AMOUNTS))
  const row = ({ name, depth, requests, tokens, kinds, cost: amount }: CostRow) => {
    const shown = `${"  ".repeat(depth)}${depth > 0 ? "└ " : ""}${stripControl(name)}`
    const amounts = `${tokens.padStart(7)}  ${amount.padStart(10)}`
    return `   ${pad(shown, room - 3)} ${theme.dim(requests.padStart(14))} ${amounts}${width >= WIDE ? `   ${theme.dim(kinds)}` : ""}`
  }
  const section = (title: string, rows: readonly CostRow[]) =>
    rows.length > 0 ? ["", ` ${theme.accent(title)}`, ...rows.map(row)] : []
  const lines = [
    "",
    ` ${theme.bold(cost.total)}${theme.dim(` in all · ${cost.about}`)}`,
    ...section("By model", cost.models),
    ...section("By who used it, each agent with what it started", cost.users),
    ...(cost.notes.length > 0 ? ["", ...cost.notes.map((note) => theme.dim(` ${note}`))] : []),
  ]
  return lines.map((text) => ({ text: clip(text, width) }))
}
