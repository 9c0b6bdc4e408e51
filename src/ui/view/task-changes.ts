// What an agent has changed in files, with all agents below it: every Write and Edit that was done, by their rows.
// Commands may change files too; of those nothing is recorded.
import type { ToolCallRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import type { FileChange } from "../../tool/change.ts"
import type { ToolOutput } from "../../tool/tool.ts"

export interface TaskChange {
  /** Id of the call. */
  id: string
  tool: string
  /** The session that did it: the agent's own, or one below. */
  sessionId: string
  at: number
  change: FileChange
}

/** In the order in which they were made. */
export function changesBelow(reader: Reader, sessionId: string): TaskChange[] {
  const rows = reader.all<ToolCallRow>(
    `WITH RECURSIVE tree (id) AS (
       VALUES (:sessionId) UNION ALL
       SELECT task.session_id FROM tree CROSS JOIN task ON task.owner_id = tree.id WHERE task.session_id IS NOT NULL)
     SELECT tool_call.* FROM tree CROSS JOIN tool_call ON tool_call.session_id = tree.id
     WHERE tool_call.name IN ('Write', 'Edit') AND tool_call.state = 'done' AND tool_call.is_error = 0
       AND tool_call.result IS NOT NULL
     ORDER BY tool_call.ended_at, tool_call.rowid`,
    { sessionId },
  )
  return rows.flatMap((row) => {
    const { data } = JSON.parse(row.result!) as ToolOutput
    const change = data && fileChange(data)
    return change ? [{ id: row.id, tool: row.name, sessionId: row.session_id, at: row.ended_at ?? 0, change }] : []
  })
}

/** A call that changed nothing has no such data. */
function fileChange(data: Readonly<Record<string, unknown>>): FileChange | undefined {
  const { path, line, before, after, added, removed, cut } = data
  if (typeof path !== "string" || typeof line !== "number" || typeof after !== "string") return undefined
  if (typeof added !== "number" || typeof removed !== "number") return undefined
  const old = typeof before === "string" ? { before } : {}
  return { path, line, ...old, after, added, removed, cut: cut === true }
}
