// The sections that a model, rules or the user wrote, as a version's row holds them. A line of the user's stays: only the
// user changes it. What the user took out does not come back either.
import type { KeptSection } from "./sections.ts"

/** A line of the program's, or one of the user's. */
export type Line = string | { user: string }

export interface Kept {
  lines: readonly Line[]
  /** Lines of the program's that the user took out or rewrote, the newest last. */
  removed?: readonly string[]
}

export type KeptSections = Partial<Record<KeptSection, Kept>>

export function textOfLine(line: Line): string {
  return typeof line === "string" ? line : line.user
}

export function isUsers(line: Line): line is { user: string } {
  return typeof line !== "string"
}

export function textOfKept(kept: Kept | undefined): string {
  return kept?.lines.map(textOfLine).join("\n") ?? ""
}
