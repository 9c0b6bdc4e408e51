// What must be stored and can't be now, on a full disk or behind a lock that stays, is tried again until it can: the end
// of a run is not lost to it, and an agent goes on from its rows.
import type { Clock } from "../base/clock.ts"
import { isStorageError, type UserError } from "../base/error.ts"
import type { Log } from "../base/log.ts"
import type { Store, Tx } from "../store/store.ts"

/** How often it is tried again. */
const LOOK_MS = 1_000

export interface Storing {
  store: Store
  clock: Clock
  log: Log
  /** Told each time that it could not be stored: no row can say so. */
  stuck?: ((error: UserError) => void) | undefined
}

export async function untilStored<T>(storing: Storing, change: (tx: Tx) => T): Promise<T> {
  for (;;) {
    try {
      return await storing.store.writeDurably(change)
    } catch (error) {
      if (!isStorageError(error)) throw error
      await waitForStorage(storing, error)
    }
  }
}

export async function waitForStorage({ clock, log, stuck }: Storing, error: UserError): Promise<"again"> {
  log.warn("nothing can be stored now; trying again", { error })
  stuck?.(error)
  await clock.sleep(LOOK_MS)
  return "again"
}
