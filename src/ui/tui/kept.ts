// What is made for each frame from the same things is made once: they are compared by identity, as what is shown is
// replaced when it changes, never changed in itself.

export class Kept<T> {
  #of: readonly unknown[] | undefined
  #made: T | undefined

  /** What was made the last time, when that was of the same things. */
  of(things: readonly unknown[], make: () => T): T {
    const before = this.#of
    if (before && before.length === things.length && before.every((one, i) => one === things[i])) return this.#made!
    this.#of = things
    this.#made = make()
    return this.#made
  }
}
