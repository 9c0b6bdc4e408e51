// The shell kind of task: a command under a runner that outlives this process. Output goes to the spool, the exit code
// to a file beside it; the row gets the size and the last lines while it runs, and head and tail at its end.
import { existsSync } from "node:fs"
import { readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import type { Log } from "../base/log.ts"
import { type ChildEnvironment, childEnvironment } from "../exec/env.ts"
import { readExitFile } from "../exec/exit-file.ts"
import { GroupHold } from "../exec/hold.ts"
import { operatingSystem } from "../exec/os.ts"
import { type AdoptedShell, adoptShell, type PreparedShell, prepareShell, type ShellExit } from "../exec/runner.ts"
import { hasNoRoom, readHeadTail, readTail, sizeNow, spoolSize, tailNow } from "../exec/spool.ts"
import { capSpool, DEFAULT_CAP } from "../exec/spool-cap.ts"
import { groupWatch, type StopResult, stopTree } from "../exec/stop.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"
import type { Store, Tx } from "../store/store.ts"
import type { Outcome, Prepared, RunControl, StopCause, TaskKind } from "./task.ts"

/** The `input` of a shell's task. */
export interface ShellInput {
  command: string
  /** Absolute path. */
  cwd: string
  /** Note the folder in which it ends: the next command begins there. */
  keepFolder?: boolean
}

const NO_ROOM = "(The disk that holds this output is full: some of it may be missing.)\n"

/** How often the row learns what a running command has written. */
const LOOK_MS = 500
const TAIL_BYTES = 4096
/** Of a command's output, what its result holds at most: its beginning and its end. */
const RESULT_CHARS = 30_000

export interface ShellParts {
  store: Store
  clock: Clock
  log: Log
  environment: ChildEnvironment
  /** Bytes of a command's output that are kept: its beginning and its end. */
  outputCap?: number | undefined
}

/** While no host is there, a command may write so many times the cap before its runner stops it (design §4.9). */
const UNATTENDED_TIMES = 10

/** Follows what a command writes, beside the row's own figures. */
export interface OutputWatcher {
  everyMs: number
  /** Called every `everyMs`, one at a time, and once more at the end. */
  look(spool: string): Promise<void>
}

export class ShellKind implements TaskKind {
  readonly kind: string
  readonly #parts: ShellParts
  readonly #looks = new Beat(LOOK_MS)
  readonly #watch: ((task: TaskRow, run: RunRow) => OutputWatcher) | undefined

  constructor(
    parts: ShellParts,
    options: { kind?: string; watch?: (task: TaskRow, run: RunRow) => OutputWatcher } = {},
  ) {
    this.kind = options.kind ?? "shell"
    this.#parts = parts
    this.#watch = options.watch
  }

  async prepare(task: TaskRow, run: RunRow): Promise<Prepared> {
    const { command, cwd, keepFolder } = JSON.parse(task.input) as ShellInput
    const { spool, exitFile, folderFile } = this.#files(run)
    const env = childEnvironment(this.#parts.environment, { mark: run.id, forPerson: false })
    const followed = keepFolder ? `${noteFolder(folderFile)}\n${command}` : command
    const unattendedLimit = UNATTENDED_TIMES * this.#cap
    const shell = await prepareShell({ command: followed, cwd, env, spool, exitFile, mark: run.id, unattendedLimit })
    const hold = new GroupHold(() => shell.commandGroup())
    return {
      commit: (tx: Tx) => {
        const columns = { id: run.id, pid: shell.pid, started: shell.pidStarted, spool }
        tx.run("UPDATE run SET pid = :pid, pid_started = :started, spool = :spool WHERE id = :id", columns)
      },
      cancel: () => shell.cancel(),
      go: (control) => {
        shell.go()
        return this.#follow(shell, { run, spool, control, hold, watcher: this.#watch?.(task, run) })
      },
      hold: () => hold.hold(),
      release: () => hold.release(),
    }
  }

  /** A shell outlives us: it is adopted while it runs, and its files tell how it ended meanwhile. */
  async resume(task: TaskRow, run: RunRow): Promise<Prepared> {
    const { pid, pid_started: pidStarted } = run
    const { spool, exitFile } = this.#files(run)
    if (pid === null || pidStarted === null) throw new Error(`run ${run.id} has no runner`)
    await untilBegun({ pid, pidStarted, exitFile }, this.#parts.clock)
    const watching = new AbortController()
    const adopted = await adoptShell(
      { pid, pidStarted, exitFile, spool, pgid: run.pgid, unattendedLimit: UNATTENDED_TIMES * this.#cap },
      { clock: this.#parts.clock, signal: watching.signal },
    )
    // Its runner was never told to go, or that reached it too late: nothing ran.
    if (adopted.type === "ended" && !adopted.started) return this.prepare(task, run)
    const commandGroup = () => readExitFile(exitFile).group
    const shell: FollowedShell = { pid, pidStarted, commandGroup, exited: exitOf(adopted) }
    const hold = new GroupHold(commandGroup)
    return {
      commit: () => {},
      cancel: () => watching.abort("cancelled"),
      go: (control) => this.#follow(shell, { run, spool, control, hold, watcher: this.#watch?.(task, run) }),
      hold: () => hold.hold(),
      release: () => hold.release(),
    }
  }

  get #cap(): number {
    return this.#parts.outputCap ?? DEFAULT_CAP
  }

  #files(run: RunRow): { spool: string; exitFile: string; folderFile: string } {
    const base = join(this.#parts.store.folder("spool"), run.id)
    return { spool: `${base}.out`, exitFile: `${base}.exit`, folderFile: `${base}.cwd` }
  }

  async #follow(shell: FollowedShell, { run, spool, control, hold, watcher }: Following): Promise<Outcome> {
    const cap = this.#cap
    const notCut = (error: unknown) =>
      this.#parts.log.error("a command's output could not be cut", { error, task: run.task_id })
    const figures = this.#repeat(this.#looks, figuresOf(spool, { cap, control, notCut }))
    const watching = watcher && this.#repeat(new Beat(watcher.everyMs), () => watcher.look(spool))
    let stop: Promise<StopResult> | undefined
    const kill = () => {
      hold.end()
      stop ??= this.#stop(shell, { run, spool })
    }
    control.signal.addEventListener("abort", kill, { once: true })
    if (control.signal.aborted) kill()
    try {
      const exit = known(await shell.exited)
      if (exit !== "gone" && exit.liveChildren && !control.signal.aborted) {
        await figures.now()
        await control.becomeService(exit.code)
      }
      if (exit === "gone" || exit.liveChildren) await this.#untilGone(shell, control)
      // A stop is over when everything is gone, not when the command itself has ended.
      const stopped = await stop
      await watching?.now()
      await capSpool(spool, cap, { ended: true }).catch(notCut)
      const [bytes, written] = await Promise.all([spoolSize(spool), readHeadTail(spool, RESULT_CHARS)])
      const result = (await hasNoRoom(spool)) ? `${written}${written.endsWith("\n") ? "" : "\n"}${NO_ROOM}` : written
      const output = { bytes, tail: result.slice(-TAIL_BYTES) }
      return { ...outcomeOf(exit, { signal: control.signal, stop: stopped }), result, output }
    } finally {
      hold.end()
      figures.end()
      watching?.end()
      control.signal.removeEventListener("abort", kill)
    }
  }

  /** Does something again and again, never twice at a time; a failure is logged and ends nothing. */
  #repeat(beat: Beat, action: () => Promise<void> | undefined): { now(): Promise<void>; end(): void } {
    const failed = (error: unknown) => this.#parts.log.error("looking at a command's output failed", { error })
    let working: Promise<void> | undefined
    const once = () => {
      if (working) return
      try {
        working = action()
          ?.catch(failed)
          .finally(() => {
            working = undefined
          })
      } catch (error) {
        failed(error)
      }
    }
    const beating = beat.add(once)
    return {
      now: async () => {
        await working
        once()
        await working
      },
      end: () => beating[Symbol.dispose](),
    }
  }

  /** What a command leaves behind stays until its last process has ended, or it is stopped. */
  async #untilGone(shell: FollowedShell, control: RunControl): Promise<void> {
    const group = shell.commandGroup()
    if (group === undefined) return
    const isAlive = groupWatch(group, shell)
    while (!control.signal.aborted && (await isAlive()))
      await this.#parts.clock.sleep(LOOK_MS, control.signal).catch(() => undefined)
  }

  async #stop(shell: FollowedShell, { run, spool }: { run: RunRow; spool: string }): Promise<StopResult> {
    const target = {
      pid: shell.pid,
      pidStarted: shell.pidStarted,
      pgid: shell.commandGroup(),
      mark: run.id,
      spool,
      clock: this.#parts.clock,
    }
    return stopTree(target)
  }
}

/** For so long at a time commands are looked at; then whoever else waits has its turn. */
const SLICE_MS = 2

/** One timer for all that is looked at so often, so that it is looked at in the same moment. */
class Beat {
  readonly #everyMs: number
  readonly #looks = new Set<() => void>()
  #timer: ReturnType<typeof setInterval> | undefined
  #isLooking = false

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  add(look: () => void): Disposable {
    this.#looks.add(look)
    this.#timer ??= setInterval(() => void this.#lookAtAll(), this.#everyMs)
    return {
      [Symbol.dispose]: () => {
        this.#looks.delete(look)
        if (this.#looks.size > 0) return
        clearInterval(this.#timer)
        this.#timer = undefined
      },
    }
  }

  async #lookAtAll(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    let since = performance.now()
    for (const look of this.#looks) {
      look()
      if (performance.now() - since < SLICE_MS) continue
      await new Promise((resolve) => setImmediate(resolve))
      since = performance.now()
    }
    this.#isLooking = false
  }
}

/** The longest that a runner may take between the end of its host and its own, or the start of its command. */
const BEGINNING_MS = 5000

/** A runner whose host has died either was told to go or is about to end: until it shows which, nobody can tell. */
async function untilBegun(
  { pid, pidStarted, exitFile }: { pid: number; pidStarted: string; exitFile: string },
  clock: Clock,
): Promise<void> {
  const end = clock.monotonic() + BEGINNING_MS
  const isOpen = async () =>
    readExitFile(exitFile).group === undefined && (await operatingSystem.startTime(pid)) === pidStarted
  while (clock.monotonic() < end && (await isOpen())) await clock.sleep(10)
}

/** A runner that was killed leaves no exit code: nobody will learn how its command, which may live on, ends. */
function known(exit: ShellExit | "gone"): ShellExit | "gone" {
  return exit !== "gone" && exit.code === null ? "gone" : exit
}

/** One that we started, or one that we adopted. `gone`: its runner died without a word, so nobody knows its exit code. */
type FollowedShell = Pick<PreparedShell, "pid" | "pidStarted" | "commandGroup"> & {
  exited: Promise<ShellExit | "gone">
}

async function exitOf(adopted: AdoptedShell): Promise<ShellExit | "gone"> {
  switch (adopted.type) {
    case "running":
      return adopted.exited
    case "ended":
      return adopted
    case "gone":
      return "gone"
    default:
      return adopted satisfies never
  }
}

interface Following {
  run: RunRow
  spool: string
  control: RunControl
  hold: GroupHold
  watcher: OutputWatcher | undefined
}

/**
 * Tells the row how much there is and how it ends, when that has changed; and lets the middle go when it is too much.
 * Many commands are looked at, most of which have written nothing or a line: that is found out at once, in some
 * microseconds, and told in the same moment as that of the others.
 */
function figuresOf(
  spool: string,
  { cap, control, notCut }: { cap: number; control: RunControl; notCut(error: unknown): void },
): () => Promise<void> | undefined {
  let told = 0
  let mayCut = true
  let hasFailed = false
  // A full disk, say: it is tried again, but told once, and the figures don't wait for it.
  const failed = (error: unknown) => {
    if (!hasFailed) notCut(error)
    hasFailed = true
    return true
  }
  const closer = async (bytes: number) => {
    if (mayCut) mayCut = await capSpool(spool, cap, { ended: false }).catch(failed)
    await control.progress({ bytes, tail: await readTail(spool, TAIL_BYTES) })
  }
  return () => {
    const bytes = sizeNow(spool)
    if (bytes === told) return undefined
    told = bytes
    const tail = bytes > cap ? undefined : tailNow(spool, TAIL_BYTES)
    return tail === undefined ? closer(bytes) : control.progress({ bytes, tail })
  }
}

/** For a command that changes its folder: where it was at its end. A trap, so that the exit code stays its own. */
function noteFolder(file: string): string {
  return `trap 'builtin pwd -P >${quoted(file).replaceAll("'", `'\\''`)}' EXIT`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** The folder in which a foreground command with `keepFolder` ended; undefined when it did not say. */
export async function folderAfter(run: RunRow): Promise<string | undefined> {
  const file = run.spool?.replace(/\.out$/, ".cwd")
  if (!file || !existsSync(file)) return undefined
  const folder = (await readFile(file, "utf8")).replace(/\n$/, "")
  await rm(file, { force: true })
  return folder || undefined
}

function outcomeOf(
  exit: ShellExit | "gone",
  { signal, stop }: { signal: AbortSignal; stop: StopResult | undefined },
): Outcome {
  const common = { exitCode: exit === "gone" ? null : exit.code }
  if (signal.aborted) {
    const cause = signal.reason as StopCause
    const left = stop && !stop.stopped ? `; these processes could not be ended: ${stop.survivors.join(", ")}` : ""
    if (cause.by === "deadline") return { state: "timed_out", reason: `its deadline passed${left}`, ...common }
    return { state: "stopped", reason: `stopped by the ${cause.by}${left}`, ...common }
  }
  if (exit === "gone")
    return {
      state: "lost",
      reason: "it ended together with the process that watched it, so its exit code is not known",
    }
  if (exit.code === 0) return { state: "completed", ...common }
  if (exit.overLimit) return { state: "failed", reason: "stopped: it wrote too much while nobody looked", ...common }
  if (exit.signal) return { state: "failed", reason: `ended by ${exit.signal}`, ...common }
  return {
    state: "failed",
    reason: exit.code === null ? "its exit code is not known" : `exit code ${exit.code}`,
    ...common,
  }
}
