// A key that means something only when it is pressed twice in a short time.

/** The second press comes within so many milliseconds. */
const AGAIN_MS = 1500

export class Twice {
  readonly #second: () => void
  readonly #first: () => void
  #at = Number.NEGATIVE_INFINITY

  constructor(second: () => void, first: () => void) {
    this.#second = second
    this.#first = first
  }

  again(): void {
    const now = performance.now()
    const isSecond = now - this.#at < AGAIN_MS
    this.#at = isSecond ? Number.NEGATIVE_INFINITY : now
    if (isSecond) this.#second()
    else this.#first()
  }
}
