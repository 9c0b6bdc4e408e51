// A page to read: a title, lines that can be scrolled, Esc goes back.

import { type Component, ScrollView, VStack } from "@earendil-works/pi-tui"
import type { Action } from "../keys/actions.ts"
import { ends, type Line, type Target } from "../line.ts"
import type { Pane, Stage } from "../pane.ts"
import { Rows } from "../rows.ts"
import { actOnPage } from "./reading.ts"

export interface PageParts {
  title: string
  lines(width: number): readonly Line[]
  onTarget?(target: Target): void
  /** Enter; without it, Enter goes back. */
  accepted?(): void
}

export class Page implements Pane {
  readonly contexts = ["list", "conversation"] as const
  readonly layout: Component
  readonly focus = null
  readonly #stage: Stage
  readonly #accepted: () => void
  readonly #scroll: ScrollView

  constructor(stage: Stage, { title, lines, onTarget, accepted }: PageParts) {
    this.#stage = stage
    this.#accepted = accepted ?? (() => stage.back())
    this.#scroll = new ScrollView(new Rows(lines, onTarget), { primary: true, scrollbar: "auto" })
    const head = new Rows((width) => {
      const theme = stage.theme()
      return [
        { text: ` ${ends(theme.bold(title), `${theme.dim("esc back")} `, width - 1)}` },
        { text: theme.faint("─".repeat(width)) },
      ]
    })
    this.layout = new VStack([
      { component: head, basis: "auto", shrink: 0 },
      { component: this.#scroll, basis: 0, grow: 1, minSize: 1 },
    ])
  }

  act(action: Action): boolean {
    switch (action) {
      case "list.accept":
        this.#accepted()
        return true
      default:
        return actOnPage(action, { scroll: this.#scroll, back: () => this.#stage.back() })
    }
  }

  changed(): void {}
}
