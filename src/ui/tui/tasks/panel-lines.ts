// The lines around the rows of the tasks panel: what there is in all, the names of conversations, a word on the chosen
// task, and the keys.
import { oneLine } from "../../../base/text.ts"
import type { Counts, ListRow, TaskRow } from "../../view/task-list.ts"
import { isLive } from "../../view/task-item.ts"
import type { Action } from "../keys/actions.ts"
import { clip, ends } from "../line.ts"
import { spinner } from "../marks.ts"
import type { Theme } from "../theme.ts"
import { saying } from "./task-columns.ts"

export const NOTHING = {
  none: "No tasks yet. What runs beside the conversation is listed here.",
  filtered: "No task fits the filter. esc shows all.",
} as const

export function headLine(
  { counts, filter, scope }: { counts: Counts; filter: string; scope: string },
  { width, theme, now }: { width: number; theme: Theme; now: number },
): string {
  const parts = [
    ...(counts.running > 0 ? [`${theme.running(spinner(now))} ${counts.running} running`] : []),
    ...(counts.asking > 0 ? [theme.warn(`▲ ${counts.asking} ${counts.asking === 1 ? "needs" : "need"} you`)] : []),
    ...(counts.queued > 0 ? [theme.dim(`○ ${counts.queued} queued`)] : []),
    ...(counts.paused > 0 ? [theme.dim(`‖ ${counts.paused} paused`)] : []),
    ...(counts.done > 0 ? [`${theme.ok("✓")} ${counts.done} done`] : []),
    ...(counts.failed > 0 ? [theme.error(`✗ ${counts.failed} failed`)] : []),
    ...(counts.stopped > 0 ? [theme.dim(`■ ${counts.stopped} stopped`)] : []),
  ]
  const filtered = filter === "" ? [] : [theme.accent(`/${oneLine(filter, 40)}`)]
  const left = ` ${theme.bold("Tasks")}   ${[...parts, ...filtered].join("  ")}`
  return ends(left, theme.dim(`  ${scope} ▾   esc back `), width)
}

export function groupLine(
  { group, hidden }: Extract<ListRow, { type: "group" }>,
  { width, theme }: { width: number; theme: Theme },
): string {
  const nobody = group.items.some(isLive) && !group.isDriven ? theme.warn("  nobody drives it") : ""
  const left = hidden > 0 ? theme.dim(`  ${hidden} more`) : ""
  return clip(` ${theme.bold(oneLine(group.name, 60))}${nobody}${left}`, width)
}

/** One line, so that nothing jumps while one walks through the rows. */
export function detailLines(
  { item, group }: TaskRow,
  { width, theme }: { width: number; theme: Theme; now: number },
): string[] {
  const said = isLive(item) && !group.isDriven ? "Its process has gone. It goes on when its session is opened." : saying(item)
  const health = item.health && item.health !== "waiting for you" ? `${theme.warn(item.health)}  ` : ""
  const where = item.isBackground || !isLive(item) ? "" : theme.dim("in the foreground  ")
  return [clip(` ${theme.dim(item.id)}  ${health}${where}${oneLine(said, 600)}`, width)]
}

export interface Hinting {
  key(action: Action): string
  mode: "list" | "filter" | "confirm" | "card"
  filtered: boolean
  width: number
}

/** As many as fit; all of them are in the screen of keys. */
export function footHints({ key, mode, filtered, width }: Hinting): string {
  if (mode === "filter") return "↵ keep the filter · ↑↓ choose · esc undo"
  if (mode === "confirm") return "y or x stops all of it · n keeps it"
  if (mode === "card") return "esc back"
  const hints = [
    "↵ or click inspect",
    `${key("tasks.foreground")} foreground`,
    `${key("tasks.pause")} pause`,
    `${key("tasks.stop")} stop`,
    `${key("tasks.message")} message`,
    `${key("tasks.diff")} diff`,
    filtered ? "esc all tasks" : `${key("tasks.filter")} filter`,
    `${key("tasks.allSessions")} all sessions`,
    `${key("tasks.copy")} copy id`,
  ]
  let line = ""
  for (const hint of hints) {
    const next = line === "" ? hint : `${line} · ${hint}`
    if (next.length > width - 3) break
    line = next
  }
  return line
}
