// A list of tasks to walk through: what fits a filter, which one is chosen, and which part of it is seen. The chosen one
// stays chosen while others come, go and change; nothing here costs more for each look when nothing has changed.
import { isLive, type TaskItem } from "./task-item.ts"

/** The tasks of one conversation. */
export interface TaskGroup {
  rootId: string
  name: string
  /** The conversation that one looks from. */
  isOwn: boolean
  /** Whether a process drives it. */
  isDriven: boolean
  /** Each below the one that started it, in the order of their start. */
  items: readonly TaskItem[]
}

export type ListRow =
  /** `hidden`: tasks of it that the filter leaves out. */
  { type: "group"; group: TaskGroup; hidden: number } | { type: "task"; item: TaskItem; group: TaskGroup }

export type TaskRow = Extract<ListRow, { type: "task" }>

export interface Counts {
  running: number
  asking: number
  queued: number
  paused: number
  done: number
  /** Failed, timed out or lost. */
  failed: number
  stopped: number
}

export class TaskList {
  #groups: readonly TaskGroup[] = []
  #withNames = false
  #filter = ""
  #rows: readonly ListRow[] = []
  #counts: Counts = countsOf([])
  #chosen: string | undefined
  /** Where the chosen one was last: what takes its place when it goes. */
  #at = 0
  #top = 0
  #height = 1
  #idLength = SHORTEST_ID

  /** `withNames`: each group has its name above it. Does nothing when all is as it was. */
  show(groups: readonly TaskGroup[], { withNames }: { withNames: boolean }): void {
    if (withNames === this.#withNames && sameGroups(groups, this.#groups)) return
    const isFirst = this.#groups.length === 0
    const hasNewIds = countOf(groups) !== countOf(this.#groups)
    this.#groups = groups
    this.#withNames = withNames
    const items = groups.flatMap((group) => group.items)
    this.#counts = countsOf(items)
    if (hasNewIds) this.#idLength = lengthOfIds(items.map(({ id }) => id))
    this.#build()
    if (isFirst) this.#begin()
  }

  /** Words, all of which a task must have in its name, id or state. */
  get filter(): string {
    return this.#filter
  }

  set filter(text: string) {
    if (text === this.#filter) return
    this.#filter = text
    this.#build()
  }

  /** How many there are, the filter aside. */
  get counts(): Counts {
    return this.#counts
  }

  get rows(): readonly ListRow[] {
    return this.#rows
  }

  /** So many characters of an id tell all of these tasks apart. */
  get idLength(): number {
    return this.#idLength
  }

  get chosen(): TaskRow | undefined {
    const row = this.#rows[this.#at]
    return row?.type === "task" ? row : undefined
  }

  /** Index of the chosen row. */
  get at(): number {
    return this.#at
  }

  choose(id: string): void {
    const at = this.#rows.findIndex((row) => row.type === "task" && row.item.id === id)
    if (at >= 0) this.#take(at)
  }

  /** Up when below 0; stops at the ends. */
  moveBy(count: number): void {
    const step = Math.sign(count)
    let at = this.#at
    let left = Math.abs(count)
    for (let next = at + step; left > 0 && next >= 0 && next < this.#rows.length; next += step) {
      if (this.#rows[next]!.type !== "task") continue
      at = next
      left--
    }
    this.#take(at)
  }

  pageBy(count: number): void {
    this.moveBy(count * Math.max(1, this.#height - 1))
  }

  first(): void {
    this.#take(Math.max(0, this.#rows.findIndex(isTask)))
    this.#top = 0
  }

  last(): void {
    this.#take(Math.max(0, this.#rows.findLastIndex(isTask)))
  }

  /** Moves what is seen, not what is chosen. */
  scrollBy(count: number): void {
    this.#top = this.#within(this.#top + count)
  }

  /** The rows to show on so many lines, and the index of the first of them. */
  window(height: number): { from: number; rows: readonly ListRow[] } {
    if (height !== this.#height) {
      this.#height = Math.max(1, height)
      this.#reveal()
    }
    this.#top = this.#within(this.#top)
    return { from: this.#top, rows: this.#rows.slice(this.#top, this.#top + this.#height) }
  }

  #begin(): void {
    const live = this.#rows.findIndex((row) => row.type === "task" && isLive(row.item))
    this.#take(live >= 0 ? live : Math.max(0, this.#rows.findLastIndex(isTask)))
  }

  #take(at: number): void {
    this.#at = at
    const row = this.#rows[at]
    this.#chosen = row?.type === "task" ? row.item.id : undefined
    this.#reveal()
  }

  /** A group's name is seen with its first task. */
  #reveal(): void {
    const above = this.#rows[this.#at - 1]?.type === "group" ? this.#at - 1 : this.#at
    if (above < this.#top) this.#top = above
    if (this.#at >= this.#top + this.#height) this.#top = this.#at - this.#height + 1
  }

  #within(top: number): number {
    return Math.max(0, Math.min(top, this.#rows.length - this.#height))
  }

  #build(): void {
    const before = this.#at - this.#top
    const words = this.#filter.toLowerCase().split(/\s+/).filter(Boolean)
    this.#rows = this.#groups.flatMap((group): ListRow[] => {
      const fitting = words.length === 0 ? group.items : group.items.filter((item) => fits(item, group, words))
      const rows = fitting.map((item): ListRow => ({ type: "task", item, group }))
      const hidden = group.items.length - fitting.length
      return this.#withNames && (rows.length > 0 || words.length === 0)
        ? [{ type: "group", group, hidden }, ...rows]
        : rows
    })
    const at = this.#rows.findIndex((row) => row.type === "task" && row.item.id === this.#chosen)
    if (at >= 0) {
      // It stays where it was on the screen.
      this.#at = at
      this.#top = this.#within(at - before)
      return
    }
    const near = Math.min(this.#at, this.#rows.length - 1)
    const below = this.#rows.findIndex((row, i) => i >= near && isTask(row))
    this.#take(Math.max(0, below >= 0 ? below : this.#rows.findLastIndex(isTask)))
  }
}

/** The beginning of an id that is shown is never shorter. */
const SHORTEST_ID = 4

function isTask(row: ListRow): boolean {
  return row.type === "task"
}

function countOf(groups: readonly TaskGroup[]): number {
  return groups.reduce((sum, { items }) => sum + items.length, 0)
}

function sameGroups(a: readonly TaskGroup[], b: readonly TaskGroup[]): boolean {
  return (
    a.length === b.length &&
    a.every((group, i) => {
      const other = b[i]!
      return (
        group.items === other.items &&
        group.rootId === other.rootId &&
        group.isDriven === other.isDriven &&
        group.name === other.name
      )
    })
  )
}

function fits(item: TaskItem, { name, isDriven }: TaskGroup, words: readonly string[]): boolean {
  const driven = isLive(item) && !isDriven ? "nobody drives it" : ""
  const text = [
    item.id,
    item.title,
    item.agent,
    item.kind,
    item.command,
    item.state,
    item.look,
    item.health,
    driven,
    name,
  ]
    .join(" ")
    .toLowerCase()
  return words.every((word) => text.includes(word))
}

function countsOf(items: readonly TaskItem[]): Counts {
  const counts = { running: 0, asking: 0, queued: 0, paused: 0, done: 0, failed: 0, stopped: 0 }
  for (const { look } of items) {
    if (look === "waiting" || look === "service") counts.running++
    else if (look === "lost") counts.failed++
    else counts[look]++
  }
  return counts
}

/** The shortest beginning that no two of them share. */
function lengthOfIds(ids: readonly string[]): number {
  const sorted = ids.toSorted()
  return sorted.reduce((length, id, i) => {
    const next = sorted[i + 1] ?? ""
    let same = 0
    while (same < id.length && id[same] === next[same]) same++
    return Math.max(length, Math.min(id.length, same + 1))
  }, SHORTEST_ID)
}
