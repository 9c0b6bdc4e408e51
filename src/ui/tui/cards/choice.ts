// A question with a few answers, each with its letter: by letter, by arrows and Enter, or by a click.
import { matchesKey } from "@earendil-works/pi-tui"
import type { Card } from "../card.ts"
import type { Action } from "../keys/actions.ts"
import { clip, type Line } from "../line.ts"
import type { Theme } from "../theme.ts"

export interface Choice {
  /** The letter that stands for it; it is part of the label. */
  letter: string
  label: string
  /** What it means. */
  about?: string
  chosen(): void
}

export interface ChoiceParts {
  theme(): Theme
  title: () => string
  /** Lines between the title and the choices. */
  details(width: number): readonly string[]
  choices: readonly Choice[]
  /** Which of them Enter takes at first; the first one, when it isn't said. */
  at?: number
  /** In the last line. */
  hint?: string
  /** Esc. */
  cancelled(): void
  /** Whether there is still something to choose; asked when rows have changed. */
  isOpen?(): boolean
}

export class ChoiceCard implements Card {
  readonly contexts = ["list"] as const
  readonly #parts: ChoiceParts
  #at = 0
  /** The first line of the choices, as it was drawn last. */
  #first = 0
  /** The first of the details that is shown, and how many fit. */
  #from = 0
  #room = 0
  #isRead = false

  constructor(parts: ChoiceParts) {
    this.#parts = parts
    this.#at = parts.at ?? 0
  }

  lines(width: number, rows: number): Line[] {
    const { title, details, choices } = this.#parts
    const theme = this.#parts.theme()
    const room = Math.max(0, rows - choices.length - 3)
    const all = details(width - 4)
    this.#room = all.length > room ? Math.max(1, room - 1) : room
    this.#from = Math.max(0, Math.min(this.#from, all.length - this.#room))
    const hidden = all.length - this.#from - this.#room
    this.#isRead ||= hidden <= 0
    const rest = hidden > 0 ? `… and ${hidden} more · pgdn` : "pgup"
    const shown =
      all.length > room ? [...all.slice(this.#from, this.#from + this.#room), theme.dim(rest)].slice(0, room) : all
    this.#first = shown.length + 2
    return [
      { text: theme.warn("─".repeat(width)) },
      { text: clip(` ${theme.bold(title())}`, width) },
      ...shown.map((text) => ({ text: clip(`   ${text}`, width) })),
      ...choices.map((choice, i) => ({ text: this.#row(choice, i, width) })),
      { text: clip(theme.dim(`   ${this.#parts.hint ?? "esc cancels"}`), width) },
    ]
  }

  /** All of the details have been shown. */
  get isRead(): boolean {
    return this.#isRead
  }

  /** The next of the details that do not fit. */
  readOn(): void {
    this.#from += Math.max(1, this.#room - 1)
  }

  act(action: Action): boolean {
    const { choices, cancelled } = this.#parts
    if (action === "list.up") this.#at = (this.#at + choices.length - 1) % choices.length
    else if (action === "list.down") this.#at = (this.#at + 1) % choices.length
    else if (action === "list.pageDown") this.readOn()
    else if (action === "list.pageUp") this.#from -= Math.max(1, this.#room - 1)
    else if (action === "list.accept") choices[this.#at]!.chosen()
    else if (action === "list.back") cancelled()
    else return false
    return true
  }

  typed(data: string): boolean {
    if (matchesKey(data, "ctrl+c")) this.#parts.cancelled()
    else this.#parts.choices.find(({ letter }) => letter === data.toLowerCase())?.chosen()
    return true
  }

  changed(): boolean {
    return this.#parts.isOpen?.() ?? true
  }

  clicked(line: number): void {
    this.#parts.choices[line - this.#first]?.chosen()
  }

  #row({ letter, label, about }: Choice, index: number, width: number): string {
    const theme = this.#parts.theme()
    const at = label.toLowerCase().indexOf(letter)
    const named =
      at < 0 ? label : `${label.slice(0, at)}${theme.underline(label.slice(at, at + 1))}${label.slice(at + 1)}`
    const mark = index === this.#at ? theme.accent("›") : " "
    const text = ` ${mark} ${index === this.#at ? theme.bold(named) : named}${about ? theme.dim(`  ${about}`) : ""}`
    return clip(text, width)
  }
}
