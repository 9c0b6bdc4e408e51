// A kind of task that does what the test says: each run waits until the test gives its outcome, or it is stopped.
import type { RunRow, TaskRow } from "../src/store/rows.ts"
import type { Tx } from "../src/store/store.ts"
import type { Outcome, Prepared, RunControl, StopCause, TaskKind } from "../src/task/task.ts"

export class GatedKind implements TaskKind {
  readonly kind: string
  /** What happened to runs, in order: `prepared`, `went`, `cancelled` and the run's id. */
  readonly events: string[] = []
  /** What pauses asked of runs, in order: `held` or `released` and the run's id. */
  readonly pauses: string[] = []
  readonly #outcomes = new Map<string, PromiseWithResolvers<Outcome>>()
  readonly #controls = new Map<string, RunControl>()

  constructor(kind = "shell") {
    this.kind = kind
  }

  resume(task: TaskRow, run: RunRow): Promise<Prepared> {
    return this.prepare(task, run)
  }

  async prepare(_task: TaskRow, run: RunRow): Promise<Prepared> {
    this.events.push(`prepared ${run.id}`)
    return {
      commit: (_tx: Tx) => {},
      cancel: () => void this.events.push(`cancelled ${run.id}`),
      hold: () => void this.pauses.push(`held ${run.id}`),
      release: () => void this.pauses.push(`released ${run.id}`),
      go: (control) => {
        this.events.push(`went ${run.id}`)
        this.#controls.set(run.id, control)
        const outcome = this.#outcome(run.id)
        const stopped = () => {
          const { by } = control.signal.reason as StopCause
          outcome.resolve(by === "deadline" ? { state: "timed_out" } : { state: "stopped", reason: `by ${by}` })
        }
        control.signal.addEventListener("abort", stopped, { once: true })
        return outcome.promise
      },
    }
  }

  /** Ends a run as the test wants. */
  finish(runId: string, outcome: Outcome = { state: "completed", result: "done" }): void {
    this.#outcome(runId).resolve(outcome)
  }

  crash(runId: string, error: Error): void {
    this.#outcome(runId).reject(error)
  }

  control(runId: string): RunControl {
    const control = this.#controls.get(runId)
    if (!control) throw new Error(`run ${runId} has not begun`)
    return control
  }

  #outcome(runId: string): PromiseWithResolvers<Outcome> {
    const known = this.#outcomes.get(runId) ?? Promise.withResolvers<Outcome>()
    this.#outcomes.set(runId, known)
    return known
  }
}
