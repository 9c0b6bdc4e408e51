// The colours of the test's terminal, for pictures: the default ones, the sixteen of each theme, and those that all
// terminals compute alike.
import type { Colour, Style } from "./cells.ts"
import { THEME_COLOURS, type Theme } from "./screen.ts"

const SIXTEEN: Record<Theme, readonly string[]> = {
  dark: [
    ...["#3b4048", "#f47067", "#7cc58a", "#e0b35a", "#6cb6ff", "#c79bf2", "#5fc9c9", "#c9ced6"],
    ...["#768390", "#ff938a", "#9ee0a8", "#f5cf7d", "#96d0ff", "#dcbdfb", "#8be3e0", "#f0f3f6"],
  ],
  light: [
    ...["#24292f", "#c4302b", "#1a7f37", "#8a6100", "#0b62c8", "#8033c9", "#1b7c83", "#6e7781"],
    ...["#57606a", "#a40e26", "#2da44e", "#9a6700", "#218bff", "#a475f9", "#3192aa", "#8c959f"],
  ],
}

const CUBE = [0, 95, 135, 175, 215, 255] as const

/** What a cell of this style is painted with. `background` is undefined where it is the window's own. */
export function paint(style: Style, theme: Theme): { text: string; background: string | undefined } {
  const own = THEME_COLOURS[theme]
  const foreground = hexOf(style.foreground, theme) ?? own.foreground
  const background = hexOf(style.background, theme)
  const [ink, paper] = style.inverse ? [background ?? own.background, foreground] : [foreground, background]
  return { text: style.dim ? mixed(ink, paper ?? own.background, 0.42) : ink, background: paper }
}

function hexOf(colour: Colour, theme: Theme): string | undefined {
  if (colour === "default") return undefined
  if (typeof colour === "string") return colour
  if (colour < 16) return SIXTEEN[theme][colour]
  if (colour >= 232) return hex([1, 1, 1].map(() => 8 + (colour - 232) * 10))
  const at = colour - 16
  return hex([Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6].map((step) => CUBE[step] ?? 0))
}

/** `share` of the way from one colour to the other. */
function mixed(from: string, to: string, share: number): string {
  const [a, b] = [channels(from), channels(to)]
  return hex(a.map((value, i) => Math.round(value + ((b[i] ?? 0) - value) * share)))
}

function channels(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
}

function hex(values: readonly number[]): string {
  return `#${values.map((value) => value.toString(16).padStart(2, "0")).join("")}`
}
