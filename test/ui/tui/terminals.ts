// The terminals in which screens are held against how they should look: narrow and wide, dark, light and plain.
import type { TerminalOptions } from "../../../testing/terminal.ts"

type Named = readonly [name: string, options: TerminalOptions]

export const FOUR_LOOKS: readonly Named[] = [
  ["dark-80", { columns: 80 }],
  ["dark-140", { columns: 140 }],
  ["light-140", { columns: 140, theme: "light" }],
  ["plain-80", { columns: 80, colours: false }],
]

export const SIX_LOOKS: readonly Named[] = [
  ...FOUR_LOOKS,
  ["light-80", { columns: 80, theme: "light" }],
  ["plain-140", { columns: 140, colours: false }],
]
