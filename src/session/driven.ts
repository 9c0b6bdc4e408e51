// Whether somebody sees to what the rows call running. A run's state is what its host wrote last: when the host has
// died, only the free lease tells.
import type { Clock } from "../base/clock.ts"
import type { Store } from "../store/store.ts"
import type { TaskView } from "../task/find.ts"
import { isTerminal } from "../task/task.ts"
import { isHeld } from "./lease.ts"

/** The ids of those tasks that are to run, although nobody drives their tree. */
export function undriven(store: Store, views: readonly TaskView[]): ReadonlySet<string> {
  const live = views.filter(({ run }) => !isTerminal(run.state))
  const roots = new Set(live.map(({ task }) => task.root_id))
  const free = new Set([...roots].filter((root) => !isHeld(store, root)))
  return new Set(live.filter(({ task }) => free.has(task.root_id)).map(({ task }) => task.id))
}

/** A tree that changes hands is free for a moment: from one host's end to the next one's start. */
const GRACE_MS = 1500

/** Tells, looked at again and again, when nobody drives a tree and nobody has for a while. */
export class Absence {
  readonly #store: Store
  readonly #clock: Clock
  readonly #since = new Map<string, number>()

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** Read a run's row again after this said yes: its host may have settled it as the last thing that it did. */
  lasts(rootId: string): boolean {
    if (isHeld(this.#store, rootId)) {
      this.#since.delete(rootId)
      return false
    }
    const since = this.#since.get(rootId) ?? this.#clock.monotonic()
    this.#since.set(rootId, since)
    return this.#clock.monotonic() - since >= GRACE_MS
  }
}
