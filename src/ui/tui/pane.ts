// What fills the screen: the conversation, or something that was opened over it. A pane is told when rows have changed,
// and gets the keys while it is in front.
import type { Component } from "@earendil-works/pi-tui"
import type { Control, Program, Viewer } from "../../program.ts"
import type { TreeView } from "../view/tree-view.ts"
import type { Action, KeyContext } from "./keys/actions.ts"
import type { Keys } from "./keys/keys.ts"
import type { Theme } from "./theme.ts"

export interface Pane {
  /** Whose keys mean something now; the first that knows a key has it. */
  readonly contexts: readonly KeyContext[]
  readonly layout: Component
  /** What takes the text that is typed. */
  readonly focus: Component | null
  /** Does what a key stands for; false when it has no meaning here at this moment, and the key goes on. */
  act(action: Action): boolean
  /** Something in the rows has changed. */
  changed(): void
  /** A second has gone by while something runs. */
  ticked?(): void
  /** What stands where the view has left the end. */
  endMarker?(): string
  /** It is no longer shown. */
  close?(): void
}

/** What a pane may use of the whole. */
export interface Stage {
  readonly program: Program
  readonly viewer: Viewer
  readonly view: TreeView
  readonly keys: Keys
  theme(): Theme
  now(): number
  readonly rows: number
  readonly columns: number
  requestRender(): void
  /** What was said last, as long as it is shown. */
  readonly flash: string | undefined
  /** A word at the foot of the screen, for some seconds. */
  say(text: string, tone?: "info" | "error"): void
  open(pane: Pane): void
  /** Goes back to what was there before the pane in front. */
  back(): void
  /** Something was put into the inbox here, which nobody publishes: it is shown at once. */
  poke(): void
  copy(text: string): void
  /** Has the host do something; what can't be done is said. */
  control(control: Control): void
}
