// A task as a row of columns: mark, id, name, time, tokens, cost, and what it does or how it ended. What is wide gives
// way first; at any width the columns stand below each other.
import { visibleWidth } from "@earendil-works/pi-tui"
import { duration, oneLine, stopwatch, tokens, usd } from "../../../base/text.ts"
import { elapsed, isLive, type TaskItem } from "../../view/task-item.ts"
import type { TaskRow } from "../../view/task-list.ts"
import { clip, pad } from "../line.ts"
import { markOf, nameOf, paintOf } from "../marks.ts"
import type { Theme } from "../theme.ts"

export interface Drawing {
  width: number
  theme: Theme
  now: number
  /** Characters of an id. */
  idLength: number
  /** How it is asked for, in another conversation's group: each has its own. */
  isChosen: boolean
}

const TIME = 7
const TOKENS = 7
const COST = 8

export function taskLineOf(row: TaskRow, { width, theme, now, idLength, isChosen }: Drawing): string {
  const { item } = row
  const name = nameWidth(width, idLength)
  const figures = [
    [timeOf(item, now), TIME],
    [tokensOf(item), TOKENS],
    ...(hasCost(width) ? ([[costOf(item), COST]] as const) : []),
  ] as const
  // What nobody drives does not turn.
  const mark = markOf(item, isLive(item) && !row.group.isDriven ? 0 : now)
  const head = ` ${paintOf(item.look, theme)(mark)} ${theme.dim(pad(item.id.slice(0, idLength), idLength))}  `
  const nested = item.depth > 0 ? `${"  ".repeat(Math.min(item.depth, 6) - 1)}└ ` : ""
  const named = pad(`${theme.faint(nested)}${nameOf(item)}`, name)
  const numbers = figures.map(([text, columns]) => theme.dim(text.padStart(columns))).join("")
  const before = `${head}${named} ${numbers}  `
  const line = pad(`${before}${sayingOf(row, theme, { width: width - visibleWidth(before) - 1 })}`, width)
  return isChosen ? theme.selected(line) : line
}

function nameWidth(width: number, idLength: number): number {
  const fixed = 3 + idLength + 2 + 1 + TIME + TOKENS + (hasCost(width) ? COST : 0) + 3
  const room = Math.max(10, width - fixed)
  return Math.max(10, Math.min(48, Math.floor(room * (width < 90 ? 0.6 : 0.52))))
}

function hasCost(width: number): boolean {
  return width >= 76
}

/** What it does now, what it needs, or what came of it. */
function sayingOf({ item, group }: TaskRow, theme: Theme, { width }: { width: number }): string {
  if (isLive(item) && !group.isDriven) return clip(theme.warn("nobody drives it"), width)
  const text = oneLine(saying(item), 400)
  const said =
    item.look === "asking"
      ? theme.warn(text)
      : item.look === "failed" || item.look === "lost"
        ? theme.error(text)
        : text
  const health =
    item.health && item.health !== "waiting for you" ? `${theme.warn(item.health)}${text ? theme.dim(" · ") : ""}` : ""
  return clip(`${health}${said}`, width)
}

/** In words, in full. */
export function saying(item: TaskItem): string {
  switch (item.look) {
    case "queued":
      return item.reason ? `queued: ${item.reason}` : "queued"
    case "paused":
      return item.reason ? `paused: ${item.reason}` : "paused"
    case "waiting":
      return "waits for its own tasks"
    case "asking":
      return item.doing
    case "running":
      return item.doing || (item.isBackground ? "" : "in the foreground")
    case "service":
      return ["service", item.doing].filter(Boolean).join(" · ")
    case "done":
      return item.kind === "agent" ? item.doing || endOf(item) : ended(item)
    case "failed":
    case "stopped":
    case "lost":
      return item.kind === "agent" ? endOf(item) : ended(item)
    default:
      return item.look satisfies never
  }
}

/** Of a command: how it ended, and the last that it said. */
function ended(item: TaskItem): string {
  const said = oneLine(
    (item.result ?? "")
      .slice(-LAST_CHARS)
      .trimEnd()
      .split(/[\r\n]/)
      .at(-1) ?? "",
    300,
  )
  return said === "" ? endOf(item) : `${endOf(item)} · ${said}`
}

const LAST_CHARS = 1000

/** How it ended: "exit code 1", "timed out: …", "stopped by the user". */
export function endOf(item: TaskItem): string {
  const why = item.reason ? `: ${item.reason}` : ""
  switch (item.state) {
    case "completed":
      return item.kind === "agent" ? "done" : item.exitCode === undefined ? "ended" : `exit code ${item.exitCode}`
    case "failed":
      return item.reason ?? (item.exitCode === undefined ? "failed" : `exit code ${item.exitCode}`)
    case "timed_out":
      return `timed out${why}`
    case "stopped":
      return item.reason ?? "stopped"
    case "skipped":
      return `skipped${why}`
    case "lost":
      return `lost${why}`
    case "queued":
    case "running":
    case "paused":
      return item.state
    default:
      return item.state satisfies never
  }
}

function timeOf(item: TaskItem, now: number): string {
  const ms = elapsed(item, now)
  // Hours with their minutes fit, days don't.
  return ms < 100 * 3_600_000 ? stopwatch(ms) : duration(ms).replaceAll(" ", "")
}

export function tokensOf(item: TaskItem): string {
  if (item.kind !== "agent") return "–"
  return `${item.isEstimated ? "≈" : ""}${tokens(item.tokens)}`
}

export function costOf(item: TaskItem): string {
  if (item.kind !== "agent") return "–"
  return item.costNanos === null ? "$?" : `${item.isEstimated ? "≈" : ""}${usd(item.costNanos)}`
}
