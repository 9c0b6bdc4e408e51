// Permission rules as people write them: `Read`, `Bash(npm run test:*)`, `Edit(src/**)`, `WebFetch(domain:x.org)`,
// `mcp__server__tool`; several in a list, separated by commas or spaces. Meanings: rule-match.ts.
import { Exit, UserError } from "../base/error.ts"
import { readShell, type SimpleCommand } from "./shell-words.ts"

export interface Rule {
  /** As it was written. */
  text: string
  /** Tool's name; `mcp__server` and `mcp__server__*` stand for all tools of a server. */
  tool: string
  spec: RuleSpec
}

export type RuleSpec =
  | { type: "any" }
  /** `words`: the command as the shell reads it, undefined when only the same text can match. `prefix`: more may follow. */
  | { type: "command"; text: string; words: SimpleCommand | undefined; prefix: boolean }
  | { type: "path"; pattern: string }
  | { type: "domain"; host: string }
  | { type: "value"; value: string }

export const PATH_TOOLS: ReadonlySet<string> = new Set(["Read", "Write", "Edit", "Glob", "Grep"])
/** Tools whose input has a `command` for the shell. A rule for Bash holds for all of them. */
export const SHELL_TOOLS: ReadonlySet<string> = new Set(["Bash", "Monitor"])
/** Other tools that take a value in parentheses, and the field of their input that it is compared with. */
export const VALUE_FIELDS: Readonly<Record<string, string>> = { Agent: "subagent_type", Skill: "skill" }

const ALIASES: Readonly<Record<string, string>> = { Task: "Agent" }

/** Our name of a tool. */
export function canonicalTool(name: string): string {
  return ALIASES[name] ?? name
}

/** Throws a UserError that says where the mistake is. */
export function parseRules(list: string): Rule[] {
  const rules: Rule[] = []
  let at = 0
  while (at < list.length) {
    if (/[\s,]/.test(list[at]!)) {
      at++
      continue
    }
    const end = endOfRule(list, at)
    rules.push(parseRule(list, { start: at, end }))
    at = end
  }
  return rules
}

/** The rules that stand in settings files; `fileOf`: which of them, for the error of one that is wrong. */
export function parseFileRules(texts: readonly string[], fileOf: ReadonlyMap<string, string>): Rule[] {
  return texts.flatMap((text) => {
    try {
      return parseRules(text)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      throw new UserError(error.code, `${fileOf.get(text) ?? "settings.json"}: ${error.message}`, error.exit)
    }
  })
}

/** A text as it stands within a rule's parentheses. */
export function escapeSpec(text: string): string {
  return text.replace(/[\\()]/g, "\\$&")
}

/** The rule that allows exactly this command. */
export function exactCommandRule(command: string): string {
  const literal = command.replace(/(?<=^|\s)\*(?=\s|$)/g, "\\*").replace(/:\*$/, ":\\*")
  return `Bash(${escapeSpec(literal)})`
}

/** Parentheses may hold commas, spaces and further parentheses in pairs; a backslash takes a single one literally. */
function endOfRule(list: string, start: number): number {
  let depth = 0
  for (let at = start; at < list.length; at++) {
    const char = list[at]!
    if (char === "\\" && depth > 0) {
      at++
      continue
    }
    if (char === "(") depth++
    if (char === ")") depth--
    if (depth < 0) throw mistake(list, at, 'there is a ")" without its "("')
    if (depth === 0 && char === ")") return at + 1
    if (depth === 0 && /[\s,]/.test(char)) return at
  }
  if (depth > 0) throw mistake(list, list.indexOf("(", start), 'the ")" is missing')
  return list.length
}

function parseRule(list: string, { start, end }: { start: number; end: number }): Rule {
  const text = list.slice(start, end)
  const open = text.indexOf("(")
  const name = open < 0 ? text : text.slice(0, open)
  if (!/^(?:mcp__[\w.-]+(?:__\*)?|[A-Za-z_][\w-]*)$/.test(name))
    throw mistake(list, start, `${JSON.stringify(name)} is no tool's name`)
  if (end < list.length && !/[\s,]/.test(list[end]!)) throw mistake(list, end, "a comma or space is missing")
  const tool = canonicalTool(name)
  if (open < 0) return { text, tool, spec: { type: "any" } }
  const inner = text
    .slice(open + 1, -1)
    .replace(/\\([\\()])/g, "$1")
    .trim()
  if (inner === "") throw mistake(list, start + open, "there is nothing between the parentheses")
  return { text, tool, spec: parseSpec(tool, inner, (message) => mistake(list, start + open + 1, message)) }
}

function parseSpec(tool: string, inner: string, mistakeAt: (message: string) => UserError): RuleSpec {
  if (SHELL_TOOLS.has(tool)) return commandSpec(inner)
  if (inner === "*") return { type: "any" }
  if (PATH_TOOLS.has(tool)) return { type: "path", pattern: inner }
  if (tool === "WebFetch") {
    const host = /^domain:(\*\.)?[\w.-]+$/.exec(inner)
    if (!host) throw mistakeAt("expected domain:HOST, such as WebFetch(domain:example.org)")
    return { type: "domain", host: inner.slice("domain:".length).toLowerCase() }
  }
  if (VALUE_FIELDS[tool]) return { type: "value", value: inner }
  throw mistakeAt(`rules for ${tool} take nothing in parentheses`)
}

/** `npm test`, `npm run test:*`, `git log *` (the same as `git log:*`), `git * main` (one word in between), `*`; `\*` is meant as it is. */
function commandSpec(text: string): RuleSpec {
  if (text === "*" || text === ":*") return { type: "any" }
  const prefix = /(?::\*| \*)$/.test(text)
  const command = prefix ? text.slice(0, -2).trimEnd() : text
  const reading = readShell(command)
  const words = reading.type === "commands" && reading.commands.length === 1 ? reading.commands[0] : undefined
  return { type: "command", text: command.replace(/(?<=^|[\s:])\\\*(?=\s|$)/g, "*"), words, prefix }
}

function mistake(list: string, at: number, what: string): UserError {
  const message = `Permission rule: ${what}, at character ${at + 1} of ${JSON.stringify(list)}.`
  return new UserError("bad-rule", message, Exit.usage)
}
