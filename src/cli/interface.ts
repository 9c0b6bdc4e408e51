// `meanwhile`: the terminal interface, on a new session or on one that goes on.
import { join } from "node:path"
import { Exit, type ExitCode, UserError } from "../base/error.ts"
import { homePaths } from "../base/paths.ts"
import { openProgram } from "../program.ts"
import { isTerminal } from "../runtime/standard.ts"
import type { Command } from "./command.ts"
import { sessionOf } from "./session-of.ts"
import { workingFolder } from "./working-folder.ts"

type InterfaceCommand = Extract<Command, { type: "interface" }>

export async function interfaceCommand({ session, prompt }: InterfaceCommand): Promise<ExitCode> {
  if (!isTerminal(0) || !isTerminal(1))
    throw new UserError(
      "no-terminal",
      'The terminal interface needs a terminal. In a script, ask with -p: meanwhile -p "What does this project do?"',
      Exit.usage,
    )
  const tui = import("../ui/tui/tui.ts")
  const program = await openProgram({
    env: process.env,
    cwd: workingFolder(),
    begins: session.start.type === "new",
    allow: session.allowedTools,
    deny: session.disallowedTools,
    answerable: true,
    whenCapped: "pause",
    maxBudgetUsd: session.maxBudgetUsd,
    agents: session.agents && JSON.stringify(session.agents),
  })
  try {
    const row = await sessionOf(program, session)
    const { runTui } = await tui
    const keybindings = join(homePaths(process.env).config, "keybindings.json")
    await runTui({ program, row, env: process.env, keybindings, prompt })
    return Exit.done
  } finally {
    program.close()
  }
}
