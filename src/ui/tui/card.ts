// Something small that the user has asked for, in the place of the prompt: it has the keys until it goes, and what was
// typed before is still there then. Cards never open by themselves over what somebody types.
import type { Component, Focusable, TuiMouseEvent, TuiMouseEventResult } from "@earendil-works/pi-tui"
import type { Action, KeyContext } from "./keys/actions.ts"
import type { Line } from "./line.ts"

export interface Card {
  readonly contexts: readonly KeyContext[]
  /** At most `rows` lines. */
  lines(width: number, rows: number): readonly Line[]
  /** A field that text is typed into, below the lines. */
  readonly field?: (Component & Focusable) | undefined
  /** Does what a key stands for; false when it has no meaning here. */
  act(action: Action): boolean
  /** A key that is no action here; false when it has no meaning. */
  typed?(data: string): boolean
  /** A click on the line with that number. */
  clicked?(line: number): void
  /** Rows have changed; false when the card has nothing left to ask. */
  changed?(): boolean
}

/** The prompt's place: the editor, or a card. */
export class PromptPlace implements Component, Focusable {
  readonly #editor: Component & Focusable
  readonly #rows: () => number
  #card: Card | undefined
  #focused = false
  #height = 0

  constructor(editor: Component & Focusable, rows: () => number) {
    this.#editor = editor
    this.#rows = rows
  }

  get card(): Card | undefined {
    return this.#card
  }

  show(card: Card | undefined): void {
    this.#card = card
    this.focused = this.#focused
  }

  get focused(): boolean {
    return this.#focused
  }

  set focused(value: boolean) {
    this.#focused = value
    const field = this.#card?.field
    this.#editor.focused = value && this.#card === undefined
    if (field) field.focused = value
  }

  render(width: number): string[] {
    const card = this.#card
    if (!card) return this.#editor.render(width)
    const lines = card.lines(width, Math.max(3, Math.floor(this.#rows() * 0.6))).map(({ text }) => text)
    this.#height = lines.length
    if (card.field) this.focused = this.#focused
    return card.field ? [...lines, ...card.field.render(width)] : lines
  }

  handleInput(data: string): void {
    const card = this.#card
    if (!card) this.#editor.handleInput?.(data)
    else if (!card.typed?.(data)) card.field?.handleInput?.(data)
  }

  handleMouse(event: TuiMouseEvent): TuiMouseEventResult | undefined {
    if (!this.#card) return this.#editor.handleMouse?.(event)
    if (event.type !== "click" || event.button !== "left" || event.y >= this.#height) return undefined
    this.#card.clicked?.(event.y)
    return { handled: true }
  }

  invalidate(): void {
    this.#editor.invalidate()
    this.#card?.field?.invalidate()
  }
}
