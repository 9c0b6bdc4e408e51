// One line that text is typed into, with a word before it.
import { type Component, type Focusable, Input } from "@earendil-works/pi-tui"
import type { Theme } from "../theme.ts"

export class Field implements Component, Focusable {
  readonly #input = new Input()
  readonly #label: string
  readonly #theme: () => Theme

  constructor(theme: () => Theme, label: string, entered: (text: string) => void) {
    this.#theme = theme
    this.#label = label
    this.#input.onSubmit = (text) => entered(text.trim())
  }

  get text(): string {
    return this.#input.getValue()
  }

  set text(text: string) {
    this.#input.setValue(text)
  }

  get focused(): boolean {
    return this.#input.focused
  }

  set focused(value: boolean) {
    this.#input.focused = value
  }

  handleInput(data: string): void {
    this.#input.handleInput(data)
  }

  render(width: number): string[] {
    const label = this.#label === "" ? "" : `${this.#label} `
    const [line = ""] = this.#input.render(Math.max(4, width - label.length - 3))
    return [`   ${this.#theme().dim(label)}${line}`]
  }

  invalidate(): void {
    this.#input.invalidate()
  }
}
