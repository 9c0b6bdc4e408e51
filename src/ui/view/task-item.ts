// A task as it is shown everywhere: in the conversation, the strip, the panel and the inspector. Read from rows, never
// changed, only replaced.
import { stripControl } from "../../base/escape.ts"
import type { RunRow, RunState, TaskRow } from "../../store/rows.ts"
import type { TaskView } from "../../task/find.ts"
import { type Health, healthOf } from "../../task/health.ts"
import { isShellLine } from "../../task/task.ts"

export interface TaskItem {
  id: string
  runId: string
  kind: string
  /** The definition that an agent is made from. */
  agent: string | undefined
  /** What it is for, in a few words; the command, of a shell without a description. */
  title: string
  command: string | undefined
  /** The session that started it, and, for an agent, its own. */
  ownerId: string
  sessionId: string | undefined
  rootId: string
  /** The task whose agent started it. */
  parentId: string | undefined
  /** How many tasks of this tree it stands below. */
  depth: number
  state: RunState
  look: Look
  isBackground: boolean
  isService: boolean
  /** A shell line of the user's own: no turn waits for it. */
  isLine: boolean
  /** What it does now, or what came of it: one line without control characters. */
  doing: string
  reason: string | undefined
  exitCode: number | undefined
  result: string | undefined
  tokens: number
  /** Nano-dollars; null while a price is not known. */
  costNanos: number | null
  isEstimated: boolean
  toolUses: number
  /** Bytes that it has printed. */
  bytes: number
  spool: string | undefined
  createdAt: number
  /** When it began, without the time that it was paused. */
  startedAt: number
  pausedAt: number | undefined
  pausedMs: number
  endedAt: number | undefined
  attempt: number
  health: Health | undefined
}

/** What a person would say of it: a view of state, not a state. */
export type Look =
  | "running"
  | "waiting"
  | "asking"
  | "queued"
  | "paused"
  | "service"
  | "done"
  | "failed"
  | "stopped"
  | "lost"

export interface Surroundings {
  depth: number
  /** It asks the user for something. */
  asks: string | undefined
  /** It has live tasks of its own. */
  hasLiveTasks: boolean
  isDriven: boolean
  now: number
}

export function taskItem({ task, run, ...used }: TaskView, around: Surroundings): TaskItem {
  const input = JSON.parse(task.input) as { agent?: string; command?: string }
  const health = healthOf({ kind: task.kind, run, ...around, asks: around.asks !== undefined })
  return {
    id: task.id,
    runId: run.id,
    kind: task.kind,
    agent: input.agent,
    title: inLine(task.description),
    command: input.command,
    ownerId: task.owner_id,
    sessionId: task.session_id ?? undefined,
    rootId: task.root_id,
    parentId: task.parent_task_id ?? undefined,
    depth: around.depth,
    state: run.state,
    look: lookOf(task, run, around),
    isBackground: run.background === 1,
    isService: run.service === 1,
    isLine: isShellLine(task),
    doing: around.asks ?? doingOf(run),
    reason: run.reason ?? undefined,
    exitCode: run.exit_code ?? undefined,
    result: run.result ?? undefined,
    tokens: used.tokens,
    costNanos: used.costNanos,
    isEstimated: used.isEstimated,
    toolUses: run.tool_uses,
    bytes: run.bytes,
    spool: run.spool ?? undefined,
    createdAt: task.created_at,
    startedAt: run.started_at ?? run.created_at,
    pausedAt: run.paused_at ?? undefined,
    pausedMs: run.paused_ms,
    endedAt: run.ended_at ?? undefined,
    attempt: run.attempt,
    health,
  }
}

function lookOf(task: TaskRow, run: RunRow, { asks, hasLiveTasks }: Surroundings): Look {
  switch (run.state) {
    case "queued":
      return "queued"
    case "paused":
      return "paused"
    case "running":
      if (asks !== undefined) return "asking"
      if (run.service === 1) return "service"
      // An agent that has said its word, and goes on when what it started is done.
      return task.kind === "agent" && hasLiveTasks && run.activity === null ? "waiting" : "running"
    case "completed":
      return "done"
    case "failed":
    case "timed_out":
      return "failed"
    case "stopped":
    case "skipped":
      return "stopped"
    case "lost":
      return "lost"
    default:
      return run.state satisfies never
  }
}

function doingOf(run: RunRow): string {
  if (run.state === "running") return inLine(run.activity ?? lastLine(run.tail))
  if (run.state === "completed") return inLine(firstLine(run.result ?? ""))
  return inLine(run.reason ?? "")
}

export function isLive({ state }: Pick<TaskItem, "state">): boolean {
  return state === "queued" || state === "running" || state === "paused"
}

/** Milliseconds that it has run, without its pauses. */
export function elapsed(item: TaskItem, now: number): number {
  const end = item.endedAt ?? item.pausedAt ?? now
  return Math.max(0, end - item.startedAt - item.pausedMs)
}

function inLine(text: string): string {
  return stripControl(text).trim()
}

function lastLine(text: string): string {
  return stripControl(text, { keepNewlines: true }).trimEnd().split("\n").at(-1) ?? ""
}

function firstLine(text: string): string {
  return stripControl(text, { keepNewlines: true }).trimStart().split("\n", 1)[0] ?? ""
}
