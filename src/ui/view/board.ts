// The tasks of one tree, each with what a person wants to know of it, kept up to date by what is published. The figures
// are sums over the ledger; reading them costs something, so a busy task's are read a few times a second at most.
import type { RunRow, TaskRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { listTasks, type TaskView, usageBelow } from "../../task/find.ts"
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
    const view = this.#read(id, now)
    if (!view || view.task.root_id === this.#parts.rootId) return undefined
    const hasLiveTasks = hasLive(this.#parts.reader, view.task)
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
    const ids = new Set<string>()
    for (const id of runIds) {
      const run = this.#parts.reader.one<Pick<RunRow, "task_id">>("SELECT task_id FROM run WHERE id = :id", { id })
      if (!run) continue
      ids.add(run.task_id)
      const parent = this.#parts.reader.one<Pick<TaskRow, "parent_task_id">>(
        "SELECT parent_task_id FROM task WHERE id = :id",
        { id: run.task_id },
      )
      if (parent?.parent_task_id) ids.add(parent.parent_task_id)
    }
    return this.update(ids, now)
  }

  /** Reads these tasks again. Returns the ids of those that look different now. */
  update(taskIds: ReadonlySet<string>, now: number): Set<string> {
    const changed = new Set<string>()
    let isNew = false
    for (const id of taskIds) {
      const before = this.#items.get(id)
      const view = this.#read(id, now)
      if (!view) continue
      const after = this.#put(view, now, hasLive(this.#parts.reader, view.task))
      isNew ||= before === undefined
      if (after !== before) changed.add(id)
    }
    if (changed.size > 0 || isNew) this.#sort()
    return changed
  }

  /** The live ones, for what only time changes, such as silence. */
  live(): readonly TaskItem[] {
    return this.#order.filter(isLive)
  }

  #read(id: string, now: number): TaskView | undefined {
    const { reader } = this.#parts
    const task = reader.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id })
    const run = reader.one<RunRow>("SELECT * FROM run WHERE task_id = :id ORDER BY n DESC LIMIT 1", { id })
    if (!task || !run) return undefined
    const known = this.#figures.get(id)
    const isFresh = known && isLive(run) && now - known.readAt < FIGURES_MS
    const { tokens, costNanos, isEstimated } = isFresh ? known : this.#sum(task, now)
    return { task, run, tokens, costNanos, isEstimated }
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

function hasLive(reader: Reader, { session_id: ownerId }: TaskRow): boolean {
  if (ownerId === null) return false
  const sql = `SELECT 1 FROM task JOIN run ON run.task_id = task.id
    WHERE task.owner_id = :ownerId AND run.state IN ('queued', 'running', 'paused') LIMIT 1`
  return reader.one(sql, { ownerId }) !== undefined
}

function same(a: TaskItem, b: TaskItem): boolean {
  const keys = Object.keys(a) as (keyof TaskItem)[]
  return keys.every((key) => a[key] === b[key])
}
