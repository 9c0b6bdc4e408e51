// Doorbells: a call that carries nothing and may be lost or merged; the row is what counts. Inside the process it is a
// function call; across processes the ringer touches a file that the listener watches, with a slow poll as the net.
import { closeSync, futimesSync, openSync, watch } from "node:fs"
import { join } from "node:path"
import type { InsideKind, OutsideTopic, Topic } from "./store.ts"

/** How often a listener looks without having heard anything. */
const NET_MS = 500

export class Bells {
  readonly #folder: () => string
  readonly #listeners = new Map<Topic, Set<() => void>>()

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
    if (isOutside(topic)) this.#touch(topic)
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
    const watcher = watch(this.#touch(topic), listener)
    const net = setInterval(listener, NET_MS)
    return {
      [Symbol.dispose]: () => {
        watcher.close()
        clearInterval(net)
      },
    }
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
