// The head of the inspector: what a task is, how it stands, what it may use and has used, what it waits for.
import { visibleWidth } from "@earendil-works/pi-tui"
import { displayPath } from "../../../base/paths.ts"
import { duration, oneLine, plural } from "../../../base/text.ts"
import type { TaskFacts } from "../../view/task-facts.ts"
import { elapsed, isLive, type TaskItem } from "../../view/task-item.ts"
import { clip, ends } from "../line.ts"
import { markOf, nameOf, paintOf } from "../marks.ts"
import type { Theme } from "../theme.ts"
import { costOf, endOf, tokensOf } from "./task-columns.ts"

export interface Heading {
  item: TaskItem
  facts: TaskFacts | undefined
  isDriven: boolean
  /** The other conversation that it belongs to. */
  session: string | undefined
}

export function inspectorHead(
  { item, facts, isDriven, session }: Heading,
  { width, theme, now }: { width: number; theme: Theme; now: number },
): string[] {
  const mark = paintOf(item.look, theme)(markOf(item, now))
  const from = session === undefined ? "" : `of ${oneLine(session, 30)} · `
  const title = ` ${mark} ${theme.bold(oneLine(nameOf(item), 200))}`
  const lines = [
    ends(title, theme.dim(`  ${from}${item.id}   esc back `), width),
    ...rows([stateFacts({ item, facts, isDriven, theme }), figures(item, facts, now)], { width, theme }),
  ]
  if (!facts) return lines
  const { caps, needs, group, output, run } = facts
  const labelled: [string, string[]][] = [
    ["caps", caps.map(({ text, isNear }) => (isNear ? theme.warn(text) : text))],
    [
      "waits for",
      needs.map((need) => `${need.id.slice(0, 4)} ${oneLine(need.title, 40)} (${need.isMet ? "done" : need.state})`),
    ],
    ["group", group ? [`${oneLine(group.name, 40)}, ${group.settled} of ${plural(group.tasks, "task")} settled`] : []],
    ["output", output && run.spool ? [output, displayPath(run.spool)] : []],
  ]
  return [
    ...lines,
    ...labelled.flatMap(([label, facts]) =>
      facts.length === 0 ? [] : wrapFacts(facts, { width, theme, before: ` ${theme.dim(label.padEnd(9))} ` }),
    ),
  ]
}

function stateFacts({ item, facts, isDriven, theme }: Omit<Heading, "session"> & { theme: Theme }): string[] {
  const paint = paintOf(item.look, theme)
  const isLost = isLive(item) && !isDriven
  const why = isLive(item) ? item.reason : undefined
  return [
    isLost ? theme.warn(`${item.state}, but nobody drives it`) : paint(isLive(item) ? stateOf(item) : endOf(item)),
    ...(why ? [oneLine(why, 200)] : []),
    ...(item.health && item.health !== "waiting for you" ? [theme.warn(item.health)] : []),
    ...(facts && facts.run.n > 1 ? [`run ${facts.run.n}`] : []),
    ...(item.attempt > 1 ? [`attempt ${item.attempt}`] : []),
    item.isBackground ? "background" : "foreground",
    ...(item.isService ? ["service"] : []),
    ...(item.kind === "agent" || item.exitCode === undefined || item.state === "completed" || item.state === "failed"
      ? []
      : [`exit code ${item.exitCode}`]),
    ...(facts?.model ? [facts.model] : [item.kind]),
    ...(facts?.folder ? [displayPath(facts.folder)] : []),
  ]
}

function stateOf({ look, state }: TaskItem): string {
  if (look === "waiting") return "waits for its own tasks"
  return look === "asking" ? "waits for you" : state
}

function figures(item: TaskItem, facts: TaskFacts | undefined, now: number): string[] {
  const started = facts?.run.started_at
  return [
    started ? `${duration(elapsed(item, now))}, since ${clockTime(started)}` : "not begun",
    ...(item.endedAt ? [`ended ${clockTime(item.endedAt)}`] : []),
    ...(item.kind === "agent" ? [`${tokensOf(item)} tok`, costOf(item), plural(item.toolUses, "tool call")] : []),
  ]
}

/** Local time; with the day when that is not today's. */
function clockTime(at: number): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, "0")
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  const isToday = date.toDateString() === new Date().toDateString()
  return isToday ? time : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`
}

function rows(all: readonly (readonly string[])[], how: { width: number; theme: Theme }): string[] {
  return all.flatMap((facts) => wrapFacts(facts, { ...how, before: "   " }))
}

/** As many facts in a line as fit; none is cut that fits into a line of its own. */
function wrapFacts(
  facts: readonly string[],
  { width, theme, before }: { width: number; theme: Theme; before: string },
): string[] {
  const lines: string[] = []
  const indent = " ".repeat(visibleWidth(before))
  let line = ""
  for (const fact of facts) {
    const next = line === "" ? fact : `${line}${theme.dim(" · ")}${fact}`
    if (line !== "" && visibleWidth(next) > width - indent.length - 1) {
      lines.push(line)
      line = fact
    } else line = next
  }
  return [...lines, line].map((text, i) => clip(`${i === 0 ? before : indent}${text}`, width))
}
