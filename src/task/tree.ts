// A task with all that it started: what is stopped or paused, is so as a whole.
import type { Tx } from "../store/store.ts"
import { LIVE } from "./task.ts"

/** Ids of the live runs of these tasks and of everything below them, the deepest first. */
export function liveTree(tx: Tx, taskIds: readonly string[]): string[] {
  return tx
    .all<{ id: string }>(
      `WITH RECURSIVE tree (id, session_id, depth) AS (
         SELECT id, session_id, 0 FROM task WHERE id IN (SELECT value FROM json_each(:ids))
         UNION ALL
         SELECT task.id, task.session_id, tree.depth + 1 FROM task JOIN tree ON task.owner_id = tree.session_id)
       SELECT run.id FROM tree JOIN run ON run.task_id = tree.id WHERE run.state IN ${LIVE} ORDER BY tree.depth DESC`,
      { ids: JSON.stringify(taskIds) },
    )
    .map((row) => row.id)
}
