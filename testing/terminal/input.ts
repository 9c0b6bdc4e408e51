// What a person types, in order: behind a bare Esc the next bytes wait a moment, for in the old encoding they would
// make it another key. A person is never that fast.

const AFTER_ESC_MS = 60

export class InputQueue {
  readonly #send: (bytes: string) => void
  #last: Promise<void> = Promise.resolve()
  #length = 0

  constructor(send: (bytes: string) => void) {
    this.#send = send
  }

  /** What is still to be sent, or to be waited for. */
  get length(): number {
    return this.#length
  }

  /** At once when nothing waits. A function is called when it is its turn: what it makes depends on the program's modes. */
  add(input: string | (() => string)): void {
    if (this.#length > 0) {
      this.#then(() => this.#perform(input))
      return
    }
    if (this.#perform(input)) this.#then(() => true)
  }

  empty(): Promise<void> {
    return this.#last
  }

  /** Resolves to whether the next one has to wait. */
  #perform(input: string | (() => string)): boolean {
    const bytes = typeof input === "string" ? input : input()
    this.#send(bytes)
    return bytes === "\x1b"
  }

  #then(step: () => boolean): void {
    this.#length++
    this.#last = this.#last.then(async () => {
      if (step()) await Bun.sleep(AFTER_ESC_MS)
      this.#length--
    })
  }
}
