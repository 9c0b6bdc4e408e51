// What models, commands and strangers' files say must not reach a terminal as anything but text. Everything here is
// linear in the length of its input, also when that is made to be slow.

export interface StripOptions {
  /** Keep line ends and tabs; otherwise each becomes a space. */
  keepNewlines?: boolean
  /** Keep colours and text attributes (SGR sequences); the result then ends with a reset when it needs one. */
  keepColours?: boolean
}

/**
 * Removes control characters, terminal sequences (CSI, OSC, DCS, APC, PM, SOS, other escapes; ECMA-48, 7 and 8 bit)
 * and the bidirectional overrides that reorder what is read. Every kind of line end, also a carriage return that
 * stands alone, becomes a newline, so nothing can be overwritten by what follows it. A control string without its end
 * loses only its beginning: it cannot hide the rest of the text. For whole texts: a sequence that is split between
 * two calls is not recognised.
 */
export function stripControl(text: string, options: StripOptions = {}): string {
  const clean = UNSAFE.test(text) ? strip(text, options.keepColours ?? false) : text
  return options.keepNewlines ? clean : clean.replace(/[\n\t]/g, " ")
}

/** Names and paths for messages: what would not be seen, or would be acted on, is shown as `\n`, `\x1b`, `\u202e`. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const named = NAMED[character]
    if (named) return named
    const hex = character.codePointAt(0)!.toString(16)
    if (hex.length > 4) return `\\u{${hex}}`
    return hex.length > 2 ? `\\u${hex.padStart(4, "0")}` : `\\x${hex.padStart(2, "0")}`
  })
}

const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

/** Anything but plain text, newline and tab. */
const UNSAFE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/

/** Alternatives in order: the complete form of a sequence comes before the introducer alone. */
const PIECES = new RegExp(
  [
    /([^\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069])\x08/, // 1: a character that is typed over
    /(?:\x1b\[|\x9b)([ -?]*)([@-~]?)/, // 2, 3: CSI, its parameters and final byte
    /(?:\x1b\]|\x9d)[^\x07\x18\x1a\x1b\x80-\x9f]*(?:\x07|\x1b\\|\x9c)/, // OSC
    /(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x18\x1a\x1b\x80-\x9f]*(?:\x1b\\|\x9c)/, // DCS, SOS, PM, APC
    /\x1b[ -/]*[0-~]?/, // any other escape, or the beginning of one of the above
    /(\r+\n?|[\x0b\x0c\x85\u2028\u2029])/, // 4: line ends
    /[\0-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/,
  ]
    .map((part) => part.source)
    .join("|"),
  "g",
)

function strip(text: string, keepColours: boolean): string {
  let coloured = false
  const clean = text.replace(
    PIECES,
    (piece, typed?: string, parameters?: string, final?: string, line?: string, at?: number) => {
      if (line) return "\n"
      if (typed) return isOverstrike(typed, text[at! + piece.length]) ? "" : typed
      if (!keepColours || final !== "m" || !/^[\d:;]{0,64}$/.test(parameters!)) return ""
      coloured = !/^0*$/.test(parameters!)
      return `\x1b[${parameters}m`
    },
  )
  return coloured ? `${clean}\x1b[0m` : clean
}

/** Manual pages print bold as `X\bX` and underlined as `_\bX`. Any other typing over would hide text: both stay. */
function isOverstrike(typed: string, next: string | undefined): boolean {
  return next === typed || (typed === "_" && next !== undefined && next > " ")
}
