// Keeps the data folder small: old output, the feed, what was left behind, and, where the person has asked for it, old
// sessions. Some seconds after a host has begun, and then every few hours, in parts of a few milliseconds. Two
// processes may do it at once: all of it may be done twice.
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import type { Log } from "../base/log.ts"
import type { StorageSettings } from "../base/settings-file.ts"
import { giveBackPages, pruneFeed } from "../store/prune.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import { type OutputPolicy, type TidiedOutput, tidyOutput } from "../task/old-output.ts"
import { LIVE } from "../task/task.ts"
import { removeOldCheckpoints } from "./checkpoint-age.ts"
import { removeUnfinishedImports } from "./import.ts"
import { isHeld } from "./lease.ts"
import { removeLeftovers } from "./leftovers.ts"
import { removeSession } from "./remove.ts"

export interface StoragePolicy extends OutputPolicy {
  /** Milliseconds since a session's last turn; infinite: sessions stay. */
  removeSessionsAfterMs: number
}

const MB = 1024 * 1024
const DAY_MS = 24 * 3_600_000
const DEFAULTS = { allOutputMb: 1024, shortenOutputDays: 7, removeOutputDays: 30, removeSessionDays: 0 }

export function storagePolicy(settings: StorageSettings = {}): StoragePolicy {
  const { allOutputMb, shortenOutputDays, removeOutputDays, removeSessionDays } = { ...DEFAULTS, ...settings }
  const after = (days: number) => (days === 0 ? Number.POSITIVE_INFINITY : days * DAY_MS)
  return {
    allBytes: allOutputMb * MB,
    shortenAfterMs: after(shortenOutputDays),
    removeAfterMs: after(removeOutputDays),
    removeSessionsAfterMs: after(removeSessionDays),
  }
}

export interface Tidied extends TidiedOutput {
  /** Entries of the feed, pages of the database, small files, sessions that went. */
  feed: number
  pages: number
  files: number
  sessions: number
}

export interface TidyParts {
  store: Store
  clock: Clock
  policy: StoragePolicy
  signal?: AbortSignal | undefined
  /** Milliseconds between two transactions. */
  pauseMs?: number
}

/** The files first: a full disk takes no more rows. */
export async function tidy({ policy, ...parts }: TidyParts): Promise<Tidied> {
  const { store } = parts
  const output = await tidyOutput(parts, policy)
  const files = await removeLeftovers(parts)
  await removeUnfinishedImports(store, parts.clock)
  const feed = await pruneFeed(parts, (rootId) => isHeld(store, rootId))
  await removeOldCheckpoints({ ...parts, env: process.env }, (rootId) => isHeld(store, rootId))
  const sessions = await removeOldSessions(parts, policy.removeSessionsAfterMs)
  return { ...output, files, feed, sessions, pages: await giveBackPages(parts) }
}

/** Those that nobody drives, with nothing live or unread in them. */
async function removeOldSessions(
  { store, clock, signal }: Omit<TidyParts, "policy">,
  afterMs: number,
): Promise<number> {
  if (afterMs === Number.POSITIVE_INFINITY) return 0
  const old = store.all<SessionRow>(
    `SELECT * FROM session AS root WHERE parent_id IS NULL AND updated_at < :before
       AND NOT EXISTS (SELECT 1 FROM session WHERE root_id = root.id AND updated_at >= :before)
       AND NOT EXISTS (SELECT 1 FROM inbox JOIN session ON session.id = inbox.session_id WHERE session.root_id = root.id)
       AND NOT EXISTS (SELECT 1 FROM run JOIN task ON task.id = run.task_id
                       WHERE run.state IN ${LIVE} AND task.root_id = root.id)
     ORDER BY updated_at LIMIT 100`,
    { before: clock.now() - afterMs },
  )
  let removed = 0
  for (const root of old) {
    signal?.throwIfAborted()
    try {
      await removeSession(store, clock, root)
      removed++
    } catch (error) {
      // Somebody has gone on with it at this moment.
      if (!(error instanceof UserError)) throw error
    }
  }
  return removed
}

/** After so long a process is at work, and no longer starting. */
const FIRST_MS = 2_000
const AGAIN_MS = 3_600_000
const PAUSE_MS = 15
/** Between two times, whichever processes do it. */
const EVERY_MS = 6 * 3_600_000

/** Tidies up now and then, until disposed. */
export function keepTidy({ log, ...parts }: Omit<TidyParts, "signal" | "pauseMs"> & { log: Log }): Disposable {
  const over = new AbortController()
  const { signal } = over
  const keeping = async () => {
    for (let pause = FIRST_MS; ; pause = AGAIN_MS) {
      await parts.clock.sleep(pause, signal)
      try {
        await tidyWhenDue({ ...parts, signal, pauseMs: PAUSE_MS })
      } catch (error) {
        signal.throwIfAborted()
        log.warn("tidying up failed", { error })
      }
    }
  }
  keeping().catch((error) => {
    if (!signal.aborted) log.warn("tidying up ended", { error })
  })
  return { [Symbol.dispose]: () => over.abort() }
}

/** Undefined when it was done not long ago. One that was cut off is not: the next one goes on. */
export async function tidyWhenDue(parts: TidyParts): Promise<Tidied | undefined> {
  const { store, clock } = parts
  const last = Number(store.one<{ value: string }>("SELECT value FROM meta WHERE key = 'tidied_at'")?.value ?? 0)
  // In the future: the clock was wrong then.
  if (last <= clock.now() && clock.now() - last < EVERY_MS) return undefined
  const tidied = await tidy(parts)
  await store.write((tx) =>
    tx.run(
      "INSERT INTO meta (key, value) VALUES ('tidied_at', :now) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      { now: String(clock.now()) },
    ),
  )
  return tidied
}
