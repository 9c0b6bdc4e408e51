// The shell kind of task: a command under a runner that outlives this process. Output goes to the spool, the exit code
// to a file beside it; the row gets the size and the last lines while it runs, and head and tail at its end.
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import { type ChildEnvironment, childEnvironment } from "../exec/env.ts"
import { type PreparedShell, prepareShell, type ShellExit } from "../exec/runner.ts"
import { readHeadTail, readTail, spoolSize } from "../exec/spool.ts"
import { groupIsAlive, type StopResult, stopTree } from "../exec/stop.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"
import type { Store, Tx } from "../store/store.ts"
import type { Outcome, Prepared, RunControl, StopCause, TaskKind } from "./task.ts"

/** The `input` of a shell's task. */
export interface ShellInput {
  command: string
  /** Absolute path. */
  cwd: string
}

/** How often the row learns what a running command has written. */
const LOOK_MS = 500
const TAIL_BYTES = 4096
/** Of a command's output, what its result holds at most: its beginning and its end. */
const RESULT_CHARS = 30_000

export class ShellKind implements TaskKind {
  readonly kind = "shell"
  readonly #store: Store
  readonly #clock: Clock
  readonly #environment: ChildEnvironment

  constructor(parts: { store: Store; clock: Clock; environment: ChildEnvironment }) {
    this.#store = parts.store
    this.#clock = parts.clock
    this.#environment = parts.environment
  }

  async prepare(task: TaskRow, run: RunRow): Promise<Prepared> {
    const { command, cwd } = JSON.parse(task.input) as ShellInput
    const base = join(this.#store.folder("spool"), run.id)
    const spool = `${base}.out`
    const env = childEnvironment(this.#environment, { mark: run.id, forPerson: false })
    const shell = await prepareShell({ command, cwd, env, spool, exitFile: `${base}.exit`, mark: run.id })
    return {
      commit: (tx: Tx) => {
        const columns = { id: run.id, pid: shell.pid, started: shell.pidStarted, spool }
        tx.run("UPDATE run SET pid = :pid, pid_started = :started, spool = :spool WHERE id = :id", columns)
      },
      cancel: () => shell.cancel(),
      go: (control) => this.#follow(shell, { run, spool, control }),
    }
  }

  async #follow(
    shell: PreparedShell,
    { run, spool, control }: { run: RunRow; spool: string; control: RunControl },
  ): Promise<Outcome> {
    shell.go()
    const looking = setInterval(() => void this.#look(spool, control), LOOK_MS)
    let stop: Promise<StopResult> | undefined
    const kill = () => {
      stop ??= this.#stop(shell, { run, spool })
    }
    control.signal.addEventListener("abort", kill, { once: true })
    if (control.signal.aborted) kill()
    try {
      const exit = await shell.exited
      if (exit.liveChildren && !control.signal.aborted) {
        await this.#look(spool, control)
        await this.#serve(shell, { exit, control })
      }
      // A stop is over when everything is gone, not when the command itself has ended.
      const stopped = await stop
      const [bytes, result] = await Promise.all([spoolSize(spool), readHeadTail(spool, RESULT_CHARS)])
      const output = { bytes, tail: result.slice(-TAIL_BYTES) }
      return { ...outcomeOf(exit, { signal: control.signal, stop: stopped }), result, output }
    } finally {
      clearInterval(looking)
      control.signal.removeEventListener("abort", kill)
    }
  }

  /** What the command left behind is a service: it stays until its last process has ended or is stopped. */
  async #serve(shell: PreparedShell, { exit, control }: { exit: ShellExit; control: RunControl }): Promise<void> {
    await control.becomeService(exit.code)
    const group = shell.commandGroup()
    while (group !== undefined && !control.signal.aborted && (await groupIsAlive(group)))
      await this.#clock.sleep(LOOK_MS, control.signal).catch(() => undefined)
  }

  async #stop(shell: PreparedShell, { run, spool }: { run: RunRow; spool: string }): Promise<StopResult> {
    const target = {
      pid: shell.pid,
      pidStarted: shell.pidStarted,
      pgid: shell.commandGroup(),
      mark: run.id,
      spool,
      clock: this.#clock,
    }
    return stopTree(target)
  }

  async #look(spool: string, control: RunControl): Promise<void> {
    const bytes = await spoolSize(spool)
    await control.progress({ bytes, tail: bytes > 0 ? await readTail(spool, TAIL_BYTES) : "" })
  }
}

function outcomeOf(exit: ShellExit, { signal, stop }: { signal: AbortSignal; stop: StopResult | undefined }): Outcome {
  const common = { exitCode: exit.code }
  if (signal.aborted) {
    const cause = signal.reason as StopCause
    const left = stop && !stop.stopped ? `; these processes could not be ended: ${stop.survivors.join(", ")}` : ""
    if (cause.by === "deadline") return { state: "timed_out", reason: `its deadline passed${left}`, ...common }
    return { state: "stopped", reason: `stopped by the ${cause.by}${left}`, ...common }
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
