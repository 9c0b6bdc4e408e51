// How wide characters are on the test's screen: as in the terminals of today (kitty, Ghostty, WezTerm), where a grapheme
// cluster such as a family emoji is one character of two cells. The headless terminal's own tables are those of Unicode 6.
import type { IUnicodeVersionProvider } from "@xterm/headless"

const ZERO_WIDTH_JOINER = 0x200d
const EMOJI_STYLE = 0xfe0f

/** What the state of the character before says about the one that follows. */
const STATE = { plain: 0, joiner: 1, flag: 2 } as const

const widths = new Map<number, 0 | 1 | 2>()

export const clusterWidths: IUnicodeVersionProvider = {
  version: "clusters",
  wcwidth,
  charProperties: (codepoint, preceding) => {
    const before = { state: preceding >> 3, width: (preceding >> 1) & 3 }
    const own = wcwidth(codepoint)
    if (preceding === 0) return packed(stateOf(codepoint), own, false)
    if (codepoint === ZERO_WIDTH_JOINER) return packed(STATE.joiner, before.width, true)
    if (codepoint === EMOJI_STYLE) return packed(STATE.plain, before.width === 0 ? 0 : 2, true)
    if (own === 0) return packed(before.state, before.width, true)
    if (before.state === STATE.joiner && own === 2) return packed(STATE.plain, 2, true)
    if (before.state === STATE.flag && isFlagHalf(codepoint)) return packed(STATE.plain, 2, true)
    if (isSkinTone(codepoint) && before.width === 2) return packed(STATE.plain, 2, true)
    return packed(stateOf(codepoint), own, false)
  },
}

function wcwidth(codepoint: number): 0 | 1 | 2 {
  if (codepoint < 0x7f) return codepoint < 0x20 ? 0 : 1
  const known = widths.get(codepoint)
  if (known !== undefined) return known
  const wide = Bun.stringWidth(String.fromCodePoint(codepoint))
  const width = wide <= 0 ? 0 : wide === 1 ? 1 : 2
  widths.set(codepoint, width)
  return width
}

function stateOf(codepoint: number): number {
  return isFlagHalf(codepoint) ? STATE.flag : STATE.plain
}

function isFlagHalf(codepoint: number): boolean {
  return codepoint >= 0x1f1e6 && codepoint <= 0x1f1ff
}

function isSkinTone(codepoint: number): boolean {
  return codepoint >= 0x1f3fb && codepoint <= 0x1f3ff
}

/** As the headless terminal packs it: the state, two bits of width, and whether it joins the character before. */
function packed(state: number, width: number, joins: boolean): number {
  return (state << 3) | (width << 1) | (joins ? 1 : 0)
}
