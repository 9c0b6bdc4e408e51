// Searching earlier prompts backwards: each letter narrows, the same key again goes further back.
import type { Text } from "./text.ts"

export class HistorySearch {
  readonly #entries: () => readonly string[]
  #query = ""
  /** Index of the entry that is shown; undefined: none has the query. */
  #at: number | undefined

  constructor(entries: () => readonly string[]) {
    this.#entries = entries
  }

  get entry(): string | undefined {
    return this.#at === undefined ? undefined : this.#entries()[this.#at]
  }

  get status(): string {
    const isMissing = this.#query !== "" && this.#at === undefined
    return `${isMissing ? "not found" : "search"}: ${this.#query}▏`
  }

  /** What is found, with the cursor on it; undefined while nothing is. */
  shown(toText: (entry: string) => Text): Text | undefined {
    const { entry } = this
    if (entry === undefined) return undefined
    const text = toText(entry)
    const line = text.lines.findIndex((one) => this.#indexIn(one) >= 0)
    return line < 0 ? text : { lines: text.lines, line, col: this.#indexIn(text.lines[line]!) }
  }

  type(typed: string): void {
    // What is shown stays as long as it fits: a longer query never goes to a newer entry.
    const from = this.#at ?? 0
    this.#query += typed
    this.#at = this.#find(from)
  }

  deleteBack(): void {
    this.#query = [...this.#query].slice(0, -1).join("")
    this.refresh()
  }

  /** The next older one; the last one stays when there is none. */
  older(): void {
    this.#at = this.#find(this.#at === undefined ? 0 : this.#at + 1) ?? this.#at
  }

  /** From the newest on. */
  refresh(): void {
    this.#at = this.#find(0)
  }

  #find(from: number): number | undefined {
    if (this.#query === "") return undefined
    const entries = this.#entries()
    for (let at = from; at < entries.length; at++) if (this.#indexIn(entries[at]!) >= 0) return at
    return undefined
  }

  /** Capitals matter when the query has some. */
  #indexIn(text: string): number {
    const isExact = this.#query !== this.#query.toLowerCase()
    return (isExact ? text : text.toLowerCase()).indexOf(this.#query)
  }
}
