// What the screen of sessions needs of the whole, and where it leads: it is also there before any conversation is.
import type { Stage } from "../pane.ts"

export type ResumeStage = Pick<
  Stage,
  "program" | "keys" | "theme" | "now" | "rows" | "columns" | "requestRender" | "flash" | "say"
>

export interface Destination {
  id: string
  /** The message to show. */
  at?: { messageId: string; seq: number }
}
