// What holds for a session's next step: the caps of its task, of the tasks above, of the session and of the call. Every
// figure is a sum over the ledger, open rows with what they reserve.
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import { plural } from "../base/text.ts"
import type { Models } from "../model/ask.ts"
import { estimateTokens } from "../model/estimate.ts"
import type { ModelRequest } from "../model/model.ts"
import type { RunRow, SessionRow, TaskRow } from "../store/rows.ts"
import type { Reader, Tx } from "../store/store.ts"
import { amount, type CapName, type Caps, hasCaps, judge, type Most, type Spent, tightest } from "../task/caps.ts"
import { workedMs } from "../task/task.ts"

export interface BudgetOptions {
  clock: Clock
  models: Models
  /** For the tree of each session, over its whole life. */
  session: Caps
  /** For all that this process asks for. */
  call: Caps
  /** For a tree since somebody said something in it, while nobody looks. */
  unwatched: { wakeTurns: number; costNanos: number }
  /** Whether somebody looks at a tree, or waits for its end. */
  watched(rootId: string): boolean
  /** An agent whose cap is reached waits for somebody to raise it, or fails. */
  whenReached: "pause" | "fail"
}

/** Something with caps. */
interface Scope {
  type: "task" | "session" | "call"
  /** Of the task, or of the root session. */
  id: string
  caps: Caps
  /** What counts is what this session and all below it asked for. */
  sessionId: string
  /** Whose inbox is told of it. */
  ownerId: string
}

export type StepVerdict =
  | { type: "granted"; most: Most; near: Near[] }
  | { type: "busy" }
  | { type: "reached"; ownerId: string; text: string }

export interface Near {
  scope: Scope
  cap: CapName
}

/** A step that may not be asked for. `paused`: its run waits for somebody to raise the cap. */
export class CapReached extends UserError {
  constructor(
    text: string,
    readonly paused: boolean,
  ) {
    super("cap-reached", text)
  }
}

export class Budget {
  readonly whenReached: BudgetOptions["whenReached"]
  readonly #options: BudgetOptions
  /** Where this process began to ask for a tree. */
  readonly #began = new Map<string, Began>()
  /** Caps that are not a task's and not as the options have them: other to begin with, or raised since. By scope. */
  readonly #raised = new Map<string, Caps>()
  /** Where the rows were when somebody last let a tree go on that nobody looked at. */
  readonly #seen = new Map<string, Rows>()
  /** Time of a tree that counts for nobody: see `excuse`. */
  readonly #excused = new Map<string, number>()

  constructor(options: BudgetOptions) {
    this.#options = options
    this.whenReached = options.whenReached
  }

  /**
   * From here on the call's caps count. `own`: of the agent that the session is. `call`: the one that this process goes
   * on with, when that is not its own.
   */
  begin(reader: Reader, { rootId, own, call }: { rootId: string; own: Caps; call?: CallBefore }): void {
    const caps = tightest(this.#options.session, own)
    if (hasCaps(caps)) this.#raised.set(keyOf({ type: "session", id: rootId }), caps)
    if (call) this.#raised.set(keyOf({ type: "call", id: rootId }), call.caps)
    this.#began.set(rootId, { row: call?.ledger ?? endOf(reader, "ledger"), at: this.#options.clock.monotonic() })
  }

  /** So much of the time that the rows of a tree show was none in which it was at work (task/gaps.ts). */
  excuse(rootId: string, { stoppedMs, jumpedMs }: { stoppedMs: number; jumpedMs: number }): void {
    this.#excused.set(rootId, (this.#excused.get(rootId) ?? 0) + stoppedMs + jumpedMs)
    const began = this.#began.get(rootId)
    if (began) began.at += stoppedMs
  }

  /** The most that a request may use; its price is looked up only where a cap asks for it. */
  async most(reader: Reader, row: SessionRow, request: ModelRequest, model = row.model): Promise<Most> {
    const inputTokens = estimateTokens(request)
    const caps = this.#scopes(reader, row).map((scope) => scope.caps)
    if (!caps.some(({ costNanos, tokens }) => costNanos !== undefined || tokens !== undefined))
      return { inputTokens, outputTokens: 0, cost: undefined }
    const { models } = this.#options
    const { maxOutputTokens: outputTokens } = await models.facts(model)
    const none = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
    // What is new may be written to a cache, which costs more than plain input; the rates follow the input's size.
    const prices = await Promise.all([
      models.price(model, { ...none, inputTokens }),
      models.price(model, { ...none, cacheWriteTokens: inputTokens }),
      models.price(model, { ...none, inputTokens, outputTokens: 1_000_000 }),
    ])
    const [plain, written, full] = prices
    if (plain === null || written === null || full === null) return { inputTokens, outputTokens, cost: undefined }
    const cost = { inputNanos: Math.max(plain!, written!), outputNanosPerToken: (full! - plain!) / 1_000_000 }
    return { inputTokens, outputTokens, cost }
  }

  /** Throws a UserError where a cap on cost can't count the step: it would run without one. */
  verdict(reader: Reader, row: SessionRow, most: Most): StepVerdict {
    const near: Near[] = []
    let { outputTokens } = most
    let isBusy = false
    for (const scope of this.#scopes(reader, row)) {
      const verdict = judge(scope.caps, this.#spent(reader, scope), most)
      switch (verdict.type) {
        case "granted":
          outputTokens = Math.min(outputTokens, verdict.outputTokens)
          near.push(...verdict.near.map((cap) => ({ scope, cap })))
          break
        case "busy":
          isBusy = true
          break
        case "reached":
          return { type: "reached", ownerId: scope.ownerId, text: `cap: ${verdict.text} ${WHAT[scope.type]}` }
        case "unpriced":
          throw unpriced(row.model, scope.caps.costNanos!)
        default:
          verdict satisfies never
      }
    }
    const alone = this.#alone(reader, row, most)
    if (alone) return alone
    return isBusy ? { type: "busy" } : { type: "granted", most: { ...most, outputTokens }, near }
  }

  /** Somebody wants the work to go on: what is reached is raised by as much again. */
  raise(tx: Tx, row: SessionRow, most: Most): void {
    this.#seen.set(row.root_id, { turn: endOf(tx, "turn"), ledger: endOf(tx, "ledger") })
    for (const scope of this.#scopes(tx, row)) {
      const spent = this.#spent(tx, scope)
      const caps = { ...scope.caps }
      for (let verdict = judge(caps, spent, most); verdict.type === "reached"; verdict = judge(caps, spent, most))
        caps[verdict.cap] = spent[verdict.cap] + Math.max(scope.caps[verdict.cap]!, least(verdict.cap, most))
      if (scope.type !== "task") this.#raised.set(keyOf(scope), caps)
      if (scope.type === "task")
        tx.run("UPDATE task SET caps = :caps WHERE id = :id", { id: scope.id, caps: JSON.stringify(caps) })
    }
  }

  /** Caps that the user sets, in the place of those before. Throws a UserError when more than that has been used. */
  set(tx: Tx, of: { taskId: string } | { rootId: string }, caps: Caps): void {
    if ("taskId" in of) {
      const task = tx.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: of.taskId })!
      const scope: Scope = { type: "task", id: task.id, caps, ownerId: task.owner_id, sessionId: task.session_id! }
      refuseUsedUp(caps, this.#spent(tx, scope))
      const all = JSON.stringify({ ...(task.caps ? (JSON.parse(task.caps) as Caps) : {}), ...caps })
      tx.run("UPDATE task SET caps = :caps WHERE id = :id", { id: task.id, caps: all })
      return
    }
    const { rootId } = of
    const scope: Scope = { type: "session", id: rootId, caps, ownerId: rootId, sessionId: rootId }
    refuseUsedUp(caps, this.#spent(tx, scope))
    this.#seen.set(rootId, { turn: endOf(tx, "turn"), ledger: endOf(tx, "ledger") })
    this.#raised.set(keyOf(scope), { ...this.#capsOf("session", rootId), ...caps })
    // The command line's own is no longer in the way either.
    const call = { ...this.#capsOf("call", rootId) }
    for (const name of Object.keys(call) as CapName[]) call[name] = Math.max(call[name]!, caps[name] ?? 0)
    this.#raised.set(keyOf({ type: "call", id: rootId }), call)
  }

  #capsOf(type: "session" | "call", rootId: string): Caps {
    return this.#raised.get(keyOf({ type, id: rootId })) ?? this.#options[type]
  }

  /** Where nobody looks, a tree does not go on for ever by itself. */
  #alone(reader: Reader, { root_id: rootId }: SessionRow, most: Most): StepVerdict | undefined {
    const { unwatched, watched } = this.#options
    if (watched(rootId)) return undefined
    const said = lastWord(reader, rootId)
    const seen = this.#seen.get(rootId)
    const { turns } = reader.one<{ turns: number }>(
      "SELECT COUNT(*) AS turns FROM turn WHERE session_id = :rootId AND cause = 'task' AND rowid > :since",
      { rootId, since: Math.max(said.turn, seen?.turn ?? 0) },
    )!
    const { cost } = reader.one<{ cost: number }>(
      "SELECT COALESCE(SUM(cost_nanos), 0) AS cost FROM ledger WHERE root_id = :rootId AND +rowid > :since",
      { rootId, since: Math.max(said.ledger, seen?.ledger ?? 0) },
    )!
    const next = most.cost?.inputNanos ?? 0
    const what =
      turns > unwatched.wakeTurns
        ? plural(unwatched.wakeTurns, "wake turn")
        : cost + next > unwatched.costNanos
          ? amount("costNanos", unwatched.costNanos)
          : undefined
    if (what === undefined) return undefined
    return { type: "reached", ownerId: rootId, text: `cap: ${what} with nobody looking` }
  }

  #scopes(reader: Reader, row: SessionRow): Scope[] {
    const scopes: Scope[] = []
    for (let at: SessionRow | undefined = row; at; at = parentOf(reader, at)) {
      const task = at.task_id ? reader.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: at.task_id }) : undefined
      const caps = task?.caps ? (JSON.parse(task.caps) as Caps) : {}
      if (task && hasCaps(caps))
        scopes.push({ type: "task", id: task.id, caps, ownerId: task.owner_id, sessionId: at.id })
    }
    for (const type of ["session", "call"] as const) {
      const caps = this.#capsOf(type, row.root_id)
      const { root_id: id } = row
      if (hasCaps(caps)) scopes.push({ type, id, caps, ownerId: id, sessionId: id })
    }
    return scopes
  }

  #spent(reader: Reader, scope: Scope): Spent {
    const began = scope.type === "call" ? this.#began.get(scope.id) : undefined
    const which = scope.type === "task" ? BELOW : "root_id = :sessionId"
    const sums = reader.one<Record<"cost" | "openCost" | "tokens" | "openTokens" | "steps", number>>(
      `SELECT COALESCE(SUM(CASE state WHEN 'open' THEN 0 ELSE cost_nanos END), 0) AS cost,
         COALESCE(SUM(CASE state WHEN 'open' THEN cost_nanos END), 0) AS openCost,
         COALESCE(SUM(CASE state WHEN 'open' THEN 0 ELSE ${TOKENS} END), 0) AS tokens,
         COALESCE(SUM(CASE state WHEN 'open' THEN ${TOKENS} END), 0) AS openTokens,
         COUNT(DISTINCT step_id) AS steps
       FROM ledger WHERE ${which} AND +rowid > :since`,
      { sessionId: scope.sessionId, since: began?.row ?? 0 },
    )!
    const open = { costNanos: sums.openCost, tokens: sums.openTokens }
    return {
      costNanos: sums.cost,
      tokens: sums.tokens,
      steps: sums.steps,
      ms: this.#atWork(reader, scope, began),
      open,
    }
  }

  #atWork(reader: Reader, scope: Scope, began: Began | undefined): number {
    const now = this.#options.clock.now()
    switch (scope.type) {
      case "call":
        return began ? this.#options.clock.monotonic() - began.at : 0
      case "session": {
        const sql = "SELECT SUM(COALESCE(ended_at, :now) - started_at) AS ms FROM turn WHERE session_id = :id"
        const ms = reader.one<{ ms: number | null }>(sql, { id: scope.id, now })?.ms ?? 0
        return ms - (this.#excused.get(scope.id) ?? 0)
      }
      case "task": {
        const run = reader.one<RunRow>("SELECT * FROM run WHERE task_id = :id ORDER BY n DESC LIMIT 1", {
          id: scope.id,
        })!
        return run.started_at === null ? 0 : workedMs(run, now)
      }
      default:
        return scope.type satisfies never
    }
  }
}

/** A call whose process died: its caps, and the ledger's last row when it began. */
interface CallBefore {
  caps: Caps
  ledger: number
}

interface Began {
  row: number
  /** By the monotonic clock. */
  at: number
}

/** Numbers of rows: what is behind them came later, whatever the clock was set to. */
interface Rows {
  turn: number
  ledger: number
}

function endOf(reader: Reader, table: keyof Rows): number {
  return reader.one<{ end: number | null }>(`SELECT MAX(rowid) AS end FROM ${table}`)?.end ?? 0
}

/** The turn of the user's last prompt, and the last request before its first. */
function lastWord(reader: Reader, rootId: string): Rows {
  const turn = reader.one<{ row: number; id: string }>(
    "SELECT rowid AS row, id FROM turn WHERE session_id = :rootId AND cause = 'human' ORDER BY rowid DESC LIMIT 1",
    { rootId },
  )
  if (!turn) return { turn: 0, ledger: 0 }
  const first = reader.one<{ row: number | null }>(
    `SELECT MIN(rowid) AS row FROM ledger
     WHERE session_id = :rootId AND step_id IN (SELECT id FROM step WHERE turn_id = :turn)`,
    { rootId, turn: turn.id },
  )?.row
  return { turn: turn.row, ledger: first == null ? endOf(reader, "ledger") : first - 1 }
}

const TOKENS = "(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens)"
/** What is below a session are the agents that it started, found by their tasks: nothing else of the tree is read. */
const BELOW = `session_id IN (WITH RECURSIVE tree (id) AS (
  VALUES (:sessionId) UNION ALL SELECT task.session_id FROM tree CROSS JOIN task ON task.owner_id = tree.id
    WHERE task.session_id IS NOT NULL) SELECT id FROM tree)`

const WHAT = { task: "for this task", session: "for this session", call: "for this call" } as const

function keyOf({ type, id }: Pick<Scope, "type" | "id">): string {
  return `${type}:${id}`
}

function parentOf(reader: Reader, { parent_id: id }: SessionRow): SessionRow | undefined {
  return id === null ? undefined : reader.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id })
}

function refuseUsedUp(caps: Caps, spent: Spent): void {
  for (const name of Object.keys(caps) as CapName[])
    if (spent[name] >= caps[name]!)
      throw new UserError(
        "cap-used-up",
        `${amount(name, spent[name])} has been used already: a cap of ${amount(name, caps[name]!)} would let nothing go on. Set a higher one.`,
      )
}

/** Enough for one more step, at least. */
function least(cap: CapName, { inputTokens, outputTokens, cost }: Most): number {
  switch (cap) {
    case "steps":
      return 1
    case "ms":
      return 60_000
    case "tokens":
      return inputTokens + outputTokens
    case "costNanos":
      return Math.ceil((cost?.inputNanos ?? 0) + outputTokens * (cost?.outputNanosPerToken ?? 0))
    default:
      return cap satisfies never
  }
}

function unpriced(model: string, cap: number): UserError {
  const example = `"models": {${JSON.stringify(model)}: {"price": {"input": 1, "output": 5}}}`
  return new UserError(
    "unpriced-model",
    `Nobody knows what ${model} costs, so a cap of ${amount("costNanos", cap)} can't be kept, and nothing was asked. Put its price per million tokens into settings.json (${example}), cap tokens or steps instead, or use another model.`,
  )
}
