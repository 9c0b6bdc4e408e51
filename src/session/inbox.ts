// What waits to enter a session, and its entry: draining deletes the inbox row and inserts the message under the same
// id in one transaction, so that nothing is delivered twice and nothing is lost.
import type { Clock } from "../base/clock.ts"
import type { UserPart } from "../model/message.ts"
import { publish } from "../store/feed.ts"
import type { InboxRow, MessageRow, Origin } from "../store/rows.ts"
import { insertRow, type Reader, type Tx } from "../store/store.ts"

export interface Admission {
  id: string
  sessionId: string
  origin: Origin
  /** `steer`: at the next step boundary; `queue`: when the turn is over. */
  delivery: "steer" | "queue"
  content: UserPart[]
}

/** Puts a message into a session's inbox, where it wakes the session. */
export function admit(tx: Tx, clock: Clock, { id, sessionId, origin, delivery, content }: Admission): void {
  const row: Omit<InboxRow, "seq"> = {
    id,
    session_id: sessionId,
    kind: "prompt",
    delivery,
    wake: 1,
    origin,
    content: JSON.stringify(content),
    run_id: null,
    created_at: clock.now(),
  }
  insertRow(tx, "inbox", row)
  tx.ring(`inbox:${sessionId}`)
}

/** What would wake the session now: how many rows, whether all are notices, and when the first and last came. */
export interface Waiting {
  count: number
  onlyNotices: boolean
  firstAt: number
  lastAt: number
}

export function waiting(reader: Reader, sessionId: string): Waiting | undefined {
  const row = reader.one<{ count: number; notices: number; first: number; last: number }>(
    `SELECT COUNT(*) AS count, SUM(kind = 'notice') AS notices, MIN(created_at) AS first, MAX(created_at) AS last
     FROM inbox WHERE session_id = :sessionId AND wake = 1 AND kind IN ('prompt', 'notice')`,
    { sessionId },
  )
  if (!row || row.count === 0) return undefined
  return { count: row.count, onlyNotices: row.notices === row.count, firstAt: row.first, lastAt: row.last }
}

export interface Drain {
  rootId: string
  sessionId: string
  turnId: string
  /** At the start of a turn everything enters; at a step boundary what was sent to steer it. */
  at: "start" | "boundary"
}

/** Moves what waits into the conversation; returns the new messages in their order. */
export function drain(tx: Tx, clock: Clock, { rootId, sessionId, turnId, at }: Drain): MessageRow[] {
  const rows = tx.all<InboxRow>(
    `SELECT * FROM inbox WHERE session_id = :sessionId AND kind IN ('prompt', 'notice')
       AND (:all OR delivery = 'steer') ORDER BY seq`,
    { sessionId, all: at === "start" ? 1 : 0 },
  )
  return rows.map((row) => {
    tx.run("DELETE FROM inbox WHERE seq = :seq", { seq: row.seq })
    if (row.run_id) tx.run("UPDATE run SET notice = 'delivered' WHERE id = :id", { id: row.run_id })
    const message: MessageRow = {
      id: row.id,
      session_id: sessionId,
      seq: nextSeq(tx, sessionId),
      role: "user",
      origin: row.origin,
      content: row.content,
      turn_id: turnId,
      step_id: null,
      created_at: clock.now(),
    }
    insertMessage(tx, clock, rootId, message)
    return message
  })
}

export function nextSeq(reader: Reader, sessionId: string): number {
  return (
    reader.one<{ next: number }>(
      "SELECT COALESCE(MAX(seq), 0) + 1 AS next FROM message WHERE session_id = :sessionId",
      {
        sessionId,
      },
    )?.next ?? 1
  )
}

export function insertMessage(tx: Tx, clock: Clock, rootId: string, message: MessageRow): void {
  insertRow(tx, "message", message)
  publish(tx, clock, { rootId, sessionId: message.session_id, kind: "message", ref: message.id })
}
