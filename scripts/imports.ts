// What a TypeScript file imports, with line numbers. Bun's own scanner leaves out type-only imports, and a pattern over
// the text trips over comments and strings; so this reads tokens, as many as imports need.

export interface Import {
  specifier: string
  line: number
  kind: "value" | "type" | "dynamic"
}

export interface FileScan {
  imports: Import[]
  /** Lines on which the global `Bun` is named. */
  bunGlobals: number[]
}

export function scan(source: string): FileScan {
  const tokens = tokenize(source)
  const imports: Import[] = []
  const bunGlobals: number[] = []
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    const before = tokens[i - 1]?.text
    const after = tokens[i + 1]?.text
    if (token.type !== "word" || before === "." || before === "?.") continue
    if (token.text === "Bun" && after !== ":") bunGlobals.push(token.line)
    if (token.text === "require" && after === "(" && tokens[i + 2]?.type === "string")
      imports.push({ specifier: tokens[i + 2]!.text, line: token.line, kind: "dynamic" })
    if (token.text !== "import" && token.text !== "export") continue
    const found = token.text === "import" ? importAt(tokens, i) : exportAt(tokens, i)
    if (found) imports.push({ ...found, line: token.line })
  }
  return { imports, bunGlobals }
}

type Found = Omit<Import, "line"> | undefined

function importAt(tokens: readonly Token[], i: number): Found {
  const next = tokens[i + 1]
  if (next?.type === "string") return { specifier: next.text, kind: "value" }
  if (next?.text === "(") {
    const argument = tokens[i + 2]
    if (argument?.type === "string") return { specifier: argument.text, kind: "dynamic" }
    return undefined
  }
  if (next?.text === ".") return undefined
  return clauseAt(tokens, i + 1)
}

function exportAt(tokens: readonly Token[], i: number): Found {
  const opens = tokens[i + 1]?.text === "type" ? tokens[i + 2]?.text : tokens[i + 1]?.text
  return opens === "{" || opens === "*" ? clauseAt(tokens, i + 1) : undefined
}

/** From after `import` or `export` to the `from "…"` that ends the clause, if one does. */
function clauseAt(tokens: readonly Token[], start: number): Found {
  // `import type from "x"` imports a default that is called "type".
  const typed =
    tokens[start]?.text === "type" && !(tokens[start + 1]?.text === "from" && tokens[start + 2]?.type === "string")
  let named = 0
  let namedTypes = 0
  let braces = false
  let depth = 0
  for (let i = start; i < tokens.length; i++) {
    const { text, type } = tokens[i]!
    const next = tokens[i + 1]
    if (depth === 0 && text === "from" && type === "word" && next?.type === "string") {
      // `import { type A, type B }` needs no value either, but a default or a star beside it does.
      const allTypes = braces && named > 0 && named === namedTypes && tokens[start]?.text === "{"
      return { specifier: next.text, kind: typed || allTypes ? "type" : "value" }
    }
    if (text === "{") {
      depth++
      braces = true
    }
    if (text === "}") depth--
    if (depth > 0 && (text === "{" || text === ",") && next?.text !== "}") {
      named++
      if (next?.text === "type" && ![",", "}", "as"].includes(tokens[i + 2]?.text ?? "")) namedTypes++
    }
    const partOfClause = depth > 0 || type === "word" || ["{", "}", ",", "*"].includes(text)
    if (!partOfClause) return undefined
  }
  return undefined
}

interface Token {
  type: "word" | "string" | "other"
  text: string
  line: number
}

const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy
const NUMBER = /(?:0[xob])?[\d_]+(?:\.[\d_]*)?(?:e[+-]?\d+)?n?/iy
const STRING = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y
const SKIPPED = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|^#![^\n]*/y
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
/** After these a slash begins a regular expression; after any other word, number, `)`, `]` or `}` it divides. */
const BEFORE_REGEX = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "do",
  "else",
  "void",
  "delete",
  "await",
  "yield",
  "throw",
])

function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  /** For each open template literal's `${`, the depth of braces inside it. */
  const templates: number[] = []
  let at = 0
  let line = 1

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const text = pattern.exec(source)?.[0]
    return text || undefined
  }
  const advance = (text: string) => {
    at += text.length
    for (const char of text) if (char === "\n") line++
  }
  const push = (type: Token["type"], text: string, raw = text) => {
    tokens.push({ type, text, line })
    advance(raw)
  }
  /** The text of a template up to its end, or to the next `${`. */
  const template = (opening: string) => {
    let end = at + opening.length
    while (end < source.length && source[end] !== "`" && !source.startsWith("${", end))
      end += source[end] === "\\" ? 2 : 1
    const closed = source[end] !== "$"
    if (!closed) templates.push(0)
    push("other", "`", source.slice(at, end + (closed ? 1 : 2)))
  }

  while (at < source.length) {
    const skipped = take(SKIPPED)
    if (skipped) {
      advance(skipped)
      continue
    }
    const string = take(STRING)
    if (string) {
      push("string", string.slice(1, -1), string)
      continue
    }
    const char = source[at]!
    if (char === "`") {
      template("`")
      continue
    }
    if (char === "}" && templates.at(-1) === 0) {
      templates.pop()
      template("}")
      continue
    }
    const word = take(WORD)
    if (word) {
      push("word", word)
      continue
    }
    const regex = char === "/" && regexMayFollow(tokens.at(-1)) ? take(REGEX) : undefined
    if (regex) {
      push("other", "/", regex)
      continue
    }
    const top = templates.length - 1
    if (char === "{" && top >= 0) templates[top]!++
    if (char === "}" && top >= 0) templates[top]!--
    push("other", take(NUMBER) ?? (source.startsWith("?.", at) ? "?." : char))
  }
  return tokens
}

function regexMayFollow(previous: Token | undefined): boolean {
  if (!previous) return true
  if (previous.type === "word") return BEFORE_REGEX.has(previous.text)
  if (previous.type === "string") return false
  return !/^[\d)\]}`]/.test(previous.text) && previous.text !== "/"
}
