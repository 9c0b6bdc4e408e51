// A session as a row of the list, and what is said of the chosen one below it.
import { visibleWidth } from "@earendil-works/pi-tui"
import { visible } from "../../../base/escape.ts"
import { displayPath } from "../../../base/paths.ts"
import { oneLine, plural, tokens, usd } from "../../../base/text.ts"
import { ago, type ListedSession, type SessionSize, type Standing } from "../../view/session-list.ts"
import { clip, pad } from "../line.ts"
import { spinner } from "../marks.ts"
import type { Theme } from "../theme.ts"
import type { RowFacts } from "./facts.ts"

export interface Drawing {
  width: number
  theme: Theme
  now: number
}

export interface SessionLine {
  item: ListedSession
  name: string
  facts: RowFacts
  isChosen: boolean
  /** One comes from this session. */
  isHere: boolean
  /** Sessions of all projects are listed: each says where it is. */
  showsFolder: boolean
}

const WIDE = 100

export function sessionLine(line: SessionLine, drawing: Drawing): string {
  const { width, theme } = drawing
  const { item, facts, isChosen } = line
  const tail = tailOf(line, drawing)
  const tree = item.depth > 0 ? theme.faint(`${"  ".repeat(Math.min(item.depth, 8) - 1)}└ `) : ""
  const mark = markOf(facts.standing, drawing)
  const shown = oneLine(line.name, 200)
  const name = isChosen ? theme.bold(shown) : item.hasName ? shown : theme.italic(shown)
  const here = line.isHere ? theme.dim("  (here)") : ""
  const head = ` ${mark} ${tree}${name}${here}`
  const text = `${pad(head, width - visibleWidth(tail))}${tail}`
  return isChosen ? theme.selected(text) : text
}

export function markOf(standing: Standing, { theme, now }: Pick<Drawing, "theme" | "now">): string {
  switch (standing) {
    case "asks":
      return theme.warn("▲")
    case "works":
      return theme.running(spinner(now))
    case "left-behind":
      return theme.warn("◌")
    case "rests":
      return " "
    default:
      return standing satisfies never
  }
}

/** Room that the name has at least, where there is any. */
const NAME_WIDTH = 30

/** Columns to the right of the name: of those that do not all fit, the more telling ones. */
function tailOf({ item, facts, showsFolder }: SessionLine, { width, theme, now }: Drawing): string {
  const { size } = facts
  const column = (order: number, text: string) => ({ order, text, width: visibleWidth(text) })
  const columns = [
    ...(showsFolder ? [column(2, ` ${pad(theme.dim(visible(displayPath(item.cwd))), width >= WIDE ? 24 : 18)}`)] : []),
    column(5, ` ${pad(theme.dim(visible(item.branch ?? "")), 16)}`),
    column(1, right(ago(item.usedAt, now), 11)),
    column(6, theme.dim(right(size ? plural(size.turns, "turn") : "…", 12))),
    column(3, theme.dim(right(size ? tokens(size.tokens) : "", 8))),
    column(4, theme.dim(right(costOf(size), 9))),
  ]
  let room = width - NAME_WIDTH - 1
  const kept = new Set<number>()
  for (const one of columns.toSorted((x, y) => x.order - y.order)) {
    if (one.width > room) break
    room -= one.width
    kept.add(one.order)
  }
  return `${columns.flatMap(({ order, text }) => (kept.has(order) ? [text] : [])).join("")} `
}

export function costOf(size: SessionSize | undefined): string {
  if (!size) return ""
  if (size.costNanos === null) return "?"
  return `${size.isEstimated ? "≈" : ""}${usd(size.costNanos)}`
}

function right(text: string, width: number): string {
  return text.padStart(width)
}

/** One line, so that nothing jumps while one walks through the rows. */
export function detailLine(
  { item, facts }: Pick<SessionLine, "item" | "facts">,
  { width, theme, now }: Drawing,
): string {
  const { going, standing } = facts
  const doing = [
    ...(going?.asking
      ? [theme.warn(going.asking === 1 ? "1 request needs you" : `${going.asking} requests need you`)]
      : []),
    ...(going?.running ? [theme.running(`${plural(going.running, "task")} live`)] : []),
    ...(standing === "works" && !going?.running ? [theme.running("at work")] : []),
    ...(standing === "left-behind" ? [theme.warn("nobody drives it: it goes on when it is opened")] : []),
  ]
  const branch = item.branch ? ` (${visible(item.branch)})` : ""
  const facts_ = [
    ...doing,
    theme.dim(item.id.slice(0, 8)),
    theme.dim(`${visible(displayPath(item.cwd))}${branch}`),
    theme.dim(visible(item.model)),
    theme.dim(`begun ${begun(item.createdAt, now)}`),
  ]
  return clip(` ${facts_.join(theme.faint(" · "))}`, width)
}

function begun(at: number, now: number): string {
  const age = ago(at, now)
  if (age === "now") return "just now"
  return /^\d{4}/.test(age) ? `on ${age}` : `${age} ago`
}
