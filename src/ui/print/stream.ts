// How often the headless stream says what it has to say: a task's progress at most once a second, the newest wins; the
// list of background tasks only when it is another one than was said last, and not for each of many changes in a row.
import type { FeedRow } from "../../store/rows.ts"
import { backgroundTasks, backgroundTasksLine, type Line, type LineParts, linesOf } from "./lines.ts"

const PROGRESS_MS = 1000
const LIST_MS = 100

/** A run's progress: what was said last and when, and what is held back since. */
interface Progress {
  said: string
  saidAt: number
  held?: FeedRow
}

interface List {
  /** As it was said last. */
  said: string
  saidAt: number
  /** The feed's number behind which it may have changed. */
  changedAfter?: number
}

export class Stream {
  readonly #parts: LineParts
  readonly #rootId: string
  readonly #progress = new Map<string, Progress>()
  #list: List = { said: "[]", saidAt: Number.NEGATIVE_INFINITY }

  constructor(parts: LineParts, rootId: string) {
    this.#parts = parts
    this.#rootId = rootId
  }

  /** The lines to be said at `now` (ms): of these rows, and of what was held back until now. */
  lines(rows: readonly FeedRow[], now: number): Line[] {
    return [...rows.flatMap((row) => this.#linesOf(row, now)), ...this.#dueProgress(now), ...this.#dueList(now)]
  }

  /** When something that is held back becomes due, in ms as `now`; undefined when nothing is. */
  dueAt(): number | undefined {
    const times = [...this.#progress.values()].flatMap(({ held, saidAt }) => (held ? [saidAt + PROGRESS_MS] : []))
    if (this.#list.changedAfter !== undefined) times.push(this.#list.saidAt + LIST_MS)
    return times.length > 0 ? Math.min(...times) : undefined
  }

  /** The work rests: the list is said now if it has changed. */
  rest(now: number): Line[] {
    return this.#sayList(now)
  }

  #linesOf(row: FeedRow, now: number): Line[] {
    if (row.kind === "task_progress") return this.#paced(row, now)
    // What a run has come to is said by its last lines; progress behind them would tell of what is over.
    if (row.kind === "task_settled") this.#progress.delete(row.ref)
    if (CHANGES_LIST.has(row.kind)) this.#list.changedAfter = row.seq
    return linesOf(this.#parts, row)
  }

  #paced(row: FeedRow, now: number): Line[] {
    const known = this.#progress.get(row.ref)
    if (known && now - known.saidAt < PROGRESS_MS) {
      known.held = row
      return []
    }
    const progress = { said: "", ...known, saidAt: now }
    this.#progress.set(row.ref, progress)
    return this.#say(row, progress)
  }

  /** A line tells of the run as it is when it is said: what a held row is about may have been said before. */
  #say(row: FeedRow, progress: Progress): Line[] {
    const lines = linesOf(this.#parts, row)
    const said = JSON.stringify(
      lines.map(({ uuid, usage, ...rest }) => [rest, { ...(usage as object), duration_ms: 0 }]),
    )
    if (said === progress.said) return []
    progress.said = said
    return lines
  }

  #dueProgress(now: number): Line[] {
    return [...this.#progress.values()].flatMap((progress) => {
      const { held, saidAt } = progress
      if (!held || now - saidAt < PROGRESS_MS) return []
      progress.saidAt = now
      delete progress.held
      return this.#say(held, progress)
    })
  }

  #dueList(now: number): Line[] {
    return now - this.#list.saidAt < LIST_MS ? [] : this.#sayList(now)
  }

  #sayList(now: number): Line[] {
    const { changedAfter, said } = this.#list
    if (changedAfter === undefined) return []
    const tasks = backgroundTasks(this.#parts.reader, this.#rootId)
    const current = JSON.stringify(tasks)
    delete this.#list.changedAfter
    if (current === said) return []
    this.#list = { said: current, saidAt: now }
    return [backgroundTasksLine(this.#rootId, changedAfter, tasks)]
  }
}

const CHANGES_LIST: ReadonlySet<FeedRow["kind"]> = new Set(["task_started", "task_updated", "task_settled"])
