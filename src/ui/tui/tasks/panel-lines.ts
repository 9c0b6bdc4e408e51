// The lines around the rows of the tasks panel: what there is in all, the names of conversations, and a word on the
// chosen task.
import { visibleWidth } from "@earendil-works/pi-tui"
import { oneLine } from "../../../base/text.ts"
import { isLive } from "../../view/task-item.ts"
import type { Counts, ListRow, TaskRow } from "../../view/task-list.ts"
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
  // The counts are what one looks for: what is beside them gives way.
  const right =
    [`  ${scope} ▾   esc back `, "  esc back "].find((text) => visibleWidth(left) + text.length <= width) ?? ""
  return ends(left, theme.dim(right), width)
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
  const said =
    isLive(item) && !group.isDriven ? "Its process has gone. It goes on when its session is opened." : saying(item)
  const health = item.health && item.health !== "waiting for you" ? `${theme.warn(item.health)}  ` : ""
  const where = item.isBackground || !isLive(item) ? "" : theme.dim("in the foreground  ")
  return [clip(` ${theme.dim(item.id)}  ${health}${where}${oneLine(said, 600)}`, width)]
}
