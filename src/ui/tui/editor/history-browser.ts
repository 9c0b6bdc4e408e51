// Going through earlier prompts with the arrows. What was being written is kept, and comes back at the end.
import type { History } from "./history.ts"
import type { Text } from "./text.ts"

interface Browsing {
  /** Of the entry that is shown. */
  index: number
  draft: Text
  /** As it was put in: as long as it is untouched, the arrows go on through the history. */
  shown: Text
}

/** `wait`: it is being read; ask again when `history.load()` has resolved. */
export type Browsed = { type: "text"; text: Text } | { type: "end" } | { type: "wait" }

export class HistoryBrowser {
  readonly #history: History
  readonly #toText: (entry: string) => Text
  #browsing: Browsing | undefined

  constructor(history: History, toText: (entry: string) => Text) {
    this.#history = history
    this.#toText = toText
  }

  /** Whether `text` is an earlier prompt just as it was brought back. */
  isUntouched(text: Text): boolean {
    return this.#browsing?.shown === text
  }

  get isBrowsing(): boolean {
    return this.#browsing !== undefined
  }

  older(current: Text): Browsed {
    const index = (this.#browsing?.index ?? -1) + 1
    const entry = this.#history.entries[index]
    if (entry === undefined) return { type: this.#history.isLoaded ? "end" : "wait" }
    return this.#show(index, entry, current)
  }

  newer(current: Text): Browsed {
    if (!this.#browsing) return { type: "end" }
    const { index, draft } = this.#browsing
    const entry = this.#history.entries[index - 1]
    if (entry !== undefined) return this.#show(index - 1, entry, current)
    this.#browsing = undefined
    return { type: "text", text: draft }
  }

  stop(): void {
    this.#browsing = undefined
  }

  #show(index: number, entry: string, current: Text): Browsed {
    const shown = this.#toText(entry)
    this.#browsing = { index, draft: this.#browsing?.draft ?? current, shown }
    return { type: "text", text: shown }
  }
}
