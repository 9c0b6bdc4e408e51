// Whose rows count for a session's memory: those of the conversation, which for a fork begins in its origin, and of all
// agents that were started in it.
import type { Reader } from "../../store/store.ts"
import { LINE_PREFIX } from "../../task/task.ts"
import { lineage, type Stretch, WHOLE } from "../lineage.ts"

export interface ConversationRows {
  /** Ids of sessions of which everything counts: the conversation's own, and its agents' with all below them. */
  whole: readonly string[]
  /** Of the sessions that it was forked from: what was said before, of which the calls count. */
  shared: readonly Stretch[]
  /** Ids of tasks that those sessions had started by then. */
  tasks: readonly string[]
}

export function conversationRows(reader: Reader, sessionId: string): ConversationRows {
  const stretches = lineage(reader, sessionId)
  const own = stretches.filter(({ upTo }) => upTo === WHOLE).map((stretch) => stretch.sessionId)
  const shared = stretches.filter(({ upTo }) => upTo < WHOLE)
  const tasks = shared.flatMap((stretch) => tasksIn(reader, stretch))
  return { whole: withAgents(reader, { own, tasks }), shared, tasks }
}

/**
 * Of a session that others were forked from: the row of its first call behind the stretch. Calls are stored with the
 * message that they stand in, so their rows have the messages' order.
 */
export function firstCallBehind(reader: Reader, { sessionId, upTo }: Stretch): number {
  const first = reader.one<{ row: number }>(
    `SELECT tool_call.rowid AS row FROM message CROSS JOIN tool_call ON tool_call.step_id = message.step_id
     WHERE message.session_id = :sessionId AND message.seq > :upTo ORDER BY message.seq LIMIT 1`,
    { sessionId, upTo },
  )
  return first?.row ?? WHOLE
}

/** What its calls started, and the user's own shell lines that its model was told of. */
function tasksIn(reader: Reader, stretch: Stretch): string[] {
  const rows = reader.all<{ id: string }>(
    `SELECT task.id FROM task CROSS JOIN tool_call ON tool_call.id = task.call_id AND tool_call.rowid < :behind
     WHERE task.owner_id = :sessionId
     UNION ALL
     SELECT task.id FROM task CROSS JOIN run ON run.task_id = task.id
       CROSS JOIN message AS said ON said.id = '${LINE_PREFIX}' || run.id AND said.seq > :after AND said.seq <= :upTo
     WHERE task.owner_id = :sessionId AND task.call_id LIKE '${LINE_PREFIX}%'`,
    { ...stretch, behind: firstCallBehind(reader, stretch) },
  )
  return rows.map(({ id }) => id)
}

function withAgents(reader: Reader, from: { own: readonly string[]; tasks: readonly string[] }): string[] {
  const rows = reader.all<{ id: string }>(
    `WITH RECURSIVE tree (id) AS (
       SELECT value FROM json_each(:own)
       UNION SELECT session_id FROM task WHERE id IN (SELECT value FROM json_each(:tasks)) AND session_id IS NOT NULL
       UNION SELECT task.session_id FROM tree CROSS JOIN task ON task.owner_id = tree.id
         WHERE task.session_id IS NOT NULL)
     SELECT id FROM tree`,
    { own: JSON.stringify(from.own), tasks: JSON.stringify(from.tasks) },
  )
  return rows.map(({ id }) => id)
}
