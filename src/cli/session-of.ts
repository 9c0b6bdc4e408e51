// The session that a command line means: a new one, the last one here, or one by its name or id.
import type { Program } from "../program.ts"
import type { SessionRow } from "../store/rows.ts"
import type { SessionOptions } from "./command.ts"

export async function sessionOf(program: Program, options: SessionOptions): Promise<SessionRow> {
  const { start } = options
  switch (start.type) {
    case "new":
      return program.createSession({ ...options, name: start.name })
    case "continue":
      return program.continueSession(undefined, options)
    case "resume":
      return program.continueSession(start.session ?? "", options)
    default:
      return start satisfies never
  }
}
