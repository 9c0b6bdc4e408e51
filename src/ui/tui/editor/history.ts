// Earlier prompts: those of this run at once, those of other sessions when they have been read. Newest first.
import { hasMarks, withoutMarks } from "./marks.ts"

export interface HistorySource {
  /** Newest first. Asked when somebody first looks back. */
  entries(): Promise<readonly string[]>
}

/** Of this run's own, so many keep their images and folded pastes: they take memory. */
const MOST_WITH_MARKS = 10
/** Longer ones are some pasted file: nobody looks back for it once it is out of reach. */
const LONGEST = 200_000

export class History {
  readonly #source: HistorySource
  readonly #expand: (content: string) => string
  #own: readonly string[] = []
  #stored: readonly string[] | undefined
  #all: readonly string[] | undefined
  #loading: Promise<void> | undefined

  /** `expand`: a content without its marks. */
  constructor(source: HistorySource, expand: (content: string) => string) {
    this.#source = source
    this.#expand = expand
  }

  /** Each once. Those of this run may have marks. */
  get entries(): readonly string[] {
    this.#all ??= [...new Set([...this.#own, ...(this.#stored ?? [])])]
    return this.#all
  }

  get own(): readonly string[] {
    return this.#own
  }

  get isLoaded(): boolean {
    return this.#stored !== undefined
  }

  /** `content`: as the editor holds it. */
  add(content: string): void {
    const trimmed = content.trim()
    // A sign alone was only the beginning of something.
    if (/^[/!@]?$/.test(trimmed)) return
    const own = [trimmed, ...this.#own.filter((known) => known !== trimmed)]
    let withMarks = 0
    this.#own = own.flatMap((entry) => {
      if (!hasMarks(entry) || ++withMarks <= MOST_WITH_MARKS) return [entry]
      const plain = this.#expand(entry)
      return plain.length <= LONGEST ? [plain] : []
    })
    this.#all = undefined
  }

  /** Resolves when the stored ones are there, or cannot be had: this run's own are then all there is. */
  load(): Promise<void> {
    this.#loading ??= this.#source.entries().then(
      (entries) => this.#keep(entries.map(withoutMarks)),
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
