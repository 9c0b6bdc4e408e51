// `meanwhile`: the terminal interface, on a new session or on one that goes on.
import { Exit, type ExitCode, UserError } from "../base/error.ts"
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
  const tui = import("../ui/tui/house.ts")
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
    const { how, drivers } = await runTui({ program, row, next: session, env: process.env, prompt })
    if (how === "keep") await Promise.all(drivers.map((driver) => driver.untilIdle(new AbortController().signal)))
    for (const driver of drivers) driver.dispose()
    return Exit.done
  } finally {
    program.close()
  }
}
