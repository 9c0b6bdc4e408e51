// Choosing from a list: typed letters narrow it down, Enter or a click takes one.
import type { Card } from "../card.ts"
import type { Action } from "../keys/actions.ts"
import { clip, ends, type Line, pad } from "../line.ts"
import type { Theme } from "../theme.ts"
import { Field } from "./field.ts"

export interface Pick {
  id: string
  label: string
  about: string
  /** It is the one that is in force. */
  isCurrent?: boolean
  /** It can't be taken: a heading, or a word on what is missing. */
  isNote?: boolean
}

export interface PickParts {
  theme(): Theme
  title: string
  picks: readonly Pick[]
  /** As high as there is room: rows stay where they are while more is found. */
  isSteady?: boolean
  /** Something else than what is listed may be typed. */
  takesText?: boolean
  picked(id: string): void
  cancelled(): void
}

/** So many further by a page key. */
const PAGE = 10

export class PickCard implements Card {
  readonly contexts = ["list"] as const
  readonly field: Field
  readonly #parts: PickParts
  #picks: readonly Pick[]
  #filter = ""
  #at = 0
  #first = 0
  #from = 0

  constructor(parts: PickParts) {
    this.#parts = parts
    this.#picks = parts.picks
    this.field = new Field(parts.theme, "", () => this.#take(this.#at))
    this.#at = Math.max(
      0,
      this.#takeable().findIndex(({ isCurrent }) => isCurrent),
    )
  }

  /** More has been found. */
  set picks(picks: readonly Pick[]) {
    const selected = this.#takeable()[this.#at]?.id
    this.#picks = picks
    // What the keys act on stays the same one, wherever it has moved to.
    const at = this.#takeable().findIndex(({ id }) => id === selected)
    if (at >= 0) this.#at = at
  }

  lines(width: number, rows: number): Line[] {
    const theme = this.#parts.theme()
    this.#narrow()
    const picks = this.#shown()
    const selected = this.#takeable()[this.#at]
    const room = Math.max(1, rows - 4)
    const row = selected ? picks.indexOf(selected) : 0
    // What stands before the first one and behind the last one can't be selected, but is to be seen with them.
    const top = this.#at === 0 ? Math.max(0, row - room + 1) : row
    const isLast = this.#at >= this.#takeable().length - 1
    const bottom = isLast && this.#at > 0 ? Math.min(picks.length - 1, row + room - 1) : row
    this.#from = Math.max(0, Math.min(Math.max(this.#from, bottom - room + 1), top))
    const blank = this.#parts.isSteady ? Math.max(0, room - Math.max(1, picks.length)) : 0
    const labelWidth = Math.min(44, Math.max(...picks.map(({ label }) => label.length), 8))
    this.#first = 2
    return [
      { text: theme.accent("─".repeat(width)) },
      { text: ` ${ends(theme.bold(this.#parts.title), `${theme.dim("enter takes · esc back")} `, width - 1)}` },
      ...picks
        .slice(this.#from, this.#from + room)
        .map((pick) => ({ text: clip(this.#row(pick, { selected, labelWidth }), width) })),
      ...(picks.length === 0
        ? [{ text: theme.dim(this.#parts.takesText ? "   enter takes it as it is typed" : "   nothing like that") }]
        : []),
      ...Array.from({ length: blank }, () => ({ text: "" })),
    ]
  }

  act(action: Action): boolean {
    // What was typed since it was drawn last counts as well.
    this.#narrow()
    const count = Math.max(1, this.#takeable().length)
    if (action === "list.up") this.#at = (this.#at + count - 1) % count
    else if (action === "list.down") this.#at = (this.#at + 1) % count
    else if (action === "list.pageUp") this.#at = Math.max(0, this.#at - PAGE)
    else if (action === "list.pageDown") this.#at = Math.min(count - 1, this.#at + PAGE)
    else if (action === "list.accept") this.#take(this.#at)
    else if (action === "list.back") this.#parts.cancelled()
    else return false
    return true
  }

  clicked(line: number): void {
    const pick = this.#shown()[this.#from + line - this.#first]
    if (pick && !pick.isNote) this.#parts.picked(pick.id)
  }

  #narrow(): void {
    if (this.field.text === this.#filter) return
    this.#filter = this.field.text
    this.#at = 0
  }

  #take(index: number): void {
    const pick = this.#takeable()[index]
    if (pick) this.#parts.picked(pick.id)
    else if (this.#parts.takesText && this.#filter.trim() !== "") this.#parts.picked(this.#filter.trim())
  }

  #shown(): Pick[] {
    const wanted = this.#filter.trim().toLowerCase()
    const fits = ({ label, about }: Pick) => `${label} ${about}`.toLowerCase().includes(wanted)
    return this.#picks.filter((pick) => (wanted === "" ? true : !pick.isNote && fits(pick)))
  }

  #takeable(): Pick[] {
    return this.#shown().filter(({ isNote }) => !isNote)
  }

  #row(pick: Pick, { selected, labelWidth }: { selected: Pick | undefined; labelWidth: number }): string {
    const theme = this.#parts.theme()
    if (pick.isNote) return theme.dim(`   ${pick.label}  ${pick.about}`)
    const mark = pick === selected ? theme.accent("›") : " "
    const label = pad(pick.label, labelWidth)
    const current = pick.isCurrent ? theme.ok("✓ ") : "  "
    return ` ${mark} ${current}${pick === selected ? theme.bold(label) : label}  ${theme.dim(pick.about)}`
  }
}
