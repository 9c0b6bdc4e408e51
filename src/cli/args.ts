// The whole command line (docs/headless.md): argv becomes one Command or a usage error (exit 2) that says what would be
// right. Nothing is ignored: an option that would have no effect is refused.
import { type PermissionMode, permissionModes } from "../base/permission-mode.ts"
import {
  type Command,
  type CommandName,
  commandNames,
  type InputFormat,
  inputFormats,
  type OutputFormat,
  outputFormats,
  type SessionOptions,
  type SessionStart,
} from "./command.ts"
import { Options } from "./given.ts"
import { nearest } from "./nearest.ts"
import { sessionOptions } from "./options.ts"
import { parseSubcommand } from "./subcommands.ts"
import { type Tokens, tokenize, usage } from "./tokens.ts"

export function parseCommandLine(argv: readonly string[]): Command {
  const first = subcommandOf(argv)
  if (first) return parseSubcommand(first, argv.slice(1))

  const { tokens, rules } = sessionTokens(argv)
  const options = new Options(tokens)
  if (options.has("help")) return { type: "help" }
  if (options.has("version")) return { type: "version" }
  options.refuseLater()
  const prompt = promptOf(tokens)
  const session = sessionOf(options, rules)
  // Clients of Claude Code leave -p out when they send lines.
  if (!options.has("print") && options.value("input-format") !== "stream-json") {
    options.refuse(
      ["output-format", "input-format", "wait", "permission-prompt-tool", "include-partial-messages"],
      "only has a meaning with -p",
    )
    if (!tokens.literal && commandNames.some((name) => name === prompt))
      throw usage(
        `"${prompt}" is a command: it comes first (meanwhile ${prompt} …). As a prompt: meanwhile … -- ${prompt}`,
      )
    return { type: "interface", session, ...(prompt !== undefined && { prompt }) }
  }
  if (session.start.type === "resume" && session.start.session === undefined)
    throw usage("With -p, --resume needs the session's name or id. List them: meanwhile sessions")
  const output = options.choice("output-format", outputFormats) ?? "text"
  const input = options.choice("input-format", inputFormats) ?? "text"
  if (input === "stream-json" && prompt !== undefined)
    throw usage("With --input-format stream-json the prompts come from standard input: leave the prompt out.")
  const waitSeconds = options.number("wait", { least: 0, unit: "seconds" }) ?? 600
  const permissionPrompts = promptsOf(options, { output, input })
  return {
    type: "print",
    output,
    input,
    waitSeconds,
    session,
    ...(permissionPrompts && { permissionPrompts }),
    ...(prompt !== undefined && { prompt }),
  }
}

/** Clients of Claude Code are asked in their own way: docs/decisions/0009-claude-code-clients.md. */
function promptsOf(
  options: Options,
  { output, input }: { output: OutputFormat; input: InputFormat },
): "control-requests" | undefined {
  const tool = options.text("permission-prompt-tool")
  if (tool === undefined) return undefined
  if (tool !== "stdio")
    throw usage(`--permission-prompt-tool is stdio, not "${tool}": a tool of an MCP server cannot be asked.`)
  if (output !== "stream-json" || input !== "stream-json")
    throw usage("--permission-prompt-tool stdio needs --input-format stream-json and --output-format stream-json.")
  return "control-requests"
}

/** The subcommand is the first argument or nothing: anywhere else the word is part of a prompt. */
function subcommandOf(argv: readonly string[]): CommandName | undefined {
  return commandNames.find((name) => name === argv[0])
}

function promptOf({ positionals, literal }: Tokens): string | undefined {
  const [prompt, ...more] = positionals
  if (prompt === undefined) return undefined
  if (more.length > 0) {
    const guess = literal ? undefined : nearest(prompt, commandNames)
    const hint = guess ? ` Or did you mean: meanwhile ${guess} ${more.join(" ")}` : ""
    throw usage(`A prompt is one argument, but there are ${positionals.length}: put it in quotes.${hint}`)
  }
  if (prompt.trim() === "") throw usage("The prompt is empty.")
  return prompt
}

/** Tool rules may be several arguments (`--allowedTools Read "Bash(git log:*)"`), and `--resume` may have no value. */
function sessionTokens(argv: readonly string[]): { tokens: Tokens; rules: Record<"allowed" | "disallowed", string[]> } {
  const rules = { allowed: [] as string[], disallowed: [] as string[] }
  const rest: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!
    const next = argv[i + 1]
    if (arg === "--") {
      rest.push(...argv.slice(i))
      break
    }
    if (/^-[a-z]*r$|^--resume$/.test(arg) && (next === undefined || next.startsWith("-"))) {
      if (arg.length > 2 && !arg.startsWith("--")) rest.push(arg.slice(0, -1))
      rest.push("--resume=")
      continue
    }
    rest.push(arg)
    const tools = /^--(dis)?allowed-?tools$/i.exec(arg)
    if (!tools || next === undefined) continue
    rest.push(next)
    i++
    while (isRule(argv[i + 1])) rules[tools[1] ? "disallowed" : "allowed"].push(...splitRules(argv[++i]!))
  }
  return { tokens: tokenize(rest, sessionOptions), rules }
}

/** An argument after the first one that can only be a rule: `Bash(…)`, `mcp__server__tool`, or a tool's plain name. */
function isRule(arg: string | undefined): boolean {
  return (
    arg !== undefined &&
    /^(?:[A-Z]\w*\(.*\)|mcp__\S+|Bash|Read|Write|Edit|Glob|Grep|Web[A-Z]\w+|TodoWrite|Task\w*|Agent)$/s.test(arg)
  )
}

/** Rules are separated by commas or spaces, but not inside parentheses: `Read, Bash(git commit -m:*)`. */
export function splitRules(text: string): string[] {
  const rules: string[] = []
  let depth = 0
  let rule = ""
  for (const char of text) {
    if (char === "(") depth++
    if (char === ")") depth = Math.max(0, depth - 1)
    if (depth > 0 || !/[\s,]/.test(char)) {
      rule += char
      continue
    }
    if (rule) rules.push(rule)
    rule = ""
  }
  if (depth > 0) throw usage(`A parenthesis is not closed in the rule "${rule}".`)
  return rule ? [...rules, rule] : rules
}

function sessionOf(options: Options, rules: Record<"allowed" | "disallowed", string[]>): SessionOptions {
  const agent = options.text("agent")
  const agents = agentsOf(options.value("agents"))
  const model = options.text("model")
  const permissionMode = permissionModeOf(options)
  const maxTurns = options.number("max-turns", { least: 1, whole: true })
  const maxBudgetUsd = options.number("max-budget-usd", { least: 0, unit: "USD" })
  const appendSystemPrompt = options.text("append-system-prompt")
  // Such clients give an empty one when their user has set none.
  const systemPrompt = options.value("system-prompt")?.trim()
  checkSettingSources(options.value("setting-sources"))
  return {
    start: startOf(options),
    allowedTools: [...options.all("allowedTools").flatMap(splitRules), ...rules.allowed],
    disallowedTools: [...options.all("disallowedTools").flatMap(splitRules), ...rules.disallowed],
    verbose: options.has("verbose"),
    trust: options.has("trust"),
    ...(agent !== undefined && { agent }),
    ...(agents && { agents }),
    ...(model !== undefined && { model }),
    ...(permissionMode && { permissionMode }),
    ...(maxTurns !== undefined && { maxTurns }),
    ...(maxBudgetUsd !== undefined && { maxBudgetUsd }),
    ...(appendSystemPrompt !== undefined && { appendSystemPrompt }),
    ...(systemPrompt && { systemPrompt }),
  }
}

function permissionModeOf(options: Options): PermissionMode | undefined {
  const mode = options.choice("permission-mode", permissionModes)
  if (!options.has("dangerously-skip-permissions")) return mode
  if (mode !== undefined && mode !== "bypassPermissions")
    throw usage(`--dangerously-skip-permissions and --permission-mode ${mode} exclude each other.`)
  return "bypassPermissions"
}

/** The user's settings always hold, those of the folder with --trust: what asks for less cannot be given. */
function checkSettingSources(sources: string | undefined): void {
  if (sources === undefined || sources.split(",").some((source) => source.trim() === "user")) return
  throw usage(`--setting-sources without "user" is not available: the user's own settings always hold.`)
}

function startOf(options: Options): SessionStart {
  const name = options.text("name")
  const resume = options.value("resume")
  if (options.has("continue") && resume !== undefined) throw usage("--continue and --resume exclude each other.")
  const isFork = options.has("fork-session")
  if (!options.has("continue") && resume === undefined) {
    if (isFork) throw usage("--fork-session needs the session that is forked: -c for the last one here, or -r NAME.")
    return { type: "new", ...(name !== undefined && { name }) }
  }
  if (name !== undefined && !isFork)
    throw usage("--name names a new session: leave it out when you go on with an old one.")
  const fork = isFork && { fork: { ...(name !== undefined && { name }) } }
  if (resume === undefined) return { type: "continue", ...fork }
  return { type: "resume", ...(resume !== "" && { session: resume }), ...fork }
}

function agentsOf(json: string | undefined): Record<string, unknown> | undefined {
  if (json === undefined) return undefined
  const example = `Example: --agents '{"reviewer": {"description": "Reviews changes", "prompt": "You review …"}}'`
  try {
    const agents: unknown = JSON.parse(json)
    if (typeof agents === "object" && agents && !Array.isArray(agents)) return { ...agents }
  } catch (error) {
    throw usage(`--agents is not JSON: ${(error as Error).message}. ${example}`)
  }
  throw usage(`--agents must be a JSON object of definitions by name. ${example}`)
}
