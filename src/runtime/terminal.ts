// Letting go of the terminal while the process goes on: its descriptors become /dev/null in place, the process leaves the
// terminal's session, and the launcher (bin/meanwhile), which the shell waits for, is told to end. Bun has no dup2 and
// no setsid, so the system's library is called.
import { dlopen } from "bun:ffi"
import { closeSync, fstatSync, openSync, readdirSync, readlinkSync } from "node:fs"
import { constants } from "node:os"
import { isatty } from "node:tty"

/** Why the terminal can't be kept. `suspended`: somebody wants the process to stop, which would stop the work. */
export type HangUp = "closed" | "suspended" | "launcher-gone"

/** How often to look whether the launcher is still there. */
const LOOK_MS = 500

/**
 * Calls `listener` when the terminal goes: its window was closed (SIGHUP, or nothing can be read or written any more),
 * somebody stops the process (SIGTSTP), or the launcher was killed, after which the shell and we would share the
 * terminal. What is still written to one that has gone fails quietly, so that restoring it does no harm. Until it is
 * disposed none of these has another effect. In the background of a shell (SIGTTIN, SIGTTOU) the process stops, as all do
 * that need a terminal.
 */
export function onHangUp(listener: (why: HangUp) => void): Disposable {
  let isClosed = false
  const closed = () => {
    if (isClosed) return
    isClosed = true
    listener("closed")
  }
  const suspended = () => listener("suspended")
  process.stdin.on("end", closed).on("error", closed)
  process.stdout.on("error", closed)
  process.on("SIGHUP", closed)
  process.on("SIGTSTP", suspended)
  const launcher = launcherId()
  const look = () => {
    if (process.ppid === launcher) return
    clearInterval(looking)
    listener("launcher-gone")
  }
  const looking = launcher === undefined ? undefined : setInterval(look, LOOK_MS)
  looking?.unref()
  return {
    [Symbol.dispose]: () => {
      clearInterval(looking)
      process.stdin.off("end", closed).off("error", closed)
      process.stdout.off("error", closed)
      process.off("SIGHUP", closed)
      process.off("SIGTSTP", suspended)
      // Bun makes a signal that nobody listens to the end of the process again.
      if (hasLeft) ignoreTerminal()
    },
  }
}

/** Calls `listener` when the process goes on after it was stopped (SIGCONT): others may have written to the screen. */
export function onContinue(listener: () => void): Disposable {
  process.on("SIGCONT", listener)
  return { [Symbol.dispose]: () => void process.off("SIGCONT", listener) }
}

/** Whether the shell gets its prompt back when this process lets go: only the launcher can give it. */
export function hasLauncher(): boolean {
  return launcherId() !== undefined
}

/**
 * Lets go of the terminal, which must have been restored before: from now on this process neither reads nor writes it,
 * and does not end with it. Writing to standard output goes nowhere. Doing it twice changes nothing.
 */
export function letGo(): void {
  const launcher = launcherId()
  leaveSession()
  forgetTerminal()
  delete process.env.MEANWHILE_LAUNCHER
  if (launcher !== undefined) signal(launcher)
}

function signal(launcher: number): void {
  try {
    process.kill(launcher, "SIGUSR1")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return // killed at this moment
    throw error
  }
}

let hasLeft = false

/** For a process that nobody looks at: the end of a terminal, or of a login, is nothing to it. */
export function leaveSession(): void {
  hasLeft = true
  ignoreTerminal()
  // Fails for the leader of a group, which is one that a shell has started without the launcher: it stays where it is.
  library()?.setsid()
}

/** The launcher, when it really is our parent: nobody else's process may get its signal. */
function launcherId(): number | undefined {
  const said = Number(process.env.MEANWHILE_LAUNCHER)
  return said > 1 && said === process.ppid ? said : undefined
}

function ignoreTerminal(): void {
  for (const name of ["SIGHUP", "SIGTSTP", "SIGTTIN", "SIGTTOU"] as const) ignore(name)
}

const SIG_IGN = 1n

function ignore(name: "SIGHUP" | "SIGTSTP" | "SIGTTIN" | "SIGTTOU"): void {
  const system = library()
  if (system) system.signal(constants.signals[name], SIG_IGN)
  // A handler that does nothing is second best: a read that is refused is tried again with it.
  if (!system) process.on(name, () => undefined)
}

function forgetTerminal(): void {
  // What is asked of a terminal that has gone fails, such as ordinary keys: it is to fail quietly.
  for (const stream of [process.stdin, process.stdout, process.stderr]) stream.on("error", () => undefined)
  for (const descriptor of openTerminals()) pointAtNothing(descriptor)
}

/** Every descriptor of this process that is a terminal: also those that the runtime has opened for itself. */
function openTerminals(): number[] {
  // One that was closed at its other end is none any more if it is asked; what it was called still shows it.
  if (process.platform === "linux")
    return descriptors("/proc/self/fd").filter((one) => /^\/dev\/(pts\/|tty|console)/.test(linkOf(one) ?? ""))
  return descriptors("/dev/fd").filter((one) => isatty(one) || (one <= 2 && isDevice(one)))
}

function descriptors(folder: string): number[] {
  return readdirSync(folder).map(Number)
}

function isDevice(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice()
  } catch {
    // That of the listing itself.
    return false
  }
}

function linkOf(descriptor: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    // That of the listing itself.
    return undefined
  }
}

function pointAtNothing(descriptor: number): void {
  const system = library()
  if (!system) {
    // A new descriptor gets the lowest number that is free.
    closeSync(descriptor)
    openSync("/dev/null", "r+")
    return
  }
  const nothing = openSync("/dev/null", "r+")
  system.dup2(nothing, descriptor)
  closeSync(nothing)
}

interface Library {
  dup2(from: number, to: number): number
  setsid(): number
  signal(number: number, handler: bigint): unknown
}

let loaded: Library | null | undefined

/** Undefined where it can't be called. */
function library(): Library | undefined {
  if (loaded === undefined) loaded = load()
  return loaded ?? undefined
}

function load(): Library | null {
  const functions = {
    dup2: { args: ["int", "int"], returns: "int" },
    setsid: { args: [], returns: "int" },
    signal: { args: ["int", "u64"], returns: "ptr" },
  } as const
  try {
    if (process.platform === "darwin") return dlopen("libSystem.dylib", functions).symbols
    // The first is glibc's, the other musl's.
    for (const name of ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`]) {
      try {
        return dlopen(name, functions).symbols
      } catch {
        // Tried with the next name.
      }
    }
    return null
  } catch {
    return null
  }
}
