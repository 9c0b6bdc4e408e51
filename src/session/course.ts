// What came of a prompt: the turn that it entered, the tasks which that turn started, their own turns, and the turns
// that their notices began; so somebody who only reads rows knows when all of it is over.
import type { Reader } from "../store/store.ts"
import { LIVE } from "../task/task.ts"

export type Course =
  /** In the inbox. */
  | { type: "waiting" }
  /** Neither there nor in the conversation: it was withdrawn, or the session is gone. */
  | { type: "gone" }
  | { type: "begun"; turns: readonly string[]; tasks: readonly string[]; isTurnOpen: boolean; isBusy: boolean }

interface Part {
  kind: "turn" | "task"
  id: string
  /** An open turn; a task that lives or whose notice still waits. A service is not waited for. */
  is_busy: number
}

export function courseOf(reader: Reader, promptId: string): Course {
  // One statement, so that nothing can pass from one part to another between two looks.
  const parts = reader.all<Part>(
    `WITH RECURSIVE part (kind, id) AS (
       SELECT 'turn', turn_id FROM message WHERE id = :promptId
       UNION
       SELECT 'task', tool_call.task_id FROM part CROSS JOIN step ON step.turn_id = part.id
         CROSS JOIN tool_call ON tool_call.step_id = step.id
         WHERE part.kind = 'turn' AND tool_call.task_id IS NOT NULL
       UNION
       SELECT 'turn', turn.id FROM part CROSS JOIN task ON task.id = part.id
         CROSS JOIN turn ON turn.session_id = task.session_id WHERE part.kind = 'task'
       UNION
       SELECT 'turn', message.turn_id FROM part CROSS JOIN run ON run.task_id = part.id
         CROSS JOIN message ON message.id >= 'notice:' || run.id || ':' AND message.id < 'notice:' || run.id || ';'
         WHERE part.kind = 'task')
     SELECT kind, id, CASE kind
       WHEN 'turn' THEN (SELECT state = 'open' FROM turn WHERE turn.id = part.id)
       ELSE EXISTS (SELECT 1 FROM run WHERE task_id = part.id AND service = 0 AND state IN ${LIVE})
         OR EXISTS (SELECT 1 FROM run CROSS JOIN inbox
              ON inbox.id >= 'notice:' || run.id || ':' AND inbox.id < 'notice:' || run.id || ';'
              WHERE run.task_id = part.id AND inbox.wake = 1) END AS is_busy
     FROM part`,
    { promptId },
  )
  if (parts.length === 0) return waits(reader, promptId) ? { type: "waiting" } : entered(reader, promptId)
  const turns = parts.filter(({ kind }) => kind === "turn")
  const tasks = parts.filter(({ kind }) => kind === "task")
  return {
    type: "begun",
    turns: turns.map(({ id }) => id),
    tasks: tasks.map(({ id }) => id),
    isTurnOpen: turns.some(({ is_busy }) => is_busy),
    isBusy: parts.some(({ is_busy }) => is_busy),
  }
}

function waits(reader: Reader, promptId: string): boolean {
  return reader.one("SELECT 1 FROM inbox WHERE id = :promptId", { promptId }) !== undefined
}

/** It may have entered between two looks. */
function entered(reader: Reader, promptId: string): Course {
  return reader.one("SELECT 1 FROM message WHERE id = :promptId", { promptId })
    ? courseOf(reader, promptId)
    : { type: "gone" }
}
