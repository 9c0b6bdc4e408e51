// `meanwhile`: the terminal interface, on a new session or on one that goes on; and what becomes of its work when the
// terminal is gone.
import { spawn } from "node:child_process"
import { Exit, type ExitCode, messageOf, UserError } from "../base/error.ts"
import { stripControl } from "../base/escape.ts"
import type { Program } from "../program.ts"
import { selfCommand } from "../runtime/self.ts"
import { isTerminal } from "../runtime/standard.ts"
import { hasLauncher, letGo, onContinue, onHangUp } from "../runtime/terminal.ts"
import type { Departure } from "../ui/tui/house.ts"
import type { Surface } from "../ui/tui/surface.ts"
import type { Command, SessionOptions } from "./command.ts"
import { sessionOf } from "./session-of.ts"
import { workingFolder } from "./working-folder.ts"

type InterfaceCommand = Extract<Command, { type: "interface" }>

/** How the launcher (bin/meanwhile) knows that the work must be gone on with. */
const FAILED_INSIDE = 70
/** As shells say it of a process that SIGTERM has ended. */
const KILLED = 143

export async function interfaceCommand({ session, prompt }: InterfaceCommand): Promise<ExitCode> {
  if (!isTerminal(0) || !isTerminal(1))
    throw new UserError(
      "no-terminal",
      'The terminal interface needs a terminal. In a script, ask with -p: meanwhile -p "What does this project do?"',
      Exit.usage,
    )
  const cwd = workingFolder()
  const { EarlyPrompt, Surface } = await import("../ui/tui/early.ts")
  const surface = new Surface()
  const hangUp = new AbortController()
  let program: Program | undefined
  // While the user's own editor has the terminal, it is the editor that is suspended, and not the work.
  using _hangUp = onHangUp((why) => (why === "suspended" && !surface.isShown ? undefined : hangUp.abort()))
  using _continue = onContinue(() => surface.redraw())
  using _failures = fatal(surface, () => program?.log)
  using _kill = onKill(surface)
  // A terminal that is gone can't be written to.
  process.stdout.on("error", () => hangUp.abort())
  const leave = () => {
    surface.hide()
    process.exit(Exit.done)
  }
  const isPicking = session.start.type === "resume" && session.start.session === undefined
  // The screen of sessions has no prompt.
  const early = isPicking
    ? undefined
    : new EarlyPrompt({ surface, env: process.env, cwd, isNew: session.start.type === "new", leave })
  early?.show()
  try {
    // The prompt can be used from here on. What opens behind it comes in pieces, and keys between them.
    await turnOfTheLoop()
    const [{ openProgram }, { isOpenToOthers, isWorthAsking }] = await Promise.all([
      import("../program.ts"),
      import("../session/trust.ts"),
    ])
    let isAlone = false
    const open = () =>
      openProgram({
        env: process.env,
        cwd,
        begins: session.start.type === "new",
        allow: session.allowedTools,
        deny: session.disallowedTools,
        answerable: true,
        titles: true,
        memory: "every",
        whenCapped: "pause",
        maxBudgetUsd: session.maxBudgetUsd,
        maxSteps: session.maxTurns,
        agents: session.agents && JSON.stringify(session.agents),
        unattended: () => isAlone,
        trust: session.trust,
        stuck: (error) => surface.flash(error.message),
      })
    await turnOfTheLoop()
    program = await open()
    await turnOfTheLoop()
    const { askFolderTrust, askSession, runTui } = await import("../ui/tui/house.ts")
    await turnOfTheLoop()
    const { trust } = program
    // Nothing opens over what somebody types: then it is asked the next time.
    if (isWorthAsking(trust) && !early?.isUsed) {
      const asked = { env: process.env, trust, isOpenToOthers: isOpenToOthers(trust.folder), hangUp: hangUp.signal }
      const answer = await askFolderTrust(surface, asked)
      if (answer === "leave") return Exit.done
      if (answer !== "later") await program.answerTrust(answer)
      if (answer === "trusted") {
        program.close()
        program = await open()
      }
    }
    const picked = isPicking
      ? await askSession(surface, { program, env: process.env, hangUp: hangUp.signal })
      : undefined
    if (isPicking && !picked) return Exit.done
    const row = await sessionOf(program, picked ? resuming(session, picked.id) : session)
    await turnOfTheLoop()
    // A fork has the message as well: it shares what was said.
    const at = picked?.at
    const opening = { program, row, next: session, env: process.env, prompt, at, early, hangUp: hangUp.signal }
    const departure = await runTui(surface, opening)
    if (departure.how === "keep") {
      isAlone = true
      await keepWorking(departure)
    }
    for (const driver of departure.drivers) driver.dispose()
    return Exit.done
  } finally {
    // What could not be opened is said on the normal screen.
    surface.hide()
    program?.close()
  }
}

function resuming(options: SessionOptions, id: string): SessionOptions {
  return { ...options, start: { ...options.start, type: "resume", session: id } }
}

/** Lets keys in, and what they change be drawn. */
function turnOfTheLoop(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  setImmediate(resolve)
  return promise
}

/** Goes on without the terminal until nothing is left to do: in this process, or, without a launcher, in the next one. */
async function keepWorking({ drivers }: Departure): Promise<void> {
  if (!hasLauncher()) return hostAfterUs()
  letGo()
  await Promise.all(drivers.map((driver) => driver.untilIdle(new AbortController().signal)))
}

/** The shell waits for this process, which therefore ends; another one goes on with what it leaves. */
function hostAfterUs(): void {
  const { command, args, env } = selfCommand(["host", "--of", String(process.pid)])
  const script = 'while kill -0 "$0" 2>/dev/null; do sleep 0.05; done; exec "$@"'
  const child = spawn("/bin/sh", ["-c", script, String(process.pid), command, ...args], {
    env,
    detached: true,
    stdio: "ignore",
  })
  child.unref()
}

/** A polite kill is meant: the screen is given back, and what was under way goes on with whoever opens the session next. */
function onKill(surface: Surface): Disposable {
  const end = () => {
    surface.hide()
    process.exit(KILLED)
  }
  process.on("SIGTERM", end)
  return { [Symbol.dispose]: () => void process.off("SIGTERM", end) }
}

/** What nobody caught ends the interface, and not the work: the screen is given back, and the launcher sees to the rest. */
function fatal(surface: Surface, log: () => Program["log"] | undefined): Disposable {
  const die = (error: unknown) => {
    surface.hide()
    log()?.error("the interface failed", { error })
    const message = stripControl(messageOf(error))
    const details = log() ? `; details: ${log()?.path}` : ""
    console.error(`meanwhile: internal error: ${message}. This is a mistake in the program${details}`)
    process.exit(FAILED_INSIDE)
  }
  process.on("uncaughtException", die)
  process.on("unhandledRejection", die)
  return {
    [Symbol.dispose]: () => {
      process.off("uncaughtException", die)
      process.off("unhandledRejection", die)
    },
  }
}
