// The text that a session begins with. It is made once, when the session is created, and never changes: it is the
// prefix of every request.
import type { Clock } from "../base/clock.ts"
import { visible } from "../base/escape.ts"
import { isRepository } from "../base/paths.ts"
import { oneLine } from "../base/text.ts"
import type { AgentDefinition } from "./agent.ts"
import { MAIN_AGENT } from "./builtins.ts"

export interface Environment {
  /** Absolute path. */
  cwd: string
  isGitRepository: boolean
  /** As Node names it: `linux`, `darwin`. */
  platform: string
  /** Path of the shell that commands run in. */
  shell: string
  /** The local day, `2026-01-31`. No time: sessions of one day share their prefix. */
  date: string
}

/** `root` is the project's (`projectRoot`), `shell` the one that commands run in. */
export function describeEnvironment(now: { cwd: string; root: string; shell: string; clock: Clock }): Environment {
  const day = new Date(now.clock.now())
  const date = [day.getFullYear(), day.getMonth() + 1, day.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-")
  return { cwd: now.cwd, isGitRepository: isRepository(now.root), platform: process.platform, shell: now.shell, date }
}

/** What else a prompt says, each with its own tags around it; empty where there is nothing. */
export interface Surroundings {
  /** `loadInstructions` */
  instructions?: string
  /** `gitStatus` */
  gitStatus?: string
}

/** The parts that change least come first: agents of one definition share as long a beginning as possible. */
export function systemPrompt(
  definition: Pick<AgentDefinition, "prompt">,
  environment: Environment,
  { instructions = "", gitStatus = "" }: Surroundings = {},
): string {
  const parts = [definition.prompt.trim(), instructions, environmentBlock(environment), gitStatus]
  return parts.filter(Boolean).join("\n\n")
}

function environmentBlock({ cwd, isGitRepository, platform, shell, date }: Environment): string {
  return `<environment>
Working folder: ${visible(cwd)}
Git repository: ${isGitRepository ? "yes" : "no"}
Platform: ${visible(platform)}
Shell: ${visible(shell)}
Date: ${date}
</environment>`
}

/** How much of a description is shown at most, from the most generous; the last shows names only. */
const DESCRIPTION_LENGTHS = [240, 120, 60, 0]

/**
 * The agents that can be started, a line each, for the description of the Agent tool. At most `max` characters: with
 * many agents descriptions get shorter, at last the list does. The same agents give the same text in any order.
 */
export function agentListing(agents: readonly AgentDefinition[], max = 2500): string {
  const startable = agents.filter(({ name }) => name !== MAIN_AGENT).sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const length of DESCRIPTION_LENGTHS) {
    const text = startable.map((agent) => listed(agent, length)).join("\n")
    if (text.length <= max) return text
  }
  const more = (count: number) => `- and ${count} more`
  let text = ""
  let shown = 0
  for (const agent of startable) {
    const line = `${listed(agent, 0)}\n`
    if (text.length + line.length + more(startable.length).length > max) break
    text += line
    shown++
  }
  return text + more(startable.length - shown)
}

function listed({ name, description }: AgentDefinition, length: number): string {
  return length === 0 ? `- ${name}` : `- ${name}: ${oneLine(description, length)}`
}
