// How the prompt looks: a rounded box with the text, and below it what is offered. No line is wider than asked.
import { CURSOR_MARKER, visibleWidth } from "@earendil-works/pi-tui"
import { clip } from "../line.ts"
import type { Theme } from "../theme.ts"
import type { OpenCompletion } from "./completion.ts"
import { graphemesOf } from "./motion.ts"
import type { Text } from "./text.ts"
import { cells, type Labels, type Row } from "./wrap.ts"

/** Left border, space, sign, space; space and right border. The space before that border has room for the cursor. */
const LEFT = 4
const RIGHT = 2
/** Narrower than this there is no box, only text. */
const NARROWEST_BOX = 12
export const MOST_OFFERED = 8

/** Columns of text in a prompt of so many columns. */
export function textWidth(width: number): number {
  return Math.max(2, hasBox(width) ? width - LEFT - RIGHT : width - 1)
}

export function hasBox(width: number): boolean {
  return width >= NARROWEST_BOX
}

/** The column of the text that is at a column of the prompt. */
export function textColumn(x: number, width: number): number {
  return Math.max(0, hasBox(width) ? x - LEFT : x)
}

export interface View {
  width: number
  text: Text
  rows: readonly Row[]
  labels: Labels
  /** Index of the row with the cursor. */
  cursorRow: number
  /** Rows that are shown: from this one on, so many. */
  from: number
  height: number
  isShell: boolean
  isFocused: boolean
  placeholder: string
  /** In the box's upper right corner. */
  title: string
  /** In its lower left corner. */
  status: string
  /** After the text, of less weight. */
  hint: string
}

export function drawBox(view: View, theme: Theme): string[] {
  const { width, rows, from, height } = view
  const border = view.isShell ? theme.warn : theme.faint
  const inner = textWidth(width) + 1
  const shown = rows.slice(from, from + height)
  const bodies = shown.map((row, index) => drawRow(view, { row, hasCursor: from + index === view.cursorRow }, theme))
  if (!hasBox(width)) return bodies.map((body) => clip(body, width))
  const lines = bodies.map((body, index) => {
    const sign = from + index > 0 ? " " : view.isShell ? theme.warn("›") : theme.accent("›")
    return `${border("│")} ${sign} ${body}${" ".repeat(Math.max(0, inner - visibleWidth(body)))}${border("│")}`
  })
  const hidden = rows.length - from - shown.length
  const top = { left: from > 0 ? `↑ ${from}` : "", right: view.title }
  const bottom = { left: view.status, right: hidden > 0 ? `↓ ${hidden}` : "" }
  const draw = (ends: readonly [string, string], said: Said) => drawEdge({ width, ends, ...said }, border, theme)
  return [draw(["╭", "╮"], top), ...lines, draw(["╰", "╯"], bottom)]
}

interface Said {
  left: string
  right: string
}

function drawEdge(
  { width, ends, left, right }: Said & { width: number; ends: readonly [string, string] },
  border: (text: string) => string,
  { dim }: Theme,
): string {
  // Corners, and a dash beside each.
  const room = width - 4
  const rightSaid = right !== "" && visibleWidth(right) + 2 <= room ? ` ${right} ` : ""
  const leftRoom = room - visibleWidth(rightSaid) - 2
  const leftSaid = left !== "" && leftRoom > 0 ? ` ${shortened(left, leftRoom)} ` : ""
  const dashes = room - visibleWidth(leftSaid) - visibleWidth(rightSaid)
  const said = (text: string) => (text === "" ? "" : dim(text))
  return `${border(`${ends[0]}─`)}${said(leftSaid)}${border("─".repeat(dashes))}${said(rightSaid)}${border(`─${ends[1]}`)}`
}

/** One row of the text, with the cursor when it is there. */
function drawRow(view: View, { row, hasCursor }: { row: Row; hasCursor: boolean }, theme: Theme): string {
  const { text, labels, isFocused } = view
  const line = text.lines[row.line]!
  if (line === "" && text.lines.length === 1) return drawEmpty(view, theme)
  const width = textWidth(view.width)
  const cursor = (shown: string) => (isFocused ? CURSOR_MARKER + theme.inverse(shown) : shown)
  let drawn = ""
  let plain = ""
  let used = 0
  for (const cell of cells(line.slice(row.from, row.to), labels, width)) {
    const isUnderCursor = hasCursor && row.from + cell.col === text.col
    used += cell.width
    if (!cell.isMark && !isUnderCursor) {
      plain += cell.shown
      continue
    }
    drawn += plain + (isUnderCursor ? cursor(cell.shown) : theme.accent(cell.shown))
    plain = ""
  }
  drawn += plain
  if (!hasCursor || text.col < row.to) return drawn
  const room = width - used
  return drawn + cursor(" ") + (room > 4 && view.hint !== "" ? theme.dim(shortened(view.hint, room)) : "")
}

function drawEmpty({ placeholder, isFocused, width }: View, theme: Theme): string {
  const shown = shortened(placeholder, textWidth(width))
  const [first] = graphemesOf(shown)
  const under = first?.segment ?? " "
  const rest = shown.slice(under.length)
  const head = isFocused ? CURSOR_MARKER + theme.inverse(under) : theme.dim(under)
  return head + (rest === "" ? "" : theme.dim(rest))
}

export interface OfferView {
  open: OpenCompletion
  width: number
  /** Lines at most. */
  most: number
}

/** What is offered, below the box; the chosen one is always among the lines. */
export function drawOffer({ open, width, most }: OfferView, theme: Theme): string[] {
  const { items } = open.offer
  const first = firstShown(open, most)
  const shown = items.slice(first, first + most)
  const widths = shown.map(({ label, hint }) => visibleWidth(label) + visibleWidth(hint ?? "") + 1)
  const column = Math.min(Math.max(...widths), Math.floor(width * 0.6))
  return shown.map((item, index) => {
    const isSelected = first + index === open.selected
    const label = shortenedStart(item.label, Math.max(1, width - 4))
    let room = width - 4 - visibleWidth(label)
    const hint = item.hint ? shortened(` ${item.hint}`, room) : ""
    room -= visibleWidth(hint)
    const gap = " ".repeat(Math.max(0, column - visibleWidth(label) - visibleWidth(hint)) + 2)
    const detail = item.detail ? shortened(`${gap}${item.detail}`, room) : ""
    const line = ` ${isSelected ? theme.accent("❯") : " "} ${isSelected ? theme.bold(label) : label}`
    return clip(hint + detail === "" ? line : line + theme.dim(hint + detail), width)
  })
}

/** Index of the item in the first line below the box. */
export function firstShown({ offer, selected }: OpenCompletion, most: number): number {
  return Math.max(0, Math.min(selected - Math.floor(most / 2), offer.items.length - most))
}

function shortened(text: string, width: number): string {
  if (width <= 0) return ""
  if (visibleWidth(text) <= width) return text
  let [short, used] = ["", 1]
  for (const { segment } of graphemesOf(text)) {
    used += visibleWidth(segment)
    if (used > width) break
    short += segment
  }
  return `${short}…`
}

/** Of a path the end says most. */
function shortenedStart(text: string, width: number): string {
  if (visibleWidth(text) <= width) return text
  const parts = [...graphemesOf(text)]
  let used = 1
  let from = parts.length
  while (from > 0) {
    used += visibleWidth(parts[from - 1]!.segment)
    if (used > width) break
    from--
  }
  return `…${text.slice(parts[from]?.index ?? text.length)}`
}
