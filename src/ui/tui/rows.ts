// Some lines that are made anew for each frame, with what a click on each means.
import type { Component, TuiMouseEvent, TuiMouseEventResult } from "@earendil-works/pi-tui"
import type { Line, Target } from "./line.ts"

export class Rows implements Component {
  readonly #make: (width: number) => readonly Line[]
  readonly #onTarget: ((target: Target) => void) | undefined
  #shown: readonly Line[] = []

  constructor(make: (width: number) => readonly Line[], onTarget?: (target: Target) => void) {
    this.#make = make
    this.#onTarget = onTarget
  }

  render(width: number): string[] {
    this.#shown = this.#make(width)
    return this.#shown.map(({ text }) => text)
  }

  handleMouse(event: TuiMouseEvent): TuiMouseEventResult | undefined {
    const target = this.#shown[event.y]?.target
    if (event.type !== "click" || event.button !== "left" || !target || !this.#onTarget) return undefined
    this.#onTarget(target)
    return { handled: true }
  }

  invalidate(): void {}
}
