// The asynchronous runtime: starts tasks, blocks on them, moves them between foreground and background, stops them.
// It keeps in memory only what drives a run in this process; everything that is asked about a run is read from its row.
import type { Clock } from "../base/clock.ts"
import { messageOf, UserError } from "../base/error.ts"
import type { Ids } from "../base/ids.ts"
import type { Log } from "../base/log.ts"
import { publish } from "../store/feed.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"
import { insertRow, type Store, type Tx } from "../store/store.ts"
import { until } from "../store/watch.ts"
import { newestRun } from "./find.ts"
import { settle } from "./settle.ts"
import {
  isTerminal,
  LIVE,
  type Outcome,
  type Prepared,
  type Progress,
  type StartSpec,
  type StopBy,
  type StopCause,
  type TaskKind,
} from "./task.ts"

export interface Started {
  task: TaskRow
  run: RunRow
}

/** What ended a block: the run's end, or its move to the background. */
export type Unblocked = { type: "settled"; run: RunRow } | { type: "backgrounded"; run: RunRow }

interface Execution {
  readonly stop: AbortController
  readonly ended: Promise<void>
}

export class TaskRuntime {
  readonly #store: Store
  readonly #clock: Clock
  readonly #ids: Ids
  readonly #log: Log
  readonly #kinds = new Map<string, TaskKind>()
  readonly #executions = new Map<string, Execution>()

  constructor(parts: { store: Store; clock: Clock; ids: Ids; log: Log }) {
    this.#store = parts.store
    this.#clock = parts.clock
    this.#ids = parts.ids
    this.#log = parts.log
  }

  register(kind: TaskKind): void {
    this.#kinds.set(kind.kind, kind)
  }

  /** Starts a task: its rows are committed before it acts. Throws, with nothing done, when it can't be readied. */
  async start(spec: StartSpec): Promise<Started> {
    const started = this.#rows(spec)
    const prepared = await this.#kind(spec.kind).prepare(started.task, started.run)
    await this.#launch(started, prepared, (tx) => insert(tx, started))
    return started
  }

  /**
   * Says something to an agent: to one at work, which hears it at its next step, or to one that has ended, which begins
   * a further run with it in the background. `deliver` puts the message into a live one's session.
   */
  async message(
    taskId: string,
    text: string,
    deliver: (tx: Tx, task: TaskRow) => void,
  ): Promise<"delivered" | Started> {
    const { task } = this.task(taskId)
    const delivered = await this.#store.writeDurably((tx) => {
      // In one transaction with the look: a run that settles meanwhile either sees the message or is not live here.
      if (isTerminal(newestRun(tx, taskId).state)) return false
      deliver(tx, task)
      return true
    })
    if (delivered) return "delivered"
    const last = newestRun(this.#store, taskId)
    const run = newRun({ id: this.#ids.short(), task, n: last.n + 1, background: true, now: this.#clock.now() })
    const prepared = await this.#kind(task.kind).prepare(task, run, text)
    await this.#launch({ task, run }, prepared, (tx) => insertRow(tx, "run", run))
    return { task, run }
  }

  async #launch(started: Started, prepared: Prepared, rows: (tx: Tx) => void): Promise<void> {
    try {
      await this.#store.writeDurably((tx) => {
        rows(tx)
        prepared.commit(tx)
        const { task, run } = started
        publish(tx, this.#clock, { rootId: task.root_id, sessionId: task.owner_id, kind: "task_started", ref: run.id })
      })
    } catch (error) {
      prepared.cancel()
      throw error
    }
    this.#execute(started, prepared)
  }

  #kind(name: string): TaskKind {
    const kind = this.#kinds.get(name)
    if (!kind) throw new Error(`no such kind of task: ${name}`)
    return kind
  }

  /**
   * Waits in the foreground until the run has settled or was moved to the background, whichever comes first. After
   * `patienceMs` it moves the run itself. Rejects with the signal's reason when that is aborted; the run goes on.
   */
  async block(runId: string, options: { signal?: AbortSignal; patienceMs?: number } = {}): Promise<Unblocked> {
    const timer =
      options.patienceMs === undefined
        ? undefined
        : setTimeout(
            () =>
              this.background([runId]).catch((error) => this.#log.error("moving to the background failed", { error })),
            options.patienceMs,
          )
    try {
      return await until(this.#store, [`run:${runId}`], {
        signal: options.signal,
        look: (): Unblocked | undefined => {
          const run = this.run(runId)
          if (isTerminal(run.state)) return { type: "settled", run }
          return run.background ? { type: "backgrounded", run } : undefined
        },
      })
    } finally {
      clearTimeout(timer)
    }
  }

  /** Moves live foreground runs to the background; returns those that it moved (a settled one stays as it is). */
  async background(runIds: readonly string[]): Promise<string[]> {
    const now = this.#clock.now()
    return this.#store.write((tx) =>
      runIds.filter((id) => {
        const moved = tx.run(
          `UPDATE run SET background = 1, backgrounded_at = :now, event_at = :now
           WHERE id = :id AND background = 0 AND state IN ${LIVE}`,
          { id, now },
        )
        if (moved === 0) return false
        this.#publishUpdate(tx, id, { is_backgrounded: true })
        tx.ring(`run:${id}`)
        return true
      }),
    )
  }

  /** Ctrl+B: everything that this session's turn is blocked on moves to the background. */
  async backgroundAll(ownerId: string): Promise<string[]> {
    const blockers = this.#store.all<{ id: string }>(
      `SELECT run.id FROM run JOIN task ON task.id = run.task_id
       WHERE task.owner_id = :ownerId AND run.background = 0 AND run.state IN ${LIVE}`,
      { ownerId },
    )
    return this.background(blockers.map((blocker) => blocker.id))
  }

  /**
   * Waits until the tasks' newest runs have settled, or the time is over, and returns them as they are then. The call
   * that returns them to a model names them in its `consumes`, and so takes their notices.
   */
  async wait(
    taskIds: readonly string[],
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<RunRow[]> {
    const runIds = taskIds.map((id) => newestRun(this.#store, id).id)
    const timeout = AbortSignal.timeout(options.timeoutMs ?? 2 ** 31 - 1)
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
    const look = () => {
      const runs = runIds.map((id) => this.run(id))
      return runs.every((run) => isTerminal(run.state)) ? runs : undefined
    }
    try {
      return await until(
        this.#store,
        runIds.map((id) => `run:${id}` as const),
        { look, signal },
      )
    } catch (error) {
      if (options.signal?.aborted || !timeout.aborted) throw error
      return runIds.map((id) => this.run(id))
    }
  }

  /**
   * The opposite of background: waits for a background task, and takes its notice in doing so (see `wait`). Moved to
   * the background again, by Ctrl+B, it returns as `block` does.
   */
  async foreground(taskId: string, options: { signal?: AbortSignal } = {}): Promise<Unblocked> {
    const run = newestRun(this.#store, taskId)
    await this.#store.write((tx) => {
      const moved = tx.run(`UPDATE run SET background = 0 WHERE id = :id AND background = 1 AND state IN ${LIVE}`, {
        id: run.id,
      })
      if (moved) this.#publishUpdate(tx, run.id, { is_backgrounded: false })
    })
    try {
      return await this.block(run.id, options)
    } catch (error) {
      // The wait was interrupted, the task was not: it is nobody's foreground now, and must leave its notice.
      await this.background([run.id])
      throw error
    }
  }

  /**
   * Stops tasks with all that they started, and returns when their ends were seen. A user's stop makes their notices
   * quiet. Tasks that have settled already are left as they are.
   */
  async stop(taskIds: readonly string[], by: StopBy): Promise<RunRow[]> {
    const runs = await this.#store.writeDurably((tx) => {
      const live = liveTree(tx, taskIds)
      for (const id of live) tx.run("UPDATE run SET stop_by = COALESCE(stop_by, :by) WHERE id = :id", { id, by })
      return live
    })
    for (const id of runs) this.#executions.get(id)?.stop.abort({ by } satisfies StopCause)
    await Promise.all(runs.map((id) => this.#executions.get(id)?.ended))
    return taskIds.map((id) => newestRun(this.#store, id))
  }

  /**
   * Takes over what an earlier process was driving in this tree: shells are adopted, agents go on with one more attempt.
   * Every live run is driven again, or settled, when this resolves.
   */
  async recover(rootId: string): Promise<RunRow[]> {
    const runs = this.#store.all<RunRow>(
      `SELECT run.* FROM run JOIN task ON task.id = run.task_id
       WHERE task.root_id = :rootId AND run.state IN ${LIVE} ORDER BY run.created_at`,
      { rootId },
    )
    const orphans = runs.filter((run) => !this.#executions.has(run.id))
    await Promise.all(orphans.map((run) => this.#takeOver(run)))
    return orphans
  }

  async #takeOver(orphan: RunRow): Promise<void> {
    const { task } = this.task(orphan.task_id)
    const attempt = orphan.attempt + 1
    await this.#store.writeDurably((tx) =>
      tx.run("UPDATE run SET attempt = :attempt WHERE id = :id", { id: orphan.id, attempt }),
    )
    const run = { ...orphan, attempt }
    try {
      const prepared = await this.#kind(task.kind).resume(task, run)
      await this.#store.writeDurably((tx) => prepared.commit(tx))
      this.#execute({ task, run }, prepared)
    } catch (error) {
      const outcome = this.#crashed(task, error)
      await this.#store.writeDurably((tx) => settle(tx, this.#clock, { runId: run.id, outcome }))
    }
  }

  /** A task with its newest run. */
  task(taskId: string): Started {
    const task = this.#store.one<TaskRow>("SELECT * FROM task WHERE id = :taskId", { taskId })
    if (!task) throw new UserError("no-such-task", `There is no task ${taskId}.`)
    return { task, run: newestRun(this.#store, taskId) }
  }

  run(runId: string): RunRow {
    const run = this.#store.one<RunRow>("SELECT * FROM run WHERE id = :runId", { runId })
    if (!run) throw new Error(`no such run: ${runId}`)
    return run
  }

  #rows(spec: StartSpec): Started {
    const now = this.#clock.now()
    const task: TaskRow = {
      id: this.#ids.short(),
      kind: spec.kind,
      owner_id: spec.ownerId,
      root_id: spec.rootId,
      parent_task_id: spec.parentTaskId,
      call_id: spec.callId,
      session_id: spec.kind === "agent" ? this.#ids.uuid() : null,
      description: spec.description,
      input: JSON.stringify(spec.input),
      group_id: spec.group ?? null,
      wake: spec.wake ?? "each",
      service: spec.service ? 1 : 0,
      deadline_ms: spec.deadlineMs ?? null,
      caps: null,
      created_at: now,
    }
    return { task, run: newRun({ id: this.#ids.short(), task, n: 1, background: spec.background, now }) }
  }

  #execute({ task, run }: Started, prepared: Prepared): void {
    const stop = new AbortController()
    // A stop that was asked for before the process died is carried out by the one that took over.
    if (run.stop_by) stop.abort({ by: run.stop_by } satisfies StopCause)
    const left = (run.started_at ?? run.created_at) + (task.deadline_ms ?? 0) - this.#clock.now()
    const deadline =
      task.deadline_ms === null
        ? undefined
        : setTimeout(() => stop.abort({ by: "deadline" } satisfies StopCause), Math.max(0, left))
    const ended = this.#drive({ task, run }, prepared, stop.signal).finally(() => {
      clearTimeout(deadline)
      this.#executions.delete(run.id)
    })
    this.#executions.set(run.id, { stop, ended })
  }

  /** Never rejects: what goes wrong in a run is its outcome; what goes wrong in settling it is logged. */
  async #drive({ task, run }: Started, prepared: Prepared, signal: AbortSignal): Promise<void> {
    const control = {
      signal,
      progress: (fields: Progress) => this.#progress(task, run.id, fields),
      becomeService: (exitCode: number | null) => this.#becomeService(run.id, exitCode),
    }
    try {
      for (;;) {
        const outcome = await prepared.go(control).catch((error) => this.#crashed(task, error))
        const ended = await this.#store.writeDurably((tx) => {
          if (prepared.mayEnd && !prepared.mayEnd(tx, outcome)) return false
          settle(tx, this.#clock, { runId: run.id, outcome })
          return true
        })
        if (ended) return
      }
    } catch (error) {
      this.#log.error("settling failed", { error, task: task.id })
    }
  }

  #crashed(task: TaskRow, error: unknown): Outcome {
    if (!(error instanceof UserError)) this.#log.error("a run failed inside", { error, task: task.id })
    return { state: "failed", reason: messageOf(error) }
  }

  async #progress(task: TaskRow, runId: string, { bytes, tail, activity }: Progress): Promise<void> {
    await this.#store.write((tx) => {
      const changed = tx.run(
        `UPDATE run SET bytes = COALESCE(:bytes, bytes), tail = COALESCE(:tail, tail),
           activity = COALESCE(:activity, activity), event_at = :now
         WHERE id = :runId AND state IN ${LIVE}`,
        { runId, bytes: bytes ?? null, tail: tail ?? null, activity: activity ?? null, now: this.#clock.now() },
      )
      if (changed)
        publish(tx, this.#clock, { rootId: task.root_id, sessionId: task.owner_id, kind: "task_progress", ref: runId })
    })
  }

  async #becomeService(runId: string, exitCode: number | null): Promise<void> {
    const now = this.#clock.now()
    await this.#store.write((tx) => {
      const changed = tx.run(
        `UPDATE run SET service = 1, background = 1, backgrounded_at = COALESCE(backgrounded_at, :now), exit_code = :exitCode
         WHERE id = :runId AND state IN ${LIVE}`,
        { runId, exitCode, now },
      )
      if (!changed) return
      const task = this.#publishUpdate(tx, runId, { is_backgrounded: true })
      tx.ring(`run:${runId}`)
      // A session that waits for its tasks doesn't wait for services.
      tx.ring(`inbox:${task.owner_id}`)
    })
  }

  #publishUpdate(tx: Tx, runId: string, patch: object): TaskRow {
    const task = tx.one<TaskRow>("SELECT task.* FROM task JOIN run ON run.task_id = task.id WHERE run.id = :runId", {
      runId,
    })!
    publish(tx, this.#clock, {
      rootId: task.root_id,
      sessionId: task.owner_id,
      kind: "task_updated",
      ref: runId,
      data: patch,
    })
    return task
  }
}

function newRun(made: { id: string; task: TaskRow; n: number; background: boolean; now: number }): RunRow {
  const background = made.background ? 1 : 0
  return {
    id: made.id,
    task_id: made.task.id,
    n: made.n,
    attempt: 1,
    state: "running",
    background,
    backgrounded_at: background ? made.now : null,
    service: made.task.service,
    pid: null,
    pid_started: null,
    pgid: null,
    exit_code: null,
    reason: null,
    result: null,
    spool: null,
    bytes: 0,
    tail: "",
    tool_uses: 0,
    last_tool: null,
    activity: null,
    stop_by: null,
    notice: "none",
    quiet: 0,
    notice_count: 0,
    told_bytes: 0,
    created_at: made.now,
    started_at: made.now,
    ended_at: null,
    event_at: made.now,
  }
}

function insert(tx: Tx, { task, run }: Started): void {
  insertRow(tx, "task", task)
  insertRow(tx, "run", run)
  // From here on the call is never closed as interrupted: this run's outcome is its result.
  if (task.call_id)
    tx.run("UPDATE tool_call SET state = 'running', task_id = :task, started_at = :now WHERE id = :call", {
      task: task.id,
      call: task.call_id,
      now: task.created_at,
    })
}

/** Ids of the live runs of these tasks and of everything below them, the deepest first. */
function liveTree(tx: Tx, taskIds: readonly string[]): string[] {
  return tx
    .all<{ id: string }>(
      `WITH RECURSIVE tree (id, session_id, depth) AS (
         SELECT id, session_id, 0 FROM task WHERE id IN (SELECT value FROM json_each(:ids))
         UNION ALL
         SELECT task.id, task.session_id, tree.depth + 1 FROM task JOIN tree ON task.owner_id = tree.session_id)
       SELECT run.id FROM tree JOIN run ON run.task_id = tree.id WHERE run.state IN ${LIVE} ORDER BY tree.depth DESC`,
      { ids: JSON.stringify(taskIds) },
    )
    .map((row) => row.id)
}
