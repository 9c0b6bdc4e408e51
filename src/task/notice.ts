// What a settled run tells the session that owns it. The text is rendered and made harmless here and nowhere else.
import { duration, oneLine } from "../base/text.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"
import { defuse } from "./defuse.ts"
import { workedMs } from "./task.ts"

/** The one settled notice of a run: minted with the run, so that a second one is a key conflict, not a second message. */
export function settledNoticeId(runId: string): string {
  return `notice:${runId}:settled`
}

export function renderNotice(task: TaskRow, run: RunRow, agent: string | undefined): string {
  const attributes = [
    ["task", task.id],
    ["kind", task.kind],
    ...(agent ? [["agent", agent]] : []),
    ["description", oneLine(task.description, 120)],
    ["status", run.state],
    ...(run.exit_code === null ? [] : [["exit_code", String(run.exit_code)]]),
    ["duration", duration(workedMs(run, run.event_at))],
  ]
  const head = attributes.map(([name, value]) => `${name}="${escapeAttribute(value!)}"`).join(" ")
  return `<task-notification ${head}>\n${defuse(noticeBody(run))}\n</task-notification>`
}

/** What is said of a run that goes on, or waits. */
export function renderWord(task: TaskRow, { status, text }: { status: RunRow["state"]; text: string }): string {
  const description = escapeAttribute(oneLine(task.description, 120))
  const head = `task="${escapeAttribute(task.id)}" kind="${escapeAttribute(task.kind)}" description="${description}" status="${status}"`
  return `<task-notification ${head}>\n${defuse(text)}\n</task-notification>`
}

/** A monitor's event: lines that a command has printed while it goes on. */
export function renderEvent(task: TaskRow, event: { n: number; lines: string }): string {
  const description = escapeAttribute(oneLine(task.description, 120))
  const head = `task="${escapeAttribute(task.id)}" kind="monitor" description="${description}" status="running" event="${event.n}"`
  return `<task-notification ${head}>\n${defuse(event.lines)}\n</task-notification>`
}

/** The live tasks of a session, or what has changed about them. `count`: how many are live in all. */
export function renderLedger({
  whole,
  count,
  lines,
}: {
  whole: boolean
  count: number
  lines: readonly string[]
}): string {
  const kind = whole ? "all" : "changes"
  return `<task-ledger live="${count}" lists="${kind}">\n${defuse(lines.join("\n"))}\n</task-ledger>`
}

function noticeBody(run: RunRow): string {
  const lines = [
    run.reason && run.state !== "completed" ? `(${run.state}: ${run.reason})` : "",
    run.result?.trim() ?? "",
  ]
  const body = lines.filter(Boolean).join("\n")
  return body || "(no output)"
}

function escapeAttribute(value: string): string {
  return value.replace(/[&<>"\n\r]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? " ")
}
