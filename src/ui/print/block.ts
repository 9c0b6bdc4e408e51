// A block of lines at the end of a terminal's output that is drawn again and again in its place; lines that stay are
// written above it.

export class Block {
  readonly #write: (text: string) => void
  #height = 0

  constructor(write: (text: string) => void) {
    this.#write = write
  }

  /** Draws the lines in the place of the former ones, below `above`, which stay. No line may be wider than the terminal. */
  draw(lines: readonly string[], above: readonly string[] = []): void {
    if (lines.length === 0 && this.#height === 0 && above.length === 0) return
    const up = this.#height > 0 ? `\x1b[${this.#height}A` : ""
    const all = [...above, ...lines].map((line) => `\x1b[2K${line}\n`).join("")
    // What was below the new end is cleared as well.
    this.#write(`${up}\r${all}\x1b[J`)
    this.#height = lines.length
  }

  clear(): void {
    this.draw([])
  }
}
