// Whose rows count for a session's memory: those of the conversation, which for a fork begins in its origin, and of all
// agents that were started in it.
import type { Reader } from "../../store/store.ts"
import { LINE_PREFIX } from "../../task/task.ts"
import { lineage, type Stretch, WHOLE } from "../lineage.ts"

/** Names for SQL, as JSON: what `json_each` takes. */
export interface ConversationRows {
  /** Sessions of which every call counts: the conversation's own, and its agents' with all below them. */
  whole: string
  /** Of the sessions that it was forked from: those calls that were made before. */
  calls: string
  /** Of those sessions: tasks that were started before. */
  tasks: string
}

export function conversationRows(reader: Reader, sessionId: string): ConversationRows {
  const stretches = lineage(reader, sessionId)
  const whole = stretches.filter(({ upTo }) => upTo === WHOLE).map((stretch) => stretch.sessionId)
  const shared = stretches.filter(({ upTo }) => upTo < WHOLE)
  const calls = shared.flatMap((stretch) => callsIn(reader, stretch))
  const tasks = shared.flatMap((stretch) => tasksIn(reader, stretch))
  return {
    whole: JSON.stringify(withAgents(reader, { whole, tasks: tasks.map(({ id }) => id) })),
    calls: JSON.stringify(calls.map(({ id }) => id)),
    tasks: JSON.stringify(tasks.map(({ id }) => id)),
  }
}

const SAID = "message.session_id = :sessionId AND message.seq > :after AND message.seq <= :upTo"

function callsIn(reader: Reader, stretch: Stretch): { id: string }[] {
  return reader.all(
    `SELECT tool_call.id FROM message CROSS JOIN tool_call ON tool_call.step_id = message.step_id WHERE ${SAID}`,
    { ...stretch },
  )
}

/** What its calls started, and the user's own shell lines that its model was told of. */
function tasksIn(reader: Reader, stretch: Stretch): { id: string }[] {
  return reader.all(
    `SELECT task.id FROM task WHERE owner_id = :sessionId AND (
       call_id IN (SELECT tool_call.id FROM message CROSS JOIN tool_call ON tool_call.step_id = message.step_id
         WHERE ${SAID})
       OR EXISTS (SELECT 1 FROM run JOIN message ON message.id = '${LINE_PREFIX}' || run.id
         WHERE run.task_id = task.id AND task.call_id LIKE '${LINE_PREFIX}%' AND ${SAID}))`,
    { ...stretch },
  )
}

function withAgents(reader: Reader, from: { whole: readonly string[]; tasks: readonly string[] }): string[] {
  const rows = reader.all<{ id: string }>(
    `WITH RECURSIVE tree (id) AS (
       SELECT value FROM json_each(:whole)
       UNION SELECT session_id FROM task WHERE id IN (SELECT value FROM json_each(:tasks)) AND session_id IS NOT NULL
       UNION SELECT task.session_id FROM tree CROSS JOIN task ON task.owner_id = tree.id
         WHERE task.session_id IS NOT NULL)
     SELECT id FROM tree`,
    { whole: JSON.stringify(from.whole), tasks: JSON.stringify(from.tasks) },
  )
  return rows.map(({ id }) => id)
}
