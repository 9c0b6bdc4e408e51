// What becomes of a conversation that forks share when its session is deleted: the fork that shares the most of it gets
// the messages, and the others share them with that one from there on. In short transactions, from the newest message
// to the oldest, so that after each of them every fork has its whole history; cut off, it can be done again.
import type { Clock } from "../base/clock.ts"
import type { MessageRow, SessionRow } from "../store/rows.ts"
import { inSlices } from "../store/slices.ts"
import type { Store, Tx } from "../store/store.ts"
import { removalKey } from "./fork.ts"

/** Messages that one transaction moves. */
const PACE = { first: 20, most: 1000 }

type Place = Pick<SessionRow, "id" | "forked_from" | "fork_seq">

export async function handOver(store: Store, clock: Clock, originId: string): Promise<void> {
  const heir = await store.write((tx) => chooseHeir(tx, originId))
  if (heir === undefined) return
  await inSlices(clock, PACE, (limit) =>
    store.write((tx) => {
      const started = performance.now()
      const done = moveSome(tx, { originId, heir, limit })
      return { done, took: performance.now() - started }
    }),
  )
}

/** The fork that gets the messages; the others are its forks now, and no more can be made. Undefined when nobody shares any of the origin's own. */
function chooseHeir(tx: Tx, originId: string): string | undefined {
  const origin = placeOf(tx, originId)
  if (!origin) return undefined
  tx.run("INSERT INTO meta (key, value) VALUES (:key, '1') ON CONFLICT (key) DO NOTHING", {
    key: removalKey(originId),
  })
  // What was forked off before the origin's own first message shares only what the origin shares itself.
  tx.run(
    `UPDATE session SET forked_from = :from, fork_seq = CASE WHEN :from IS NULL THEN NULL ELSE fork_seq END
     WHERE forked_from = :originId AND COALESCE(fork_seq, 0) <= :start`,
    { originId, from: origin.forked_from, start: origin.fork_seq ?? 0 },
  )
  const heir = tx.one<{ id: string }>(
    "SELECT id FROM session WHERE forked_from = :originId ORDER BY fork_seq DESC, created_at, rowid LIMIT 1",
    { originId },
  )
  if (!heir) return undefined
  tx.run("UPDATE session SET forked_from = :heir WHERE forked_from = :originId AND id <> :heir", {
    originId,
    heir: heir.id,
  })
  return heir.id
}

/** The newest of the shared messages that are still the origin's, with their steps, calls and turns. */
function moveSome(tx: Tx, { originId, heir, limit }: { originId: string; heir: string; limit: number }): number {
  const origin = placeOf(tx, originId)
  const place = placeOf(tx, heir)
  if (!origin || place?.forked_from !== originId) return 0
  const rows = tx.all<Pick<MessageRow, "id" | "seq" | "turn_id" | "step_id">>(
    `SELECT id, seq, turn_id, step_id FROM message WHERE session_id = :originId AND seq <= :upTo
     ORDER BY seq DESC LIMIT :limit`,
    { originId, upTo: place.fork_seq ?? 0, limit },
  )
  // By the ids alone (+): the session's index would lead through the whole of it each time.
  const set = (table: string, key: string, ids: readonly (string | null)[], only = "TRUE") =>
    tx.run(
      `UPDATE ${table} SET session_id = :heir WHERE ${key} IN (SELECT value FROM json_each(:ids)) AND ${only}
       AND +session_id = :originId`,
      { heir, originId, ids: JSON.stringify([...new Set(ids)]) },
    )
  const steps = rows.flatMap(({ step_id: id }) => id ?? [])
  set(
    "message",
    "id",
    rows.map(({ id }) => id),
  )
  set("tool_call", "step_id", steps)
  set("step", "id", steps)
  // One that its process left open is the origin's to go on with, and nobody's when that is gone.
  set(
    "turn",
    "id",
    rows.map((row) => row.turn_id),
    "state <> 'open'",
  )
  const isLast = rows.length < limit
  const left = isLast ? origin : { forked_from: originId, fork_seq: rows.at(-1)!.seq - 1 }
  tx.run("UPDATE session SET forked_from = :from, fork_seq = :seq WHERE id = :heir", {
    heir,
    from: left.forked_from,
    seq: left.fork_seq,
  })
  return rows.length
}

function placeOf(tx: Tx, id: string): Place | undefined {
  return tx.one<Place>("SELECT id, forked_from, fork_seq FROM session WHERE id = :id", { id })
}
