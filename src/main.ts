// The program's start: argv in, exit code out. One command is imported, and nothing that it does not use; asking for
// the version imports nothing else at all. Short answers use `console.log`: `process.stdout` costs 8 ms to load.
import { version } from "./base/version.ts"
import type { Command } from "./cli/command.ts"

const argv = process.argv.slice(2)
if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-v")) console.log(`meanwhile ${version}`)
else await start()

async function start(): Promise<never> {
  const lagFile = process.env.MEANWHILE_LAG_FILE
  if (lagFile) (await import("./runtime/lag.ts")).recordLag(lagFile)
  try {
    const { parseCommandLine } = await import("./cli/args.ts")
    process.exitCode = await run(parseCommandLine(argv))
  } catch (error) {
    process.exitCode = await report(error)
  }
  // What is left open by accident must not keep a script waiting. Commands wait themselves until all is written.
  process.exit()
}

/** Resolves to the exit code. */
async function run(command: Command): Promise<number> {
  switch (command.type) {
    case "version":
      console.log(`meanwhile ${version}`)
      return 0
    case "help":
      return (await import("./cli/help.ts")).help(command.topic)
    case "print":
      return (await import("./cli/print.ts")).printCommand(command)
    case "tasks":
      return (await import("./cli/tasks.ts")).tasksCommand(command)
    case "sessions":
      return (await import("./cli/sessions.ts")).sessionsCommand(command)
    case "agents":
      return (await import("./cli/agents.ts")).agentsCommand(command)
    case "stats":
      return (await import("./cli/stats.ts")).statsCommand(command)
    case "completion":
      return (await import("./cli/completion/completion.ts")).completionCommand(command)
    case "doctor":
      return (await import("./cli/doctor.ts")).doctor()
    case "host":
      return (await import("./cli/host.ts")).hostCommand(command)
    case "interface":
      return (await import("./cli/interface.ts")).interfaceCommand(command)
    default:
      return command satisfies never
  }
}

/** Says what went wrong, with a stack only in the log and only for our own mistakes; resolves to the exit code. */
async function report(error: unknown): Promise<number> {
  const [{ Exit, messageOf, UserError }, { stripControl }] = await Promise.all([
    import("./base/error.ts"),
    import("./base/escape.ts"),
  ])
  // Messages repeat what people, models and servers wrote.
  const say = (message: string) => console.error(`meanwhile: ${stripControl(message, { keepNewlines: true })}`)
  if (error instanceof UserError) {
    say(error.message)
    return error.exit
  }
  // Whoever read our output has gone (`| head`), and wants to hear nothing.
  if (error instanceof Error && "code" in error && error.code === "EPIPE") return Exit.failed
  const [{ createLog }, { homePaths }, { systemClock }] = await Promise.all([
    import("./base/log.ts"),
    import("./base/paths.ts"),
    import("./base/clock.ts"),
  ])
  const log = createLog(homePaths(process.env).data, systemClock)
  log.error("internal error", { error })
  say(`internal error: ${messageOf(error)}. This is a mistake in the program; details: ${log.path}`)
  return Exit.failed
}
