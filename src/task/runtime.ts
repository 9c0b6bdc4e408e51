// The asynchronous runtime: starts tasks, blocks on them, moves them between foreground and background, stops them.
// It keeps in memory only what drives a run in this process; everything that is asked about a run is read from its row.
import type { Clock } from "../base/clock.ts"
import { isStorageError, messageOf, UserError } from "../base/error.ts"
import type { Ids } from "../base/ids.ts"
import type { Log } from "../base/log.ts"
import { lastNewsAt, publish } from "../store/feed.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"
import { insertRow, type Store, type Tx } from "../store/store.ts"
import { until } from "../store/watch.ts"
import { hasCaps } from "./caps.ts"
import { Deadline } from "./deadline.ts"
import { addDependencies, waitsFor } from "./dependencies.ts"
import { findTask, newestRun } from "./find.ts"
import { insert, linkCall, newRun } from "./insert.ts"
import { NOT_BEGUN, pauseRuns, resumeRuns } from "./pause.ts"
import { ProgressRows } from "./progress.ts"
import { markBegun, Queue } from "./queue.ts"
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
  type Word,
} from "./task.ts"
import { liveTree } from "./tree.ts"
import { liveTwin, twinOf } from "./twin.ts"
import { type Storing, untilStored, waitForStorage } from "./until-stored.ts"

export interface Started {
  task: TaskRow
  run: RunRow
  /** It was at work before: nothing was started (`StartSpec.once`). */
  already?: true
}

/** What ended a block: the run's end, or its move to the background. */
export type Unblocked = { type: "settled"; run: RunRow } | { type: "backgrounded"; run: RunRow }

interface Execution {
  readonly stop: AbortController
  readonly prepared: Prepared
  readonly deadline: Deadline
  readonly ended: Promise<void>
}

/** Of queued runs, how many settle in one transaction: none may be long. */
const STOPPED_AT_ONCE = 50

export interface RuntimeParts extends Storing {
  ids: Ids
  /** How many background shells run at a time. */
  shellPlaces?: number | undefined
}

export class TaskRuntime {
  readonly #storing: Storing
  readonly #store: Store
  readonly #clock: Clock
  readonly #ids: Ids
  readonly #log: Log
  readonly #kinds = new Map<string, TaskKind>()
  readonly #executions = new Map<string, Execution>()
  readonly #queue: Queue
  readonly #progress: ProgressRows

  constructor(parts: RuntimeParts) {
    this.#storing = parts
    this.#store = parts.store
    this.#clock = parts.clock
    this.#ids = parts.ids
    this.#log = parts.log
    this.#progress = new ProgressRows(parts.store, parts.clock)
    this.#queue = new Queue({ ...parts, places: parts.shellPlaces, begin: (run) => this.#begin(run) })
  }

  register(kind: TaskKind): void {
    this.#kinds.set(kind.kind, kind)
  }

  /**
   * Starts a task: its rows are committed before it acts. Throws, with nothing done, when it can't be readied. One that
   * needs others, or finds no place, is queued, and begins when it can.
   */
  async start(spec: StartSpec): Promise<Started> {
    const needs = (spec.needs ?? []).map((id) => this.#idOf(id, spec.rootId))
    const started = this.#rows(spec)
    const twin = liveTwin(this.#store, started.task)
    if (twin) return this.#joined(started.task, twin)
    const obstacle = this.#queue.obstacle(started.task, started.run)
    if (needs.length > 0 || obstacle !== undefined) return this.#enqueue(started, { needs, obstacle })
    this.#queue.enter(started.task, started.run)
    try {
      const prepared = await this.#kind(spec.kind).prepare(started.task, started.run)
      const known = await this.#launch(started, prepared, (tx) => {
        const twin = liveTwin(tx, started.task)
        if (twin === undefined) insert(tx, started)
        return twin
      })
      if (!known) return started
      this.#queue.leave(started.run)
      return await this.#joined(started.task, known)
    } catch (error) {
      this.#queue.leave(started.run)
      throw error
    }
  }

  async #enqueue(
    started: Started,
    { needs, obstacle }: { needs: string[]; obstacle: string | undefined },
  ): Promise<Started> {
    const { task } = started
    const reason = needs.length > 0 ? waitsFor(needs) : obstacle!
    const run: RunRow = { ...started.run, state: "queued", reason, started_at: null }
    const stored = await this.#store.writeDurably((tx) => {
      const twin = liveTwin(tx, task)
      if (twin) return { type: "twin", id: twin } as const
      insert(tx, { task, run })
      const holdsParent = task.kind === "agent" || run.background === 0
      const readiness = addDependencies(tx, { id: task.id, parentTaskId: task.parent_task_id, holdsParent }, needs)
      publish(tx, this.#clock, { rootId: task.root_id, sessionId: task.owner_id, kind: "task_started", ref: run.id })
      // What it needs had completed before: that it waits for it would not be true.
      if (readiness.type === "free")
        tx.run("UPDATE run SET reason = :reason WHERE id = :id", { id: run.id, reason: obstacle ?? null })
      if (readiness.type !== "hopeless") return { type: "queued", isFree: readiness.type === "free" } as const
      const { need, state } = readiness
      const outcome = {
        state: "skipped",
        reason: `it needs task ${need}, which ${state === "failed" ? "failed" : `was ${state}`}`,
      } as const
      settle(tx, this.#clock, { runId: run.id, outcome })
      return { type: "queued", isFree: false } as const
    })
    if (stored.type === "twin") return this.#joined(task, stored.id)
    if (stored.isFree) this.#queue.admit(run)
    return { task, run: this.run(run.id) }
  }

  /** A call that would start what is at work already is answered with that; after a crash as well. */
  async #joined({ call_id: call }: TaskRow, taskId: string): Promise<Started> {
    if (call !== null) await this.#store.write((tx) => linkCall(tx, { call, task: taskId, now: this.#clock.now() }))
    return { ...this.task(taskId), already: true }
  }

  async #begin(queued: RunRow): Promise<void> {
    const { task } = this.task(queued.task_id)
    this.#queue.enter(task, queued)
    try {
      const prepared = await this.#kind(task.kind).prepare(task, queued)
      const began = await this.#store
        .writeDurably((tx) => {
          if (!markBegun(tx, this.#clock, { task, run: queued })) return false
          prepared.commit(tx)
          return true
        })
        .catch((error) => {
          prepared.cancel()
          throw error
        })
      if (began) return this.#execute({ task, run: this.run(queued.id) }, prepared)
      prepared.cancel()
      this.#queue.leave(queued)
    } catch (error) {
      await this.#settle(queued.id, this.#crashed(task, error))
    }
  }

  async #settle(runId: string, outcome: Outcome): Promise<void> {
    this.#queue.settled(await this.#store.writeDurably((tx) => settle(tx, this.#clock, { runId, outcome })))
  }

  /**
   * Says something to an agent: to one at work, which hears it at its next step, or to one that has ended, which begins
   * a further run with it in the background. `deliver` is called in the transaction that does so, and puts the message
   * into a live one's session.
   */
  async message(
    taskId: string,
    word: Word,
    deliver: (tx: Tx, task: TaskRow, how: "delivered" | "resumed") => void,
  ): Promise<"delivered" | Started> {
    const { task } = this.task(taskId)
    const delivered = await this.#store.writeDurably((tx) => {
      // In one transaction with the look: a run that settles meanwhile either sees the message or is not live here.
      if (isTerminal(newestRun(tx, taskId).state)) return false
      deliver(tx, task, "delivered")
      return true
    })
    if (delivered) return "delivered"
    const last = newestRun(this.#store, taskId)
    const run = newRun({ id: this.#ids.short(), task, n: last.n + 1, background: true, now: this.#clock.now() })
    const prepared = await this.#kind(task.kind).prepare(task, run, word)
    const spokenTo = await this.#launch({ task, run }, prepared, (tx) => {
      if (newestRun(tx, taskId).id !== last.id) return taskId
      insertRow(tx, "run", run)
      deliver(tx, task, "resumed")
      return undefined
    })
    // Somebody else was quicker, and the agent goes on already: it hears this as well.
    return spokenTo === undefined ? { task, run } : this.message(taskId, word, deliver)
  }

  /** `rows` inserts what is to be launched, or returns the task that makes it superfluous: then nothing is. */
  async #launch(
    started: Started,
    prepared: Prepared,
    rows: (tx: Tx) => string | undefined,
  ): Promise<string | undefined> {
    try {
      const instead = await this.#store.writeDurably((tx) => {
        const other = rows(tx)
        if (other !== undefined) return other
        prepared.commit(tx)
        const { task, run } = started
        publish(tx, this.#clock, { rootId: task.root_id, sessionId: task.owner_id, kind: "task_started", ref: run.id })
        return undefined
      })
      if (instead === undefined) this.#execute(started, prepared)
      if (instead !== undefined) prepared.cancel()
      return instead
    } catch (error) {
      prepared.cancel()
      throw error
    }
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
    // Here nothing waits for a free shell: a queued one begins, and one at work has a place to give.
    if (this.run(run.id).state === "queued") this.#queue.admit(this.run(run.id))
    this.#queue.pump()
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
      const ids = JSON.stringify(live)
      const marked = "stop_by = COALESCE(stop_by, :by) WHERE id IN (SELECT value FROM json_each(:ids))"
      tx.run(`UPDATE run SET ${marked}`, { ids, by })
      return live
    })
    for (const id of runs) this.#executions.get(id)?.stop.abort({ by } satisfies StopCause)
    await this.#endQueued(runs)
    // One that was on its way from the queue, or just being launched, has noticed by then.
    await this.#queue.quiet()
    await Promise.all(runs.map((id) => this.#executions.get(id)?.ended))
    return taskIds.map((id) => newestRun(this.#store, id))
  }

  /** What has not begun ends at once, the newest first: what needs another task is stopped before that is. */
  async #endQueued(runIds: readonly string[]): Promise<void> {
    const queued = this.#store.all<RunRow>(
      `SELECT * FROM run WHERE id IN (SELECT value FROM json_each(:ids)) AND ${NOT_BEGUN} ORDER BY rowid DESC`,
      { ids: JSON.stringify(runIds) },
    )
    for (let at = 0; at < queued.length; at += STOPPED_AT_ONCE) {
      const settled = await this.#store.writeDurably((tx) =>
        queued.slice(at, at + STOPPED_AT_ONCE).flatMap(({ id }) => {
          const now = tx.one<RunRow>(`SELECT * FROM run WHERE id = :id AND ${NOT_BEGUN}`, { id })
          const outcome = { state: "stopped", reason: `stopped by the ${now?.stop_by}, before it began` } as const
          return now ? [settle(tx, this.#clock, { runId: id, outcome })] : []
        }),
      )
      for (const one of settled) this.#queue.settled(one)
    }
  }

  /**
   * Pauses tasks with all that they started: an agent waits at its next step boundary, a command is stopped by a signal.
   * A foreground task moves to the background first; deadlines stop. `reason`: who or what paused them, for a person.
   */
  async pause(taskIds: readonly string[], reason: string): Promise<RunRow[]> {
    const paused = await this.#store.writeDurably((tx) => pauseRuns(tx, this.#clock, { taskIds, reason }))
    for (const id of paused) this.#applyPause(id)
    return taskIds.map((id) => newestRun(this.#store, id))
  }

  /** Lets paused tasks go on, with all that they started. */
  async resume(taskIds: readonly string[]): Promise<RunRow[]> {
    const resumed = await this.#store.writeDurably((tx) => resumeRuns(tx, this.#clock, taskIds))
    for (const { id } of resumed) this.#applyPause(id)
    for (const run of resumed) if (run.state === "queued") this.#queue.admit(run)
    return taskIds.map((id) => newestRun(this.#store, id))
  }

  /**
   * Takes over what an earlier process was driving in this tree: shells are adopted, agents go on with one more attempt.
   * Every live run is driven again, or settled, when this resolves.
   */
  async recover(rootId: string): Promise<RunRow[]> {
    const runs = this.#store.all<RunRow>(
      `SELECT run.* FROM run JOIN task ON task.id = run.task_id
       WHERE task.root_id = :rootId AND run.state IN ${LIVE} ORDER BY run.rowid`,
      { rootId },
    )
    const orphans = runs.filter((run) => !this.#executions.has(run.id))
    const leftAt = lastNewsAt(this.#store, rootId) ?? this.#clock.now()
    await this.background(this.#unwaited(rootId))
    const queued = orphans.filter((run) => run.started_at === null)
    await this.#endQueued(queued.flatMap((run) => (run.stop_by ? run.id : [])))
    await Promise.all(orphans.map((run) => (run.started_at === null ? undefined : this.#takeOver(run, leftAt))))
    // After the shells that were adopted have their places; in the order in which they came.
    for (const run of queued) if (run.state === "queued" && !run.stop_by) this.#queue.admit(run)
    this.#queue.overtake(rootId)
    await this.#queue.quiet()
    return orphans
  }

  /** Foreground runs that no call waits for: whoever followed them is gone, and they must leave their notices. */
  #unwaited(rootId: string): string[] {
    const sql = `SELECT run.id FROM run JOIN task ON task.id = run.task_id
      WHERE task.root_id = :rootId AND run.background = 0 AND run.state IN ${LIVE}
        AND NOT EXISTS (SELECT 1 FROM tool_call WHERE tool_call.task_id = task.id AND tool_call.state <> 'done')`
    return this.#store.all<{ id: string }>(sql, { rootId }).map((run) => run.id)
  }

  async #takeOver(orphan: RunRow, leftAt: number): Promise<void> {
    const { task } = this.task(orphan.task_id)
    // Nobody died of a paused one.
    const attempt = orphan.state === "paused" ? orphan.attempt : orphan.attempt + 1
    // An agent did not work while nobody drove it, so that does not count for its deadline; a command went on.
    const unworked = task.kind === "agent" && orphan.state === "running" ? this.#clock.now() - leftAt : 0
    const run = { ...orphan, attempt, paused_ms: orphan.paused_ms + Math.max(0, unworked) }
    await this.#store.writeDurably((tx) =>
      tx.run("UPDATE run SET attempt = :attempt, paused_ms = :paused WHERE id = :id", {
        id: orphan.id,
        attempt,
        paused: run.paused_ms,
      }),
    )
    this.#queue.enter(task, run)
    try {
      const prepared = await this.#kind(task.kind).resume(task, run)
      await this.#store.writeDurably((tx) => prepared.commit(tx))
      this.#execute({ task, run }, prepared)
    } catch (error) {
      await this.#settle(run.id, this.#crashed(task, error))
    }
  }

  /** Whole ids, of which there may be many, are not searched for. */
  #idOf(id: string, rootId: string): string {
    const isWhole = this.#store.one("SELECT 1 FROM task WHERE id = :id AND root_id = :rootId", { id, rootId })
    return isWhole ? id : findTask(this.#store, id, rootId).task.id
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
      caps: spec.caps && hasCaps(spec.caps) ? JSON.stringify(spec.caps) : null,
      twin: spec.once ? twinOf(spec) : null,
      created_at: now,
    }
    return { task, run: newRun({ id: this.#ids.short(), task, n: 1, background: spec.background, now }) }
  }

  #execute({ task, run }: Started, prepared: Prepared): void {
    const stop = new AbortController()
    // A stop that was asked for before the process died is carried out by the one that took over; one that came while
    // the run was being launched, here.
    const stopBy = this.run(run.id).stop_by
    if (stopBy) stop.abort({ by: stopBy } satisfies StopCause)
    const deadline = new Deadline(this.#clock, task, () => stop.abort({ by: "deadline" } satisfies StopCause))
    const ended = this.#drive({ task, run }, prepared, stop.signal).finally(() => {
      deadline.disarm()
      this.#executions.delete(run.id)
    })
    this.#executions.set(run.id, { stop, prepared, deadline, ended })
    // Recovered as paused, or paused while it was being launched.
    this.#applyPause(run.id)
  }

  /** Makes what drives a run do as its row says. */
  #applyPause(runId: string): void {
    const execution = this.#executions.get(runId)
    if (!execution || execution.stop.signal.aborted) return
    const run = this.run(runId)
    execution.deadline.arm(run)
    if (run.state === "paused") execution.prepared.hold?.()
    if (run.state === "running") execution.prepared.release?.()
  }

  /** Never rejects: what goes wrong in a run is its outcome; what goes wrong in settling it is logged. */
  async #drive({ task, run }: Started, prepared: Prepared, signal: AbortSignal): Promise<void> {
    const control = {
      signal,
      progress: (fields: Progress) => this.#progress.tell(task, run.id, fields),
      becomeService: (exitCode: number | null) => this.#becomeService(run.id, exitCode),
    }
    try {
      for (;;) {
        const outcome = await prepared.go(control).catch<Outcome | "again">((error: unknown) => {
          if (prepared.goesOnFromRows && !signal.aborted && isStorageError(error))
            return waitForStorage(this.#storing, error)
          return this.#crashed(task, error)
        })
        if (outcome === "again") continue
        const settled = await untilStored(this.#storing, (tx) => {
          if (prepared.mayEnd && !prepared.mayEnd(tx, outcome)) return undefined
          return settle(tx, this.#clock, { runId: run.id, outcome })
        })
        if (!settled) continue
        return this.#queue.settled(settled)
      }
    } catch (error) {
      this.#log.error("settling failed", { error, task: task.id })
    }
  }

  #crashed(task: TaskRow, error: unknown): Outcome {
    if (!(error instanceof UserError)) this.#log.error("a run failed inside", { error, task: task.id })
    return { state: "failed", reason: messageOf(error) }
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
    this.#queue.pump()
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
