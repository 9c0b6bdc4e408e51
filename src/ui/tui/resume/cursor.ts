// Which entry of a list is chosen, and which of them are seen.
export class Cursor {
  #count = 0
  #at = 0
  #from = 0
  #room = 1

  get at(): number {
    return this.#at
  }

  set count(count: number) {
    this.#count = count
    this.to(this.#at)
  }

  to(at: number): void {
    this.#at = Math.max(0, Math.min(at, this.#count - 1))
  }

  moveBy(step: number): void {
    this.to(this.#at + step)
  }

  pageBy(pages: number): void {
    this.moveBy(pages * Math.max(1, this.#room - 1))
  }

  first(): void {
    this.to(0)
  }

  last(): void {
    this.to(this.#count - 1)
  }

  /** Moves what is seen; what is chosen goes along only where it must. */
  scrollBy(entries: number): void {
    this.#from = Math.max(0, Math.min(this.#from + entries, this.#count - this.#room))
    this.to(Math.max(this.#from, Math.min(this.#at, this.#from + this.#room - 1)))
  }

  /** The first entry that is seen where `room` of them fit, so that the chosen one is. */
  window(room: number): number {
    this.#room = Math.max(1, room)
    const least = this.#at - this.#room + 1
    this.#from = Math.max(0, Math.min(Math.max(this.#from, least), this.#at, Math.max(0, this.#count - this.#room)))
    return this.#from
  }
}
