// What a path and a line of source are: how much a file is worth, and the definition that a line opens. The patterns
// are written once, in the syntax that ripgrep and JavaScript share, to search and to read what was found.

const VENDORED = "**/node_modules/**,**/vendor/**,**/third_party/**,**/dist/**,**/build/**,**/*.min.*,**/*.map"
const NOTED = "**/*.lock,**/package-lock.json,**/*-lock.yaml,**/CHANGELOG*,**/{History,HISTORY,LICENSE}*"
const TESTS = "**/test/**,**/tests/**,**/__tests__/**,**/spec/**,**/*.test.*,**/*.spec.*,**/*_test.*,**/test_*"
const DOCUMENTS = "**/*.md,**/*.mdx,**/*.rst,**/*.adoc,**/*.txt"
const CONFIGURATION = "**/*.json,**/*.yaml,**/*.yml,**/*.toml,**/*.ini,**/*.cfg,**/*.conf,**/*.env*"

/** Globs for Grep, by what is looked for. */
export const scopes = {
  source: `!{${VENDORED},${NOTED},${TESTS},${DOCUMENTS},${CONFIGURATION},**/*.svg,**/*.html}`,
  tests: `{${TESTS}}`,
  documents: `{${DOCUMENTS}}`,
  configuration: `{${CONFIGURATION}}`,
  any: `!{${VENDORED},${NOTED}}`.replace("**/dist/**,**/build/**,", ""),
} as const

const TRUST: readonly (readonly [RegExp, number])[] = [
  [/(?:^|\/)(?:node_modules|vendor|third_party|dist|build)\/|\.min\.|\.map$|\.lock$|-lock\./, 0.1],
  [/(?:^|\/)(?:changelog|history|licen[cs]e)(?:\.(?:md|txt))?$/i, 0.1],
  [/(?:^|\/)(?:tests?|__tests__|spec)\/|\.(?:test|spec)\.|_test\.|(?:^|\/)test_/, 0.4],
  [/\.(?:mdx?|rst|adoc|txt|json|ya?ml|toml|ini|cfg|conf)$/, 0.3],
  [/(?:^|\/)(?:examples?|samples?|bench(?:marks?)?|scripts|testing|docs)\/|\.d\.[cm]?ts$/, 0.5],
]

/** How much a file's lines are worth as an answer: 1 for source, 0.1 for what was generated or copied in. */
export function trustOf(path: string): number {
  return TRUST.find(([pattern]) => pattern.test(path))?.[1] ?? 1
}

const MODIFIERS =
  "export|default|declare|abstract|async|public|private|protected|internal|static|final|sealed|partial|open|data|unsafe|inline|override|virtual|readonly|pub(?:\\([a-z]+\\))?|const|get|set"
const KEYWORDS =
  "function\\*?|class|interface|type|enum|namespace|module|struct|trait|def|defp|defmodule|fn|func|fun|mod|object|record|protocol|macro_rules!|#define"
const FUNCTION = "(?:async\\s*)?(?:function\\b|\\(.*=>|\\($|[\\w$]+\\s*=>)"
const SQL = `(?i:create\\s+(?:or\\s+replace\\s+|temp\\s+|unique\\s+|virtual\\s+)?(?:table|view|index|function|trigger)\\s+(?:if\\s+not\\s+exists\\s+)?)`

interface Form {
  pattern(name: string): string
  /** Only in files with such a name. */
  files?: RegExp
  /** Lines that only look so. */
  not?: RegExp
}

/** How definitions look: keyword first, variable, local function, member, method, and those of C-like languages. */
const FORMS: readonly Form[] = [
  { pattern: (name) => `^\\s*(?:(?:${MODIFIERS})\\s+)*(?:${KEYWORDS})\\s+(?:\\([^)]*\\)\\s*|self\\.|&)?${name}` },
  { pattern: (name) => `^(?:(?:export|declare|pub)\\s+)*(?:const|let|var|val)\\s+(?:mut\\s+)?${name}` },
  { pattern: (name) => `^\\s+(?:const|let|var)\\s+${name}\\s*(?::[^=]+)?=\\s*${FUNCTION}` },
  { pattern: (name) => `^\\s*(?:[\\w$]+\\.)+${name}\\s*=\\s*(?:async\\s*)?(?:function\\b|\\(|[\\w$]+\\s*=>)` },
  { pattern: (name) => `^(?:module\\.)?exports\\.${name}\\s*=` },
  { pattern: (name) => `^\\s+(?:(?:${MODIFIERS})\\s+)*#?${name}(?::|\\s*=)\\s*${FUNCTION}` },
  {
    pattern: (name) => `^\\s+(?:(?:${MODIFIERS})\\s+)*[*#]?${name}\\s?(?:<[^(]*>)?\\([^;]*\\{\\s*$`,
    not: /=>|\bfunction\b/,
  },
  { pattern: (name) => `^\\s*(?:(?:public|private|protected|static|final)\\s+)+[\\w<>\\[\\],.? ]+\\s${name}\\s*\\(` },
  {
    pattern: (name) => `^[A-Za-z_][\\w:<>,\\[\\]*& ]*[\\s*&](?:\\w+::)*${name}\\s*\\([^;]*$`,
    files: /\.(?:c|cc|cpp|cxx|h|hpp|java|cs|m|kt|scala|dart)$/,
  },
  { pattern: (name) => `^(?:function\\s+)?${name}\\s*\\(\\)\\s*\\{` },
  { pattern: (name) => `^\\s*${SQL}["\`]?${name}` },
]
const NAME = "[A-Za-z_$][\\w$]*"
const READERS = FORMS.map((form) => ({
  ...form,
  regex: new RegExp(
    form.pattern(`(${NAME})`).replaceAll(/\(\?i:/g, "(?:"),
    form.pattern("").includes("(?i:") ? "i" : "",
  ),
}))
const RESERVED =
  /^(?:if|for|while|switch|catch|return|function|await|new|throw|else|do|with|import|constructor|__init__)$/

/** A ripgrep pattern for lines that define a name which `name`, a pattern without anchors, matches. */
export function definitionPattern(name = NAME): string {
  return FORMS.map((form) => form.pattern(`(?:${name})`)).join("|")
}

export interface Definition {
  symbol: string
  /** Functions and classes tell more than types and constants, exported ones more than local ones. */
  weight: number
}

/** The definition that a line opens, or undefined. Local variables are none, local functions are. */
export function definitionIn(path: string, line: string): Definition | undefined {
  if (isComment(line)) return undefined
  for (const { regex, files, not } of READERS) {
    const symbol = regex.exec(line)?.[1]
    if (!symbol || RESERVED.test(symbol) || not?.test(line) || (files && !files.test(path))) continue
    const isType = /^\s*(?:[\w()]+\s+)*?(?:interface|type|enum|protocol)\s/.test(line)
    const isConstant =
      /^\s*(?:export\s+)?(?:const|let|var|val|static|#define)\s/.test(line) && !/=>|function|\($/.test(line)
    const isExported = /^\s*(?:export|pub|public|module\.exports|exports)\b|^func [A-Z(]/.test(line)
    return { symbol, weight: (isType ? 0.7 : isConstant ? 0.5 : 1) * (isExported ? 1.1 : 1) }
  }
  return undefined
}

export function isComment(line: string): boolean {
  return /^\s*(?:\/\/|\/\*|\*|#(?!define|\[|!|\w+\s*\()|--\s|"""|''')/.test(line)
}
