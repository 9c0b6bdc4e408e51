// A task as people and programs see it: a row of a table, a line, an object of JSON.
import { stripControl } from "../base/escape.ts"
import { oneLine, stopwatch, tokens, usd } from "../base/text.ts"
import type { TaskView } from "../task/find.ts"
import type { Health } from "../task/health.ts"
import { isTerminal as isSettled, workedMs } from "../task/task.ts"
import type { Column } from "./table.ts"

/** A task as it is now. `isDriven`: whether a process sees to its tree; undefined once it has settled. */
export interface TaskNow extends TaskView {
  isDriven: boolean | undefined
  /** What is not well with it. */
  health: Health | undefined
}

/** `lost`: ids of those that run although nobody drives them (`undriven`). */
export function withDrivers(
  views: readonly TaskView[],
  { lost, health }: { lost: ReadonlySet<string>; health: ReadonlyMap<string, Health> },
): TaskNow[] {
  return views.map((view) => ({
    ...view,
    isDriven: isSettled(view.run.state) ? undefined : !lost.has(view.task.id),
    health: health.get(view.task.id),
  }))
}

const COLUMNS: readonly Column[] = [
  { title: "ID" },
  { title: "STATE" },
  { title: "HEALTH" },
  { title: "WHAT" },
  { title: "TIME", right: true },
  { title: "TOKENS", right: true },
  { title: "COST", right: true },
  { title: "NOW" },
]

/** A column for what is not well is there only when something is not. */
export function taskTable(views: readonly TaskNow[], now: number): { columns: readonly Column[]; rows: string[][] } {
  const rows = views.map((view) => taskCells(view, now))
  if (views.some((view) => view.health)) return { columns: COLUMNS, rows }
  const at = COLUMNS.findIndex(({ title }) => title === "HEALTH")
  return { columns: COLUMNS.toSpliced(at, 1), rows: rows.map((cells) => cells.toSpliced(at, 1)) }
}

function taskCells(view: TaskNow, now: number): string[] {
  return [
    view.task.id,
    stateOf(view),
    view.health ?? "",
    whatOf(view),
    timeOf(view, now),
    ...figures(view),
    doingOf(view),
  ]
}

/** What the row says, unless that can't be so: a run whose host has died stays `running` in its row. */
export function stateOf({ run, isDriven }: TaskNow): string {
  return isDriven === false ? `${run.state} (nobody drives it)` : run.state
}

export function whatOf({ task }: TaskView): string {
  const what = oneLine(task.description, 50)
  return task.kind === "agent" ? `${(JSON.parse(task.input) as { agent: string }).agent}  ${what}` : `$ ${what}`
}

export function timeOf({ run }: TaskView, now: number): string {
  return stopwatch(workedMs(run, now))
}

export function figures({ task, tokens: used, costNanos, isEstimated }: TaskView): [string, string] {
  if (task.kind !== "agent") return ["–", "–"]
  const about = isEstimated ? "≈" : ""
  return [about + tokens(used), costNanos === null ? "?" : about + usd(costNanos)]
}

export function doingOf({ run }: TaskView): string {
  if (run.state === "running") return run.activity ?? lastLine(run.tail)
  if (run.state === "completed") return firstLine(run.result ?? "")
  return run.reason ?? ""
}

function lastLine(text: string): string {
  return stripControl(text, { keepNewlines: true }).trimEnd().split("\n").at(-1) ?? ""
}

function firstLine(text: string): string {
  return stripControl(text, { keepNewlines: true }).trimStart().split("\n", 1)[0] ?? ""
}

/** For `--json`; the fields are documented in docs/headless.md. */
export function taskJson({ task, run, tokens: used, costNanos, isDriven, health, isEstimated }: TaskNow) {
  return {
    task_id: task.id,
    run_id: run.id,
    session_id: task.root_id,
    parent_task_id: task.parent_task_id,
    task_type: task.kind,
    description: task.description,
    input: JSON.parse(task.input),
    status: run.state,
    is_driven: isDriven ?? null,
    health: health ?? null,
    is_backgrounded: run.background === 1,
    is_service: run.service === 1,
    reason: run.reason,
    exit_code: run.exit_code,
    result: run.result,
    output_file: run.spool,
    output_bytes: run.bytes,
    usage: {
      total_tokens: used,
      tool_uses: run.tool_uses,
      cost_usd: costNanos === null ? null : costNanos / 1e9,
      cost_is_estimated: isEstimated,
    },
    created_at: task.created_at,
    started_at: run.started_at,
    ended_at: run.ended_at,
  }
}
