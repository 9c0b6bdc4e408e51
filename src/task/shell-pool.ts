// Places for background shells: so many run at a time, the others wait in the order in which they came. A foreground
// shell never waits, and a service holds no place, because it would never give it back.
import type { RunRow, TaskRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"

export const WAITS_FOR_PLACE = "waits for a free shell"
export const DEFAULT_PLACES = 16

export class ShellPool {
  readonly #reader: Reader
  readonly #places: number
  /** Runs of shells under way in this process, in the foreground as well: they may move. */
  readonly #running = new Set<string>()
  /** First come, first served. The rows are the truth; after a crash this is made from them again. */
  readonly #waiting = new Set<string>()

  constructor(reader: Reader, places = DEFAULT_PLACES) {
    this.#reader = reader
    this.#places = Math.max(1, places)
  }

  /** Whether such a run needs a place before it may begin. */
  needsPlace(task: Pick<TaskRow, "kind" | "service">, run: Pick<RunRow, "background">): boolean {
    return task.kind === "shell" && task.service === 0 && run.background === 1
  }

  isFull(): boolean {
    return this.#waiting.size > 0 || this.#taken() >= this.#places
  }

  /** A shell's run begins; to be told whether it had to wait or not. */
  enter(runId: string): void {
    this.#waiting.delete(runId)
    this.#running.add(runId)
  }

  leave(runId: string): void {
    this.#running.delete(runId)
    this.#waiting.delete(runId)
  }

  queue(runId: string): void {
    this.#waiting.add(runId)
  }

  /** The one that waits longest, which has a place from now on; undefined when none waits or none is free. */
  next(): string | undefined {
    const first = this.#waiting.values().next().value
    if (first === undefined || this.#taken() >= this.#places) return undefined
    this.enter(first)
    return first
  }

  /** A run whose row is not there yet counts as one that holds a place. */
  #taken(): number {
    if (this.#running.size === 0) return 0
    const free = this.#reader.one<{ count: number }>(
      `SELECT COUNT(*) AS count FROM run WHERE id IN (SELECT value FROM json_each(:ids))
         AND (background = 0 OR service = 1)`,
      { ids: JSON.stringify([...this.#running]) },
    )
    return this.#running.size - (free?.count ?? 0)
  }
}
