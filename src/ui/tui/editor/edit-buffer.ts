// The text that is being edited, with what can be undone and what was cut. Knows nothing of keys or of the screen.
import { left, right, wordLeft, wordRight } from "./motion.ts"
import { between, EMPTY, inserted, isEmpty, moved, removed, type Spot, type Text } from "./text.ts"

const MOST_UNDO = 500
const MOST_CUTS = 60

/** What the last key did, where that matters for the next one. */
type Last = { type: "typed" } | { type: "cut" } | { type: "yanked"; from: Spot; index: number } | { type: "else" }

export type Direction = "back" | "forward"

export class EditBuffer {
  #text: Text = EMPTY
  #undo: Text[] = []
  readonly #cuts: string[] = []
  #last: Last = { type: "else" }

  get text(): Text {
    return this.#text
  }

  get isEmpty(): boolean {
    return isEmpty(this.#text)
  }

  /** A typed character; those of one word are undone together. */
  type(character: string): void {
    const before = this.#text.lines[this.#text.line]!.slice(0, this.#text.col)
    const startsWord = /\s$/.test(before) && !/^\s/.test(character)
    const isSameUnit = this.#last.type === "typed" && !startsWord
    if (!isSameUnit) this.#remember()
    this.#text = inserted(this.#text, character)
    this.#last = { type: "typed" }
  }

  insert(added: string): void {
    if (added !== "") this.#change(inserted(this.#text, added))
  }

  /** Another text in place of this one; can be undone. */
  replace(text: Text): void {
    this.#change(text)
  }

  /** Another text that is no edit: what was typed stays as it is in what can be undone. */
  amend(change: (text: Text) => Text): void {
    this.#text = change(this.#text)
    this.#undo = this.#undo.map(change)
  }

  moveTo(spot: Spot): void {
    this.#text = moved(this.#text, spot)
    this.#last = { type: "else" }
  }

  deleteOne(direction: Direction): void {
    this.#removeTo(direction === "back" ? left(this.#text) : right(this.#text))
  }

  cutWord(direction: Direction): void {
    this.#cutTo(direction === "back" ? wordLeft(this.#text) : wordRight(this.#text), direction)
  }

  /** To the end of the line in that direction; on it already, the line's end itself. */
  cutLine(direction: Direction): void {
    const { lines, line, col } = this.#text
    const edge = direction === "back" ? 0 : lines[line]!.length
    const overEnd = direction === "back" ? left(this.#text) : right(this.#text)
    this.#cutTo(col === edge ? overEnd : { line, col: edge }, direction)
  }

  yank(): void {
    this.#putCut(this.#text, this.#cuts.length - 1)
  }

  /** Only right after `yank`: what was cut before, in its place. */
  yankPop(): void {
    const last = this.#last
    if (last.type !== "yanked" || this.#cuts.length < 2) return
    this.#putCut(removed(this.#text, last.from), (last.index - 1 + this.#cuts.length) % this.#cuts.length)
  }

  undo(): void {
    const before = this.#undo.pop()
    if (before) this.#text = before
    this.#last = { type: "else" }
  }

  /** Empty, with nothing to undo: what was there has been sent. */
  reset(): void {
    this.#text = EMPTY
    this.#undo = []
    this.#last = { type: "else" }
  }

  /** All texts that can come back. */
  *reachable(): Generator<string> {
    for (const { lines } of [this.#text, ...this.#undo]) yield* lines
    yield* this.#cuts
  }

  #putCut(text: Text, index: number): void {
    const cut = this.#cuts[index]
    if (cut === undefined) return
    const { line, col } = text
    this.#change(inserted(text, cut))
    this.#last = { type: "yanked", from: { line, col }, index }
  }

  #removeTo(spot: Spot): void {
    if (spot.line === this.#text.line && spot.col === this.#text.col) return
    this.#change(removed(this.#text, spot))
  }

  #cutTo(spot: Spot, direction: Direction): void {
    const cut = between(this.#text, spot)
    if (cut === "") return
    const wasCut = this.#last.type === "cut"
    this.#removeTo(spot)
    this.#last = { type: "cut" }
    const joined = wasCut ? this.#cuts.pop()! : ""
    this.#cuts.push(direction === "back" ? cut + joined : joined + cut)
    if (this.#cuts.length > MOST_CUTS) this.#cuts.shift()
  }

  #change(text: Text): void {
    this.#remember()
    this.#text = text
    this.#last = { type: "else" }
  }

  #remember(): void {
    this.#undo.push(this.#text)
    if (this.#undo.length > MOST_UNDO) this.#undo.shift()
  }
}
