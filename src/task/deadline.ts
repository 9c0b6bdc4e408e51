// The clock of a run's deadline. It stops while the run is paused. A command's goes on while this process is stopped, as
// the command does; an agent's does not, because nothing of it runs then.
import type { Clock } from "../base/clock.ts"
import { sleepPart } from "../base/patience.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"

export class Deadline {
  readonly #clock: Clock
  readonly #limitMs: number | null
  readonly #countsStops: boolean
  readonly #passed: () => void
  /** From the row once, by the time of day; then counted here, because that may be set. */
  #left: number | undefined
  #armed: AbortController | undefined

  constructor(clock: Clock, task: Pick<TaskRow, "deadline_ms" | "kind">, passed: () => void) {
    this.#clock = clock
    this.#limitMs = task.deadline_ms
    this.#countsStops = task.kind !== "agent"
    this.#passed = passed
  }

  /** Goes on with what is left for the run; nothing passes while it is paused. */
  arm(run: RunRow): void {
    this.disarm()
    if (this.#limitMs === null || run.state === "paused") return
    const byRow = (run.started_at ?? run.created_at) + this.#limitMs + run.paused_ms - this.#clock.now()
    this.#left ??= Math.min(this.#limitMs, Math.max(0, byRow))
    this.#armed = new AbortController()
    void this.#count(this.#armed.signal)
  }

  disarm(): void {
    this.#armed?.abort()
  }

  async #count(signal: AbortSignal): Promise<void> {
    while (this.#left! > 0) {
      const began = this.#clock.monotonic()
      const counted = await sleepPart(this.#clock, this.#left!, signal).catch(() => undefined)
      const took = this.#clock.monotonic() - began
      this.#left! -= counted === undefined || this.#countsStops ? took : counted
      if (signal.aborted) return
    }
    this.#passed()
  }
}
