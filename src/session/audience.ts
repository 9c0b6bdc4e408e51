// Whether somebody in another process looks at a tree now: then its host writes drafts and rings for each change. A
// viewer says that it is there by the time of change of a file, which it renews; one that dies is gone soon after.
import { closeSync, futimesSync, openSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import type { Store } from "../store/store.ts"

const RENEW_MS = 2_000
const GONE_AFTER_MS = 5_000

/** The host's side. */
export class Audience {
  readonly #path: string
  readonly #clock: Clock
  #isPresent = false

  constructor(store: Store, clock: Clock, rootId: string) {
    this.#path = pathOf(store, rootId)
    this.#clock = clock
  }

  /** As of the last look. */
  get isPresent(): boolean {
    return this.#isPresent
  }

  /** To be called again and again: some microseconds. */
  look(): void {
    const changedAt = statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs
    this.#isPresent = changedAt !== undefined && this.#clock.now() - changedAt < GONE_AFTER_MS
  }
}

/** A viewer's side: it is there from now on until this is disposed, and the host hears of it at once. */
export function attend(store: Store, rootId: string): Disposable {
  const path = pathOf(store, rootId)
  touch(path)
  store.ring(`host:${rootId}`)
  const renewing = setInterval(() => touch(path), RENEW_MS)
  return { [Symbol.dispose]: () => clearInterval(renewing) }
}

function pathOf(store: Store, rootId: string): string {
  return join(store.folder("bell"), `${rootId}.viewers`)
}

function touch(path: string): void {
  const file = openSync(path, "a", 0o600)
  try {
    const now = new Date()
    futimesSync(file, now, now)
  } finally {
    closeSync(file)
  }
}
