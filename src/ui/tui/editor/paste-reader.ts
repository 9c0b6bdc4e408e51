// Bracketed paste: what a terminal sends between its two marks is text, whatever bytes are in it.

const START = "\x1b[200~"
const END = "\x1b[201~"

export type PasteInput =
  | { type: "keys" }
  /** A paste has begun or goes on. */
  | { type: "more"; before: string }
  | { type: "pasted"; before: string; text: string; after: string }

export class PasteReader {
  #parts: string[] | undefined

  /** `before` and `after`: keys around the paste. */
  take(data: string): PasteInput {
    let before = ""
    let rest = data
    if (!this.#parts) {
      const start = data.indexOf(START)
      if (start < 0) return { type: "keys" }
      before = data.slice(0, start)
      rest = data.slice(start + START.length)
      this.#parts = []
    }
    // The end may be torn between two pieces.
    const seam = (this.#parts.at(-1) ?? "").slice(1 - END.length)
    this.#parts.push(rest)
    if (!(seam + rest).includes(END)) return { type: "more", before }
    const all = this.#parts.join("")
    const end = all.indexOf(END, Math.max(0, all.length - rest.length - seam.length))
    this.#parts = undefined
    return { type: "pasted", before, text: all.slice(0, end), after: all.slice(end + END.length) }
  }

  /** Gives up a paste that has no end. */
  reset(): void {
    this.#parts = undefined
  }
}
