// `meanwhile --help` and `meanwhile COMMAND --help`: short, grouped, and only what works in this version.
import { type CommandName, commandNames } from "./command.ts"
import { isLater } from "./options.ts"

/** What to type, and what it does. `needs`: what must be available for the line to be shown (src/cli/options.ts). */
interface Line {
  what: string
  does: string
  needs?: string
}

interface Group {
  title: string
  lines: readonly Line[]
}

const sessionGroups: readonly Group[] = [
  {
    title: "Which session",
    lines: [
      { what: "-c, --continue", does: "go on with the last session of this folder" },
      { what: "-r, --resume [NAME|ID]", does: "go on with a session by its name or id; without one: choose it" },
      { what: "--fork-session", does: "with -c or -r: go on in a new session that shares what was said" },
      { what: "-n, --name NAME", does: "name the new session" },
    ],
  },
  {
    title: "How it works",
    lines: [
      { what: "--model ID", does: "provider/model, a model's bare id, or scout (works offline, without a key)" },
      { what: "--agent NAME", does: "be that agent: its prompt, tools, model and permission mode" },
      { what: "--agents JSON", does: "extra agent definitions for this run" },
      { what: "--append-system-prompt TEXT", does: "more instructions, after the built-in ones" },
      { what: "--add-dir DIR", does: "another folder to work in", needs: "--add-dir" },
      { what: "--mcp-config FILE", does: "MCP servers for this run", needs: "--mcp-config" },
    ],
  },
  {
    title: "What it may do",
    lines: [
      { what: "--permission-mode MODE", does: "default, acceptEdits, plan or bypassPermissions" },
      { what: "--allowedTools RULES", does: 'such as "Read, Bash(git log:*)"' },
      { what: "--disallowedTools RULES", does: "the same, and stronger" },
      { what: "--trust", does: "use this folder's settings for this run, as if it were trusted", needs: "--trust" },
      { what: "--max-turns N", does: "most steps of one turn" },
      { what: "--max-budget-usd N", does: "most money for this run", needs: "--max-budget-usd" },
    ],
  },
  {
    title: "Headless (with -p)",
    lines: [
      { what: "--output-format FORMAT", does: "text (default), json, or stream-json (one object a line)" },
      { what: "--input-format FORMAT", does: "text (default) or stream-json", needs: "--input-format stream-json" },
      { what: "--wait SECONDS", does: "how long to wait for background work at the end (default 600)" },
      { what: "--verbose", does: "say on standard error what happens" },
    ],
  },
]

const commandLines: Readonly<Record<Exclude<CommandName, "host">, readonly Line[]>> = {
  tasks: [
    { what: "tasks [--all] [--json]", does: "what runs, in every session; --all: what has ended, too" },
    { what: "tasks --follow [--json]", does: "the same, kept up to date; not on a terminal: a line for each change" },
    { what: "tasks show ID [--json]", does: "one task; the start of an id is enough" },
    { what: "tasks output ID", does: "what it wrote" },
    { what: "tasks output ID --follow", does: "what it wrote and writes, to its end" },
    { what: "tasks stop ID…", does: "end tasks and what they started" },
    { what: "tasks pause ID…", does: "let them hold", needs: "tasks pause" },
    { what: "tasks resume ID…", does: "let them go on", needs: "tasks resume" },
    { what: "tasks wait ID…", does: "wait for their ends; exit 0 when all of them completed" },
  ],
  sessions: [
    { what: "sessions [--json]", does: "all sessions, the one used last first" },
    { what: "sessions rename ID NAME", does: "give one a name" },
    { what: "sessions export ID", does: "one as JSON lines, with all that it started" },
    { what: "sessions import FILE|-", does: "make one again from such lines (-: standard input)" },
    { what: "sessions import FILE --as-copy", does: "the same, beside the session that it is" },
    { what: "sessions rm ID [--yes]", does: "delete one with all that it started" },
  ],
  agents: [
    { what: "agents list [--json]", does: "agent definitions, and where each comes from" },
    { what: "agents show NAME", does: "one definition" },
    { what: "agents validate", does: "what is wrong with agent files, and where" },
    { what: "agents validate PATH…", does: "the same for these files and folders" },
  ],
  mcp: [{ what: "mcp list|add|remove|enable|disable|get …", does: "MCP servers" }],
  stats: [
    {
      what: "stats [--json] [--range 7d|30d|all]",
      does: "tokens and cost: by day, by model, and in all (default 30d)",
    },
  ],
  completion: [
    { what: "completion bash|zsh|fish", does: "a script that completes commands, options, names and ids" },
    { what: "completion bash", does: 'in ~/.bashrc: eval "$(meanwhile completion bash)"' },
    { what: "completion zsh", does: "in ~/.zshrc, after compinit: source <(meanwhile completion zsh)" },
    { what: "completion fish", does: "in ~/.config/fish/config.fish: meanwhile completion fish | source" },
  ],
  doctor: [{ what: "doctor", does: "check the environment; each line says how to mend it" }],
}

const examples: readonly Line[] = [
  { what: 'meanwhile -p "Why does the login test fail?"', does: "" },
  { what: 'git diff | meanwhile -p "Review this change"', does: "" },
  { what: 'meanwhile -p -c "Now fix it" --permission-mode acceptEdits', does: "" },
  { what: 'meanwhile -p "Where are retries decided?" --model scout --verbose', does: "" },
]

/**
 * What the help says about something as it is typed: an option (`--model`), a command, or an action (`tasks show`).
 * Undefined where it has no line of its own.
 */
export function described(typed: string): string | undefined {
  const groups = [...sessionGroups.map(({ lines }) => lines), ...Object.values(commandLines)]
  return groups.flat().find(({ what }) => isAbout(what, typed))?.does
}

function isAbout(what: string, typed: string): boolean {
  const words = what.split(/,? /)
  if (typed.startsWith("-")) return words.find((word) => word.startsWith("--")) === typed && what.startsWith("-")
  return what === typed || what.startsWith(`${typed} `)
}

/** Prints the help; resolves to the exit code. */
export function help(topic: CommandName | undefined): number {
  console.log((topic === undefined || topic === "host" ? overview() : commandHelp(topic)).trimEnd())
  return 0
}

function overview(): string {
  const commands = commandNames.flatMap((name) =>
    name === "host" || isLater(name) ? [] : commandLines[name].slice(0, 1),
  )
  const intro = "Meanwhile is a coding agent for the terminal in which nothing blocks.\n\n"
  const usage = `  meanwhile -p PROMPT [options]   run one turn and its background work, print the last reply\n  meanwhile COMMAND\n`
  const groups: Group[] = [...sessionGroups, { title: "Commands (meanwhile COMMAND --help)", lines: commands }]
  return `${intro}${usage}\n${groups.map(render).join("\n")}\n${render({ title: "Examples", lines: examples })}
-p, --print reads standard input too. A prompt that begins with a dash goes after "--". -h, --help and -v, --version
work as everywhere. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 background work cut off, 4 a permission was missing,
5 a cap was reached, 130 interrupted.
`
}

function commandHelp(name: Exclude<CommandName, "host">): string {
  return render({
    title: "Usage",
    lines: commandLines[name].map((line) => ({ ...line, what: `meanwhile ${line.what}` })),
  })
}

/** A group in two columns, as wide as its own widest entry. */
function render({ title, lines }: Group): string {
  const shown = lines.filter((line) => !line.needs || !isLater(line.needs))
  const width = Math.max(29, ...shown.map((line) => line.what.length)) + 2
  return `${title}:\n${shown.map((line) => `  ${line.what.padEnd(width)}${line.does}`.trimEnd()).join("\n")}\n`
}
