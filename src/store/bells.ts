// Doorbells: a call that carries nothing and may be lost or merged; the row is what counts. Inside the process it is a
// function call; across processes the ringer touches a file that the listener watches, with a slow poll as the net.
import { closeSync, futimesSync, openSync, watch } from "node:fs"
import { join } from "node:path"
import type { InsideKind, OutsideTopic, Topic } from "./store.ts"

/** How often a listener looks without having heard anything. */
const NET_MS = 500
/** Who looks at a busy tree is rung outside no more often than this: the first time at once, then at the end of it. */
const WATCH_MS = 25

export class Bells {
  readonly #folder: () => string
  readonly #listeners = new Map<Topic, Set<() => void>>()
  /** Those that hear other processes. */
  readonly #hearing = new Set<Disposable>()
  #isClosed = false
  /** Bells that were rung a moment ago. */
  readonly #rung = new Map<OutsideTopic, { timer: ReturnType<typeof setTimeout>; again: boolean }>()

  /** `folder`: where the files for other processes are. */
  constructor(folder: () => string) {
    this.#folder = folder
  }

  listen(topic: Topic, listener: () => void): Disposable {
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners.add(listener))
    const outside = isOutside(topic) ? this.#hearOthers(topic, listener) : undefined
    return {
      [Symbol.dispose]: () => {
        outside?.[Symbol.dispose]()
        listeners.delete(listener)
        if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic)
      },
    }
  }

  ring(topic: Topic): void {
    if (isOutside(topic)) this.#ringOutside(topic)
    this.#call(topic)
  }

  /** As if all bells of a kind had rung. */
  stir(kind: InsideKind): void {
    for (const topic of [...this.#listeners.keys()]) if (topic.startsWith(`${kind}:`)) this.#call(topic)
  }

  #call(topic: Topic): void {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener()
  }

  #hearOthers(topic: OutsideTopic, listener: () => void): Disposable {
    // An event of a watcher may be on its way when that is closed, and whoever listens reads the database.
    const hear = () => {
      if (!this.#isClosed) listener()
    }
    const watcher = watch(this.#touch(topic), hear)
    const net = setInterval(hear, NET_MS)
    const hearing = {
      [Symbol.dispose]: () => {
        watcher.close()
        clearInterval(net)
        this.#hearing.delete(hearing)
      },
    }
    this.#hearing.add(hearing)
    return hearing
  }

  /** Rings what waits for its moment. Nothing may be rung after this, and nothing is heard any more. */
  close(): void {
    this.#isClosed = true
    for (const hearing of [...this.#hearing]) hearing[Symbol.dispose]()
    for (const [topic, { timer, again }] of this.#rung) {
      clearTimeout(timer)
      if (again) this.#touch(topic)
    }
    this.#rung.clear()
  }

  #ringOutside(topic: OutsideTopic): void {
    const before = this.#rung.get(topic)
    if (before) {
      before.again = true
      return
    }
    this.#touch(topic)
    if (!topic.startsWith("watch:")) return
    const over = () => {
      const again = this.#rung.get(topic)?.again
      this.#rung.delete(topic)
      if (again) this.#ringOutside(topic)
    }
    this.#rung.set(topic, { timer: setTimeout(over, WATCH_MS), again: false })
  }

  /** Makes the bell's file, or moves its time of change. */
  #touch(topic: OutsideTopic): string {
    const path = join(this.#folder(), fileOf(topic))
    const file = openSync(path, "a", 0o600)
    try {
      const now = new Date()
      futimesSync(file, now, now)
    } finally {
      closeSync(file)
    }
    return path
  }
}

function isOutside(topic: Topic): topic is OutsideTopic {
  return topic.startsWith("host:") || topic.startsWith("watch:")
}

function fileOf(topic: OutsideTopic): string {
  const [kind, rootId] = topic.split(":", 2) as [string, string]
  return kind === "host" ? rootId : `${rootId}.${kind}`
}
