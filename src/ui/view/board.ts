// The tasks of one tree, each with what a person wants to know of it, kept up to date by what is published. The figures
// are sums over the ledger; reading them costs something, so a busy task's are read a few times a second at most.
import type { RunRow, TaskRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { listTasks, type TaskView, usageBelow } from "../../task/find.ts"
import { LIVE } from "../../task/task.ts"
import { isLive, type TaskItem, taskItem } from "./task-item.ts"

/** A live task's sums are read again after so long. */
const FIGURES_MS = 500

export interface BoardParts {
  reader: Reader
  rootId: string
  /** Whether a process drives the tree. */
  isDriven(): boolean
  /** What a task asks the user for, by its id. */
  asks(taskId: string): string | undefined
}

interface Figures extends Pick<TaskView, "tokens" | "costNanos" | "isEstimated"> {
  readAt: number
}

export class TaskBoard {
  readonly #parts: BoardParts
  readonly #items = new Map<string, TaskItem>()
  /** What was started in a session that this one was forked from, as far as it is shown here: it is none of `items`. */
  readonly #shared = new Map<string, TaskItem>()
  readonly #figures = new Map<string, Figures>()
  /** Where each stands among its siblings. */
  readonly #places = new Map<string, number>()
  #order: readonly TaskItem[] = []
  #readAt = 0

  constructor(parts: BoardParts, now: number) {
    this.#parts = parts
    this.reload(now)
  }

  /** All of them, each below the one that started it, in the order in which they were asked for. */
  get items(): readonly TaskItem[] {
    return this.#order
  }

  /** Also one of a session that this one was forked from. */
  get(id: string): TaskItem | undefined {
    return this.#items.get(id) ?? this.#shared.get(id) ?? this.#readNew(id)
  }

  /** A call may be read before its task was published: its line must not be without it. */
  #readNew(id: string): TaskItem | undefined {
    const shared = this.#readShared(id, this.#readAt)
    if (shared) return shared
    this.update(new Set([id]), this.#readAt)
    return this.#items.get(id)
  }

  /** Reads the live ones among those again: nobody publishes here what becomes of them. As `update`. */
  updateShared(now: number): Set<string> {
    const changed = new Set<string>()
    for (const [id, before] of this.#shared) {
      const after = isLive(before) ? this.#readShared(id, now) : before
      if (after && after !== before) changed.add(id)
    }
    return changed
  }

  #readShared(id: string, now: number): TaskItem | undefined {
    const [read] = this.#read(new Set([id]), now)
    if (!read || read.view.task.root_id === this.#parts.rootId) return undefined
    const { view, hasLiveTasks } = read
    const item = taskItem(view, { depth: 0, asks: undefined, hasLiveTasks, isDriven: true, now })
    const before = this.#shared.get(id)
    if (before && same(before, item)) return before
    this.#shared.set(id, item)
    return item
  }

  /** Reads all again. */
  reload(now: number): void {
    const views = listTasks(this.#parts.reader, { rootId: this.#parts.rootId })
    this.#items.clear()
    this.#readAt = now
    for (const { id, place } of placesOf(this.#parts.reader, this.#parts.rootId)) this.#places.set(id, place)
    const liveOwners = new Set(views.filter(({ run }) => isLive(run)).map(({ task }) => task.owner_id))
    for (const view of views) {
      const { tokens, costNanos, isEstimated } = view
      this.#figures.set(view.task.id, { tokens, costNanos, isEstimated, readAt: now })
      this.#put(view, now, liveOwners.has(view.task.session_id ?? ""))
    }
    this.#sort()
  }

  /** Reads these runs' tasks again, and those above them. Returns the ids of the tasks that look different now. */
  refresh(runIds: ReadonlySet<string>, now: number): Set<string> {
    if (runIds.size === 0) return new Set()
    const tasks = this.#parts.reader.all<Pick<TaskRow, "id" | "parent_task_id">>(
      `SELECT id, parent_task_id FROM task
       WHERE id IN (SELECT task_id FROM run WHERE id IN (SELECT value FROM json_each(:ids)))`,
      { ids: JSON.stringify([...runIds]) },
    )
    return this.update(new Set(tasks.flatMap(({ id, parent_task_id: above }) => (above ? [id, above] : [id]))), now)
  }

  /** Reads these tasks again. Returns the ids of those that look different now. */
  update(taskIds: ReadonlySet<string>, now: number): Set<string> {
    const changed = new Set<string>()
    let isNew = false
    for (const { view, hasLiveTasks } of this.#read(taskIds, now)) {
      const { id } = view.task
      const before = this.#items.get(id)
      const after = this.#put(view, now, hasLiveTasks)
      isNew ||= before === undefined
      if (after !== before) changed.add(id)
    }
    if (isNew) this.#sort()
    else if (changed.size > 0) this.#order = this.#order.map((item) => this.#items.get(item.id)!)
    return changed
  }

  /** The live ones, for what only time changes, such as silence. */
  live(): readonly TaskItem[] {
    return this.#order.filter(isLive)
  }

  /** Those that are there, oldest first: what stands above another one comes before it. */
  #read(taskIds: ReadonlySet<string>, now: number): { view: TaskView; hasLiveTasks: boolean }[] {
    if (taskIds.size === 0) return []
    const { reader } = this.#parts
    const ids = { ids: JSON.stringify([...taskIds]) }
    const given = "(SELECT value FROM json_each(:ids))"
    const tasks = reader.all<TaskRow>(`SELECT * FROM task WHERE id IN ${given} ORDER BY rowid`, ids)
    const newest = "n = (SELECT MAX(n) FROM run AS newer WHERE newer.task_id = run.task_id)"
    const runs = reader.all<RunRow>(`SELECT * FROM run WHERE task_id IN ${given} AND ${newest}`, ids)
    const live = reader.all<Pick<TaskRow, "owner_id">>(
      `SELECT DISTINCT below.owner_id FROM task
       CROSS JOIN task AS below ON below.owner_id = task.session_id JOIN run ON run.task_id = below.id
       WHERE task.id IN ${given} AND run.state IN ${LIVE}`,
      ids,
    )
    const runOf = new Map(runs.map((run) => [run.task_id, run]))
    const liveOwners = new Set(live.map(({ owner_id }) => owner_id))
    return tasks.flatMap((task) => {
      const run = runOf.get(task.id)
      if (!run) return []
      const known = this.#figures.get(task.id)
      const isFresh = known && isLive(run) && now - known.readAt < FIGURES_MS
      const { tokens, costNanos, isEstimated } = isFresh ? known : this.#sum(task, now)
      const view = { task, run, tokens, costNanos, isEstimated }
      return [{ view, hasLiveTasks: liveOwners.has(task.session_id ?? "") }]
    })
  }

  #sum(task: TaskRow, now: number): Figures {
    const none = { tokens: 0, costNanos: 0, isEstimated: false }
    const sum = task.session_id ? usageBelow(this.#parts.reader, task.session_id) : none
    const figures = { ...sum, readAt: now }
    this.#figures.set(task.id, figures)
    return figures
  }

  #put(view: TaskView, now: number, hasLiveTasks: boolean): TaskItem {
    const { task } = view
    const parent = task.parent_task_id ? this.#items.get(task.parent_task_id) : undefined
    const item = taskItem(view, {
      depth: parent ? parent.depth + 1 : 0,
      asks: this.#parts.asks(task.id),
      hasLiveTasks,
      isDriven: this.#parts.isDriven(),
      now,
    })
    const before = this.#items.get(task.id)
    if (before && same(before, item)) return before
    if (!this.#places.has(task.id)) this.#places.set(task.id, placeOf(this.#parts.reader, task))
    this.#items.set(task.id, item)
    return item
  }

  #sort(): void {
    const placeOf = ({ id }: TaskItem) => this.#places.get(id) ?? 0
    const inOrder = [...this.#items.values()].sort((a, b) => placeOf(a) - placeOf(b))
    const below = Map.groupBy(inOrder, ({ parentId }) => parentId)
    const walk = (parent: string | undefined): TaskItem[] =>
      (below.get(parent) ?? []).flatMap((item) => [item, ...walk(item.id)])
    this.#order = walk(undefined)
  }
}

/**
 * Calls of one answer begin side by side, and the quicker one's task is there first: they stand in the order of the
 * answer. In milliseconds since 1970, with the number of the call behind the point.
 */
const PLACE = `COALESCE((SELECT message.created_at + tool_call.idx / 1000.0 FROM tool_call
    JOIN step ON step.id = tool_call.step_id JOIN message ON message.id = step.message_id
    WHERE tool_call.id = task.call_id), task.created_at)`

function placesOf(reader: Reader, rootId: string): { id: string; place: number }[] {
  return reader.all(`SELECT id, ${PLACE} AS place FROM task WHERE root_id = :rootId`, { rootId })
}

function placeOf(reader: Reader, { id }: TaskRow): number {
  return reader.one<{ place: number }>(`SELECT ${PLACE} AS place FROM task WHERE id = :id`, { id })?.place ?? 0
}

function same(a: TaskItem, b: TaskItem): boolean {
  const keys = Object.keys(a) as (keyof TaskItem)[]
  return keys.every((key) => a[key] === b[key])
}
