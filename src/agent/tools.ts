// Which tools an agent gets. An entry names a tool, `mcp__server__*` all that begin so, `*` all; in parentheses it may
// say for what, as in `Bash(git:*)` or `Agent(explore)`.
import type { AgentDefinition } from "./agent.ts"

/** Sessions at this depth start no agents; the root has depth 0. */
export const DEEPEST_AGENT = 3

/** Those that start tasks, and those that are of use only with them. */
const STARTERS: ReadonlySet<string> = new Set(["Agent", "Bash"])
const TASK_TOOLS: ReadonlySet<string> = new Set(["TaskList", "TaskOutput", "TaskStop"])
const ALIASES: Record<string, string> = { task: "agent" }

/**
 * Names from `available`, in its order, that the agent may use. A part that is in parentheses decides nothing here
 * (see `toolLimits`): `Bash(git:*)` gives Bash, and as a disallowed tool takes nothing away.
 */
export function toolsFor(
  { tools, disallowedTools = [] }: Pick<AgentDefinition, "tools" | "disallowedTools">,
  available: readonly string[],
  { depth }: { depth: number },
): string[] {
  const denied = disallowedTools.filter((entry) => part(entry) === undefined)
  const isAllowed = (name: string) => !tools || tools.some((entry) => matches(entry, name))
  const open = available.filter((name) => !denied.some((entry) => matches(entry, name)))
  const chosen = new Set(open.filter((name) => isAllowed(name) && (name !== "Agent" || depth < DEEPEST_AGENT)))
  const startsTasks = [...chosen].some((name) => STARTERS.has(name))
  return open.filter((name) => (TASK_TOOLS.has(name) ? startsTasks : chosen.has(name)))
}

/**
 * The entries that allow or deny only a part of a tool, for whoever decides on a call: `only` is all that may be done
 * with the tools it names, unless the whole tool is listed as well.
 */
export function toolLimits({ tools = [], disallowedTools = [] }: Pick<AgentDefinition, "tools" | "disallowedTools">): {
  only: string[]
  deny: string[]
} {
  const whole = tools.filter((entry) => part(entry) === undefined)
  const isLimited = (entry: string) =>
    part(entry) !== undefined && !whole.some((known) => matches(known, toolName(entry)))
  return { only: tools.filter(isLimited), deny: disallowedTools.filter((entry) => part(entry) !== undefined) }
}

/** Entries of a list in one text: separated by commas or spaces, but not within parentheses. */
export function splitTools(text: string): string[] {
  const entries: string[] = []
  let entry = ""
  let depth = 0
  for (const character of text) {
    if (character === "(") depth++
    if (character === ")") depth = Math.max(0, depth - 1)
    if (depth > 0 || !/[,\s]/.test(character)) {
      entry += character
      continue
    }
    if (entry) entries.push(entry)
    entry = ""
  }
  return entry ? [...entries, entry] : entries
}

/** Whether an entry has the form that this file describes. */
export function isToolEntry(entry: string): boolean {
  return /^(?:\*|[\w.:-]+\*?(?:\([^\n]*\))?)$/.test(entry)
}

function toolName(entry: string): string {
  return entry.split("(", 1)[0]!
}

/** What stands in the parentheses; `*` and nothing mean the whole tool. */
function part(entry: string): string | undefined {
  const inside = /\((.*)\)$/s.exec(entry)?.[1]?.trim()
  return inside === "" || inside === "*" ? undefined : inside
}

function matches(entry: string, name: string): boolean {
  const written = toolName(entry).toLowerCase()
  const wanted = ALIASES[written] ?? written
  if (wanted.endsWith("*")) return name.toLowerCase().startsWith(wanted.slice(0, -1))
  return name.toLowerCase() === wanted
}
