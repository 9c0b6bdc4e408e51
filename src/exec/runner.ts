// A shell command that outlives us: started in two steps (prepare, go), so that its row is committed before it runs, and
// found again by a later host (adopt).
import { closeSync, type FSWatcher, openSync, watch, writeFileSync } from "node:fs"
import { stat } from "node:fs/promises"
import { constants } from "node:os"
import { type Clock, systemClock } from "../base/clock.ts"
import { messageOf, UserError } from "../base/error.ts"
import { type DetachedProcess, spawnDetached } from "../runtime/spawn.ts"
import { RUN_MARK } from "./env.ts"
import { type ExitFile, readExitFile } from "./exit-file.ts"
import { findProgram } from "./find-program.ts"
import { type GuardSpec, guardDuring } from "./guard.ts"
import { operatingSystem } from "./os.ts"
import { runnerCommand } from "./runner-script.ts"
import { DEFAULT_CAP } from "./spool-cap.ts"
import { groupIsAlive } from "./stop.ts"

export interface ShellSpec {
  command: string
  /** Absolute path. */
  cwd: string
  /** The command's whole environment (exec/env.ts). */
  env: Record<string, string>
  /** Paths of files in an existing folder, both appended to. The second is only for runners of this one run. */
  spool: string
  exitFile: string
  /** The run's id. */
  mark: string
  /** Bytes of output on the disk at which the runner stops the command when no host is there to look. */
  unattendedLimit?: number
}

export interface ShellExit {
  /** Of the command, 128 + signal when one killed it (a shell's convention); null when it is unknown. */
  code: number | null
  /** The name of the signal that the code stands for. */
  signal?: NodeJS.Signals
  /** Whether processes of the command's group live on, as after `server &`. */
  liveChildren: boolean
  /** Whether the command was started at all: a runner that is not told to go ends with 125. */
  started: boolean
  /** Whether the runner stopped it for writing too much while no host was there. */
  overLimit: boolean
}

export interface PreparedShell {
  /** The runner's, which leads a session and a group of its own; never the command's. */
  readonly pid: number
  readonly pidStarted: string
  go(): void
  /** Instead of `go`: nothing runs, and the runner ends with 125. */
  cancel(): void
  /** The command's process group, once it has started. */
  commandGroup(): number | undefined
  readonly exited: Promise<ShellExit>
}

/** Linux takes at most 128 KiB in one argument (MAX_ARG_STRLEN), macOS 1 MiB in all; longer commands go by a file. */
const MOST_IN_ARGUMENT = 96 * 1024
/** A command that takes this long gets a guard (exec/guard.ts). */
const GUARD_AFTER_MS = 1000
/** Ten times the cap of a spool (design §4.9). */
const UNATTENDED_LIMIT = 10 * DEFAULT_CAP

/**
 * Starts a runner that waits for `go`. Throws a UserError when the folder is missing, there is no bash, or the system
 * refuses another process.
 */
export async function prepareShell(spec: ShellSpec, clock: Clock = systemClock): Promise<PreparedShell> {
  const bash = findProgram("bash", spec.env.PATH)
  if (!bash) throw new UserError("no-bash", "Cannot run a command: there is no bash in PATH. Install it and try again.")
  if (spec.command.includes("\0")) throw new UserError("bad-command", "Cannot run a command that has a NUL character.")
  const runner = await startRunner(bash, spec)
  // A runner that is dead already has no start time; "" equals none, so that nobody takes it for alive.
  const pidStarted = (await operatingSystem.startTime(runner.pid)) ?? ""
  let told = false
  const exited = runner.exited.then(async (code) => {
    runner.closeInput()
    const exit = await shellExit(readExitFile(spec.exitFile, runner.pid), {
      clock,
      runner: { pid: runner.pid, pidStarted },
    })
    if (exit.code !== null || !told || code === null) return exit
    // On a full disk the file has no last line; the runner's own exit code is the same.
    return { ...exit, ...codeAndSignal(code), started: true }
  })
  return {
    pid: runner.pid,
    pidStarted,
    go: () => {
      told = true
      runner.write("go\n")
      void guardDuring(exited, { spec: guardSpec(spec), clock, afterMs: GUARD_AFTER_MS })
    },
    cancel: () => runner.closeInput(),
    commandGroup: () => readExitFile(spec.exitFile).group,
    exited,
  }
}

export interface ShellRecord {
  pid: number
  pidStarted: string
  spool: string
  exitFile: string
  /** See ShellSpec. */
  unattendedLimit?: number
  /** As recorded; without it, the exit file tells. */
  pgid?: number | null
}

export type AdoptedShell =
  | { type: "running"; commandGroup(): number | undefined; exited: Promise<ShellExit> }
  | ({ type: "ended" } & ShellExit)
  /** The runner died without a word. `liveChildren`: its command is still there, but nobody will learn its exit code. */
  | { type: "gone"; liveChildren: boolean }

export interface Adopting {
  clock?: Clock
  /** Ends the watching of a running one: `exited` then rejects with its reason. */
  signal?: AbortSignal
}

/** What became of a shell that an earlier host started. */
export async function adoptShell(record: ShellRecord, adopting: Adopting = {}): Promise<AdoptedShell> {
  const { clock = systemClock, signal } = adopting
  const alive = await isRunning(record)
  // Read after the look at the runner: one that ended in between has written its last line.
  const file = readExitFile(record.exitFile, record.pid)
  if (file.group === undefined && record.pgid) file.group = record.pgid
  if (file.code !== undefined) return { type: "ended", ...(await shellExit(file, { clock, runner: record })) }
  if (!alive)
    return { type: "gone", liveChildren: file.group !== undefined && (await groupIsAlive(file.group, record)) }
  const commandGroup = () => readExitFile(record.exitFile).group
  const exited = watchForExit(record, { clock, signal })
  // The guard of the host before, if it came to that, takes us for gone: a second one does no harm.
  void guardDuring(exited, { spec: guardSpec(record), clock, afterMs: GUARD_AFTER_MS })
  return { type: "running", commandGroup, exited }
}

async function startRunner(bash: string, spec: ShellSpec): Promise<DetachedProcess> {
  const runner = runnerCommand({
    bash,
    // A file beside the spool, which the runner removes.
    command: Buffer.byteLength(spec.command) > MOST_IN_ARGUMENT ? { file: writeCommand(spec) } : { text: spec.command },
  })
  // bash believes PWD when it names the folder that it is in, and so keeps the symbolic links in it.
  const env = { ...spec.env, ...runner.env, PWD: spec.cwd, [RUN_MARK]: spec.mark }
  const output = openSync(spec.spool, "a", 0o600)
  try {
    // Never emptied: a runner before this one, whose host died, may have said in it that it started nothing, and that
    // has to hold until our own row is stored.
    const exitFile = openSync(spec.exitFile, "a", 0o600)
    try {
      return spawnDetached({ argv: runner.argv, cwd: spec.cwd, env, output, third: exitFile })
    } finally {
      closeSync(exitFile)
    }
  } catch (error) {
    // Asked only now, because it would cost every start a little: a missing folder is the usual reason.
    await refuseMissingFolder(spec.cwd)
    throw new UserError("cannot-start", `Cannot start a command in ${spec.cwd}: ${messageOf(error)}`)
  } finally {
    closeSync(output)
  }
}

function guardSpec({
  spool,
  exitFile,
  unattendedLimit = UNATTENDED_LIMIT,
}: Pick<ShellRecord, "spool" | "exitFile" | "unattendedLimit">): GuardSpec {
  return { spool, exitFile, limit: unattendedLimit }
}

function writeCommand({ exitFile, command }: ShellSpec): string {
  const path = `${exitFile}.sh`
  writeFileSync(path, command, { mode: 0o600 })
  return path
}

async function refuseMissingFolder(cwd: string): Promise<void> {
  const found = await stat(cwd).catch((error: unknown) => messageOf(error))
  if (typeof found === "object" && found.isDirectory()) return
  const why = typeof found === "object" ? "it is not a folder" : found
  throw new UserError("no-folder", `Cannot run a command in ${cwd}: ${why}. Was the folder moved or deleted?`)
}

async function isRunning({ pid, pidStarted }: ShellRecord): Promise<boolean> {
  return (await operatingSystem.startTime(pid)) === pidStarted
}

/** Somebody else's child cannot be waited for: its exit file is watched, and every half second its process is looked at. */
async function watchForExit(
  record: ShellRecord,
  { clock, signal }: { clock: Clock; signal: AbortSignal | undefined },
): Promise<ShellExit> {
  let changed = Promise.withResolvers<void>()
  const watcher = watchIfThere(record.exitFile, () => changed.resolve())
  try {
    for (;;) {
      signal?.throwIfAborted()
      changed = Promise.withResolvers()
      const alive = await isRunning(record)
      const file = readExitFile(record.exitFile, record.pid)
      if (file.code !== undefined || !alive) return await shellExit(file, { clock, runner: record })
      await waitFor(changed.promise, { ms: 500, clock, signal })
    }
  } finally {
    watcher?.close()
  }
}

/** Undefined when there is nothing to watch: then the half second has to do. */
function watchIfThere(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(path, onChange).on("error", onChange)
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  }
}

async function waitFor(
  event: Promise<void>,
  { ms, clock, signal }: { ms: number; clock: Clock; signal: AbortSignal | undefined },
): Promise<void> {
  const over = new AbortController()
  const signals = signal ? AbortSignal.any([signal, over.signal]) : over.signal
  const sleep = clock.sleep(ms, signals)
  try {
    await Promise.race([event, sleep])
  } finally {
    over.abort()
    // Ends the sleep when the event came first; its rejection is that abort.
    await sleep.catch(() => undefined)
  }
}

interface Looking {
  clock: Clock
  runner: Pick<ShellRecord, "pid" | "pidStarted">
}

async function shellExit({ group, code, overLimit }: ExitFile, looking: Looking): Promise<ShellExit> {
  const liveChildren = group !== undefined && (await outlives(group, looking))
  return { ...codeAndSignal(code), liveChildren, started: group !== undefined, overLimit }
}

function codeAndSignal(code: number | undefined): { code: number | null; signal?: NodeJS.Signals } {
  const signal = code === undefined ? undefined : SIGNAL_NAMES.get(code - 128)
  return signal ? { code: code!, signal } : { code: code ?? null }
}

/** Whether somebody of the group is there to stay: those who are about to end get 50 ms for it. */
async function outlives(group: number, { clock, runner }: Looking): Promise<boolean> {
  for (let look = 0; look < 3; look++) {
    if (!(await groupIsAlive(group, runner))) return false
    if (look < 2) await clock.sleep(25)
  }
  return true
}

const SIGNAL_NAMES = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name as NodeJS.Signals] as const),
)
