// JSON as people write it by hand: strict, but with the place of the mistake, which the engine's own message lacks.

export type ParsedJson =
  | { type: "value"; value: unknown }
  | { type: "mistake"; line: number; column: number; message: string }

/** Parses strict JSON (RFC 8259). Line and column count from 1; columns are UTF-16 units. */
export function parseJson(text: string): ParsedJson {
  try {
    return { type: "value", value: JSON.parse(text) }
  } catch {
    const { at, message } = findMistake(text)
    const before = text.slice(0, at)
    return { type: "mistake", line: before.split("\n").length, column: at - before.lastIndexOf("\n"), message }
  }
}

interface Mistake {
  at: number
  message: string
}

/** What may come next: a value (`first`: or the end of the list that has just begun), a key, or what follows a value. */
type Expects = "value" | "first-value" | "key" | "first-key" | "next"

const SPACE = /[ \t\n\r]*/y
const STRING = /"[^"\\\0-\x1f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\0-\x1f]*)*"/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y
const OPEN = { "{": "}", "[": "]" } as const

/** Walks a text that the engine has refused up to its first mistake. Without recursion: hostile nesting costs nothing. */
function findMistake(text: string): Mistake {
  const closers: string[] = []
  let expects: Expects = "value"
  let at = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    if (!pattern.test(text)) return false
    at = pattern.lastIndex
    return true
  }

  for (;;) {
    take(SPACE)
    const character = text[at]
    const closer = closers.at(-1)
    if (character === undefined) return { at, message: endMistake(closer, expects) }

    if (character === closer && (expects === "next" || expects.startsWith("first"))) {
      closers.pop()
      at++
      expects = "next"
      continue
    }
    if (expects === "next") {
      if (closer === undefined) return { at, message: "nothing may follow the end of the value" }
      if (character !== ",") return { at, message: commentAt(text, at) ?? `expected "," or "${closer}"` }
      at++
      expects = closer === "}" ? "key" : "value"
      continue
    }
    if (expects === "key" || expects === "first-key") {
      if (character === "}") return { at, message: 'a "," before "}" is not allowed' }
      if (!take(STRING)) return keyMistake(text, at)
      take(SPACE)
      if (text[at] !== ":") return { at, message: 'expected ":" after the key' }
      at++
      expects = "value"
      continue
    }
    if (character === "{" || character === "[") {
      closers.push(OPEN[character])
      at++
      expects = character === "{" ? "first-key" : "first-value"
      continue
    }
    if (!take(STRING) && !take(SCALAR)) return valueMistake(text, at)
    expects = "next"
  }
}

function endMistake(closer: string | undefined, expects: Expects): string {
  if (closer) return `"${closer}" is missing at the end`
  return expects === "next" ? "nested too deeply" : "expected a value, but the text ends"
}

function keyMistake(text: string, at: number): Mistake {
  return { at, message: commentAt(text, at) ?? (text[at] === '"' ? BAD_STRING : "expected a key in double quotes") }
}

function valueMistake(text: string, at: number): Mistake {
  if (text[at] === '"') return { at, message: BAD_STRING }
  if (text[at] === "'") return { at, message: "text must be in double quotes" }
  if (text[at] === "]") return { at, message: 'a "," before "]" is not allowed' }
  return { at, message: commentAt(text, at) ?? "expected a value" }
}

const BAD_STRING = "this text does not end on its line, or has a wrong escape"

function commentAt(text: string, at: number): string | undefined {
  return /^(?:\/\/|\/\*|#)/.test(text.slice(at, at + 2)) ? "comments are not allowed in JSON" : undefined
}
