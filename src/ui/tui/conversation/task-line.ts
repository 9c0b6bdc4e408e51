// A task in one line of the conversation: what it is, how long, how much, and what it does; when it is over, how it ended.
import { duration, oneLine, tokens, usd } from "../../../base/text.ts"
import { elapsed, isLive, type TaskItem } from "../../view/task-item.ts"
import { clip, pad } from "../line.ts"
import { markOf, nameOf, paintOf } from "../marks.ts"
import type { Theme } from "../theme.ts"

export function taskLine(item: TaskItem, { width, theme, now }: { width: number; theme: Theme; now: number }): string {
  const paint = paintOf(item.look, theme)
  const nameWidth = Math.max(16, Math.min(44, Math.floor(width * 0.42)))
  const name = pad(nameOf(item), nameWidth)
  const said = factsOf(item, now).join(" · ")
  return clip(`${paint(markOf(item, now))} ${name}  ${theme.dim(said)}`, width)
}

function factsOf(item: TaskItem, now: number): string[] {
  const took = duration(elapsed(item, now))
  const doing = oneLine(item.doing, 300)
  const used = usedBy(item)
  switch (item.look) {
    case "queued":
      return ["queued", ...some(item.reason)]
    case "paused":
      return ["paused", ...some(item.reason), ...used]
    case "asking":
      return [doing, took]
    case "waiting":
      return [took, ...used, "waits for its own tasks"]
    case "running":
    case "service":
      return [took, ...used, ...some(item.health), ...some(doing)]
    case "done":
      return [took, ...used, ...costOf(item), ...some(doing)]
    case "failed":
      return [endOf(item), took, ...used, ...costOf(item)]
    case "stopped":
    case "lost":
      return [item.state, ...some(item.reason), took, ...costOf(item)]
    default:
      return item.look satisfies never
  }
}

function usedBy(item: TaskItem): string[] {
  const about = item.isEstimated ? "≈" : ""
  if (item.kind === "agent") return item.tokens > 0 ? [`${about}${tokens(item.tokens)} tok`] : []
  return item.bytes > 0 && isLive(item) ? [size(item.bytes)] : []
}

function costOf(item: TaskItem): string[] {
  if (item.kind !== "agent" || item.costNanos === null || item.costNanos === 0) return []
  return [`${item.isEstimated ? "≈" : ""}${usd(item.costNanos)}`]
}

function endOf(item: TaskItem): string {
  if (item.state === "timed_out") return `timed out${item.reason ? `: ${item.reason}` : ""}`
  if (item.exitCode !== undefined) return `exit code ${item.exitCode}`
  return item.reason ?? "failed"
}

function some(text: string | undefined): string[] {
  return text ? [text] : []
}

/** Bytes for people: "212 B", "14 kB", "3.1 MB". */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`
}
