// A fork: a session that goes on from where another one stands, and shares what was said until then without copying it
// (lineage.ts). It begins at a step boundary, never between a call and its result. What runs stays with the origin, and
// so does what comes of it; the fork's model is told that it runs, and may look at it.
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import type { Ids } from "../base/ids.ts"
import { oneLine, plural } from "../base/text.ts"
import type { SessionRow, TaskRow } from "../store/rows.ts"
import { insertRow, type Reader, type Tx } from "../store/store.ts"
import { defuse } from "../task/defuse.ts"
import { LIVE } from "../task/task.ts"
import { inheritCompaction } from "./compaction.ts"
import { lastSeq, originsOf } from "./lineage.ts"
import { inheritMemory } from "./memory/versions.ts"
import { checkedName, freeName } from "./name.ts"
import { openTurn } from "./recover.ts"

export interface Fork {
  row: SessionRow
  /** How many tasks go on in the sessions that it comes from. */
  running: number
}

export interface Forking {
  originId: string
  name?: string | undefined
  /** Where the conversation is left, as a message's number; without it, and at the most, where its last step ended. */
  at?: number | undefined
  model?: string | undefined
  permissionMode?: string | undefined
}

/** The key in `meta` of a session that is being deleted: no fork may share with it any more (hand-over.ts). */
export function removalKey(rootId: string): string {
  return `removing:${rootId}`
}

/** Throws a UserError when there is nothing to share, or the origin is gone. */
export function forkSession(tx: Tx, { clock, ids }: { clock: Clock; ids: Ids }, forking: Forking): Fork {
  const { originId, at = Number.POSITIVE_INFINITY } = forking
  const origin = tx.one<SessionRow>("SELECT * FROM session WHERE id = :originId", { originId })
  const isGoing = tx.one("SELECT 1 FROM meta WHERE key = :key", { key: removalKey(originId) })
  if (!origin || isGoing)
    throw new UserError(
      "no-session",
      `The session ${originId.slice(0, 8)} ${origin ? "is being" : "was"} deleted: it can't be forked.`,
    )
  const seq = Math.min(at, boundary(tx, originId))
  // From nothing on: back before the first prompt (rewind-desk.ts).
  if (seq < 1 && at > 0)
    throw new UserError("nothing-to-fork", "Nothing has been answered in this session yet: there is nothing to fork.")
  const now = clock.now()
  const id = ids.uuid()
  const name =
    forking.name === undefined ? null : freeName(tx, { project: origin.project, name: checkedName(forking.name) })
  const row: SessionRow = {
    ...origin,
    id,
    root_id: id,
    name,
    model: forking.model ?? origin.model,
    permission_mode: forking.permissionMode ?? origin.permission_mode,
    told_tasks: "[]",
    created_at: now,
    // The one used last: `--continue` means it from here on, also when the clock was set back.
    updated_at: Math.max(now, origin.updated_at + 1),
    title: null,
    title_by: null,
    forked_from: originId,
    fork_seq: seq,
  }
  insertRow(tx, "session", row)
  inheritCompaction(tx, { id, originId, seq })
  inheritMemory(tx, { id, originId, seq, now })
  const running = runningIn(tx, [originId, ...originsOf(tx, originId)])
  if (running.length > 0)
    insertRow(tx, "inbox", {
      id: `fork:${id}`,
      session_id: id,
      kind: "notice",
      delivery: "queue",
      wake: 0,
      origin: "system",
      content: JSON.stringify([{ type: "text", text: wordsOn(origin, running) }]),
      run_id: null,
      created_at: now,
    })
  return { row, running: running.length }
}

/**
 * The number of the last message of which the model has seen all that belongs to it: while a turn is under way, that of
 * its last complete step, or the last one before it.
 */
export function boundary(reader: Reader, sessionId: string): number {
  const turn = openTurn(reader, sessionId)
  if (!turn) return lastSeq(reader, sessionId)
  const done = reader.one<{ seq: number | null }>(
    `SELECT MAX(message.seq) AS seq FROM step JOIN message ON message.id = step.message_id
     WHERE step.turn_id = :turn AND step.state = 'done'`,
    { turn: turn.id },
  )?.seq
  if (done) return done
  const before = reader.one<{ seq: number }>(
    `SELECT COALESCE(
       (SELECT seq FROM message WHERE session_id = :sessionId AND turn_id <> :turn ORDER BY seq DESC LIMIT 1),
       (SELECT fork_seq FROM session WHERE id = :sessionId), 0) AS seq`,
    { sessionId, turn: turn.id },
  )
  return before?.seq ?? 0
}

type Running = Pick<TaskRow, "id" | "kind" | "description"> & { state: string }

function runningIn(reader: Reader, sessionIds: readonly string[]): Running[] {
  return reader.all<Running>(
    `SELECT task.id, task.kind, task.description, run.state FROM task JOIN run ON run.task_id = task.id
     WHERE task.owner_id IN (SELECT value FROM json_each(:ids)) AND run.state IN ${LIVE} ORDER BY task.rowid`,
    { ids: JSON.stringify(sessionIds) },
  )
}

/** More of them are only counted. */
const MOST_NAMED = 20

function wordsOn(origin: SessionRow, running: readonly Running[]): string {
  const named = running
    .slice(0, MOST_NAMED)
    .map(({ id, kind, description, state }) => `${id} ${kind} "${defuse(oneLine(description, 60))}" ${state}`)
  const more = running.length > named.length ? [`and ${running.length - named.length} more`] : []
  const what = `${plural(running.length, "task")} started there ${running.length === 1 ? "goes" : "go"} on there`
  return `<system-reminder>This conversation is a fork: it shares what was said so far with the session ${origin.id.slice(0, 8)}, which goes on by itself. ${what}, and what comes of them is told there, not here: ${[...named, ...more].join("; ")}. Here they can be read (TaskList, TaskOutput), but not stopped or spoken to.</system-reminder>`
}
