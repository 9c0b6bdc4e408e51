// Whether rules are about a call. Rules that allow must be about all of what the call does, and whatever is in doubt
// does not match; a rule that forbids matches when any part of the call may be what it means.
import { basename } from "node:path"
import { compileGlob, escapeGlob } from "../base/glob.ts"
import { allowsPath, forbiddenPaths, forbidsPath, isAboutPathsOf, type Place } from "./path-match.ts"
import type { PermissionCall } from "./permission.ts"
import { canonicalTool, PATH_TOOLS, type Rule, type RuleSpec, SHELL_TOOLS, VALUE_FIELDS } from "./rules.ts"
import { possibleCommands } from "./shell-fragments.ts"
import { readShell, type SimpleCommand } from "./shell-words.ts"

type CommandSpec = Extract<RuleSpec, { type: "command" }>

/** The shell command of a call, when it is one. */
export function commandOf({ tool, input }: Pick<PermissionCall, "tool" | "input">): string | undefined {
  return SHELL_TOOLS.has(tool) ? (field(input, "command") ?? "") : undefined
}

/** The path that a call of a file tool names; a search without one is about the working folder. */
export function pathOf({ tool, input }: Pick<PermissionCall, "tool" | "input">): string | undefined {
  if (!PATH_TOOLS.has(tool)) return undefined
  return field(input, "file_path") ?? (field(input, "path") || ".")
}

export function field(input: unknown, name: string): string | undefined {
  if (typeof input !== "object" || input === null || !Object.hasOwn(input, name)) return undefined
  const value = (input as Record<string, unknown>)[name]
  return typeof value === "string" ? value : undefined
}

export interface AllowOptions {
  home: string
  /** Commands that need no rule when they are parts of an allowed one. */
  isHarmless?: (command: SimpleCommand) => boolean
}

/** Whether the rules together allow all that the call does. */
export function isAllowedBy(
  rules: readonly Rule[],
  call: PermissionCall,
  { home, isHarmless = () => false }: AllowOptions,
): boolean {
  const mine = rules.filter((rule) => isAbout(rule, call.tool))
  if (mine.some(({ spec }) => spec.type === "any")) return true
  const command = commandOf(call)
  if (command !== undefined) return areCommandsCovered(mine, command, isHarmless)
  return mine.some(({ spec }) => isCovered(spec, call, home))
}

/** The first rule that forbids the call or a part of it. */
export function deniedBy(rules: readonly Rule[], call: PermissionCall, home: string): Rule | undefined {
  const place = { cwd: call.cwd, home }
  return rules.find((rule) => {
    const command = commandOf(call)
    if (command !== undefined && rule.spec.type === "path") return namesForbiddenPath(rule, command, place)
    return isAbout(rule, call.tool) && mayConcern(rule, call, place)
  })
}

/** A bare name is that tool alone. A rule for Bash is about every tool that runs commands. */
function isAbout(rule: Rule, name: string): boolean {
  const tool = canonicalTool(name)
  if (rule.tool === tool || isAboutPathsOf(rule, tool)) return true
  if (rule.tool === "Bash") return SHELL_TOOLS.has(tool)
  if (!rule.tool.startsWith("mcp__")) return false
  const server = rule.tool.replace(/__\*$/, "")
  const isWholeServer = rule.tool.endsWith("__*") || server.split("__").length === 2
  return isWholeServer && tool.startsWith(`${server}__`)
}

function areCommandsCovered(
  rules: readonly Rule[],
  command: string,
  isHarmless: (command: SimpleCommand) => boolean,
): boolean {
  const specs = rules.flatMap(({ spec }) => (spec.type === "command" ? [spec] : []))
  // The very text that a person has allowed is allowed, also when we cannot read it.
  if (specs.some((spec) => !spec.prefix && spec.text === command.trim())) return true
  const reading = readShell(command)
  if (reading.type === "unknown") return false
  const isCoveredByRule = (words: SimpleCommand) => specs.some((spec) => coversWords(spec, words))
  return (
    reading.commands.some(isCoveredByRule) &&
    reading.commands.every((words) => isCoveredByRule(words) || isHarmless(words))
  )
}

function coversWords({ words, prefix }: CommandSpec, command: SimpleCommand): boolean {
  if (!words || (prefix ? command.length < words.length : command.length !== words.length)) return false
  return words.every((word, index) => {
    const given = command[index]!
    // A word with a wildcard may become any file's name, so that it is the same only as itself; and the `*` of a rule
    // is an argument, never an option.
    if (word.glob && word.text === "*" && !given.glob) return index === 0 || !given.text.startsWith("-")
    if (given.glob !== word.glob) return false
    if (given.text === word.text) return true
    return prefix && index === words.length - 1 && index > 0 && given.text.startsWith(`${word.text}:`)
  })
}

function isCovered(spec: RuleSpec, call: PermissionCall, home: string): boolean {
  switch (spec.type) {
    case "any":
      return true
    case "command":
      return false
    case "path": {
      const path = pathOf(call)
      return path !== undefined && allowsPath(spec.pattern, path, { cwd: call.cwd, home })
    }
    case "domain": {
      const host = hostOf(call)
      return spec.host.startsWith("*.") ? (host?.endsWith(spec.host.slice(1)) ?? false) : host === spec.host
    }
    case "value":
      return namedValue(call) === spec.value
    default:
      return spec satisfies never
  }
}

function mayConcern(rule: Rule, call: PermissionCall, place: Place): boolean {
  const { spec } = rule
  switch (spec.type) {
    case "any":
      return true
    case "command":
      return mayRun(spec, commandOf(call) ?? "")
    case "path": {
      const isForbidden = forbiddenPaths([rule], canonicalTool(call.tool), place)
      return pathsOf(call, place).some((path) => forbidsPath(isForbidden, path, place))
    }
    case "domain": {
      // A host that is forbidden takes those below it along.
      const parent = spec.host.replace(/^\*\./, "")
      const host = hostOf(call)
      return host === parent || (host?.endsWith(`.${parent}`) ?? false)
    }
    case "value":
      return namedValue(call) === spec.value
    default:
      return spec satisfies never
  }
}

/** Also what the pattern of a Glob names, when it is a path. */
function pathsOf(call: PermissionCall, { cwd }: Place): string[] {
  const path = pathOf(call)
  if (path === undefined) return []
  const pattern = canonicalTool(call.tool) === "Glob" ? field(call.input, "pattern") : undefined
  return pattern ? [path, pattern, `${path === "." ? cwd : path}/${pattern}`] : [path]
}

/** Any command that may be run, anywhere in the text. */
function mayRun(spec: CommandSpec, command: string): boolean {
  const words = spec.words?.map(({ text }) => text) ?? spec.text.split(/\s+/)
  const wanted = [basename(words[0] ?? ""), ...words.slice(1)].join(" ")
  const patterns = [...new Set([wanted, spec.text])].flatMap((text) =>
    spec.prefix ? [text, `${text} *`, `${text}:*`] : [text],
  )
  const given = possibleCommands(command).flatMap((found) => [found.join(" "), withoutLeadingOptions(found).join(" ")])
  return [command.replace(/\s+/g, " ").trim(), ...given].some((text) =>
    patterns.some((pattern) => wildcard(pattern, text)),
  )
}

/** `git -C elsewhere push` is `git push` to a rule: options before the first argument go, with what may be their value. */
function withoutLeadingOptions([name = "", ...args]: readonly string[]): string[] {
  let at = 0
  while (args[at]?.startsWith("-")) {
    const hasValue = /^-\w$/.test(args[at]!) && args[at + 1] !== undefined && !args[at + 1]!.startsWith("-")
    at += hasValue ? 2 : 1
  }
  return [name, ...args.slice(at)]
}

/** `*` is any text. Linear, as a regular expression would not be. */
function wildcard(pattern: string, text: string): boolean {
  const flat = (part: string) => part.replaceAll("/", "\u2044")
  return compileGlob(flat(pattern.split("*").map(escapeGlob).join("*")), { case: "ignore" }).matches(flat(text))
}

/** Programs that change the files they are given. */
const WRITERS: ReadonlySet<string> = new Set(
  "tee cp mv rm touch truncate dd ln chmod chown install rsync sed perl shred unlink patch".split(" "),
)

/**
 * A shell command that names a path which a rule forbids: any for rules about reading, one that is written to for rules
 * about editing. Not complete: a shell has many ways to name a file.
 */
function namesForbiddenPath(rule: Rule, command: string, place: Place): boolean {
  const isForbidden = forbiddenPaths([rule], rule.tool, place)
  const commands = possibleCommands(command)
  const touched =
    rule.tool === "Edit" || rule.tool === "Write" ? commands.filter(([name = ""]) => WRITERS.has(name)) : commands
  const targets = [...command.matchAll(/>\|?\s*([^\s;&|<>()]+)/g)].map((match) => match[1]!.replace(/["'\\]/g, ""))
  const words = [...touched.flat(), ...targets].flatMap((word) => [word, ...word.split(/[=:@]/)])
  return [...new Set(words)].some(
    (word) => word !== "" && !word.includes("\0") && forbidsPath(isForbidden, word, place),
  )
}

function hostOf(call: PermissionCall): string | undefined {
  const url = field(call.input, "url") ?? ""
  return URL.canParse(url) ? new URL(url).hostname.toLowerCase().replace(/\.$/, "") : undefined
}

function namedValue(call: PermissionCall): string | undefined {
  return field(call.input, VALUE_FIELDS[canonicalTool(call.tool)] ?? "")
}
