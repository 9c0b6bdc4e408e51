// Colours by what they mean, for dark and for light terminals, and none where NO_COLOR asks for that (no-color.org):
// weight and inversion still tell things apart then.
import type { Env } from "../../base/paths.ts"

export type Paint = (text: string) => string

export type ThemeName = "dark" | "light"

export interface Theme {
  name: ThemeName
  hasColour: boolean
  bold: Paint
  italic: Paint
  underline: Paint
  strike: Paint
  inverse: Paint
  /** Of less weight: figures, hints. */
  dim: Paint
  /** Rules and borders. */
  faint: Paint
  /** What can be acted on; headings. */
  accent: Paint
  running: Paint
  ok: Paint
  /** Needs you. */
  warn: Paint
  error: Paint
  /** The user's own words. */
  user: Paint
  code: Paint
  added: Paint
  removed: Paint
  /** The row that the keys act on. */
  selected: Paint
  /** How much there was, from none to most: 5 of them. */
  heat: readonly Paint[]
  /** A search's finds. */
  found: Paint
  foundHere: Paint
  /** By name of a highlight.js scope: keyword, string, comment, … */
  syntax: Readonly<Record<string, Paint>>
}

type Colour = number

interface Palette {
  dim: Colour
  faint: Colour
  accent: Colour
  running: Colour
  ok: Colour
  warn: Colour
  error: Colour
  code: Colour
  added: Colour
  removed: Colour
  selectedBack: Colour
  heat: readonly Colour[]
  keyword: Colour
  string: Colour
  number: Colour
  title: Colour
  type: Colour
  comment: Colour
}

/** Of the 256 colours of xterm, each with a contrast of 4.5 to 1 and more on the usual backgrounds; rules have less. */
const palettes: Readonly<Record<ThemeName, Palette>> = {
  dark: {
    dim: 246,
    faint: 240,
    accent: 111,
    running: 117,
    ok: 114,
    warn: 221,
    error: 210,
    code: 180,
    added: 114,
    removed: 210,
    selectedBack: 237,
    heat: [237, 22, 28, 34, 83],
    keyword: 176,
    string: 150,
    number: 215,
    title: 111,
    type: 116,
    comment: 245,
  },
  light: {
    dim: 242,
    faint: 250,
    accent: 25,
    running: 24,
    ok: 28,
    warn: 130,
    error: 124,
    code: 94,
    added: 28,
    removed: 124,
    selectedBack: 254,
    heat: [253, 151, 71, 28, 22],
    keyword: 90,
    string: 28,
    number: 130,
    title: 25,
    type: 30,
    comment: 243,
  },
}

export function createTheme(name: ThemeName, { hasColour }: { hasColour: boolean }): Theme {
  const palette = palettes[name]
  const fore = (colour: Colour): Paint => (hasColour ? wrap(`38;5;${colour}`, "39") : plain)
  const back = (colour: Colour): Paint => (hasColour ? wrap(`48;5;${colour}`, "49") : wrap("7", "27"))
  const bold = wrap("1", "22")
  const dim = hasColour ? fore(palette.dim) : plain
  const title = fore(palette.title)
  const keyword = fore(palette.keyword)
  const string = fore(palette.string)
  const number = fore(palette.number)
  const type = fore(palette.type)
  const comment = fore(palette.comment)
  return {
    name,
    hasColour,
    bold,
    italic: wrap("3", "23"),
    underline: wrap("4", "24"),
    strike: wrap("9", "29"),
    inverse: wrap("7", "27"),
    dim,
    faint: fore(palette.faint),
    accent: fore(palette.accent),
    running: fore(palette.running),
    ok: fore(palette.ok),
    warn: hasColour ? fore(palette.warn) : bold,
    error: hasColour ? fore(palette.error) : bold,
    user: bold,
    code: fore(palette.code),
    added: fore(palette.added),
    removed: fore(palette.removed),
    selected: back(palette.selectedBack),
    heat: palette.heat.map(fore),
    found: hasColour ? wrap("30;48;5;186", "39;49") : wrap("4", "24"),
    foundHere: hasColour ? wrap("30;48;5;215", "39;49") : wrap("7", "27"),
    syntax: {
      keyword,
      built_in: type,
      type,
      literal: number,
      number,
      string,
      regexp: string,
      symbol: string,
      attr: title,
      attribute: title,
      variable: plain,
      title,
      section: title,
      name: keyword,
      tag: keyword,
      comment,
      quote: comment,
      doctag: comment,
      meta: comment,
      addition: fore(palette.added),
      deletion: fore(palette.removed),
      bullet: title,
      link: title,
    },
  }
}

/** https://no-color.org: set to anything but the empty string. */
export function wantsColour(env: Env): boolean {
  return !env.NO_COLOR && env.TERM !== "dumb"
}

/** What the terminal says of itself in its environment: "15;0" is light on black. Undefined when it doesn't. */
export function themeOfEnvironment({ COLORFGBG: colours }: Env): ThemeName | undefined {
  const back = Number(colours?.split(";").at(-1) || Number.NaN)
  if (!Number.isInteger(back)) return undefined
  return back === 7 || (back >= 9 && back <= 15) ? "light" : "dark"
}

/** As far as the environment tells it. */
export function themeOf(env: Env): { name: ThemeName; hasColour: boolean } {
  return { name: themeOfEnvironment(env) ?? "dark", hasColour: wantsColour(env) }
}

/** By the brightness of its background (ITU-R BT.709). */
export function themeOfBackground({ r, g, b }: { r: number; g: number; b: number }): ThemeName {
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 127 ? "light" : "dark"
}

function wrap(open: string, close: string): Paint {
  return (text) => (text === "" ? "" : `\x1b[${open}m${text}\x1b[${close}m`)
}

function plain(text: string): string {
  return text
}
