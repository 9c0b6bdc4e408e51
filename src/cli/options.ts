// The options and actions of the command line (docs/headless.md), what each takes, and which of them wait for later
// work. Reading argv is src/cli/args.ts, help texts are src/cli/help.ts, completions src/cli/completion/.
import { permissionModes } from "../base/permission-mode.ts"
import { inputFormats, outputFormats, statsRanges } from "./command.ts"

/** What can stand for a value: one of these words, or something that there is at the time (`running`: live tasks). */
export type Values = readonly string[] | "tasks" | "running" | "sessions" | "agents" | "models" | "files" | "folders"

export interface OptionSpec {
  type: "string" | "boolean"
  short?: string
  /** May be given more than once; the values add up. */
  multiple?: boolean
  /** Another spelling that people know. */
  alias?: string
  /** For completions; what is not one of them is judged where the option is read. */
  values?: Values
  /** For completions, where the help has no line about it. */
  does?: string
  /** For programs: in no help and no completion. */
  hidden?: true
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

const anywhere = {
  help: { type: "boolean", short: "h", does: "say what there is" },
  version: { type: "boolean", short: "v", does: "say which version this is" },
} as const satisfies OptionSpecs

const json = { type: "boolean", does: "for programs" } as const satisfies OptionSpec

/** Without a subcommand: the terminal interface, or one headless turn. */
export const sessionOptions = {
  ...anywhere,
  print: { type: "boolean", short: "p", does: "run one turn and its background work, print the last reply" },
  continue: { type: "boolean", short: "c" },
  resume: { type: "string", short: "r", values: "sessions" },
  "fork-session": { type: "boolean" },
  name: { type: "string", short: "n" },
  agent: { type: "string", values: "agents" },
  agents: { type: "string" },
  model: { type: "string", values: "models" },
  "permission-mode": { type: "string", values: permissionModes },
  allowedTools: { type: "string", multiple: true, alias: "allowed-tools" },
  disallowedTools: { type: "string", multiple: true, alias: "disallowed-tools" },
  "output-format": { type: "string", values: outputFormats },
  "input-format": { type: "string", values: inputFormats },
  "max-turns": { type: "string" },
  "max-budget-usd": { type: "string" },
  wait: { type: "string" },
  trust: { type: "boolean" },
  "add-dir": { type: "string", multiple: true, values: "folders" },
  "append-system-prompt": { type: "string" },
  "mcp-config": { type: "string", multiple: true, values: "files" },
  verbose: { type: "boolean" },
  // What clients of Claude Code give: docs/decisions/0009-claude-code-clients.md.
  "dangerously-skip-permissions": { type: "boolean", hidden: true },
  "permission-prompt-tool": { type: "string", hidden: true },
  "include-partial-messages": { type: "boolean", hidden: true },
  "setting-sources": { type: "string", hidden: true },
  "system-prompt": { type: "string", hidden: true },
} as const satisfies OptionSpecs

/** By subcommand; which of its actions an option belongs to: `commandActions`. */
export const commandOptions = {
  tasks: {
    ...anywhere,
    all: { type: "boolean", does: "what has ended, too" },
    json,
    follow: { type: "boolean", does: "keep it up to date" },
  },
  sessions: {
    ...anywhere,
    json,
    yes: { type: "boolean", short: "y", does: "delete without asking" },
    "as-copy": { type: "boolean", does: "import with new ids, beside the session itself" },
  },
  agents: { ...anywhere, json },
  mcp: anywhere,
  stats: { ...anywhere, json, range: { type: "string", values: statsRanges, does: "how far back" } },
  completion: { ...anywhere, list: { type: "string", hidden: true } },
  doctor: anywhere,
  host: { ...anywhere, of: { type: "string", hidden: true } },
} as const satisfies Record<string, OptionSpecs>

export interface ActionSpec {
  options: readonly string[]
  /** What its words are. */
  words?: Values
  /** It takes any number of them. */
  many?: true
}

/** By subcommand; where the action may be left out, the first one is meant. */
export const commandActions = {
  tasks: {
    list: { options: ["all", "json", "follow"] },
    show: { options: ["json"], words: "tasks" },
    output: { options: ["follow"], words: "tasks" },
    stop: { options: [], words: "running", many: true },
    pause: { options: [], words: "running", many: true },
    resume: { options: [], words: "running", many: true },
    wait: { options: [], words: "running", many: true },
  },
  sessions: {
    list: { options: ["json"] },
    rename: { options: [], words: "sessions" },
    export: { options: [], words: "sessions" },
    import: { options: ["as-copy"], words: "files" },
    rm: { options: ["yes"], words: "sessions" },
  },
  agents: {
    list: { options: ["json"] },
    show: { options: [], words: "agents" },
    validate: { options: [], words: "files", many: true },
  },
  completion: { bash: { options: [] }, zsh: { options: [] }, fish: { options: [] } },
} as const satisfies Partial<Record<keyof typeof commandOptions, Readonly<Record<string, ActionSpec>>>>

type Actions = typeof commandActions
export type ActionOf<C extends keyof Actions> = keyof Actions[C] & string

export function actionsOf<C extends keyof Actions>(command: C): [ActionOf<C>, ...ActionOf<C>[]] {
  return Object.keys(commandActions[command]) as [ActionOf<C>, ...ActionOf<C>[]]
}

/**
 * Agreed, but without effect in this version: refused, never silently ignored, and left out of the help. As typed: an
 * option, an option with one of its values, a command, a command's action or a command's option. Whoever makes one work
 * takes it off here.
 */
const later: ReadonlySet<string> = new Set(["--add-dir", "--mcp-config", "mcp"])

export function isLater(typed: string): boolean {
  return later.has(typed)
}
