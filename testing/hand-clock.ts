// A clock in a test's hands: time passes, the process is stopped, the time of day is set, when the test says so.
import type { Clock } from "../src/base/clock.ts"

/** As a process that runs looks at what came between its timers: at least so often. */
const PART_MS = 250

export class HandClock implements Clock {
  #monotonic = 5_000
  #now: number
  readonly #sleeping = new Set<{ due: number; wake: () => void }>()

  constructor(now = Date.UTC(2027, 0, 1, 12)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#monotonic
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const sleeper = { due: this.#monotonic + ms, wake: resolve }
    this.#sleeping.add(sleeper)
    const onAbort = () => {
      this.#sleeping.delete(sleeper)
      reject(signal?.reason)
    }
    signal?.addEventListener("abort", onAbort, { once: true })
    return promise.finally(() => signal?.removeEventListener("abort", onAbort))
  }

  /** Time passes for a process that runs. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= PART_MS) {
      this.#skip(Math.min(left, PART_MS))
      await settle()
    }
  }

  /** Time passes while the process is stopped: then all that became due is due at once. */
  async stop(ms: number): Promise<void> {
    this.#skip(ms)
    await settle()
  }

  /** Somebody sets the time of day. */
  set(byMs: number): void {
    this.#now += byMs
  }

  #skip(ms: number): void {
    this.#monotonic += ms
    this.#now += ms
    const due = [...this.#sleeping].filter((sleeper) => sleeper.due <= this.#monotonic)
    for (const sleeper of due.sort((a, b) => a.due - b.due)) {
      this.#sleeping.delete(sleeper)
      sleeper.wake()
    }
  }
}

/** What woke does what it can. */
async function settle(): Promise<void> {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
}
