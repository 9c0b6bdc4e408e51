// What runs tell of themselves while they work. What comes in the same moment, as from commands that are looked at
// together, is one transaction.
import type { Clock } from "../base/clock.ts"
import { publish } from "../store/feed.ts"
import type { TaskRow } from "../store/rows.ts"
import type { Store, Tx } from "../store/store.ts"
import { LIVE, type Progress } from "./task.ts"

interface News {
  task: TaskRow
  runId: string
  fields: Progress
}

export class ProgressRows {
  readonly #store: Store
  readonly #clock: Clock
  #news: News[] = []
  #telling: Promise<void> | undefined

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** Resolves when it is stored; of a run that has ended, nothing is. */
  tell(task: TaskRow, runId: string, fields: Progress): Promise<void> {
    this.#news.push({ task, runId, fields })
    this.#telling ??= Promise.resolve().then(() => this.#tellAll())
    return this.#telling
  }

  #tellAll(): Promise<void> {
    const news = this.#news
    this.#news = []
    this.#telling = undefined
    return this.#store.write((tx) => {
      for (const one of news) this.#write(tx, one)
    })
  }

  #write(tx: Tx, { task, runId, fields: { bytes, tail, activity } }: News): void {
    const changed = tx.run(
      `UPDATE run SET bytes = COALESCE(:bytes, bytes), tail = COALESCE(:tail, tail),
         activity = COALESCE(:activity, activity), event_at = :now
       WHERE id = :runId AND state IN ${LIVE}`,
      { runId, bytes: bytes ?? null, tail: tail ?? null, activity: activity ?? null, now: this.#clock.now() },
    )
    if (changed)
      publish(tx, this.#clock, { rootId: task.root_id, sessionId: task.owner_id, kind: "task_progress", ref: runId })
  }
}
