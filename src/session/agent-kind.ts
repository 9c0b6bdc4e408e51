// The agent kind of task: a child session that works on a prompt. Its run settles when its turn is over and its own
// agents have settled; it is then one transaction that looks once more whether something came in.
import { messageOf, UserError } from "../base/error.ts"
import type { RunRow, SessionRow, TaskRow, TurnRow } from "../store/rows.ts"
import { insertRow, type Tx } from "../store/store.ts"
import type { TaskRuntime } from "../task/runtime.ts"
import {
  LIVE,
  type Outcome,
  type Prepared,
  type RunControl,
  type StopBy,
  type StopCause,
  type TaskKind,
  type Word,
} from "../task/task.ts"
import { type ConversationEnd, converse, hasLiveTasks } from "./converse.ts"
import { COUNTS } from "./given.ts"
import { finalText, lastText } from "./history.ts"
import { admit, waiting } from "./inbox.ts"
import { openSession, type Session, type SessionParts, type SessionSpec, sessionRow } from "./session.ts"
import type { Allowance } from "./turn.ts"

/** The `input` of an agent's task. */
export interface AgentInput {
  agent: string
  prompt: string
  /** Overrides the definition's. */
  model?: string
}

/** Makes the child session for a task; throws UserError when the agent is unknown. */
export type Hire = (
  task: TaskRow,
  input: AgentInput,
) => Promise<Omit<SessionSpec, "id" | "rootId" | "parentId" | "taskId">>

/** A run that three processes died of is not tried again: it may be what they died of. */
const MOST_ATTEMPTS = 3

const FOR_A_REPORT =
  "You ended without a final text. Report now what you found or did, as your answer to the task you were given."

export class AgentKind implements TaskKind {
  readonly kind = "agent"
  readonly #parts: SessionParts
  readonly #tasks: TaskRuntime
  readonly #hire: Hire

  constructor(parts: SessionParts, tasks: TaskRuntime, hire: Hire) {
    this.#parts = parts
    this.#tasks = tasks
    this.#hire = hire
  }

  async prepare(task: TaskRow, run: RunRow, word?: Word): Promise<Prepared> {
    const input = JSON.parse(task.input) as AgentInput
    const known = this.#sessionOf(task)
    const row = known ?? (await this.#newSession(task, input))
    return this.#prepared(row, run, (tx) => {
      if (!known) insertRow(tx, "session", row)
      this.#admit(tx, {
        id: `prompt:${run.id}`,
        sessionId: row.id,
        ...(word ?? { text: input.prompt, origin: "peer" }),
      })
    })
  }

  async resume(task: TaskRow, run: RunRow): Promise<Prepared> {
    const row = this.#sessionOf(task)
    if (!row) throw new Error(`the session of task ${task.id} is missing`)
    if (run.attempt > MOST_ATTEMPTS)
      throw new UserError("too-many-attempts", `the program ended ${MOST_ATTEMPTS} times while it worked`)
    return this.#prepared(row, run, () => {})
  }

  #prepared(row: SessionRow, run: RunRow, commit: (tx: Tx) => void): Prepared {
    const allowance = { steps: row.max_steps === null ? Number.POSITIVE_INFINITY : row.max_steps - this.#steps(run) }
    let session: Session | undefined
    return {
      commit,
      goesOnFromRows: true,
      go: (control) => {
        session ??= openSession(this.#parts, row, run.id)
        return this.#work(session, control, allowance)
      },
      cancel: () => {},
      mayEnd: (tx, outcome) => {
        if (outcome.state === "completed" && (waiting(tx, row.id) || hasLiveTasks(tx, row.id, "agents"))) return false
        this.#parts.forget(row.id)
        return true
      },
    }
  }

  #sessionOf(task: TaskRow): SessionRow | undefined {
    return this.#parts.store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id: task.session_id })
  }

  /** Those that this run has taken, in this process and in those that died of it. */
  #steps(run: RunRow): number {
    const sql = `SELECT COUNT(*) AS steps FROM step
      WHERE id IN (SELECT step_id FROM ledger WHERE run_id = :id) AND ${COUNTS}`
    return this.#parts.store.one<{ steps: number }>(sql, { id: run.id })!.steps
  }

  async #newSession(task: TaskRow, input: AgentInput): Promise<SessionRow> {
    const identity = { id: task.session_id!, rootId: task.root_id, parentId: task.owner_id, taskId: task.id }
    return sessionRow({ ...(await this.#hire(task, input)), ...identity }, this.#parts.clock.now())
  }

  /** What another session, or the user, says to an agent. */
  #admit(tx: Tx, { id, sessionId, text, origin }: { id: string; sessionId: string } & Word): void {
    admit(tx, this.#parts.clock, {
      id,
      sessionId,
      origin,
      delivery: "steer",
      content: [{ type: "text", text }],
    })
  }

  async #work(session: Session, control: RunControl, allowance: Allowance): Promise<Outcome> {
    try {
      const end = await this.#toItsEnd(session, control, allowance)
      // One that may not go on can't hear its own agents any more. Its shells pass to its owner.
      if (end.type === "capped" || end.type === "out-of-steps") await this.#stopBelow(session, "agents", "program")
      if (control.signal.aborted) return await this.#stopped(session, control.signal.reason as StopCause)
      return this.#outcomeOf(session, end)
    } catch (error) {
      if (control.signal.aborted) return await this.#stopped(session, control.signal.reason as StopCause)
      throw error
    }
  }

  async #toItsEnd(session: Session, { signal }: RunControl, allowance: Allowance): Promise<ConversationEnd> {
    const options = { signal, allowance, awaits: "agents" as const }
    const end = this.#orBefore(session, await converse(session, this.#parts, options))
    if (end.type !== "done" || finalText(this.#parts.store, session.row.id) || !(await this.#askForReport(session)))
      return end
    return converse(session, this.#parts, options)
  }

  /** When nothing was left to do: its last turn had ended before its process did, in the way that the row says. */
  #orBefore(session: Session, end: ConversationEnd): ConversationEnd {
    if (end.type !== "nothing") return end
    const sql = "SELECT * FROM turn WHERE session_id = :id ORDER BY rowid DESC LIMIT 1"
    const turn = this.#parts.store.one<TurnRow>(sql, { id: session.row.id })
    if (turn?.state === "failed") return { type: "failed", turnId: turn.id, error: turn.error ?? "its turn failed" }
    return turn?.state === "done" ? { type: "done", turnId: turn.id } : end
  }

  /** Asks once for the missing report; false when that was done before. */
  async #askForReport(session: Session): Promise<boolean> {
    const { store, clock } = this.#parts
    const id = `report:${session.runId}`
    return store.write((tx) => {
      if (tx.one("SELECT 1 FROM message WHERE id = :id", { id })) return false
      const content = [{ type: "text" as const, text: FOR_A_REPORT }]
      admit(tx, clock, { id, sessionId: session.row.id, origin: "system", delivery: "steer", content })
      return true
    })
  }

  async #stopBelow({ row }: Session, which: "agents" | "all", by: StopBy): Promise<void> {
    const live = this.#parts.store.all<{ id: string }>(
      `SELECT task.id FROM task JOIN run ON run.task_id = task.id
       WHERE task.owner_id = :id AND run.state IN ${LIVE} AND (:all OR task.kind = 'agent')`,
      { id: row.id, all: which === "all" ? 1 : 0 },
    )
    const ids = live.map((task) => task.id)
    await this.#tasks.stop(ids, by)
  }

  #outcomeOf(session: Session, end: ConversationEnd): Outcome {
    const said = lastText(this.#parts.store, session.row.id)
    const result = said === undefined ? {} : { result: said }
    switch (end.type) {
      case "failed":
        return { state: "failed", reason: messageOf(end.error), ...result }
      case "capped":
        return { state: "failed", reason: end.error.message, ...result }
      case "out-of-steps":
        return { state: "failed", reason: `it reached its limit of ${session.row.max_steps} steps`, ...result }
      case "interrupted":
      case "cut-off":
        return { state: "stopped", reason: end.type, ...result }
      case "done":
      case "nothing":
        return {
          state: "completed",
          result: finalText(this.#parts.store, session.row.id) ?? "(The agent ended without a report.)",
        }
      default:
        return end satisfies never
    }
  }

  /** Everything that the agent started ends with it. */
  async #stopped(session: Session, cause: StopCause): Promise<Outcome> {
    await this.#stopBelow(session, "all", cause.by === "deadline" ? "program" : cause.by)
    const said = lastText(this.#parts.store, session.row.id)
    const result = said === undefined ? {} : { result: said }
    if (cause.by === "deadline") return { state: "timed_out", reason: "its deadline passed", ...result }
    return { state: "stopped", reason: `stopped by the ${cause.by}`, ...result }
  }
}
