// `meanwhile host SESSION`: drives a session without a terminal, from where its rows say that it was, until nothing is
// left to do. `meanwhile host --of PID`: so with all that an interface drove which has died (bin/meanwhile starts it).
import { systemClock } from "../base/clock.ts"
import { Exit, type ExitCode, UserError } from "../base/error.ts"
import { visible } from "../base/escape.ts"
import { openData, openProgram, type ProgramOptions } from "../program.ts"
import { leaveSession } from "../runtime/terminal.ts"
import { abandonedBy } from "../session/abandoned.ts"
import { findSession } from "../session/find.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import type { Command } from "./command.ts"
import { interruptible } from "./interrupt.ts"

/** With nobody to look at it, nothing is cut off for being slow: as long as a timer can be. */
const PATIENCE_MS = 2 ** 31 - 1

/**
 * As the interface was opened whose work it is: what needs the user's word waits for the next one who looks, and so does
 * an agent at its cap; but with nobody there, it does not go on for ever.
 */
const FOR_AN_INTERFACE = { answerable: true, whenCapped: "pause", unattended: true, memory: "every" } as const

type HostCommand = Extract<Command, { type: "host" }>

export async function hostCommand(command: HostCommand): Promise<ExitCode> {
  using interruption = interruptible()
  const { signal } = interruption
  if ("of" in command) return hostAll(command.of, signal)
  const row = await read((store) => findSession(store, command.sessionId, ""))
  const end = await drive(row, { signal, options: {} })
  if (end !== "busy") return end
  throw new UserError("session-busy", `The session ${visible(row.name ?? row.id)} is at work in another process.`)
}

/** Nobody reads what it says: what goes wrong is in the log. */
async function hostAll(pid: number, signal: AbortSignal): Promise<ExitCode> {
  leaveSession()
  const rows = await read((store) => abandonedBy(store, systemClock, pid).map((id) => findSession(store, id, "")))
  const ends = await Promise.all(
    rows.map((row) => drive(row, { signal, options: FOR_AN_INTERFACE, failed: Exit.failed })),
  )
  return ends.find((end) => end !== "busy" && end !== Exit.done) ? Exit.failed : Exit.done
}

interface Driving {
  signal: AbortSignal
  options: Partial<ProgramOptions>
  /** What it comes to when it can't be driven, which is logged; without it, that is thrown. */
  failed?: ExitCode
}

/**
 * Takes the session's lease, recovers what its rows call running, and works until nothing waits. Services go on. A
 * signal leaves it as it is: what was under way goes on with the next host.
 */
async function drive({ id, cwd }: SessionRow, { signal, options, failed }: Driving): Promise<ExitCode | "busy"> {
  const program = await openProgram({ env: process.env, cwd, carriesOn: true, ...options })
  try {
    const row = await program.continueSession(id, {})
    const hosted = await program.host(row)
    if (!hosted) return "busy"
    try {
      const end = await hosted.converse({ signal, steps: hosted.stepsLeft, patienceMs: PATIENCE_MS })
      return end.type === "failed" ? Exit.failed : Exit.done
    } catch (error) {
      if (!signal.aborted) throw error
      return Exit.interrupted
    } finally {
      hosted.release()
    }
  } catch (error) {
    if (failed === undefined) throw error
    program.log.error("going on without the interface failed", { error, session: id })
    return failed
  } finally {
    program.close()
  }
}

async function read<T>(look: (store: Reader) => T): Promise<T> {
  const { store } = await openData(process.env)
  try {
    return look(store)
  } finally {
    store.close()
  }
}
