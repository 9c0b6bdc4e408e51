// The last policy: asks, and says which rule would make asking superfluous.
import { dirname, relative } from "node:path"
import { realPathOf, resolveFilePath } from "../base/file-path.ts"
import { escapeGlob } from "../base/glob.ts"
import type { PermissionCall } from "./permission.ts"
import { isProtected } from "./protected-paths.ts"
import { commandOf, field, pathOf } from "./rule-match.ts"
import { canonicalTool, escapeSpec, exactCommandRule, VALUE_FIELDS } from "./rules.ts"
import { readShell, type SimpleCommand } from "./shell-words.ts"

export function askPolicy({ home }: { home: string }): (call: PermissionCall) => { type: "ask"; rule: string } {
  return (call) => ({ type: "ask", rule: ruleFor(call, home) })
}

function ruleFor(call: PermissionCall, home: string): string {
  const command = commandOf(call)
  if (command !== undefined) return commandRule(command)
  const tool = canonicalTool(call.tool)
  const path = pathOf(call)
  if (path !== undefined) return pathRule(path, call, home)
  const url = tool === "WebFetch" ? (field(call.input, "url") ?? "") : ""
  if (URL.canParse(url)) return `WebFetch(domain:${new URL(url).hostname})`
  const value = VALUE_FIELDS[tool] && field(call.input, VALUE_FIELDS[tool])
  return value ? `${tool}(${escapeSpec(value)})` : tool
}

/** Programs whose first argument says what they do: with it, any further ones may be allowed. */
const WITH_SUBCOMMANDS: ReadonlySet<string> = new Set(
  "npm pnpm yarn bun cargo go git docker make gradle mvn dotnet pytest tsc biome eslint".split(" "),
)
/** Subcommands that run whatever comes next, or reach beyond the machine. */
const OPEN_SUBCOMMANDS: ReadonlySet<string> = new Set(
  "exec x run-script dlx run push config remote publish login -c -C eval tool".split(" "),
)

/** A prefix where it still says something, else exactly this command. */
function commandRule(command: string): string {
  const reading = readShell(command)
  const words = reading.type === "commands" && reading.commands.length === 1 ? reading.commands[0]! : []
  const prefix = prefixOf(words)
  return prefix ? `Bash(${escapeSpec(prefix)}:*)` : exactCommandRule(command.trim())
}

function prefixOf(words: SimpleCommand): string | undefined {
  const [program, subcommand, name] = words.map(({ text, glob, quoted }) =>
    glob || quoted || !/^[\w@./:-]+$/.test(text) ? undefined : text,
  )
  if (!program || !subcommand || !WITH_SUBCOMMANDS.has(program)) return undefined
  if (subcommand === "run" && name && !name.startsWith("-") && /^(npm|pnpm|yarn|bun)$/.test(program))
    return `${program} run ${name}`
  return OPEN_SUBCOMMANDS.has(subcommand) || subcommand.startsWith("-") ? undefined : `${program} ${subcommand}`
}

/** The folder of the file; the file alone when its folder is the working folder, or the file is a protected one. */
function pathRule(given: string, { tool, cwd }: PermissionCall, home: string): string {
  const path = resolveFilePath(given, { cwd, home })
  const way = relative(cwd, path)
  const isInside = way !== "" && way !== ".." && !way.startsWith("../")
  const name = tool === "Write" || tool === "Edit" ? "Edit" : tool
  const isAlone = isInside ? dirname(way) === "." : dirname(path) === "/"
  const exact = isAlone || isProtected(realPathOf(path), { folder: realPathOf(cwd), home: realPathOf(home) })
  const base = escapeGlob(isInside ? `./${way}` : `/${path}`)
  const pattern = exact ? base : `${escapeGlob(isInside ? `./${dirname(way)}` : `/${dirname(path)}`)}/**`
  return `${name}(${escapeSpec(pattern)})`
}
