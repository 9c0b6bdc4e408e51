// A conversation with tasks in every state, for tests of the screens that show them: agents that are held by gates, one
// that asks for permission, shells that print, and some that have ended.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Gate } from "../../../testing/gate.ts"
import { type Workbench, workbench } from "../../../testing/headless.ts"
import type { CallSpec } from "../../../testing/model-server/reply.ts"
import { type ModelServer, type Route, reply, script, startModelServer } from "../../../testing/model-server.ts"
import { openTerminal, type Terminal, type TerminalOptions } from "../../../testing/terminal.ts"

export interface Story extends AsyncDisposable {
  readonly bench: Workbench
  readonly server: ModelServer
  readonly terminal: Terminal
  /** What holds the agents. */
  readonly gate: Gate
}

export interface StoryOptions extends TerminalOptions {
  /** What the conversation starts. */
  calls: readonly CallSpec[]
  /** What the agents do. */
  agents?: readonly Route[]
  /** Scripts of sh in the working folder, by name. */
  scripts?: Readonly<Record<string, string>>
  gate?: Gate
  /** What is waited for; without it, the conversation's word after its calls. */
  until?: string
}

export function agentCall(description: string, prompt: string, more: object = {}): CallSpec {
  return {
    name: "Agent",
    input: { subagent_type: "general-purpose", description, prompt, run_in_background: true, ...more },
  }
}

export function shellCall(command: string, more: object = {}): CallSpec {
  return { name: "Bash", input: { command, run_in_background: true, ...more } }
}

/** Resolves once the calls were made and the conversation has said so. */
export async function tellStory({
  calls,
  agents = [],
  scripts = {},
  gate = new Gate(),
  until = "They are at work.",
  ...options
}: StoryOptions): Promise<Story> {
  const server = await startModelServer({
    script: script.byAgent([
      ...agents,
      {
        name: "root",
        match: "Begin.",
        steps: [reply.calls(calls), reply.text("They are at work.")],
        after: reply.text("Noted."),
      },
    ]),
  })
  const bench = workbench(server)
  for (const [name, text] of Object.entries(scripts)) writeFileSync(join(bench.cwd, name), text)
  const args = ["--allowedTools", "Bash(sh:*)", ...(options.args ?? []), "Begin."]
  const terminal = await openTerminal(bench, { columns: 100, rows: 30, ...options, args })
  await terminal.shows(until)
  return {
    bench,
    server,
    terminal,
    gate,
    [Symbol.asyncDispose]: async () => {
      await terminal[Symbol.asyncDispose]()
      await bench[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
