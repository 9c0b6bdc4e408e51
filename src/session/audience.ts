// Whether somebody looks at a tree now: then its host writes drafts and rings for each change. A viewer says that it is
// there by the time of change of a file, which it renews; one that dies is gone soon after. Of the tree's other sessions
// it says so one by one: an agent's answer is not written down while nobody looks at that agent.
import { closeSync, futimesSync, openSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import type { Store } from "../store/store.ts"

const RENEW_MS = 2_000
const GONE_AFTER_MS = 5_000
/** What may pass from one look to the next; the host looks every half second. */
const LONGEST_LOOK_MS = 1_000

/** The host's side. */
export class Audience {
  readonly #path: string
  readonly #clock: Clock
  /** The file's time as it was at the last look, and for how long it has been so. */
  #renewedAt: number | undefined
  #sameForMs = 0
  #lookedAt: number
  #isFirst = true
  #isPresent = false

  constructor(store: Store, clock: Clock, sessionId: string) {
    this.#path = pathOf(store, sessionId)
    this.#clock = clock
    this.#lookedAt = clock.monotonic()
  }

  /** As of the last look. */
  get isPresent(): boolean {
    return this.#isPresent
  }

  /** To be called again and again, at least every second: some microseconds. */
  look(): void {
    const renewedAt = statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs
    const lookedAt = this.#lookedAt
    this.#lookedAt = this.#clock.monotonic()
    // That it changes counts, and not which time it shows: clocks are set. A stop of this process is no absence of theirs.
    if (renewedAt === this.#renewedAt) this.#sameForMs += Math.min(this.#lookedAt - lookedAt, LONGEST_LOOK_MS)
    else this.#sameForMs = this.#isFirst ? Math.abs(this.#clock.now() - (renewedAt ?? 0)) : 0
    this.#isFirst = false
    this.#renewedAt = renewedAt
    this.#isPresent = renewedAt !== undefined && this.#sameForMs < GONE_AFTER_MS
  }
}

/** A viewer's side: it is there from now on until this is disposed, and the host hears of it at once. */
export function attend(store: Store, rootId: string): Disposable {
  const attending = attendSession(store, rootId)
  store.ring(`host:${rootId}`)
  return attending
}

/** Another session of a tree that is attended. */
export function attendSession(store: Store, sessionId: string): Disposable {
  const path = pathOf(store, sessionId)
  touch(path)
  const renewing = setInterval(() => touch(path), RENEW_MS)
  return { [Symbol.dispose]: () => clearInterval(renewing) }
}

/** When somebody was there last, as the file system has it; undefined: never. */
export function lastAttended(store: Store, rootId: string): number | undefined {
  return statSync(pathOf(store, rootId), { throwIfNoEntry: false })?.mtimeMs
}

function pathOf(store: Store, sessionId: string): string {
  return join(store.folder("bell"), `${sessionId}.viewers`)
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
