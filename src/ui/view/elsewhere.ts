// What is at work in sessions that somebody has left for another one: a turn under way, words that wait, live tasks.
import type { SessionRow, TaskRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { listTasks } from "../../task/find.ts"
import { type TaskItem, taskItem } from "./task-item.ts"

export interface Elsewhere {
  rootId: string
  /** What it is called. */
  name: string
  isTurnOpen: boolean
  /** Live ones, each below the one that started it. */
  tasks: readonly TaskItem[]
}

/** Those of the trees in which something is at work. */
export function workElsewhere(reader: Reader, rootIds: readonly string[], now: number): Elsewhere[] {
  return rootIds.flatMap((rootId) => {
    const session = reader.one<SessionRow>("SELECT * FROM session WHERE id = :rootId", { rootId })
    if (!session) return []
    const isTurnOpen = reader.one(OPEN, { rootId }) !== undefined
    const live = listTasks(reader, { rootId, live: true })
    const owners = new Set(live.map(({ task }) => task.owner_id))
    const depths = new Map<string, number>()
    const tasks = live.map((view) => {
      const depth = depthOf(view.task, depths)
      depths.set(view.task.id, depth)
      const hasLiveTasks = view.task.session_id !== null && owners.has(view.task.session_id)
      return taskItem(view, { depth, hasLiveTasks, asks: undefined, isDriven: true, now })
    })
    if (!isTurnOpen && tasks.length === 0) return []
    return [{ rootId, name: nameOf(session), isTurnOpen, tasks }]
  })
}

const OPEN = `SELECT 1 FROM turn WHERE session_id = :rootId AND state = 'open'
  UNION ALL SELECT 1 FROM inbox WHERE session_id = :rootId AND wake = 1 LIMIT 1`

function depthOf({ parent_task_id: parent }: TaskRow, depths: ReadonlyMap<string, number>): number {
  return parent === null ? 0 : (depths.get(parent) ?? -1) + 1
}

/** As the session is called wherever there is room for one word. */
export function nameOf({ id, name, title }: Pick<SessionRow, "id" | "name" | "title">): string {
  return name ?? title ?? id.slice(0, 8)
}
