// What the database lets go by itself: entries of the feed that nobody can still want, and the pages that deleted rows
// leave behind, so that the file becomes smaller. In short transactions, beside everything else that goes on.
import type { Clock } from "../base/clock.ts"
import type { FeedRow } from "./rows.ts"
import { inSlices } from "./slices.ts"
import type { Reader, Store } from "./store.ts"

const HOUR_MS = 3_600_000
/** Of a tree that somebody drives, what happened stays for a day: for a reader that was stopped, or is very slow. */
const DRIVEN_MS = 24 * HOUR_MS
/** Rows that are looked at together. */
const PAGE = 200
/** Free pages that stay in the file for what comes next: a twentieth of it, and at least so many. */
const FREE_PAGES = 256

export interface Pruning {
  store: Store
  clock: Clock
  /** Milliseconds between two transactions. */
  pauseMs?: number | undefined
  signal?: AbortSignal | undefined
}

/**
 * Prunes the feed: after an hour, progress (a later one says the same) and all of trees that nobody drives; after a day
 * the rest. The newest entry stays, because its number is where readers begin. Returns how many entries went.
 */
export async function pruneFeed(
  { store, clock, pauseMs = 0, signal }: Pruning,
  isDriven: (rootId: string) => boolean,
): Promise<number> {
  const driven = new Map<string, boolean>()
  const isWanted = ({ kind, root_id: root, at }: FeedRow, now: number) => {
    if (kind === "task_progress" || at < now - DRIVEN_MS) return false
    const known = driven.get(root) ?? isDriven(root)
    driven.set(root, known)
    return known
  }
  let gone = 0
  for (let after = 0; ; ) {
    signal?.throwIfAborted()
    const now = clock.now()
    const rows = store.all<FeedRow>(
      `SELECT * FROM feed WHERE seq > :after AND seq < (SELECT MAX(seq) FROM feed) ORDER BY seq LIMIT ${PAGE}`,
      { after },
    )
    const old = rows.filter(({ at }) => at < now - HOUR_MS)
    const unwanted = old.flatMap((row) => (isWanted(row, now) ? [] : [row.seq]))
    const sql = "DELETE FROM feed WHERE seq IN (SELECT value FROM json_each(:unwanted))"
    if (unwanted.length > 0) gone += await store.write((tx) => tx.run(sql, { unwanted: JSON.stringify(unwanted) }))
    if (old.length < PAGE) return gone
    after = rows.at(-1)!.seq
    await clock.sleep(pauseMs, signal)
  }
}

/** Makes the file smaller by the pages that nothing is in. Returns how many went. */
export async function giveBackPages({ store, clock, pauseMs, signal }: Pruning): Promise<number> {
  // 2: the database was made with pages that can be given back one by one.
  if (pragma(store, "auto_vacuum") !== 2 || sparePages(store) <= 0) return 0
  return await inSlices(clock, { first: 16, most: 1024, pauseMs: pauseMs ?? 0, signal }, (limit) =>
    store.write((tx) => {
      const started = performance.now()
      const free = pragma(tx, "freelist_count")
      const spare = sparePages(tx)
      if (spare <= 0) return { done: 0, took: 0 }
      tx.all(`PRAGMA incremental_vacuum(${Math.min(limit, spare)})`)
      return { done: free - pragma(tx, "freelist_count"), took: performance.now() - started }
    }),
  )
}

function sparePages(reader: Reader): number {
  return pragma(reader, "freelist_count") - Math.max(FREE_PAGES, Math.floor(pragma(reader, "page_count") / 20))
}

function pragma(reader: Reader, name: "auto_vacuum" | "freelist_count" | "page_count"): number {
  return reader.one<Record<string, number>>(`PRAGMA ${name}`)?.[name] ?? 0
}
