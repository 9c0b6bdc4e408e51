// A gate that a test opens when it wants something held to go on: the way our tests order events without sleeping.

export class Gate {
  readonly #opening = Promise.withResolvers<void>()
  #opened = false
  #waiting = 0
  #arrivals: (() => void)[] = []

  get opened(): boolean {
    return this.#opened
  }

  /** How many are held at the gate now. */
  get waiting(): number {
    return this.#waiting
  }

  /** Lets everybody through, now and later. Opening twice is a no-op. */
  open(): void {
    this.#opened = true
    this.#opening.resolve()
  }

  /** Resolves when the gate is open; rejects with the signal's reason when that is aborted first. */
  async wait(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#opened) return
    this.#waiting++
    for (const arrived of this.#arrivals.splice(0)) arrived()
    const aborted = Promise.withResolvers<never>()
    const onAbort = () => aborted.reject(signal?.reason)
    signal?.addEventListener("abort", onAbort, { once: true })
    try {
      await Promise.race([this.#opening.promise, aborted.promise])
    } finally {
      signal?.removeEventListener("abort", onAbort)
      this.#waiting--
    }
  }

  /** Resolves when at least one is held at the gate (at once when one is, or when it is open). */
  async reached(): Promise<void> {
    if (this.#opened || this.#waiting > 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#arrivals.push(resolve)
    await Promise.race([promise, this.#opening.promise])
  }
}
