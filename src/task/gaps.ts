// Time that the rows show and that was none: this process was stopped (SIGSTOP, a debugger), the machine slept, somebody
// set the clock. A host notices it within a second and takes it out of what is counted by the rows: silence, deadlines
// and caps on time go on as if it had not passed, for every process that reads them.
import type { Clock } from "../base/clock.ts"
import { missedIn } from "../base/patience.ts"
import type { Store } from "../store/store.ts"
import { LIVE } from "./task.ts"

const LOOK_MS = 1_000
/** The time of day may drift by so much from one look to the next: clocks are trimmed all the time. */
const DRIFT_MS = 1_000

export interface Gap {
  /** This process did not run. */
  stoppedMs: number
  /** By how much more than really passed the time of day went on; negative when it was set back. */
  jumpedMs: number
  /** How long ago it may have begun, at most. */
  sinceMs: number
}

/** Looks whether time went by that was none; needs to be asked about every second. */
export class Gaps {
  readonly #clock: Clock
  #now: number
  #monotonic: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#now = clock.now()
    this.#monotonic = clock.monotonic()
  }

  look(): Gap | undefined {
    const [now, monotonic] = [this.#clock.now(), this.#clock.monotonic()]
    const sinceMs = monotonic - this.#monotonic
    const jumped = now - this.#now - sinceMs
    this.#now = now
    this.#monotonic = monotonic
    const stoppedMs = Math.round(missedIn(LOOK_MS, sinceMs))
    const jumpedMs = Math.abs(jumped) > DRIFT_MS ? Math.round(jumped) : 0
    return stoppedMs > 0 || jumpedMs !== 0 ? { stoppedMs, jumpedMs, sinceMs: Math.ceil(sinceMs) } : undefined
  }
}

/**
 * Takes a gap out of the rows of a tree. A command ran on while we were stopped: that counts for its deadline, and only
 * nothing that we could have heard of it. What began after the gap, before it was noticed, has nothing to excuse.
 */
export async function excuse(store: Store, clock: Clock, { rootId, gap }: { rootId: string; gap: Gap }): Promise<void> {
  const { stoppedMs, jumpedMs, sinceMs } = gap
  const now = clock.now()
  await store.write((tx) =>
    tx.run(
      `UPDATE run SET
         event_at = MIN(:now, event_at + :silence),
         paused_ms = paused_ms + CASE
           WHEN started_at IS NULL OR state = 'paused' THEN 0
           WHEN :all > 0 AND :now - started_at < :all THEN 0
           WHEN :all < 0 AND started_at BETWEEN :since AND :now THEN 0
           WHEN (SELECT kind FROM task WHERE task.id = run.task_id) = 'agent' THEN :all
           ELSE :jumped END
       WHERE (state IN ${LIVE} OR ended_at BETWEEN :since AND :now) AND task_id IN (SELECT id FROM task WHERE root_id = :rootId)`,
      {
        now,
        since: now - sinceMs,
        // Set back: what lies in the future now is made the present.
        silence: Math.max(0, stoppedMs + jumpedMs),
        all: stoppedMs + jumpedMs,
        jumped: jumpedMs,
        rootId,
      },
    ),
  )
}

export interface GapWatch extends Disposable {
  /** Looks now: for who is about to judge by the rows' times. */
  look(): Promise<void>
}

/** `excused`: for what is counted elsewhere than in the rows. */
export function watchGaps(
  { store, clock }: { store: Store; clock: Clock },
  { rootId, excused, failed }: { rootId: string; excused(gap: Gap): void; failed(error: unknown): void },
): GapWatch {
  const gaps = new Gaps(clock)
  const look = async () => {
    const gap = gaps.look()
    if (!gap) return
    excused(gap)
    await excuse(store, clock, { rootId, gap })
  }
  const timer = setInterval(() => look().catch(failed), LOOK_MS)
  timer.unref()
  return { look, [Symbol.dispose]: () => clearInterval(timer) }
}
