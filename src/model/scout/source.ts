// What a path and a line of source are: how much a file is worth, and the definition that a line opens. The patterns
// (patterns.json) are in the syntax that ripgrep and JavaScript share, to search and to read what was found.
import patterns from "./patterns.json" with { type: "json" }

const { vendored, generated, noted, tests, documents, configuration, markup } = patterns.files
const group = (...globs: readonly string[][]) => `{${globs.flat().join(",")}}`

/** Globs for Grep, by what is looked for. */
export const scopes = {
  source: `!${group(vendored, generated, noted, tests, documents, configuration, markup)}`,
  tests: group(tests),
  documents: group(documents),
  configuration: group(configuration),
  any: `!${group(vendored, noted)}`,
} as const

const TRUST = patterns.trust.map(({ path, worth }) => ({ path: new RegExp(path), worth }))

/** How much a file's lines are worth as an answer: 1 for source, 0.1 for what was generated or copied in. */
export function trustOf(path: string): number {
  return TRUST.find((one) => one.path.test(path))!.worth
}

const NAME = "[A-Za-z_$][\\w$]*"
const RESERVED = new RegExp(patterns.reserved)
const EXPORTED = new RegExp(patterns.exported)
const COMMENT = new RegExp(patterns.comment)

/** How definitions look: `not` are lines that only look so, `files` the paths where alone they look so. */
const FORMS = patterns.definitions.map(({ line, files = "", not = "(?!)", weight = 1 }) => ({
  opens: new RegExp(filled(line, `(${NAME})`)),
  files: new RegExp(files),
  not: new RegExp(not),
  weight,
}))

/** A ripgrep pattern for lines that define a name which `name`, a pattern without anchors, matches. */
export function definitionPattern(name = NAME): string {
  return patterns.definitions.map(({ line }) => filled(line, `(?:${name})`)).join("|")
}

function filled(line: string, name: string): string {
  const parts: Record<string, string> = { ...patterns.parts, NAME: name }
  return line.replace(/[A-Z]{4,}/g, (part) => parts[part]!)
}

/** Functions and classes weigh more than types and constants, exported ones more than local ones. */
export interface Definition {
  symbol: string
  weight: number
}

/** The definition that a line opens, or undefined. Local variables are none, local functions are. */
export function definitionIn(path: string, line: string): Definition | undefined {
  if (isComment(line)) return undefined
  for (const { opens, files, not, weight } of FORMS) {
    const symbol = opens.exec(line)?.[1]
    if (symbol && !RESERVED.test(symbol) && files.test(path) && !not.test(line))
      return { symbol, weight: EXPORTED.test(line) ? 1.1 * weight : weight }
  }
  return undefined
}

export function isComment(line: string): boolean {
  return COMMENT.test(line)
}
