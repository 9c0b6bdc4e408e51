// What changed, for those who watch a tree: appended in the transaction of the change itself.
import type { Clock } from "../base/clock.ts"
import type { FeedKind, FeedRow } from "./rows.ts"
import type { Reader, Tx } from "./store.ts"

export interface FeedEntry {
  rootId: string
  sessionId: string
  kind: FeedKind
  /** Id of the row to read. */
  ref: string
  data?: object
}

export function publish(tx: Tx, clock: Clock, entry: FeedEntry): void {
  tx.run(
    "INSERT INTO feed (root_id, session_id, kind, ref, data, at) VALUES (:root, :session, :kind, :ref, :data, :at)",
    {
      root: entry.rootId,
      session: entry.sessionId,
      kind: entry.kind,
      ref: entry.ref,
      data: entry.data ? JSON.stringify(entry.data) : null,
      at: clock.now(),
    },
  )
  tx.ring(`feed:${entry.rootId}`)
}

/** What was published for a tree after `seq`, oldest first. */
export function feedAfter(reader: Reader, rootId: string, seq: number): FeedRow[] {
  return reader.all<FeedRow>("SELECT * FROM feed WHERE root_id = :rootId AND seq > :seq ORDER BY seq", { rootId, seq })
}

/** The newest number in the feed: where somebody begins who wants only what comes from now on. */
export function feedEnd(reader: Reader): number {
  return reader.one<{ seq: number | null }>("SELECT MAX(seq) AS seq FROM feed")?.seq ?? 0
}

/** When something was last heard of a tree: its host was at work then. */
export function lastNewsAt(reader: Reader, rootId: string): number | undefined {
  const sql = "SELECT at FROM feed WHERE root_id = :rootId ORDER BY seq DESC LIMIT 1"
  return reader.one<{ at: number }>(sql, { rootId })?.at
}
