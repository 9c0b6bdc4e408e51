// The words of the asynchronous runtime: what a task is started from, how a run ends, and what a kind of task does.
//
//   queued ──► running ──► completed | failed | stopped | timed_out | skipped | lost      (terminal: never left)
//      ▲          ▲
//      └─ paused ─┘
//
// Foreground or background is a field of the run, not a state: whether its owner's turn is blocked on it.
import type { RunRow, RunState, TaskRow } from "../store/rows.ts"
import type { Tx } from "../store/store.ts"
import type { Caps } from "./caps.ts"

export const terminalStates = ["completed", "failed", "stopped", "timed_out", "skipped", "lost"] as const
export type TerminalState = (typeof terminalStates)[number]

export function isTerminal(state: RunState): state is TerminalState {
  return (terminalStates as readonly string[]).includes(state)
}

/**
 * For how long a run was at work, in ms: without its pauses, and without time that was none (gaps.ts). Never below 0,
 * also when the clock was set back and its host has not noticed yet.
 */
export function workedMs(
  { started_at: started, created_at: created, ended_at: ended, paused_at: paused, paused_ms: pausedMs }: Times,
  now: number,
): number {
  return Math.max(0, (paused ?? ended ?? now) - (started ?? created) - pausedMs)
}

type Times = Pick<RunRow, "started_at" | "created_at" | "ended_at" | "paused_at" | "paused_ms">

/** For SQL: the states that a run can still leave. */
export const LIVE = "('queued', 'running', 'paused')"

export type StopBy = "user" | "model" | "program"

/** How a run ended. `result` is what its owner gets to read, at most RESULT_BYTES. */
export interface Outcome {
  state: TerminalState
  result?: string
  /** Why it did not complete, in a few words for a person. */
  reason?: string
  exitCode?: number | null
  /** Of a command's output, as it is at the end. */
  output?: { bytes: number; tail: string }
}

/** Why a run's signal was aborted. */
export type StopCause = { by: StopBy } | { by: "deadline" }

export interface StartSpec {
  kind: string
  ownerId: string
  rootId: string
  parentTaskId: string | null
  /** The tool_call row that starts it: after a crash, its result is this run's outcome. */
  callId: string | null
  description: string
  /** What the kind needs to do its work; stored as JSON. */
  input: object
  background: boolean
  wake?: "each" | "all" | "none"
  group?: string | null
  service?: boolean
  deadlineMs?: number | null
  /** What it may use, with everything below it. */
  caps?: Caps
  /** Ids of tasks, or unique beginnings of ids, that must have completed before it begins. */
  needs?: readonly string[]
  /** While a task of the same owner with the same input is live, that one is the answer and nothing is started. */
  once?: boolean
}

/**
 * A kind of task. `prepare` readies a run without any effect; the rows are committed, with what `commit` adds to them,
 * before `go` acts.
 */
export interface TaskKind {
  readonly kind: string
  /** `word`: what a further run is started with; without it, the task's own input is. */
  prepare(task: TaskRow, run: RunRow, word?: Word): Promise<Prepared>
  /** Goes on with a run whose process died, from what its rows and files say; it may be found to have ended. */
  resume(task: TaskRow, run: RunRow): Promise<Prepared>
}

/** Something that is said to an agent, by the user or by another session. */
export interface Word {
  text: string
  origin: "human" | "peer"
}

export interface Prepared {
  /** Adds to the transaction that inserts the task and its run. */
  commit(tx: Tx): void
  /** Does the work. A rejection becomes a failed run. Called again when `mayEnd` said no. */
  go(control: RunControl): Promise<Outcome>
  /** Called instead of `go` when the transaction failed: nothing may have taken effect. */
  cancel(): void
  /** All of its work is in the rows: where they could not be written, `go` is called again later, and goes on from them. */
  readonly goesOnFromRows?: boolean
  /** The run was paused, or goes on: what must be done beside its row's state. Either may be called again in vain. */
  hold?(): void
  release?(): void
  /** Asked inside the settling transaction: false when something came in that the run must still see to. */
  mayEnd?(tx: Tx, outcome: Outcome): boolean
}

export interface RunControl {
  /** Aborted with a StopCause. The run then ends as soon as its work is seen to have ended. */
  readonly signal: AbortSignal
  progress(fields: Progress): Promise<void>
  /** The command ended, processes that it left behind live on: the run stays, as a service in the background. */
  becomeService(exitCode: number | null): Promise<void>
}

export interface Progress {
  bytes?: number
  tail?: string
  activity?: string
}

/** What a shell line of the user's own (session/shell-line.ts) has in the place of its call: that, and a control's id. */
export const LINE_PREFIX = "line:"

export function isShellLine({ call_id: callId }: Pick<TaskRow, "call_id">): boolean {
  return callId?.startsWith(LINE_PREFIX) === true
}
