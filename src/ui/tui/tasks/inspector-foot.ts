// The foot of the inspector: what the task asks for, the line that is typed into, and the keys.
import type { TaskItem } from "../../view/task-item.ts"
import type { Card } from "../card.ts"
import type { Keys } from "../keys/keys.ts"
import { clip, type Line } from "../line.ts"
import type { Theme } from "../theme.ts"
import { inspectorHints } from "./foot-hints.ts"
import type { LineInput } from "./line-input.ts"
import { fieldLines } from "./request-card.ts"
import { stopQuestion } from "./task-acts.ts"

/** Who has the keys. */
export type Mode =
  | { type: "plain" }
  | { type: "confirm"; below: readonly TaskItem[] }
  | { type: "caps"; input: LineInput }
  | { type: "find"; input: LineInput }
  /** All keys are the request's. */
  | { type: "card" }

export interface Foot {
  mode: Mode
  item: TaskItem | undefined
  card: Card | undefined
  /** The line to the agent. */
  input: LineInput | undefined
  flash: string | undefined
  hasOutput: boolean
  isSearching: boolean
  canForeground: boolean
}

export interface FootHow {
  width: number
  /** Of the whole screen. */
  rows: number
  theme: Theme
  keys: Keys
}

/** `cardHeight`: so many lines are the request's. */
export function inspectorFoot(foot: Foot, how: FootHow): { lines: Line[]; cardHeight: number } {
  const { mode, card, flash, ...has } = foot
  const { width, rows, theme, keys } = how
  const asked = card?.lines(width, Math.max(4, Math.floor(rows / 2))) ?? []
  const hints = inspectorHints({ ...has, keys, mode: mode.type, isAsking: card !== undefined, width })
  const lines = [
    ...(card ? asked : [{ text: theme.faint("─".repeat(width)) }]),
    ...lineOf(foot, how).map((text) => ({ text })),
    { text: clip(` ${flash ?? theme.dim(hints)}`, width) },
  ]
  return { lines, cardHeight: asked.length }
}

function lineOf({ mode, item, card, input }: Foot, { width, theme }: FootHow): string[] {
  switch (mode.type) {
    case "caps":
    case "find":
      return [mode.input.line(width)]
    case "confirm": {
      if (!item) return []
      const question = theme.warn(stopQuestion(item, mode.below))
      return [clip(` ${question} ${theme.bold("y")} stop · ${theme.bold("n")} no`, width)]
    }
    case "card":
      return card ? fieldLines(card, width) : []
    case "plain":
      return input ? [input.line(width)] : []
    default:
      return mode satisfies never
  }
}
