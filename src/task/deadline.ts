// The clock of a run's deadline. It stops while the run is paused: what is left is counted from the row.
import type { Clock } from "../base/clock.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"

/** The longest that a timer can wait: after it, what is left is counted again. */
const LONGEST_MS = 2 ** 31 - 1

export class Deadline {
  readonly #clock: Clock
  readonly #limitMs: number | null
  readonly #passed: () => void
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(clock: Clock, task: Pick<TaskRow, "deadline_ms">, passed: () => void) {
    this.#clock = clock
    this.#limitMs = task.deadline_ms
    this.#passed = passed
  }

  /** Goes on with what is left for the run; nothing passes while it is paused. */
  arm(run: RunRow): void {
    this.disarm()
    if (this.#limitMs === null || run.state === "paused") return
    const left = (run.started_at ?? run.created_at) + this.#limitMs + run.paused_ms - this.#clock.now()
    if (left > LONGEST_MS) this.#timer = setTimeout(() => this.arm(run), LONGEST_MS)
    else this.#timer = setTimeout(this.#passed, Math.max(0, left))
  }

  disarm(): void {
    clearTimeout(this.#timer)
  }
}
