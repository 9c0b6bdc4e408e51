// What is not well with a task, in a word for whoever looks at many of them. Pure.
import type { RunRow } from "../store/rows.ts"
import { isTerminal } from "./task.ts"

export type Health = "stalled" | "undelivered" | "over cap" | "waiting for you"

/** After so long without output or a step something may be wrong. */
export const SILENCE_MS = 5 * 60_000

export interface Signs {
  kind: string
  run: Pick<RunRow, "state" | "reason" | "service" | "event_at" | "notice" | "quiet">
  /** Whether a process drives its tree. */
  isDriven: boolean
  /** It asks the user for something. */
  asks: boolean
  /** It waits for tasks of its own. */
  hasLiveTasks: boolean
  now: number
}

/** What is most in need of somebody, or undefined when all is well. */
export function healthOf({ kind, run, isDriven, asks, hasLiveTasks, now }: Signs): Health | undefined {
  if (isTerminal(run.state)) return run.notice === "pending" && run.quiet === 0 && !isDriven ? "undelivered" : undefined
  if (asks) return "waiting for you"
  if (run.state === "paused") return run.reason?.startsWith("cap:") ? "over cap" : undefined
  // A service and a monitor say something when there is something to say.
  const mayBeSilent = run.service === 1 || kind === "monitor" || hasLiveTasks
  if (run.state !== "running" || !isDriven || mayBeSilent) return undefined
  return now - run.event_at >= SILENCE_MS ? "stalled" : undefined
}
