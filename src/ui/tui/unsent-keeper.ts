// Stores what stands in the prompt while it is typed: soon after the last key, and at once when it has been sent.
import type { Unsent } from "../../program.ts"

/** After the last key; and after the first one, however long somebody goes on typing. */
const PAUSE_MS = 500
const MOST_MS = 3000

export interface UnsentParts {
  /** What stands there now; undefined: nothing. */
  now(): Unsent | undefined
  keep(unsent: Unsent | undefined): Promise<void>
  failed(error: unknown): void
}

export class UnsentKeeper {
  readonly #parts: UnsentParts
  #timer: ReturnType<typeof setTimeout> | undefined
  #since: number | undefined
  #isKept = false
  #work: Promise<void> = Promise.resolve()

  constructor(parts: UnsentParts) {
    this.#parts = parts
  }

  /** After each change of the text. */
  changed(): void {
    clearTimeout(this.#timer)
    if (this.#parts.now() === undefined) {
      void this.flush()
      return
    }
    const now = performance.now()
    this.#since ??= now
    this.#timer = setTimeout(() => void this.flush(), Math.max(0, Math.min(PAUSE_MS, this.#since + MOST_MS - now)))
  }

  /** Resolves when it is stored as it stands, or could not be. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#since = undefined
    const unsent = this.#parts.now()
    if (unsent === undefined && !this.#isKept) return this.#work
    this.#isKept = unsent !== undefined
    this.#work = this.#work.then(() => this.#parts.keep(unsent)).catch((error) => this.#parts.failed(error))
    return this.#work
  }
}
