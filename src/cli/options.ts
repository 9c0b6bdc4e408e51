// The options of the command line (docs/headless.md), what each takes, and which of them wait for later work. Reading
// argv is src/cli/args.ts; help texts are src/cli/help.ts.

interface OptionSpec {
  type: "string" | "boolean"
  short?: string
  /** May be given more than once; the values add up. */
  multiple?: boolean
  /** Another spelling that people know. */
  alias?: string
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

const anywhere = {
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "v" },
} as const satisfies OptionSpecs

/** Without a subcommand: the terminal interface, or one headless turn. */
export const sessionOptions = {
  ...anywhere,
  print: { type: "boolean", short: "p" },
  continue: { type: "boolean", short: "c" },
  resume: { type: "string", short: "r" },
  "fork-session": { type: "boolean" },
  name: { type: "string", short: "n" },
  agent: { type: "string" },
  agents: { type: "string" },
  model: { type: "string" },
  "permission-mode": { type: "string" },
  allowedTools: { type: "string", multiple: true, alias: "allowed-tools" },
  disallowedTools: { type: "string", multiple: true, alias: "disallowed-tools" },
  "output-format": { type: "string" },
  "input-format": { type: "string" },
  "max-turns": { type: "string" },
  "max-budget-usd": { type: "string" },
  wait: { type: "string" },
  trust: { type: "boolean" },
  "add-dir": { type: "string", multiple: true },
  "append-system-prompt": { type: "string" },
  "mcp-config": { type: "string", multiple: true },
  verbose: { type: "boolean" },
} as const satisfies OptionSpecs

/** By subcommand; which of its actions an option belongs to is checked where the action is read. */
export const commandOptions = {
  tasks: { ...anywhere, all: { type: "boolean" }, json: { type: "boolean" }, follow: { type: "boolean" } },
  sessions: { ...anywhere, json: { type: "boolean" } },
  agents: { ...anywhere, json: { type: "boolean" } },
  mcp: anywhere,
  stats: { ...anywhere, json: { type: "boolean" }, range: { type: "string" } },
  doctor: anywhere,
  host: anywhere,
} as const satisfies Record<string, OptionSpecs>

/**
 * Agreed, but without effect in this version: refused, never silently ignored, and left out of the help. As typed: an
 * option, an option with one of its values, a command, a command's action or a command's option. Whoever makes one work
 * takes it off here.
 */
const later: ReadonlySet<string> = new Set([
  "--add-dir",
  "--fork-session",
  "--max-budget-usd",
  "--mcp-config",
  "--trust",
  "agents validate PATH",
  "host",
  "mcp",
  "sessions export",
  "sessions rename",
  "sessions rm",
  "stats",
  "tasks --follow",
  "tasks pause",
  "tasks resume",
  "tasks wait",
])

export function isLater(typed: string): boolean {
  return later.has(typed)
}
