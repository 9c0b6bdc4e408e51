// Earlier prompts: those of this run at once, those of other sessions when they have been read. Newest first.

export interface HistorySource {
  /** Newest first. Asked when somebody first looks back. */
  entries(): Promise<readonly string[]>
}

export class History {
  readonly #source: HistorySource
  #own: readonly string[] = []
  #stored: readonly string[] | undefined
  #all: readonly string[] | undefined
  #loading: Promise<void> | undefined

  constructor(source: HistorySource) {
    this.#source = source
  }

  /** Each once. */
  get entries(): readonly string[] {
    this.#all ??= [...new Set([...this.#own, ...(this.#stored ?? [])])]
    return this.#all
  }

  get isLoaded(): boolean {
    return this.#stored !== undefined
  }

  add(entry: string): void {
    const trimmed = entry.trim()
    if (trimmed === "") return
    this.#own = [trimmed, ...this.#own.filter((known) => known !== trimmed)]
    this.#all = undefined
  }

  /** Resolves when the stored ones are there, or cannot be had: this run's own are then all there is. */
  load(): Promise<void> {
    this.#loading ??= this.#source.entries().then(
      (entries) => this.#keep(entries),
      // To look back is a comfort that the prompt can do without.
      () => this.#keep([]),
    )
    return this.#loading
  }

  #keep(entries: readonly string[]): void {
    this.#stored = entries
    this.#all = undefined
  }
}
