// How the prompt looks: a rounded box with the text, what is offered below it. Every line is exactly as wide as asked.
import { CURSOR_MARKER, truncateToWidth, visibleWidth } from "@earendil-works/pi-tui"
import type { Completer } from "./completion.ts"
import { graphemesOf } from "./motion.ts"
import type { Text } from "./text.ts"
import { cells, type Labels, type Row, rowOf } from "./wrap.ts"

type Style = (text: string) => string

export interface PromptTheme {
  border: Style
  /** The box of a `!` shell line. */
  shell: Style
  /** The sign before the text. */
  sign: Style
  placeholder: Style
  /** Labels of long pastes and images. */
  mark: Style
  /** The character under the cursor. The identity leaves it to the terminal's own cursor. */
  cursor: Style
  /** Hints, and what is beside a completion. */
  dim: Style
  item: Style
  selected: Style
}

/** Left border, space, sign, space; space and right border. The last column before them is room for the cursor. */
const LEFT = 4
const RIGHT = 2
/** Narrower than this there is no box, only text. */
const NARROWEST_BOX = 12

export function textWidth(width: number): number {
  return Math.max(2, width < NARROWEST_BOX ? width - 1 : width - LEFT - RIGHT)
}

export interface View {
  width: number
  text: Text
  rows: readonly Row[]
  labels: Labels
  /** Rows that are shown. */
  from: number
  to: number
  isShell: boolean
  isFocused: boolean
  placeholder: string
  /** In the box's upper right corner. */
  title: string
  /** In its lower left corner: a search, a stroke that waits for its second. */
  status: string
  /** After the text, dim. */
  hint: string
}

export function drawBox(view: View, theme: PromptTheme): string[] {
  const border = view.isShell ? theme.shell : theme.border
  const inner = textWidth(view.width)
  const lines = view.rows.slice(view.from, view.to).map((row, index) => {
    const isFirst = view.from + index === 0
    const body = drawRow(view, row, theme)
    const room = inner + 1 - visibleWidth(body)
    const filled = room > 0 ? body + " ".repeat(room) : body
    if (view.width < NARROWEST_BOX) return fit(body, view.width)
    return `${border("│")} ${isFirst ? theme.sign("›") : " "} ${filled}${border("│")}`
  })
  if (view.width < NARROWEST_BOX) return lines
  const above = view.from > 0 ? ` ↑ ${view.from} ` : ""
  const below = view.rows.length > view.to ? ` ↓ ${view.rows.length - view.to} ` : ""
  return [
    edge(
      { width: view.width, ends: ["╭", "╮"], left: above, right: view.title && ` ${view.title} ` },
      { border, dim: theme.dim },
    ),
    ...lines,
    edge(
      { width: view.width, ends: ["╰", "╯"], left: view.status && ` ${view.status} `, right: below },
      { border, dim: theme.dim },
    ),
  ]
}

interface Edge {
  width: number
  ends: readonly [string, string]
  left: string
  right: string
}

function edge(
  { width, ends: [first, last], left, right }: Edge,
  { border, dim }: { border: Style; dim: Style },
): string {
  const inner = width - 2
  const shownRight = visibleWidth(right) <= inner - 2 ? right : ""
  const room = inner - 2 - visibleWidth(shownRight)
  const shownLeft = visibleWidth(left) <= room ? left : fit(left, Math.max(0, room))
  const dashes = inner - 2 - visibleWidth(shownLeft) - visibleWidth(shownRight)
  return (
    border(`${first}─`) +
    (shownLeft && dim(shownLeft)) +
    border("─".repeat(Math.max(0, dashes))) +
    (shownRight && dim(shownRight)) +
    border(`─${last}`)
  )
}

/** One row of the text with the cursor, if it is there. */
function drawRow(view: View, row: Row, theme: PromptTheme): string {
  const { text, labels, isFocused } = view
  const line = text.lines[row.line]!
  const width = textWidth(view.width)
  const hasCursor = view.rows[rowOf(view.rows, text)] === row
  const marker = isFocused ? CURSOR_MARKER : ""
  const cursor = (shown: string) => marker + (isFocused ? theme.cursor(shown) : shown)
  if (line === "" && text.lines.length === 1) return drawEmpty(view, theme)
  let drawn = ""
  let plain = ""
  for (const { col, length, shown } of cells(line.slice(row.from, row.to), labels, width)) {
    const isMark = length > 1 && labels.has(line.slice(row.from + col, row.from + col + length))
    const isUnderCursor = hasCursor && row.from + col === text.col
    if (!isMark && !isUnderCursor) {
      plain += shown
      continue
    }
    drawn += plain + (isUnderCursor ? cursor(shown) : theme.mark(shown))
    plain = ""
  }
  drawn += plain
  if (!hasCursor || text.col < row.to) return drawn
  return drawn + cursor(" ") + drawHint(view.hint, width - visibleWidth(drawn) - 1, theme)
}

function drawHint(hint: string, room: number, { dim }: PromptTheme): string {
  return hint === "" || room < 4 ? "" : dim(fit(hint, room).trimEnd())
}

function drawEmpty({ placeholder, isFocused, width }: View, theme: PromptTheme): string {
  const shown = fit(placeholder, textWidth(width)).trimEnd()
  const [first] = graphemesOf(shown)
  const under = first?.segment ?? " "
  const rest = shown.slice(first?.segment.length ?? 0)
  const head = isFocused ? CURSOR_MARKER + theme.cursor(under) : theme.placeholder(under)
  return head + (rest && theme.placeholder(rest))
}

export const MOST_OFFERED = 8

/** What is offered, below the box; the chosen one is always among the lines. */
export function drawOffer(
  open: NonNullable<Completer["open"]>,
  { width, most }: { width: number; most: number },
  theme: PromptTheme,
): string[] {
  const { items } = open.offer
  const first = firstShown(open, most)
  const shown = items.slice(first, first + most)
  const nameWidth = Math.min(
    Math.max(...shown.map(({ label, hint }) => visibleWidth(`${label} ${hint ?? ""}`))),
    Math.floor(width * 0.6),
  )
  return shown.map((item, index) => {
    const isSelected = first + index === open.selected
    const hint = item.hint === undefined ? "" : ` ${item.hint}`
    const label = fitEnd(item.label, Math.max(4, width - 4))
    const hintShown = fit(hint, Math.max(0, Math.min(visibleWidth(hint), width - 4 - visibleWidth(label))))
    const gap = " ".repeat(Math.max(0, nameWidth - visibleWidth(label + hintShown)))
    const detail = item.detail
      ? fit(`${gap}  ${item.detail}`, Math.max(0, width - 4 - visibleWidth(label + hintShown)))
      : ""
    const sign = isSelected ? "❯" : " "
    const style = isSelected ? theme.selected : theme.item
    return padded(` ${sign} ${style(label)}${theme.dim(hintShown + detail)}`, width)
  })
}

/** Index of the item in the first line below the box. */
export function firstShown({ offer, selected }: NonNullable<Completer["open"]>, most: number): number {
  return Math.max(0, Math.min(selected - Math.floor(most / 2), offer.items.length - most))
}

function fit(text: string, width: number): string {
  return width <= 0 ? "" : visibleWidth(text) <= width ? text : truncateToWidth(text, width, "…")
}

/** Of a path the end says most. */
function fitEnd(text: string, width: number): string {
  if (visibleWidth(text) <= width) return text
  const parts = [...graphemesOf(text)]
  let used = 1
  let from = parts.length
  while (from > 0 && used + visibleWidth(parts[from - 1]!.segment) <= width)
    used += visibleWidth(parts[--from]!.segment)
  return `…${text.slice(parts[from]?.index ?? text.length)}`
}

function padded(line: string, width: number): string {
  const room = width - visibleWidth(line)
  if (room < 0) return truncateToWidth(line, width, "")
  return line + " ".repeat(room)
}
