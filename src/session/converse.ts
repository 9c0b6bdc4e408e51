// Drives one session: a turn whenever something wakes it, until nothing waits and no task that it waits for lives.
import { breathe } from "../base/breathe.ts"
import type { Clock } from "../base/clock.ts"
import type { Reader, Store } from "../store/store.ts"
import { until } from "../store/watch.ts"
import { LIVE } from "../task/task.ts"
import { waiting } from "./inbox.ts"
import { openTurn } from "./recover.ts"
import type { Session, SessionParts } from "./session.ts"
import { type Allowance, runTurn, type TurnEnd } from "./turn.ts"

/** Notices that are ready together make one wake turn: it starts when none came for QUIET_MS, at the latest after LIMIT_MS. */
const QUIET_MS = 25
const LIMIT_MS = 100

export interface Conversing {
  /** Ends the conversation; a turn under way is interrupted. */
  signal: AbortSignal
  /** Interrupts only the turn under way: the conversation goes on with what comes next. */
  interruption?: Interruption
  allowance: Allowance
  /** Which live tasks of its own keep it waiting: an agent waits for its agents, `-p` for all but services. */
  awaits: "agents" | "tasks"
  /** How long it waits for them at a stretch; without it, as long as it takes. */
  patienceMs?: number
}

/** How the last turn ended, or `cut-off`: patience ran out while tasks were still at work. */
export type ConversationEnd = TurnEnd | { type: "cut-off" }

export async function converse(session: Session, parts: SessionParts, options: Conversing): Promise<ConversationEnd> {
  const { store, clock } = parts
  let end: TurnEnd = { type: "nothing" }
  for (;;) {
    const next = await nextCause(session, store, options)
    if (next === "idle") return end
    if (next === "cut-off") return { type: "cut-off" }
    await debounce(session, { store, clock }, options)
    const turn = await runTurn(session, parts, {
      ...options,
      signal: options.interruption?.during(options.signal) ?? options.signal,
    })
    if (turn.type !== "nothing") end = turn
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
  store: Store,
  { signal, awaits, patienceMs }: Conversing,
): Promise<"wake" | "idle" | "cut-off"> {
  const patience = patienceMs === undefined ? undefined : AbortSignal.timeout(patienceMs)
  const look = () => {
    // An open turn, before any has begun here, is one whose process died.
    if (waiting(store, row.id) || openTurn(store, row.id)) return "wake"
    return hasLiveTasks(store, row.id, awaits) ? undefined : "idle"
  }
  try {
    return await until(store, [`inbox:${row.id}`], {
      look,
      signal: patience ? AbortSignal.any([signal, patience]) : signal,
    })
  } catch (error) {
    if (patience?.aborted && !signal.aborted) return "cut-off"
    throw error
  }
}

export function hasLiveTasks(reader: Reader, ownerId: string, which: "agents" | "tasks"): boolean {
  const kind = which === "agents" ? "task.kind = 'agent'" : "run.service = 0"
  const sql = `SELECT 1 FROM task JOIN run ON run.task_id = task.id
    WHERE task.owner_id = :ownerId AND ${kind} AND run.state IN ${LIVE} LIMIT 1`
  return reader.one(sql, { ownerId }) !== undefined
}

/** A prompt starts its turn at once; notices wait a moment for those that come with them. */
async function debounce(
  { row }: Session,
  { store, clock }: { store: Store; clock: Clock },
  { signal }: Conversing,
): Promise<void> {
  for (;;) {
    const due = waiting(store, row.id)
    // With nothing left alive no further notice can come.
    if (!due?.onlyNotices || !hasLiveTasks(store, row.id, "tasks")) return
    const left = Math.min(due.lastAt + QUIET_MS, due.firstAt + LIMIT_MS) - clock.now()
    // Agents that have ended, and wait for their turn to say so, belong to what is ready.
    if (left <= 0) return breathe("agent")
    await clock.sleep(left, signal)
  }
}
