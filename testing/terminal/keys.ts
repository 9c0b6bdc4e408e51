// Names of keys ("ctrl+b", "shift+tab", "alt+enter") as the bytes that a terminal sends for them, in each of the three
// ways that terminals have: the old one, xterm's modifyOtherKeys, and kitty's keyboard protocol.

/** What the program has asked its terminal for. */
export interface KeyboardMode {
  /** DECCKM: arrows, home and end begin with `ESC O`. */
  applicationCursor: boolean
  /** 0, or the level of `CSI > 4 ; level m`. */
  modifyOtherKeys: number
  /** 0, or the flags of kitty's protocol: 1 disambiguate, 2 event types, 4 shifted keys, 8 all keys as escape codes. */
  kitty: number
}

export const LEGACY: KeyboardMode = { applicationCursor: false, modifyOtherKeys: 0, kitty: 0 }

interface Key {
  name: string
  shift: boolean
  alt: boolean
  ctrl: boolean
}

/** Keys that are one character: their code in all protocols. */
const CODES: Record<string, number> = { enter: 13, tab: 9, esc: 27, backspace: 127, space: 32 }
/** `CSI letter`, with modifiers `CSI 1 ; m letter`. */
const LETTERS: Record<string, string> = { up: "A", down: "B", right: "C", left: "D", home: "H", end: "F" }
/** `ESC O letter`, with modifiers `CSI 1 ; m letter`. */
const FUNCTION_LETTERS: Record<string, string> = { f1: "P", f2: "Q", f3: "R", f4: "S" }
/** `CSI number ~`, with modifiers `CSI number ; m ~`. */
const NUMBERS: Record<string, number> = {
  insert: 2,
  delete: 3,
  pageup: 5,
  pagedown: 6,
  f5: 15,
  f6: 17,
  f7: 18,
  f8: 19,
  f9: 20,
  f10: 21,
  f11: 23,
  f12: 24,
}
const ALIASES: Record<string, string> = {
  escape: "esc",
  return: "enter",
  del: "delete",
  pgup: "pageup",
  pgdn: "pagedown",
}

/** The bytes for one key; with kitty's event types also those for letting it go. Throws for a name that is no key. */
export function keyBytes(name: string, mode: KeyboardMode = LEGACY): string {
  const key = parse(name)
  if (mode.kitty & 1) return kittyBytes(key, mode)
  const code = codeOf(key)
  const modifiers = modifiersOf(key)
  if (code === undefined) return functionalBytes(key, mode, "")
  if (mode.modifyOtherKeys === 2 && modifiers > 1 && !isShiftedText(key)) return `\x1b[27;${modifiers};${code}~`
  return (key.alt ? "\x1b" : "") + legacyCharacter(key, code)
}

function parse(name: string): Key {
  const parts = name === "+" ? ["+"] : name.endsWith("++") ? [...name.slice(0, -2).split("+"), "+"] : name.split("+")
  const last = parts.pop() ?? ""
  const known = [...last].length === 1 ? last : (ALIASES[last.toLowerCase()] ?? last.toLowerCase())
  const key: Key = { name: known, shift: false, alt: false, ctrl: false }
  for (const part of parts) {
    if (part !== "shift" && part !== "alt" && part !== "ctrl") throw new Error(`no such modifier in ${name}: ${part}`)
    key[part] = true
  }
  const functional = known in LETTERS || known in FUNCTION_LETTERS || known in NUMBERS
  if (!functional && codeOf(key) === undefined) throw new Error(`no such key: ${name}`)
  return key
}

/** 1, and 1 for shift, 2 for alt, 4 for ctrl. */
function modifiersOf({ shift, alt, ctrl }: Key): number {
  return 1 + (shift ? 1 : 0) + (alt ? 2 : 0) + (ctrl ? 4 : 0)
}

function codeOf({ name }: Key): number | undefined {
  return CODES[name] ?? ([...name].length === 1 ? name.codePointAt(0) : undefined)
}

/** Shift with a character of its own makes that character, in all protocols. */
function isShiftedText({ name, shift, alt, ctrl }: Key): boolean {
  return shift && !alt && !ctrl && [...name].length === 1
}

function legacyCharacter({ name, shift, ctrl }: Key, code: number): string {
  if (name === "tab" && shift) return "\x1b[Z"
  if (ctrl) return controlCharacter(name, code)
  if (name in CODES) return String.fromCharCode(code)
  return shift ? name.toUpperCase() : name
}

/** Ctrl with a character, where ASCII has a control character for it; else the character itself, as terminals do. */
function controlCharacter(name: string, code: number): string {
  if (name === "space" || name === "@" || name === "2") return "\x00"
  if (name === "backspace") return "\x08"
  if (name === "/" || name === "-" || name === "_") return "\x1f"
  if (name === "?") return "\x7f"
  if (/^[a-z[\\\]^]$/i.test(name)) return String.fromCharCode(name.toUpperCase().charCodeAt(0) & 0x1f)
  return String.fromCodePoint(code)
}

function functionalBytes(key: Key, mode: KeyboardMode, event: string): string {
  const modifiers = modifiersOf(key)
  const letter = LETTERS[key.name] ?? FUNCTION_LETTERS[key.name]
  const plain = modifiers === 1 && event === ""
  if (letter !== undefined) {
    if (!plain) return `\x1b[1;${modifiers}${event}${letter}`
    return (key.name in FUNCTION_LETTERS || mode.applicationCursor ? "\x1bO" : "\x1b[") + letter
  }
  return plain ? `\x1b[${NUMBERS[key.name]}~` : `\x1b[${NUMBERS[key.name]};${modifiers}${event}~`
}

function kittyBytes(key: Key, mode: KeyboardMode): string {
  const press = kittyEvent(key, mode, "")
  // A shell must stay usable after a crash: these three tell of their release only when all keys are escape codes.
  const silent = !(mode.kitty & 8) && ["enter", "tab", "backspace"].includes(key.name)
  if (!(mode.kitty & 2) || silent) return press
  return press + kittyEvent(key, mode, ":3")
}

function kittyEvent(key: Key, mode: KeyboardMode, event: string): string {
  const code = codeOf(key)
  if (code === undefined) return functionalBytes(key, { ...mode, applicationCursor: false }, event)
  const modifiers = modifiersOf(key)
  const all = (mode.kitty & 8) !== 0
  const isText = [...key.name].length === 1 || key.name === "space"
  if (!all && event === "" && isText && modifiers <= 2) return legacyCharacter(key, code)
  if (!all && event === "" && modifiers === 1 && key.name !== "esc") return String.fromCharCode(code)
  const letter = isText && key.name !== "space"
  const unshifted = letter ? key.name.toLowerCase().codePointAt(0) : code
  const shifted = letter && key.shift && mode.kitty & 4 ? `:${key.name.toUpperCase().codePointAt(0)}` : ""
  if (modifiers === 1 && event === "") return `\x1b[${unshifted}u`
  return `\x1b[${unshifted}${shifted};${modifiers}${event}u`
}

export interface MouseModifiers {
  shift?: boolean
  alt?: boolean
  ctrl?: boolean
}

export const MOUSE = { left: 0, middle: 1, right: 2, none: 3, motion: 32, wheelUp: 64, wheelDown: 65 } as const

/** One event in the SGR encoding (`CSI ? 1006 h`). Cells count from 0 here and from 1 in the bytes. */
export function mouseBytes(
  button: number,
  at: { x: number; y: number; down: boolean; held?: MouseModifiers | undefined },
): string {
  const held = at.held ?? {}
  const code = button + (held.shift ? 4 : 0) + (held.alt ? 8 : 0) + (held.ctrl ? 16 : 0)
  return `\x1b[<${code};${at.x + 1};${at.y + 1}${at.down ? "M" : "m"}`
}
