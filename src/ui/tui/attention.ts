// The window's title, and a word to somebody who looks elsewhere: when something needs them, and when a turn is over.
import type { Stage } from "./pane.ts"
import type { Surface } from "./surface.ts"

export class Attention {
  readonly #stage: Stage
  readonly #surface: Surface
  #title = ""
  #asked: ReadonlySet<string>
  #wasBusy = false

  constructor(stage: Stage, surface: Surface) {
    this.#stage = stage
    this.#surface = surface
    this.#asked = new Set(stage.view.requests.map(({ id }) => id))
  }

  /** To be called when rows have changed. */
  look(): void {
    const { view } = this.#stage
    const isBusy = view.activity().type !== "idle"
    const name = view.session.name ?? view.session.title ?? "meanwhile"
    const mark = view.requests.length > 0 ? "▲ " : isBusy ? "◐ " : ""
    this.#setTitle(`${mark}${name}`)
    const news = view.requests.filter(({ id }) => !this.#asked.has(id))
    this.#asked = new Set(view.requests.map(({ id }) => id))
    const isOver = this.#wasBusy && !isBusy
    this.#wasBusy = isBusy
    if (this.#surface.hasFocus) return
    const [first] = news
    if (first) this.#surface.notify(name, first.type === "question" ? first.what : `${first.tool}: ${first.what}`)
    else if (isOver) this.#surface.notify(name, "is done")
  }

  #setTitle(title: string): void {
    if (title === this.#title) return
    this.#title = title
    this.#surface.setTitle(title)
  }
}
