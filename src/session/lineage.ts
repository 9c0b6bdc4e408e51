// What the messages of a session are: its own, and before them, for a fork, those of the session that it comes from, up
// to the number where it split off; they are shared, not copied. A fork's own messages are numbered from there on, so
// that numbers grow along the whole conversation. Whoever reads a session's messages reads them through this file.
import type { MessageRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"

/** Of one session's rows, those that belong to the conversation: numbers above `after`, up to and including `upTo`. */
export interface Stretch {
  sessionId: string
  after: number
  upTo: number
}

/** All numbers: what SQLite and JavaScript both take for a whole number. */
export const WHOLE = Number.MAX_SAFE_INTEGER

/** The conversation in its stretches, the session's own last. A session that is no fork has just that one. */
export function lineage(reader: Reader, sessionId: string): Stretch[] {
  return [...backwards(reader, sessionId)].reverse()
}

/** The session's own stretch first, each read when it is asked for. Stretches in which nothing can be are left out. */
function* backwards(reader: Reader, sessionId: string): Generator<Stretch> {
  for (const stretch of sessionsBack(reader, sessionId)) if (stretch.upTo > stretch.after) yield stretch
}

/** The session itself and those that it comes from, also where nothing was said before the next one split off. */
export function* sessionsBack(reader: Reader, sessionId: string): Generator<Stretch> {
  const passed = new Set<string>()
  for (let id: string | undefined = sessionId, upTo = WHOLE; id !== undefined && !passed.has(id); ) {
    passed.add(id)
    const origin = originOf(reader, id)
    yield { sessionId: id, after: origin.seq, upTo }
    upTo = Math.min(upTo, origin.seq)
    id = origin.id
  }
}

/** The sessions that it comes from, the nearest first. */
export function originsOf(reader: Reader, sessionId: string): string[] {
  return [...sessionsBack(reader, sessionId)].slice(1).map((stretch) => stretch.sessionId)
}

/** Where a session comes from; `seq` is 0 for one that is no fork. */
function originOf(reader: Reader, sessionId: string): { id: string | undefined; seq: number } {
  const row = reader.one<{ forked_from: string | null; fork_seq: number | null }>(
    "SELECT forked_from, fork_seq FROM session WHERE id = :sessionId",
    { sessionId },
  )
  if (!row || row.forked_from === null) return { id: undefined, seq: 0 }
  return { id: row.forked_from, seq: row.fork_seq ?? 0 }
}

/** The messages with numbers above `after`, in their order. */
export function messagesAfter(reader: Reader, sessionId: string, after: number): MessageRow[] {
  return stretchesAfter(reader, sessionId, after).flatMap((stretch) =>
    reader.all<MessageRow>(`SELECT * FROM message WHERE ${WITHIN} ORDER BY seq`, {
      ...stretch,
      after: Math.max(after, stretch.after),
    }),
  )
}

/** At most so many messages with numbers above `after`, up to and including `upTo`, in their order. */
export function messagesBetween(
  reader: Reader,
  sessionId: string,
  { after, upTo, limit }: { after: number; upTo: number; limit: number },
): MessageRow[] {
  const rows: MessageRow[] = []
  for (const stretch of stretchesAfter(reader, sessionId, after)) {
    const params = {
      sessionId: stretch.sessionId,
      after: Math.max(after, stretch.after),
      upTo: Math.min(upTo, stretch.upTo),
      limit: limit - rows.length,
    }
    rows.push(...reader.all<MessageRow>(`SELECT * FROM message WHERE ${WITHIN} ORDER BY seq LIMIT :limit`, params))
    if (rows.length >= limit) break
  }
  return rows
}

function stretchesAfter(reader: Reader, sessionId: string, after: number): Stretch[] {
  const found: Stretch[] = []
  for (const stretch of backwards(reader, sessionId)) {
    if (stretch.upTo <= after) break
    found.unshift(stretch)
    if (stretch.after <= after) break
  }
  return found
}

/** At most so many messages with numbers below `before`, the newest first. `only`: SQL that they fulfil. */
export function messagesBefore(
  reader: Reader,
  sessionId: string,
  {
    before = WHOLE,
    after = 0,
    limit,
    only = "TRUE",
  }: { before?: number; after?: number; limit: number; only?: string },
): MessageRow[] {
  const rows: MessageRow[] = []
  for (const stretch of backwards(reader, sessionId)) {
    if (rows.length >= limit || stretch.upTo <= after) break
    const params = {
      sessionId: stretch.sessionId,
      after: Math.max(after, stretch.after),
      upTo: Math.min(before - 1, stretch.upTo),
      limit: limit - rows.length,
    }
    const sql = `SELECT * FROM message WHERE ${WITHIN} AND ${only} ORDER BY seq DESC LIMIT :limit`
    rows.push(...reader.all<MessageRow>(sql, params))
  }
  return rows
}

/** The first message that fulfils the SQL `only`. */
export function firstMessage(reader: Reader, sessionId: string, only = "TRUE"): MessageRow | undefined {
  for (const stretch of lineage(reader, sessionId)) {
    const sql = `SELECT * FROM message WHERE ${WITHIN} AND ${only} ORDER BY seq LIMIT 1`
    const row = reader.one<MessageRow>(sql, { ...stretch })
    if (row) return row
  }
  return undefined
}

/** How many messages the conversation has. */
export function countMessages(reader: Reader, sessionId: string): number {
  const count = (stretch: Stretch) =>
    reader.one<{ n: number }>(`SELECT COUNT(*) AS n FROM message WHERE ${WITHIN}`, { ...stretch })?.n ?? 0
  return lineage(reader, sessionId).reduce((sum, stretch) => sum + count(stretch), 0)
}

/** SQL: the messages of a stretch, which is given as its parameters. */
export const WITHIN = "session_id = :sessionId AND seq > :after AND seq <= :upTo"

/** The number of the conversation's newest message; 0 when there is none. */
export function lastSeq(reader: Reader, sessionId: string): number {
  const sql = `SELECT COALESCE((SELECT MAX(seq) FROM message WHERE session_id = :sessionId),
    (SELECT fork_seq FROM session WHERE id = :sessionId), 0) AS seq`
  return reader.one<{ seq: number }>(sql, { sessionId })?.seq ?? 0
}

/** The number that the next message gets. */
export function nextSeq(reader: Reader, sessionId: string): number {
  return lastSeq(reader, sessionId) + 1
}
