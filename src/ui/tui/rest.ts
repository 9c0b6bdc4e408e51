// Something that is done once after a time of work, when nothing has happened for a while and nobody types.

export class Rest implements Disposable {
  readonly #afterMs: number
  readonly #act: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Work was done since it was done last. */
  #isDue = false

  constructor(afterMs: number, act: () => void) {
    this.#afterMs = afterMs
    this.#act = act
  }

  /** What goes on now: work, or nothing. */
  see(isBusy: boolean): void {
    if (isBusy) {
      this.#isDue = true
      this.#disarm()
    } else if (this.#isDue && this.#timer === undefined) this.#arm()
  }

  /** Somebody types: it begins to wait anew. */
  disturb(): void {
    if (this.#timer === undefined) return
    this.#disarm()
    this.#arm()
  }

  [Symbol.dispose](): void {
    this.#isDue = false
    this.#disarm()
  }

  #arm(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#isDue = false
      this.#act()
    }, this.#afterMs)
  }

  #disarm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
