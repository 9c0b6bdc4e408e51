// Drives a session for an interface that stays: turns whenever something wakes it, errors of turns or not. Where another
// process drives it, this one looks on, and takes over as soon as that one has let go or died.
import { messageOf } from "../base/error.ts"
import type { Control, Hosted, Program, Viewer } from "../program.ts"
import type { SessionRow } from "../store/rows.ts"

export type DriverState = "host" | "viewer"

export interface Driver {
  readonly state: DriverState
  /** Why it can't go on just now, such as a full disk; it tries again. Turns that fail are rows, and not told here. */
  readonly problem: string | undefined
  /** Calls `listener` when `state` or `problem` has changed, until disposed. */
  onChange(listener: () => void): Disposable
  /**
   * Resolves when nothing waits, no turn is under way and no task but services lives; at once where another process sees
   * to it. Rejects with the signal's reason.
   */
  untilIdle(signal: AbortSignal): Promise<void>
  /** Pauses all tasks; resolves when that is done. A turn that was blocked on them goes on. */
  pauseAll(): Promise<void>
  /** Interrupts the turn and stops all tasks; resolves when their ends were seen. */
  stopAll(): Promise<void>
  /**
   * The process is about to end. What is idle is let go at once; what is under way is not cut off but keeps the lease
   * until the process has ended, and goes on with the next host from its rows: so the program is not closed before.
   */
  dispose(): void
}

/** The least time between two looks whether somebody else still drives it: bells ring for each change of a tree. */
const LOOK_MS = 200
/** How long a request to a host may take: a stop's five seconds, and some. */
const PATIENCE_MS = 15_000
const POLL_MS = 20
/** After something that is no turn's error, such as a full disk. */
const TRY_AGAIN_MS = 1_000

/** Takes the session when it is free; resolves when that is known. */
export async function createDriver(program: Program, row: SessionRow): Promise<Driver> {
  const driver = new SessionDriver(program, row)
  await driver.begin()
  return driver
}

class SessionDriver implements Driver {
  readonly #program: Program
  readonly #row: SessionRow
  readonly #viewer: Viewer
  readonly #listeners = new Set<() => void>()
  readonly #end = new AbortController()
  #hosted: Hosted | undefined
  /** Between turns, and no turn's promise is held. */
  #rests = false
  #problem: string | undefined

  constructor(program: Program, row: SessionRow) {
    this.#program = program
    this.#row = row
    this.#viewer = program.view(row)
  }

  get state(): DriverState {
    return this.#hosted ? "host" : "viewer"
  }

  get problem(): string | undefined {
    return this.#problem
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** Never rejects later: what goes wrong is `problem`. */
  async begin(): Promise<void> {
    const hosted = await this.#program.host(this.#row)
    this.#drive(hosted).catch((error) => this.#trouble(error))
  }

  async untilIdle(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = () => {
      if (!this.#hosted || this.#isIdle()) resolve()
    }
    const onAbort = () => reject(signal.reason)
    signal.throwIfAborted()
    signal.addEventListener("abort", onAbort, { once: true })
    using _changes = this.onChange(look)
    using _feed = this.#program.store.listen(`feed:${this.#row.id}`, look)
    // What is no news for anybody, such as a prompt that was taken back, rings no bell here.
    const net = setInterval(look, LOOK_MS)
    try {
      look()
      await promise
    } finally {
      clearInterval(net)
      signal.removeEventListener("abort", onAbort)
    }
  }

  pauseAll(): Promise<void> {
    return this.#ask({ action: "pause_all" })
  }

  async stopAll(): Promise<void> {
    await this.#ask({ action: "interrupt" })
    await this.#ask({ action: "stop_all" })
  }

  dispose(): void {
    this.#end.abort()
    this.#listeners.clear()
    if (this.#hosted && this.#rests && !this.#hasLiveRuns()) this.#hosted.release()
  }

  async #drive(first: Hosted | undefined): Promise<void> {
    const hosted = first ?? (await this.#untilFree())
    if (!hosted) return
    this.#became(hosted)
    await this.#host(hosted)
    if (this.#end.signal.aborted) return
    // Another process has taken the tree. What this one had begun may not write into it, so it only looks on from here.
    hosted.release()
    this.#problem = messageOf(hosted.lost.reason)
    this.#became(undefined)
  }

  /** Until the lease is lost, or the process is about to end. */
  async #host(hosted: Hosted): Promise<void> {
    const forEver = new AbortController().signal
    while (!this.#end.signal.aborted && !hosted.lost.aborted) {
      try {
        const steps = this.#row.max_steps ?? Number.POSITIVE_INFINITY
        this.#rests = false
        await hosted.converse({ signal: forEver, steps, awaits: "nothing" })
        this.#settled()
        this.#rests = true
        await hosted.woken(this.#end.signal)
      } catch (error) {
        if (this.#end.signal.aborted || hosted.lost.aborted) return
        this.#trouble(error)
        await this.#program.clock.sleep(TRY_AGAIN_MS, this.#end.signal).catch(() => undefined)
      }
    }
  }

  /** Resolves with the session once it can be taken; undefined when the process is about to end. */
  async #untilFree(): Promise<Hosted | undefined> {
    const end = this.#end.signal
    const { clock } = this.#program
    let rung = Promise.withResolvers<void>()
    const ring = () => rung.resolve()
    using _ = this.#viewer.listen(ring)
    end.addEventListener("abort", ring, { once: true })
    for (; !end.aborted; rung = Promise.withResolvers()) {
      try {
        const hosted = this.#viewer.isHosted() ? undefined : await this.#program.host(this.#row)
        if (hosted) return hosted
        this.#settled()
      } catch (error) {
        this.#trouble(error)
      }
      await clock.sleep(LOOK_MS, end).catch(() => undefined)
      await rung.promise
    }
    return undefined
  }

  #isIdle(): boolean {
    const busy = `SELECT 1 FROM inbox WHERE session_id = :id AND (wake = 1 OR kind = 'control')
      UNION ALL SELECT 1 FROM turn WHERE session_id = :id AND state = 'open' LIMIT 1`
    return this.#program.store.one(busy, { id: this.#row.id }) === undefined && !this.#hasLiveRuns()
  }

  /** Services live on by themselves. */
  #hasLiveRuns(): boolean {
    const live = this.#program.listTasks({ rootId: this.#row.id, live: true })
    return live.some(({ run }) => run.service === 0)
  }

  /** Has the host do something, be it this process or another one, and waits until it is done. */
  async #ask(control: Control): Promise<void> {
    const { store, clock } = this.#program
    const id = await this.#viewer.control(control)
    const end = clock.monotonic() + PATIENCE_MS
    while (store.one("SELECT 1 FROM inbox WHERE id = :id", { id }) && clock.monotonic() < end)
      await clock.sleep(POLL_MS)
  }

  #became(hosted: Hosted | undefined): void {
    this.#hosted = hosted
    this.#changed()
  }

  #trouble(error: unknown): void {
    this.#program.log.error("driving the session failed", { error, session: this.#row.id })
    if (this.#problem === messageOf(error)) return
    this.#problem = messageOf(error)
    this.#changed()
  }

  #settled(): void {
    if (this.#problem === undefined) return
    this.#problem = undefined
    this.#changed()
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
