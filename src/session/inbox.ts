// What waits to enter a session, and its entry: draining deletes the inbox row and inserts the message under the same
// id in one transaction, so that nothing is delivered twice and nothing is lost.
import type { Clock } from "../base/clock.ts"
import type { UserPart } from "../model/message.ts"
import { publish } from "../store/feed.ts"
import type { InboxRow, MessageRow, Origin } from "../store/rows.ts"
import { insertRow, type Reader, type Tx } from "../store/store.ts"
import { nextSeq } from "./lineage.ts"
import { isForgotten, tellTasks } from "./task-ledger.ts"

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

/** Whether something waits that keeps a turn under way from its end. */
export function steers(reader: Reader, sessionId: string): boolean {
  const sql = `SELECT 1 FROM inbox WHERE session_id = :sessionId AND wake = 1 AND delivery = 'steer'
    AND kind IN ('prompt', 'notice') LIMIT 1`
  return reader.one(sql, { sessionId }) !== undefined
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
  const messages = rows.map((row): MessageRow => {
    tx.run("DELETE FROM inbox WHERE seq = :seq", { seq: row.seq })
    if (row.run_id) tx.run("UPDATE run SET notice = 'delivered' WHERE id = :id", { id: row.run_id })
    return userMessage({ id: row.id, sessionId, origin: row.origin, content: row.content, turnId })
  })
  const told = withLedger(tx, clock, { messages, rows, sessionId, turnId })
  return told.map((draft) => {
    const message = { ...draft, seq: nextSeq(tx, sessionId), created_at: clock.now() }
    insertMessage(tx, clock, rootId, message)
    return message
  })
}

/** What wakes a session tells of the live tasks as well: with its last notice, or, to one that goes on, by itself. */
function withLedger(
  tx: Tx,
  clock: Clock,
  entering: { messages: MessageRow[]; rows: readonly InboxRow[]; sessionId: string; turnId: string },
): MessageRow[] {
  const { messages, rows, sessionId, turnId } = entering
  const at = messages.findLastIndex((message) => message.origin === "task")
  if (messages.length === 0 || (at < 0 && !isForgotten(tx, sessionId))) return messages
  const text = tellTasks(tx, clock, { sessionId, reported: tasksOf(tx, rows) })
  if (text === undefined) return messages
  const part: UserPart = { type: "text", text }
  const notice = messages[at]
  if (!notice) {
    const id = `ledger:${turnId}:${messages[0]!.id}`
    return [userMessage({ id, sessionId, origin: "system", content: JSON.stringify([part]), turnId }), ...messages]
  }
  const content = JSON.stringify([...(JSON.parse(notice.content) as UserPart[]), part])
  return messages.with(at, { ...notice, content })
}

function tasksOf(tx: Tx, rows: readonly InboxRow[]): ReadonlySet<string> {
  const ids = JSON.stringify(rows.flatMap((row) => row.run_id ?? []))
  const sql = "SELECT task_id FROM run WHERE id IN (SELECT value FROM json_each(:ids))"
  return new Set(tx.all<{ task_id: string }>(sql, { ids }).map((run) => run.task_id))
}

function userMessage(made: {
  id: string
  sessionId: string
  origin: Origin
  content: string
  turnId: string
}): MessageRow {
  return {
    id: made.id,
    session_id: made.sessionId,
    seq: 0,
    role: "user",
    origin: made.origin,
    content: made.content,
    turn_id: made.turnId,
    step_id: null,
    created_at: 0,
  }
}

export function insertMessage(tx: Tx, clock: Clock, rootId: string, message: MessageRow): void {
  insertRow(tx, "message", message)
  publish(tx, clock, { rootId, sessionId: message.session_id, kind: "message", ref: message.id })
}
