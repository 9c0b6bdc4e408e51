// Waiting that counts only the time in which this process ran. Who was stopped (SIGSTOP, a debugger, a busy machine) for
// minutes finds all its timers over at once, before anything that came meanwhile was looked at: nobody was silent for
// that long, we did not listen.
import type { Clock } from "./clock.ts"

/** A wait is made of parts, a tenth of what is left of it each: a stop that begins in one is noticed at its end. */
const SHORTEST_PART_MS = 200
const LONGEST_PART_MS = 5_000
/** A timer on a busy machine may be late by so much; what is more was no time of ours. */
const LATE_MS = 1_000

/** How much of the time that a wait took, which was to take `asked`, this process did not run; 0 for a usual wait. */
export function missedIn(asked: number, took: number): number {
  return took - asked > LATE_MS ? took - asked : 0
}

/** One part of a wait for `ms`. Returns what may be counted of it: nothing, when this process was stopped in it. */
export async function sleepPart(clock: Clock, ms: number, signal?: AbortSignal): Promise<number> {
  const asked = Math.min(ms, Math.max(SHORTEST_PART_MS, Math.min(ms / 10, LONGEST_PART_MS)))
  const began = clock.monotonic()
  await clock.sleep(asked, signal)
  const took = clock.monotonic() - began
  return missedIn(asked, took) > 0 ? 0 : took
}

/** Resolves when this process has run for `ms`; rejects with the signal's reason when it is aborted first. */
export async function sleepRunning(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; ) left -= Math.max(0, await sleepPart(clock, left, signal))
}
