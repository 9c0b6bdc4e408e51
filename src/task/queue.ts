// Runs that don't begin at once: those that need other tasks, and background shells for which there is no place. The
// rows say what waits and why; this decides when it begins, and never looks through all that waits to do so.
import { breathe } from "../base/breathe.ts"
import type { Clock } from "../base/clock.ts"
import { isStorageError } from "../base/error.ts"
import type { Log } from "../base/log.ts"
import { publish } from "../store/feed.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"
import type { Store, Tx } from "../store/store.ts"
import { endedNeeds, needsMore } from "./dependencies.ts"
import { type End, type Followed, type Settled, settleDependants } from "./settle.ts"
import { ShellPool, WAITS_FOR_PLACE } from "./shell-pool.ts"

export interface QueueParts {
  store: Store
  clock: Clock
  log: Log
  /** How many background shells run at a time. */
  places?: number | undefined
  /** Readies a queued run and drives it. Does nothing when the run is queued no more. */
  begin(run: RunRow): Promise<void>
}

/** How often what could not be stored is tried again. */
const STORAGE_LOOK_MS = 1_000

export class Queue {
  readonly #parts: QueueParts
  readonly #pool: ShellPool
  readonly #beginning = new Map<string, Promise<void>>()

  constructor(parts: QueueParts) {
    this.#parts = parts
    this.#pool = new ShellPool(parts.store, parts.places)
  }

  /** Why a run can't begin at once; undefined when it can. */
  obstacle(task: TaskRow, run: RunRow): string | undefined {
    return this.#pool.needsPlace(task, run) && this.#pool.isFull() ? WAITS_FOR_PLACE : undefined
  }

  /** A run begins, queued before or not. */
  enter(task: TaskRow, run: RunRow): void {
    if (task.kind === "shell") this.#pool.enter(run.id)
  }

  /** A run has ended, or was never begun: others may have its place. */
  leave(...runs: readonly Pick<RunRow, "id">[]): void {
    for (const { id } of runs) this.#pool.leave(id)
    this.pump()
  }

  /** What a settled run leaves behind, in memory: its place, and what it held up. */
  settled(settled: Settled): void {
    if (settled.type === "already-settled") return
    this.leave(settled.run)
    this.#followed(settled)
  }

  /** Goes on with what an earlier process left: ends of tasks that others wait for all the same. */
  overtake(rootId: string): void {
    const rest = endedNeeds(this.#parts.store, rootId).map((taskId) => ({ taskId, after: "" }))
    this.#followed({ freed: [], skipped: [], rest })
  }

  #followed({ freed, skipped, rest }: Followed): void {
    if (skipped.length > 0) this.leave(...skipped)
    for (const run of freed) this.admit(run)
    if (rest.length > 0) this.#underWay(`after ${rest[0]!.taskId}`, this.#follow(rest))
  }

  /** With a turn of the event loop between two transactions. On a full disk it waits: nobody else would look again. */
  async #follow(rest: readonly End[]): Promise<void> {
    const { store, clock, log } = this.#parts
    await breathe("agent")
    try {
      this.#followed(await store.writeDurably((tx) => settleDependants(tx, clock, rest)))
    } catch (error) {
      if (!isStorageError(error)) throw error
      log.warn("what waited for a task could not be stored now; trying again", { error, task: rest[0]?.taskId })
      await clock.sleep(STORAGE_LOOK_MS)
      return this.#follow(rest)
    }
  }

  /** A queued run that needs no other task (any more) begins: at once, or, a background shell, when there is a place. */
  admit(run: RunRow): void {
    const { store } = this.#parts
    if (needsMore(store, run.task_id)) return
    const task = store.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: run.task_id })!
    if (this.#pool.needsPlace(task, run)) {
      this.#pool.queue(run.id)
      this.pump()
      return
    }
    this.#begin(run)
  }

  /** Places may have come free: those that wait longest begin. */
  pump(): void {
    const { store } = this.#parts
    for (let id = this.#pool.next(); id !== undefined; id = this.#pool.next()) {
      const run = store.one<RunRow>("SELECT * FROM run WHERE id = :id AND state = 'queued'", { id })
      if (run) this.#begin(run)
      if (!run) this.#pool.leave(id)
    }
  }

  /** Resolves when nothing is on its way from the queue to its beginning. */
  async quiet(): Promise<void> {
    while (this.#beginning.size > 0) await Promise.all(this.#beginning.values())
  }

  #begin(run: RunRow): void {
    if (this.#beginning.has(run.id)) return
    this.#underWay(run.id, this.#parts.begin(run), run.task_id)
  }

  #underWay(id: string, work: Promise<void>, task?: string): void {
    const beginning = work
      .catch((error) => this.#parts.log.error("a queued run could not begin", { error, task }))
      .finally(() => {
        if (this.#beginning.get(id) === beginning) this.#beginning.delete(id)
      })
    this.#beginning.set(id, beginning)
  }
}

/** Marks a queued run as running; false when it is queued no more, and so must not begin. */
export function markBegun(tx: Tx, clock: Clock, { task, run }: { task: TaskRow; run: RunRow }): boolean {
  const changed = tx.run(
    `UPDATE run SET state = 'running', reason = NULL, started_at = :now, event_at = :now
     WHERE id = :id AND state = 'queued' AND stop_by IS NULL`,
    { id: run.id, now: clock.now() },
  )
  if (changed === 0) return false
  const data = { status: "running" }
  publish(tx, clock, { rootId: task.root_id, sessionId: task.owner_id, kind: "task_updated", ref: run.id, data })
  tx.ring(`run:${run.id}`)
  return true
}
