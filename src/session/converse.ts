// Drives one session: a turn whenever something wakes it, until nothing waits and no task that it waits for lives.
import { breathe } from "../base/breathe.ts"
import type { Clock } from "../base/clock.ts"
import { sleepRunning } from "../base/patience.ts"
import type { Reader, Store } from "../store/store.ts"
import { until } from "../store/watch.ts"
import { LIVE } from "../task/task.ts"
import { compactAsked } from "./compactor.ts"
import { waiting } from "./inbox.ts"
import { openTurn } from "./recover.ts"
import type { Session, SessionParts } from "./session.ts"
import { type Allowance, runTurn, type TurnEnd } from "./turn.ts"

/** Notices that are ready together make one wake turn: it starts when none came for QUIET_MS, at the latest after LIMIT_MS. */
export const QUIET_MS = 25
const LIMIT_MS = 100

export interface Conversing {
  /** Ends the conversation; a turn under way is interrupted. */
  signal: AbortSignal
  /** Interrupts only the turn under way: the conversation goes on with what comes next. */
  interruption?: Interruption
  allowance: Allowance
  /**
   * Which live tasks of its own keep it waiting: an agent waits for its agents, `-p` for all but services. `nothing`: it
   * ends with its turns, for somebody who waits for what comes next by himself.
   */
  awaits: "agents" | "tasks" | "nothing"
  /** How long it waits for them at a stretch; without it, as long as it takes. */
  patienceMs?: number
}

/** How the last turn ended, or `cut-off`: patience ran out while tasks were still at work. */
export type ConversationEnd = TurnEnd | { type: "cut-off" }

export async function converse(session: Session, parts: SessionParts, options: Conversing): Promise<ConversationEnd> {
  const { store, clock } = parts
  let end: TurnEnd = { type: "nothing" }
  await compactAsked(session, parts, { during: "idle" })
  for (;;) {
    const next = await nextCause(session, { store, clock }, options)
    if (next === "idle") return end
    if (next === "cut-off") return { type: "cut-off" }
    await debounce(session, { store, clock }, options)
    const turn = await runTurn(session, parts, {
      ...options,
      signal: options.interruption?.during(options.signal) ?? options.signal,
    })
    if (turn.type !== "nothing") end = turn
    await compactAsked(session, parts, { during: "idle" })
    if (options.signal.aborted || turn.type === "out-of-steps" || turn.type === "capped") return end
  }
}

/** Esc: aborts the turn under way, if there is one, and none that comes later. */
export class Interruption {
  #turn = new AbortController()

  interrupt(by: object): void {
    this.#turn.abort(by)
  }

  /** The signal of a turn that begins now. */
  during(outer: AbortSignal): AbortSignal {
    this.#turn = new AbortController()
    return AbortSignal.any([outer, this.#turn.signal])
  }
}

async function nextCause(
  { row }: Session,
  { store, clock }: { store: Store; clock: Clock },
  { signal, awaits, patienceMs }: Conversing,
): Promise<"wake" | "idle" | "cut-off"> {
  using patience = patienceMs === undefined ? undefined : new Patience(clock, patienceMs)
  const look = () => {
    // An open turn, before any has begun here, is one whose process died.
    if (waiting(store, row.id) || openTurn(store, row.id)) return "wake"
    return awaits !== "nothing" && hasLiveTasks(store, row.id, awaits) ? undefined : "idle"
  }
  try {
    return await until(store, [`inbox:${row.id}`], {
      look,
      signal: patience ? AbortSignal.any([signal, patience.over]) : signal,
    })
  } catch (error) {
    if (patience?.over.aborted && !signal.aborted) return "cut-off"
    throw error
  }
}

/** Its signal is aborted when this process has run for so long: in what it slept through, no task could be waited for. */
class Patience implements Disposable {
  readonly #given = new AbortController()
  readonly #end = new AbortController()
  readonly over = this.#given.signal

  constructor(clock: Clock, ms: number) {
    sleepRunning(clock, ms, this.#end.signal).then(
      () => this.#given.abort(new DOMException("Patience ran out.", "TimeoutError")),
      () => undefined,
    )
  }

  [Symbol.dispose](): void {
    this.#end.abort()
  }
}

export function hasLiveTasks(reader: Reader, ownerId: string, which: "agents" | "tasks"): boolean {
  const kind = which === "agents" ? "task.kind = 'agent'" : "run.service = 0"
  // The newest first: of a thousand that end one by one, those are at work the longest.
  const sql = `SELECT 1 FROM task JOIN run ON run.task_id = task.id
    WHERE task.owner_id = :ownerId AND ${kind} AND run.state IN ${LIVE} ORDER BY task.rowid DESC LIMIT 1`
  return reader.one(sql, { ownerId }) !== undefined
}

/** A prompt starts its turn at once; notices wait a moment for those that come with them. */
async function debounce(
  { row }: Session,
  { store, clock }: { store: Store; clock: Clock },
  { signal }: Conversing,
): Promise<void> {
  const began = clock.monotonic()
  for (;;) {
    const due = waiting(store, row.id)
    // With nothing left alive no further notice can come.
    if (!due?.onlyNotices || !hasLiveTasks(store, row.id, "tasks")) return
    // By the rows, when the clock has not been set since: then it is no longer than this process has waited itself.
    const byRows = Math.min(due.lastAt + QUIET_MS, due.firstAt + LIMIT_MS) - clock.now()
    const left = Math.min(byRows, began + LIMIT_MS - clock.monotonic())
    // Agents that have ended, and wait for their turn to say so, belong to what is ready.
    if (left <= 0) return breathe("agent")
    await clock.sleep(left, signal)
  }
}
