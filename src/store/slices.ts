// Deleting many rows without being in anybody's way: transactions of a few milliseconds, and a pause after each.
import type { Clock } from "../base/clock.ts"
import type { Params } from "../runtime/sqlite.ts"
import type { Store } from "./store.ts"

/** A transaction of this many milliseconds is too long; how much one does follows from what the last one took. */
const SLICE_MS = 5

export interface Pace {
  /** How much the first transaction does, and how much one may do at most: rows, or pages. */
  first: number
  most: number
  /** Between two of them, whoever else lives in this process gets a turn; so long, in milliseconds. */
  pauseMs?: number
  /** Ends it between two transactions: it rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * Does a job in parts. `part` does at most as much as it is given, in one short transaction, and returns how much that
 * was and how many milliseconds it took; the job is over when that is less than it was given.
 */
export async function inSlices(
  clock: Clock,
  { first, most, pauseMs = 0, signal }: Pace,
  part: (limit: number) => Promise<{ done: number; took: number }>,
): Promise<number> {
  let total = 0
  for (let limit = first; ; ) {
    signal?.throwIfAborted()
    const { done, took } = await part(limit)
    total += done
    if (done < limit) return total
    if (took > SLICE_MS / 2) limit = Math.max(1, Math.floor(limit / 2))
    else if (took < SLICE_MS / 8) limit = Math.min(most, limit * 2)
    await clock.sleep(pauseMs, signal)
  }
}

/** Runs a deletion, with its :limit, until it finds no more. Returns how many rows went. */
export function deleteInSlices(
  { store, clock }: { store: Store; clock: Clock },
  { sql, params, ...pace }: Pace & { sql: string; params: Params },
): Promise<number> {
  return inSlices(clock, pace, (limit) =>
    store.write((tx) => {
      const started = performance.now()
      const done = tx.run(sql, { ...params, limit })
      return { done, took: performance.now() - started }
    }),
  )
}
