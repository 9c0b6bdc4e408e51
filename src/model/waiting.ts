// Waiting for the pieces of a stream, one after another, with an eye on an abort. One listener for all of them, and
// nothing is kept of a wait that is over: `Promise.race` against one promise for the whole stream would keep something
// for each of its thousands of pieces, and a watch of its own for each would cost more than the piece.

export class Waiting implements Disposable {
  readonly #signal: AbortSignal
  readonly #onAbort: () => void
  #fail: ((reason: unknown) => void) | undefined

  /** `onAbort`: called before the wait is given up. */
  constructor(signal: AbortSignal, onAbort: () => void = () => {}) {
    this.#signal = signal
    this.#onAbort = () => {
      onAbort()
      this.fail(signal.reason)
    }
    signal.addEventListener("abort", this.#onAbort, { once: true })
  }

  /** Settles as the promise does, or rejects when the wait is given up. At most one at a time. */
  for<T>(promise: Promise<T>): Promise<T> {
    const { promise: waited, resolve, reject } = Promise.withResolvers<T>()
    this.#fail = reject
    promise.then(resolve, reject)
    if (this.#signal.aborted) reject(this.#signal.reason)
    return waited
  }

  /** Gives up the wait that is under way, if one is. */
  fail(reason: unknown): void {
    this.#fail?.(reason)
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#onAbort)
    this.#fail = undefined
  }
}
