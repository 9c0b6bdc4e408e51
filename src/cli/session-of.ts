// The session that a command line means: a new one, the last one here, or one by its name or id; or a fork of these.
import type { Program } from "../program.ts"
import type { SessionRow } from "../store/rows.ts"
import type { SessionOptions } from "./command.ts"

/** With that session, or with a fork of it. */
async function goOn(
  program: Program,
  wanted: string | undefined,
  { options, fork }: { options: SessionOptions; fork: { name?: string } | undefined },
): Promise<SessionRow> {
  if (!fork) return program.continueSession(wanted, options)
  return (await program.forkSession(wanted, { ...options, name: fork.name })).row
}

export async function sessionOf(program: Program, options: SessionOptions): Promise<SessionRow> {
  const { start } = options
  switch (start.type) {
    case "new":
      return program.createSession({ ...options, name: start.name })
    case "continue":
      return goOn(program, undefined, { options, fork: start.fork })
    case "resume":
      return goOn(program, start.session ?? "", { options, fork: start.fork })
    default:
      return start satisfies never
  }
}
