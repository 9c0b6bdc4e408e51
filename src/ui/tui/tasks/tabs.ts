// The tabs of the inspector, in one line; a click on a name opens it.
import { type Component, type TuiMouseEvent, type TuiMouseEventResult, visibleWidth } from "@earendil-works/pi-tui"
import { clip } from "../line.ts"
import type { Theme } from "../theme.ts"

export interface Tab<Name extends string> {
  name: Name
  label: string
}

export class Tabs<Name extends string> implements Component {
  readonly #theme: () => Theme
  readonly #tabs: () => readonly Tab<Name>[]
  readonly #changed: () => void
  #open: Name
  #ends: number[] = []

  constructor({
    theme,
    tabs,
    open,
    changed,
  }: { theme(): Theme; tabs(): readonly Tab<Name>[]; open: Name; changed(): void }) {
    this.#theme = theme
    this.#tabs = tabs
    this.#open = open
    this.#changed = changed
  }

  get open(): Name {
    return this.#open
  }

  set open(name: Name) {
    if (name === this.#open) return
    this.#open = name
    this.#changed()
  }

  turn(step: 1 | -1): void {
    const tabs = this.#tabs()
    const at = tabs.findIndex(({ name }) => name === this.#open)
    this.open = tabs[(at + step + tabs.length) % tabs.length]!.name
  }

  render(width: number): string[] {
    const theme = this.#theme()
    let line = " "
    this.#ends = []
    for (const { name, label } of this.#tabs()) {
      line += name === this.#open ? theme.inverse(` ${label} `) : theme.dim(` ${label} `)
      line += " "
      this.#ends.push(visibleWidth(line))
    }
    const left = width - visibleWidth(line)
    return [left > 0 ? line + theme.faint("─".repeat(left)) : clip(line, width)]
  }

  handleMouse({ type, button, x }: TuiMouseEvent): TuiMouseEventResult | undefined {
    if (type !== "click" || button !== "left") return undefined
    const tab = this.#tabs()[this.#ends.findIndex((end) => x < end)]
    if (tab) this.open = tab.name
    return { handled: true }
  }

  invalidate(): void {}
}
