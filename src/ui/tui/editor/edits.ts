// The keys that only move in the text or change it.
import type { Action } from "../keys/actions.ts"
import type { EditBuffer } from "./edit-buffer.ts"
import { left, right, wordLeft, wordRight } from "./motion.ts"
import { endOf, type Spot, type Text } from "./text.ts"

export type EditorAction = Extract<Action, `editor.${string}`>

const motions = {
  "editor.left": left,
  "editor.right": right,
  "editor.wordLeft": wordLeft,
  "editor.wordRight": wordRight,
  "editor.lineStart": ({ line }) => ({ line, col: 0 }),
  "editor.lineEnd": ({ lines, line }) => ({ line, col: lines[line]!.length }),
  "editor.textStart": () => ({ line: 0, col: 0 }),
  "editor.textEnd": endOf,
} as const satisfies Partial<Record<EditorAction, (text: Text) => Spot>>

const changes = {
  "editor.newLine": (buffer) => buffer.insert("\n"),
  "editor.deleteBack": (buffer) => buffer.deleteOne("back"),
  "editor.deleteForward": (buffer) => buffer.deleteOne("forward"),
  "editor.deleteWordBack": (buffer) => buffer.cutWord("back"),
  "editor.deleteWordForward": (buffer) => buffer.cutWord("forward"),
  "editor.deleteToStart": (buffer) => buffer.cutLine("back"),
  "editor.deleteToEnd": (buffer) => buffer.cutLine("forward"),
  "editor.yank": (buffer) => buffer.yank(),
  "editor.yankPop": (buffer) => buffer.yankPop(),
  "editor.undo": (buffer) => buffer.undo(),
} as const satisfies Partial<Record<EditorAction, (buffer: EditBuffer) => void>>

type Motion = keyof typeof motions
type Change = keyof typeof changes

/** What is neither: it concerns more than the text. */
export type OtherAction = Exclude<EditorAction, Motion | Change>

export type Edit =
  | { type: "motion"; spot: (text: Text) => Spot }
  | { type: "change"; apply: (buffer: EditBuffer) => void }
  | { type: "other"; action: OtherAction }

export function editOf(action: EditorAction): Edit {
  if (isIn(motions, action)) return { type: "motion", spot: motions[action] }
  if (isIn(changes, action)) return { type: "change", apply: changes[action] }
  return { type: "other", action }
}

function isIn<T extends object>(table: T, action: EditorAction): action is EditorAction & keyof T {
  return Object.hasOwn(table, action)
}
