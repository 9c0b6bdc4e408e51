// Watching from a process that does not drive the work: doorbells ring in the host only, so this looks, cheaply. Why not
// more than that: docs/decisions/0010-watching-from-outside.md.
import type { Clock } from "../base/clock.ts"
import type { Reader } from "./store.ts"

/** How often it looks. One look costs some microseconds. */
export const LOOK_MS = 250

/**
 * Yields at once, after commits of other connections (those of one look are merged), and at the latest `atLeastMs`
 * after the last time: for what no commit tells, such as a process that has died. Ends when the signal is aborted.
 */
export async function* changes(
  reader: Reader,
  clock: Clock,
  { signal, atLeastMs = Number.POSITIVE_INFINITY }: { signal: AbortSignal; atLeastMs?: number },
): AsyncGenerator<void> {
  let seen: number | undefined
  let yieldedAt = Number.NEGATIVE_INFINITY
  while (!signal.aborted) {
    // Changes whenever another connection has changed the file, and never otherwise (sqlite.org, pragma.html).
    const version = reader.one<{ data_version: number }>("PRAGMA data_version")?.data_version
    if (version !== seen || clock.monotonic() - yieldedAt >= atLeastMs) {
      seen = version
      yieldedAt = clock.monotonic()
      yield
    }
    await clock.sleep(LOOK_MS, signal).catch((error) => {
      if (!signal.aborted) throw error
    })
  }
}
