// `meanwhile host SESSION`: drives a session without a terminal, from where its rows say that it was, until nothing is
// left to do. Started when the process that drove it has gone.
import { Exit, type ExitCode, UserError } from "../base/error.ts"
import { visible } from "../base/escape.ts"
import { openData, openProgram } from "../program.ts"
import { findSession } from "../session/find.ts"
import { interruptible } from "./interrupt.ts"

/** With nobody to look at it, nothing is cut off for being slow: as long as a timer can be. */
const PATIENCE_MS = 2 ** 31 - 1

/**
 * Takes the session's lease, recovers what its rows call running, and works until nothing waits. Services go on. A
 * signal leaves it as it is: what was under way goes on with the next host.
 */
export async function hostCommand({ sessionId }: { sessionId: string }): Promise<ExitCode> {
  const interruption = interruptible()
  const wanted = await sessionRow(sessionId)
  const program = await openProgram({ env: process.env, cwd: wanted.cwd })
  try {
    const row = await program.continueSession(wanted.id, {})
    const hosted = await program.host(row)
    if (!hosted)
      throw new UserError("session-busy", `The session ${visible(row.name ?? row.id)} is at work in another process.`)
    try {
      const steps = row.max_steps ?? Number.POSITIVE_INFINITY
      const end = await hosted.converse({ signal: interruption.signal, steps, patienceMs: PATIENCE_MS })
      return end.type === "failed" ? Exit.failed : Exit.done
    } catch (error) {
      if (!interruption.signal.aborted) throw error
      return Exit.interrupted
    } finally {
      hosted.release()
    }
  } finally {
    interruption[Symbol.dispose]()
    program.close()
  }
}

async function sessionRow(wanted: string) {
  const { store } = await openData(process.env)
  try {
    return findSession(store, wanted, "")
  } finally {
    store.close()
  }
}
