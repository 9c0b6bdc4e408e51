// A line to type in, with a word before it that says what for. Several lines that are pasted become one.
import {
  type Component,
  type Focusable,
  Input,
  type TuiMouseEvent,
  type TuiMouseEventResult,
  visibleWidth,
} from "@earendil-works/pi-tui"
import { clip } from "../line.ts"
import type { Theme } from "../theme.ts"

export interface LineInputParts {
  theme(): Theme
  label: string
  placeholder?: string
  /** After each key. */
  changed?(text: string): void
}

const PASTE = /^\x1b\[200~([\s\S]*)\x1b\[201~$/

export class LineInput implements Component {
  readonly #parts: LineInputParts
  readonly #input: Input

  constructor(parts: LineInputParts) {
    this.#parts = parts
    this.#input = new Input({
      prompt: "",
      placeholder: parts.placeholder ?? "",
      placeholderStyle: (text) => parts.theme().dim(text),
    })
    this.#input.focused = true
  }

  get text(): string {
    return this.#input.getValue()
  }

  set text(value: string) {
    this.#input.setValue("")
    // As if it had been typed: the cursor stands behind it.
    if (value !== "") this.#input.handleInput(`\x1b[200~${value}\x1b[201~`)
  }

  handleInput(data: string): void {
    const pasted = PASTE.exec(data)?.[1]
    const line = pasted?.replace(/\s*[\r\n]+\s*/g, " ").replace(/[\x00-\x1f\x7f-\x9f]/g, " ")
    // Whatever Enter and Esc mean is the pane's to say, which sees them first.
    if (data === "\n" || data === "\r") return
    this.#input.handleInput(line === undefined ? data : `\x1b[200~${line}\x1b[201~`)
    this.#parts.changed?.(this.text)
  }

  render(width: number): string[] {
    return [this.line(width)]
  }

  line(width: number): string {
    const { theme, label } = this.#parts
    const before = ` ${theme().accent(label)} `
    const room = width - visibleWidth(before) - 1
    if (room < 4) return clip(before, width)
    return `${before}${this.#input.render(room)[0] ?? ""}`
  }

  handleMouse(event: TuiMouseEvent): TuiMouseEventResult | undefined {
    const before = visibleWidth(this.#parts.label) + 2
    this.#input.handleMouse?.({ ...event, x: event.x - before + 2 })
    return undefined
  }

  invalidate(): void {}
}

/** Takes what is typed, for whoever wants it at the moment: what has the focus stays the same. */
export class Typing implements Component, Focusable {
  readonly #typed: (data: string) => void
  focused = false

  constructor(typed: (data: string) => void) {
    this.#typed = typed
  }

  handleInput(data: string): void {
    this.#typed(data)
  }

  render(): string[] {
    return []
  }

  invalidate(): void {}
}
