// Names of keys as people write them: "ctrl+b", "Shift-Tab", "ctrl+x ctrl+k". Only this file and match-key.ts know how
// the terminal library calls them.
import type { KeyId } from "@earendil-works/pi-tui"

/** One or two strokes. */
export type KeySequence = readonly [KeyId] | readonly [KeyId, KeyId]

export type ParsedKey = { type: "key"; sequence: KeySequence; name: string } | { type: "mistake"; message: string }

const MODIFIERS = ["ctrl", "alt", "shift", "super"] as const
type Modifier = (typeof MODIFIERS)[number]

const MODIFIER_ALIASES: Readonly<Record<string, Modifier>> = {
  control: "ctrl",
  c: "ctrl",
  option: "alt",
  opt: "alt",
  meta: "alt",
  m: "alt",
  cmd: "super",
  command: "super",
  win: "super",
  s: "shift",
}

/** Small letters: the names in the library's own spelling are the values. */
const NAMED: Readonly<Record<string, string>> = Object.fromEntries([
  ...["escape", "enter", "tab", "space", "backspace", "delete", "insert", "home", "end", "up", "down", "left", "right"]
    .concat(Array.from({ length: 12 }, (_, index) => `f${index + 1}`))
    .map((name) => [name, name]),
  ["pageup", "pageUp"],
  ["pagedown", "pageDown"],
  ["esc", "escape"],
  ["return", "enter"],
  ["del", "delete"],
  ["ins", "insert"],
  ["pgup", "pageUp"],
  ["pgdn", "pageDown"],
  ["pgdown", "pageDown"],
])

/** Terminals send the same byte for them, so they are one key (ASCII). Newer protocols tell some of them apart. */
const SAME_BYTE: Readonly<Record<string, string>> = {
  "ctrl+[": "escape",
  "ctrl+i": "tab",
  "ctrl+m": "enter",
  "ctrl+?": "backspace",
}

/** Reads one or two strokes; the name that comes back is the one spelling that is compared and shown. */
export function parseKey(text: string): ParsedKey {
  const known = parsed.get(text)
  if (known) return known
  const key = readKey(text)
  parsed.set(text, key)
  return key
}

/** Starting up reads each default several times. */
const parsed = new Map<string, ParsedKey>()

function readKey(text: string): ParsedKey {
  const strokes = text.trim().split(/\s+/)
  if (strokes[0] === "" || strokes.length > 2)
    return mistake(strokes[0] === "" ? "is empty" : "has more than two strokes")
  const ids: KeyId[] = []
  for (const stroke of strokes) {
    const id = parseStroke(stroke)
    if (typeof id !== "string") return mistake(id.message)
    ids.push(SAME_BYTE[id] ? (SAME_BYTE[id] as KeyId) : id)
  }
  const [first, second] = ids
  if (second !== undefined && isPlain(first!))
    return mistake("begins with a key that types; the first of two strokes needs ctrl or alt")
  return { type: "key", sequence: second === undefined ? [first!] : [first!, second], name: ids.join(" ") }
}

/** Whether a key types a character: bound in the editor, it could no longer be written. */
export function isPlain(id: string): boolean {
  return /^(?:shift\+)?(?:.|space)$/u.test(id)
}

function parseStroke(stroke: string): KeyId | { message: string } {
  // The last "+" or "-" may be the key itself.
  const parts = stroke.split(/[+-](?=.)/)
  const key = parts.pop()!
  const modifiers = new Set<Modifier>()
  for (const part of parts) {
    const lower = part.toLowerCase()
    const modifier = MODIFIERS.find((known) => known === lower) ?? MODIFIER_ALIASES[lower]
    if (!modifier) return { message: `has the unknown modifier "${part}"; there are ${MODIFIERS.join(", ")}` }
    modifiers.add(modifier)
  }
  const name = NAMED[key.toLowerCase()] ?? (isCharacter(key) ? key.toLowerCase() : undefined)
  if (name === undefined) return { message: `has the unknown key "${key}"` }
  if (/^[A-Z]$/.test(key) && modifiers.size === 0) modifiers.add("shift")
  // Checked above against what the library's type allows.
  return [...MODIFIERS.filter((modifier) => modifiers.has(modifier)), name].join("+") as KeyId
}

/** A letter, a digit or a sign of the US keyboard: what a terminal can tell us about. */
function isCharacter(key: string): boolean {
  return /^[!-~]$/.test(key)
}

function mistake(message: string): ParsedKey {
  return { type: "mistake", message }
}
