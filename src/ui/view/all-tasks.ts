// The tasks of every conversation on this machine, for whoever looks at more than the own one. Read from rows each time
// that something has changed; what has settled is read once, and only the newest of it.
import type { RunRow, SessionRow, TaskRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { usageBelow } from "../../task/find.ts"
import { LIVE } from "../../task/task.ts"
import { nameOf } from "./elsewhere.ts"
import { openRequests, type Request, wants } from "./requests.ts"
import { isLive, type TaskItem, taskItem } from "./task-item.ts"
import type { TaskGroup } from "./task-list.ts"

/** Besides all that live, so many of the newest. Older ones: `meanwhile tasks --all`. */
export const NEWEST = 500

export interface AllTasksParts {
  reader: Reader
  /** The conversation that is left out: who looks has its tasks already. */
  except: string
  isDriven(rootId: string): boolean
  now(): number
}

interface Known {
  id: string
  run_id: string
  root_id: string
  event_at: number
  state: RunRow["state"]
}

export class AllTasks {
  readonly #parts: AllTasksParts
  /** By run, with the time of its last event. */
  readonly #settled = new Map<string, { eventAt: number; item: TaskItem }>()
  #requests: readonly Request[] = []

  constructor(parts: AllTasksParts) {
    this.#parts = parts
  }

  /** Open requests of the other conversations, as of the last look. */
  get requests(): readonly Request[] {
    return this.#requests
  }

  /** Those with live tasks first, then the newest first. */
  look(): TaskGroup[] {
    const { reader, except } = this.#parts
    const known = reader.all<Known>(
      `SELECT task.id, run.id AS run_id, task.root_id, run.event_at, run.state FROM task JOIN run ON run.task_id = task.id
       WHERE task.root_id <> :except AND run.n = (SELECT MAX(n) FROM run AS newer WHERE newer.task_id = task.id)
         AND (run.state IN ${LIVE} OR task.rowid IN (SELECT rowid FROM task ORDER BY rowid DESC LIMIT :newest))
       ORDER BY task.rowid`,
      { except, newest: NEWEST },
    )
    const trees = Map.groupBy(known, ({ root_id: rootId }) => rootId)
    const roots = [...trees.keys()]
    this.#requests = roots.flatMap((rootId) => openRequests(reader, rootId))
    const groups = roots.map((rootId) => this.#group(rootId, trees.get(rootId)!))
    const rank = ({ items }: TaskGroup) => (items.some(isLive) ? 0 : 1)
    const latest = ({ items }: TaskGroup) => Math.max(...items.map(({ createdAt }) => createdAt))
    return groups.sort((a, b) => rank(a) - rank(b) || latest(b) - latest(a))
  }

  #group(rootId: string, known: readonly Known[]): TaskGroup {
    const { reader } = this.#parts
    const session = reader.one<Pick<SessionRow, "id" | "name" | "title">>(
      "SELECT id, name, title FROM session WHERE id = :rootId",
      { rootId },
    )
    const isDriven = known.some((one) => isLive(one)) && this.#parts.isDriven(rootId)
    const depths = new Map<string, number>()
    const items = known.map((one) => {
      const item = this.#item(one, { depths, isDriven })
      depths.set(item.id, item.depth)
      return item
    })
    const name = session ? nameOf(session) : rootId.slice(0, 8)
    return { rootId, name, isOwn: false, isDriven, items: inTreeOrder(items) }
  }

  #item(known: Known, { depths, isDriven }: { depths: ReadonlyMap<string, number>; isDriven: boolean }): TaskItem {
    const { reader, now } = this.#parts
    const before = this.#settled.get(known.run_id)
    if (before && before.eventAt === known.event_at && !isLive(known)) return before.item
    const task = reader.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: known.id })!
    const run = reader.one<RunRow>("SELECT * FROM run WHERE id = :id", { id: known.run_id })!
    const used = task.session_id ? usageBelow(reader, task.session_id) : { tokens: 0, costNanos: 0, isEstimated: false }
    const request = this.#requests.find(({ taskId }) => taskId === task.id)
    const depth = task.parent_task_id === null ? 0 : (depths.get(task.parent_task_id) ?? -1) + 1
    const around = {
      depth,
      asks: request && wants(request),
      hasLiveTasks: task.session_id !== null && hasLive(reader, task.session_id),
      isDriven,
      now: now(),
    }
    const item = taskItem({ task, run, ...used }, around)
    if (!isLive(item)) this.#settled.set(run.id, { eventAt: known.event_at, item })
    return item
  }
}

function hasLive(reader: Reader, ownerId: string): boolean {
  const sql = `SELECT 1 FROM task JOIN run ON run.task_id = task.id
    WHERE task.owner_id = :ownerId AND run.state IN ${LIVE} LIMIT 1`
  return reader.one(sql, { ownerId }) !== undefined
}

/** What belongs to a task that is not in the list stands at the top. */
function inTreeOrder(items: readonly TaskItem[]): TaskItem[] {
  const ids = new Set(items.map(({ id }) => id))
  const below = Map.groupBy(items, ({ parentId }) => (parentId && ids.has(parentId) ? parentId : undefined))
  const walk = (parent: string | undefined): TaskItem[] =>
    (below.get(parent) ?? []).flatMap((item) => [item, ...walk(item.id)])
  return walk(undefined)
}
