// The lines around the conversation: the head, the strip of tasks, what waits in the queue, what needs you, the foot.
import { basename } from "node:path"
import { stripControl } from "../../../base/escape.ts"
import { displayPath } from "../../../base/paths.ts"
import { duration, oneLine, plural, tokens, usd } from "../../../base/text.ts"
import { type Request, wants } from "../../view/requests.ts"
import { isLive, type TaskItem } from "../../view/task-item.ts"
import type { Activity, QueuedPrompt, Totals } from "../../view/tree-view.ts"
import { clip, columnsOf, ends, type Line } from "../line.ts"
import { spinner } from "../marks.ts"
import type { Theme } from "../theme.ts"

/** What there is room for on a screen of so many rows: the prompt is there on each, whatever else is not. */
export function roomOn(rows: number): { head: boolean; foot: boolean; rule: boolean; above: number } {
  const isLow = rows < 10
  return { head: !isLow, foot: rows > 5, rule: !isLow, above: isLow ? Math.max(0, rows - 5) : Number.POSITIVE_INFINITY }
}

export interface Heading {
  name: string
  model: string
  cwd: string
  branch: string | undefined
  totals: Totals
  /** Another process drives the session. */
  isViewer: boolean
}

export function headLines(heading: Heading, width: number, theme: Theme): string[] {
  const { totals } = heading
  const about = totals.isEstimated ? "≈" : ""
  const cost = totals.costNanos === null ? "$?" : `${about}${usd(totals.costNanos)}`
  const spent = totals.tokens > 0 ? [`${about}${tokens(totals.tokens)} tok`, cost] : []
  const model = heading.model.replace(/^[^/]+\//, "")
  const facts = (place: string) =>
    [...(heading.isViewer ? ["viewing"] : []), model, place, ...spent]
      .filter((fact) => fact !== "")
      .map((fact) => stripControl(fact))
      .join(" · ")
  const branch = heading.branch ? ` (${heading.branch})` : ""
  const room = width - Math.min(24, heading.name.length) - 4
  // What is long gives way before what is short.
  const right =
    [
      facts(`${displayPath(heading.cwd)}${branch}`),
      facts(`${basename(heading.cwd)}${branch}`),
      facts(basename(heading.cwd)),
      spent.join(" · "),
    ].find((text) => text.length <= room) ?? ""
  return [
    ` ${ends(theme.bold(oneLine(heading.name, 60)), `${theme.dim(right)} `, width - 1)}`,
    theme.faint("─".repeat(width)),
  ]
}

/** What runs, and what needs somebody; undefined when there is nothing to say. */
export function stripLine(
  { items, requests, hint }: { items: readonly TaskItem[]; requests: readonly Request[]; hint: string },
  { width, theme, now }: { width: number; theme: Theme; now: number },
): string | undefined {
  let [agents, shells, services, monitors, queued, paused] = [0, 0, 0, 0, 0, 0]
  for (const item of items) {
    if (!isLive(item) || !item.isBackground) continue
    if (item.isService) services++
    if (item.kind === "monitor") monitors++
    if (item.state === "queued") queued++
    else if (item.state === "paused") paused++
    else if (item.kind === "agent") agents++
    else if (item.kind === "shell" && !item.isService) shells++
  }
  const parts = [
    counted(agents, "agent"),
    counted(shells, "shell"),
    counted(services, "service"),
    counted(monitors, "monitor"),
  ].flatMap((text) => (text ? [`${theme.running(spinner(now))} ${text}`] : []))
  if (queued > 0) parts.push(theme.dim(`○ ${queued} queued`))
  if (paused > 0) parts.push(theme.dim(`‖ ${paused} paused`))
  const needs = `▲ ${requests.length} ${requests.length === 1 ? "needs" : "need"} you`
  if (requests.length > 0) parts.push(theme.warn(needs))
  if (parts.length === 0) return undefined
  const line = parts.join("  ")
  const room = width - 2 - columnsOf(line)
  if (room >= columnsOf(hint) + 2) return ` ${ends(line, `${theme.dim(hint)} `, width - 1)}`
  // What needs somebody is never what is cut off.
  const urgent = requests.length > 0 ? [parts.at(-1)!, ...parts.slice(0, -1)] : parts
  return clip(` ${(room >= 0 ? parts : urgent).join("  ")}`, width)
}

function counted(count: number, what: string): string | undefined {
  return count > 0 ? plural(count, what) : undefined
}

/** Prompts that wait, above the editor. */
export function queueLines(
  queue: readonly QueuedPrompt[],
  { width, theme, hint }: { width: number; theme: Theme; hint: string },
): string[] {
  const shown = queue.slice(-4)
  const hidden = queue.length - shown.length
  const lines = shown.map(({ text, images, delivery }, i) => {
    const what = oneLine(stripControl(text), 300) || plural(images, "image")
    const when = delivery === "queue" ? "queued" : "next"
    const back = i === shown.length - 1 ? theme.dim(`  ${hint}`) : ""
    return clip(` ${theme.accent("↳")} ${theme.dim(`${when}:`)} ${what}${back}`, width)
  })
  return hidden > 0 ? [theme.dim(`   and ${hidden} more`), ...lines] : lines
}

/** The oldest request, so that one sees what is asked before one answers. Never takes the keys. */
export function requestLines(
  requests: readonly Request[],
  { width, theme, hint }: { width: number; theme: Theme; hint: string },
): Line[] {
  const [first] = requests
  if (!first) return []
  const who = first.taskId ? `${first.agent} ${first.taskId.slice(0, 4)} ` : ""
  const more = requests.length > 1 ? theme.dim(`  and ${requests.length - 1} more`) : ""
  const target = { type: "requests" } as const
  return [
    {
      text: ` ${ends(`${theme.warn("▲")} ${who}${oneLine(wants(first), 500)}${more}`, `  ${theme.warn(hint)} `, width - 1)}`,
      target,
    },
  ]
}

/** What the conversation does now, as its last lines. */
export function activityLines(
  activity: Activity,
  {
    width,
    theme,
    now,
    hint,
  }: { width: number; theme: Theme; now: number; hint(action: "background" | "interrupt"): string },
): Line[] {
  const line = (text: string): Line[] => [{ text: "" }, { text: clip(`   ${text}`, width) }]
  const spin = theme.running(spinner(now))
  switch (activity.type) {
    case "idle":
    case "asking":
      return []
    case "thinking":
      return line(
        `${spin} ${theme.dim(`thinking · ${duration(now - activity.since)} · ${hint("interrupt")} interrupts`)}`,
      )
    case "speaking":
    case "tools":
      return line(`${spin} ${theme.dim(duration(now - activity.since))}`)
    case "blocked":
      return [
        { text: clip(`     ${theme.accent(hint("background"))}  ${theme.dim("keep talking while these run")}`, width) },
      ]
    case "retrying": {
      const left = Math.max(0, Math.ceil((activity.until - now) / 1000))
      return line(theme.warn(`↻ asking again in ${left} s: ${oneLine(stripControl(activity.reason), 300)}`))
    }
    case "abandoned":
      return line(theme.warn("! The process that worked on this has gone; it goes on as soon as one takes over."))
    default:
      return activity satisfies never
  }
}

export interface Foot {
  mode: string
  hints: readonly string[]
  /** A word in the place of the hints, for a moment. */
  flash: string | undefined
}

export function footLine({ mode, hints, flash }: Foot, width: number, theme: Theme): string {
  const named = mode === "default" || mode === "plan" ? theme.dim(mode) : theme.warn(mode)
  if (flash !== undefined) return clip(`  ${named} ${theme.dim("·")} ${flash}`, width)
  const shown: string[] = []
  let length = mode.length + 2
  for (const hint of hints) {
    if (length + hint.length + 3 > width - 1) break
    shown.push(hint)
    length += hint.length + 3
  }
  return `  ${[named, ...shown.map(theme.dim)].join(theme.dim(" · "))}`
}
