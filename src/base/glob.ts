// Glob patterns over paths, matched in linear time: patterns come from models and settings, and a regular expression
// made from `*a*a*a*b` could hang the prompt.

export interface Glob {
  /** `path` is with `/` between its segments; matched as a whole. */
  matches(path: string): boolean
}

export interface GlobOptions {
  case?: "exact" | "ignore"
  /** `contents`: what lies below a folder that matches, matches as well (as in a .gitignore). */
  folders?: "itself" | "contents"
}

/** More alternatives than a person would write; `{a,b}` repeated doubles them each time. */
const MAX_ALTERNATIVES = 256

/**
 * Understands `*` and `?` (within a segment), `**` (as a segment: any number of them; at the end: at least one),
 * `[a-z]`, `[!a]`, `{a,b}` and `\` before a character that is meant as it is. Throws an Error on more than 256
 * alternatives.
 */
export function compileGlob(pattern: string, options: GlobOptions = {}): Glob {
  const fold = (text: string) => (options.case === "ignore" ? text.toLowerCase() : text).normalize("NFC")
  const alternatives = expandBraces(fold(pattern)).map((alternative) => alternative.split("/").map(compileSegment))
  if (options.folders === "contents")
    alternatives.push(...alternatives.map((segments): Segment[] => [...segments, ANY_DEPTH]))
  return {
    matches: (path) => {
      const names = fold(path).split("/")
      return alternatives.some((segments) => matchSegments(segments, names))
    },
  }
}

/** The pattern that matches exactly this text. */
export function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]{},!]/g, "\\$&")
}

/** Whether the text holds a character with a meaning in a glob. */
export function hasGlob(text: string): boolean {
  return /(?<!\\)[*?[{]/.test(text)
}

type Token = { type: "char"; char: string } | { type: "any" } | { type: "star" } | { type: "class"; test: CharTest }
type CharTest = (char: string) => boolean
type Segment = readonly Token[] | typeof ANY_DEPTH
const ANY_DEPTH = "**"

function matchSegments(segments: readonly Segment[], names: readonly string[]): boolean {
  // Trailing `**` stands for at least one name, others for none or more.
  const atLeast = segments.at(-1) === ANY_DEPTH ? 1 : 0
  const wanted = atLeast ? segments.slice(0, -1) : segments
  if (atLeast) {
    for (let end = names.length - 1; end >= 0; end--) if (matchExactly(wanted, names.slice(0, end))) return true
    return false
  }
  return matchExactly(wanted, names)
}

function matchExactly(segments: readonly Segment[], names: readonly string[]): boolean {
  return wildcard(
    { length: segments.length, isStar: (at) => segments[at] === ANY_DEPTH },
    { length: names.length, fits: (at, name) => matchName(segments[at] as readonly Token[], names[name]!) },
  )
}

function matchName(tokens: readonly Token[], name: string): boolean {
  const chars = [...name]
  return wildcard(
    { length: tokens.length, isStar: (at) => tokens[at]?.type === "star" },
    { length: chars.length, fits: (at, char) => fits(tokens[at]!, chars[char]!) },
  )
}

/** Matching with stars needs to go back to the last star only: each earlier one is already as short as can be. */
function wildcard(
  pattern: { length: number; isStar: (at: number) => boolean },
  text: { length: number; fits: (at: number, textAt: number) => boolean },
): boolean {
  let at = 0
  let textAt = 0
  let star = -1
  let resume = 0
  while (textAt < text.length) {
    if (at < pattern.length && pattern.isStar(at)) {
      star = at++
      resume = textAt
      continue
    }
    if (at < pattern.length && text.fits(at, textAt)) {
      at++
      textAt++
      continue
    }
    if (star < 0) return false
    at = star + 1
    textAt = ++resume
  }
  while (at < pattern.length && pattern.isStar(at)) at++
  return at === pattern.length
}

function fits(token: Token, char: string): boolean {
  switch (token.type) {
    case "char":
      return token.char === char
    case "any":
      return true
    case "class":
      return token.test(char)
    case "star":
      return false
  }
}

function compileSegment(text: string): Segment {
  if (text === "**") return ANY_DEPTH
  const chars = [...text]
  const tokens: Token[] = []
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!
    if (char === "\\" && at + 1 < chars.length) {
      tokens.push({ type: "char", char: chars[++at]! })
      continue
    }
    if (char === "*") {
      if (tokens.at(-1)?.type !== "star") tokens.push({ type: "star" })
      continue
    }
    if (char === "?") {
      tokens.push({ type: "any" })
      continue
    }
    const end = char === "[" ? classEnd(chars, at) : -1
    if (end < 0) {
      tokens.push({ type: "char", char })
      continue
    }
    tokens.push({ type: "class", test: compileClass(chars.slice(at + 1, end)) })
    at = end
  }
  return tokens
}

/** Index of the `]` that closes the class opened at `start`; -1: the bracket is a plain character. */
function classEnd(chars: readonly string[], start: number): number {
  const first = chars[start + 1] === "!" || chars[start + 1] === "^" ? start + 2 : start + 1
  return chars.indexOf("]", first + 1)
}

function compileClass(chars: readonly string[]): CharTest {
  const negated = chars[0] === "!" || chars[0] === "^"
  const members = negated ? chars.slice(1) : chars
  const ranges: { from: string; to: string }[] = []
  for (let at = 0; at < members.length; at++) {
    const isRange = members[at + 1] === "-" && at + 2 < members.length
    ranges.push({ from: members[at]!, to: isRange ? members[at + 2]! : members[at]! })
    if (isRange) at += 2
  }
  return (char) => ranges.some(({ from, to }) => char >= from && char <= to) !== negated
}

function expandBraces(pattern: string): string[] {
  const done: string[] = []
  const open = [pattern]
  while (open.length > 0) {
    if (open.length + done.length > MAX_ALTERNATIVES)
      throw new Error(`more than ${MAX_ALTERNATIVES} alternatives in {…}`)
    const text = open.pop()!
    const group = firstGroup(text)
    if (!group) {
      done.push(text)
      continue
    }
    for (const part of group.parts) open.push(text.slice(0, group.start) + part + text.slice(group.end))
  }
  return done
}

/** The first brace group with a comma; others (`{}`, `{x}`, unclosed ones) are plain text. */
function firstGroup(text: string): { start: number; end: number; parts: string[] } | undefined {
  for (let start = text.indexOf("{"); start >= 0; start = text.indexOf("{", start + 1)) {
    if (isEscaped(text, start)) continue
    const group = readGroup(text, start)
    if (group && group.parts.length > 1) return group
  }
  return undefined
}

function readGroup(text: string, start: number): { start: number; end: number; parts: string[] } | undefined {
  const parts: string[] = []
  let depth = 0
  let from = start + 1
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === "\\") at++
    if (char === "{") depth++
    if (char === "}") depth--
    if ((char === "," && depth === 1) || depth === 0) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
    if (depth === 0) return { start, end: at + 1, parts }
  }
  return undefined
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text[at - 1 - slashes] === "\\") slashes++
  return slashes % 2 === 1
}
