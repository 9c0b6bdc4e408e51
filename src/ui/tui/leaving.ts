// Leaving: at once when nothing would be cut off, else the user says what becomes of it.
import type { Elsewhere } from "../view/elsewhere.ts"
import { isLive } from "../view/task-item.ts"
import type { Card } from "./card.ts"
import { type Leaving, leaveCard } from "./cards/leave.ts"
import type { Stage } from "./pane.ts"

export interface LeavingParts {
  stage: Stage
  /** Another process drives the session: it goes on without us. */
  isViewer(): boolean
  /** What is at work in other sessions that this process drives. */
  elsewhere(): readonly Elsewhere[]
  show(card: Card | undefined): void
  left(how: Leaving | "exit"): void
}

/** A second Ctrl+C within this time leaves. */
const AGAIN_MS = 2000

export class Leave {
  readonly #parts: LeavingParts
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(parts: LeavingParts) {
    this.#parts = parts
  }

  /** Ctrl+C on an empty prompt: the second one leaves. */
  again(key: string): void {
    const now = performance.now()
    const isSecond = now - this.#askedAt < AGAIN_MS
    this.#askedAt = now
    if (isSecond) this.ask()
    else this.#parts.stage.say(`${key} again leaves`)
  }

  /** /exit: asks, when something is under way here. */
  ask(): void {
    const { stage, elsewhere, show, left } = this.#parts
    const here = () => this.#isBusyHere()
    const card = leaveCard(stage, { here, elsewhere }, (how) => {
      show(undefined)
      if (how !== "stay") left(how)
      stage.requestRender()
    })
    if (this.#isBusy()) show(card)
    else left("exit")
  }

  /** Ctrl+Z, a closed window: keeps working, and asks nothing. */
  now(): void {
    this.#parts.left(this.#isBusy() ? "keep" : "exit")
  }

  #isBusy(): boolean {
    return this.#isBusyHere() || this.#parts.elsewhere().length > 0
  }

  #isBusyHere(): boolean {
    const { stage, isViewer } = this.#parts
    if (isViewer()) return false
    return stage.view.activity().type !== "idle" || stage.view.board.items.some(isLive)
  }
}
