// Random commands against a tiny model: whatever the order, the rows say what the model says, each settled background
// run has left one notice, which wakes unless the user has stopped it, and nobody waits for what has ended or moved.
import { test } from "bun:test"
import fc from "fast-check"
import { systemClock } from "../../src/base/clock.ts"
import type { InboxRow, RunRow } from "../../src/store/rows.ts"
import { TaskRuntime } from "../../src/task/runtime.ts"
import { isTerminal } from "../../src/task/task.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { countingIds, eventually, memoryLog, type TestStore, temporaryStore } from "../../testing/harness.ts"
import { taskSpec } from "../../testing/task-spec.ts"

const PLACES = 2

interface ModelTask {
  kind: "shell" | "agent"
  /** Indexes of earlier tasks. */
  needs: number[]
  state: "queued" | "running" | "paused" | "completed" | "failed" | "stopped" | "skipped"
  background: boolean
  /** Its newest run has begun; it may be paused since. */
  begun: boolean
  /** One of its runs has completed, which meets the needs of others for ever. */
  completedOnce: boolean
}

type Command =
  | { type: "start"; kind: "shell" | "agent"; background: boolean; needs: number[] }
  | { type: ToOne; task: number }
  | { type: "crash" }

type ToOne = (typeof toOne)[number]
const toOne = [
  ...["background", "foreground", "finish", "fail", "user stop", "model stop"],
  ...["pause", "resume", "wait", "message"],
] as const satisfies readonly string[]

const isOver = ({ state }: ModelTask) => state !== "queued" && state !== "running" && state !== "paused"

/** What must be true, in a few lines: who begins, who is skipped, in which order places are given. */
class Model {
  readonly tasks: ModelTask[] = []
  /** Background shells that are free of their needs, in the order in which they became so. */
  #line: number[] = []

  tell(command: Command): void {
    if (command.type === "start") this.#start(command)
    else if (command.type === "crash") this.#crash()
    else this.#change(command.task, command.type)
    this.#settleDown()
  }

  #start({ kind, background, needs }: Extract<Command, { type: "start" }>): void {
    this.tasks.push({ kind, background, needs, state: "queued", begun: false, completedOnce: false })
  }

  #change(at: number, how: ToOne): void {
    const task = this.tasks[at]!
    if (isOver(task)) {
      // An agent that has ended goes on, in the background; nothing else can be done to what has ended.
      if (how === "message" && task.kind === "agent")
        Object.assign(task, { state: "running", begun: true, background: true })
      return
    }
    switch (how) {
      case "background":
        task.background = true
        break
      case "foreground":
        task.background = false
        this.#line = this.#line.filter((other) => other !== at)
        break
      case "finish":
      case "fail":
        if (task.begun) task.state = how === "finish" ? "completed" : "failed"
        if (task.state === "completed") task.completedOnce = true
        break
      case "user stop":
      case "model stop":
        task.state = "stopped"
        break
      case "pause":
        if (task.state !== "paused") Object.assign(task, { state: "paused", background: true })
        break
      case "resume":
        if (task.state === "paused") task.state = task.begun ? "running" : "queued"
        break
      case "wait":
      case "message":
        break
      default:
        how satisfies never
    }
  }

  /** Nobody waits in the foreground any more, and those in the line stand in the order in which they were started. */
  #crash(): void {
    for (const task of this.tasks) if (!isOver(task)) task.background = true
    this.#line = []
  }

  #settleDown(): void {
    for (const task of this.tasks) {
      const needs = task.needs.map((need) => this.tasks[need]!)
      if (!isOver(task) && !task.begun && needs.some((need) => isOver(need) && !need.completedOnce))
        task.state = "skipped"
    }
    // One that is paused keeps its place in the line until that is its to take.
    this.#line = this.#line.filter((at) => !isOver(this.tasks[at]!) && !this.tasks[at]!.begun)
    for (const [at, task] of this.tasks.entries()) {
      if (task.state !== "queued" || this.#line.includes(at)) continue
      if (task.needs.some((need) => !this.tasks[need]!.completedOnce)) continue
      if (task.kind === "shell" && task.background) this.#line.push(at)
      else Object.assign(task, { state: "running", begun: true })
    }
    while (this.#line.length > 0 && this.#taken() < PLACES) {
      const task = this.tasks[this.#line.shift()!]!
      if (task.state === "queued") Object.assign(task, { state: "running", begun: true })
    }
  }

  #taken(): number {
    return this.tasks.filter((task) => task.kind === "shell" && task.background && task.begun && !isOver(task)).length
  }
}

/** Somebody who waits: for a run's end, or also for its move to the background. */
interface Waiter {
  run: string
  isFree: boolean
  until: "ended" | "ended or moved"
}

class Real {
  readonly #ids: string[] = []
  readonly #waiters: Waiter[] = []
  readonly #it: TestStore
  readonly #newId = countingIds()
  readonly #log = memoryLog()
  #kinds = [new GatedKind("shell"), new GatedKind("agent")]
  #tasks: TaskRuntime

  constructor(it: TestStore) {
    this.#it = it
    this.#tasks = this.#runtime()
  }

  #runtime(): TaskRuntime {
    const parts = { store: this.#it.store, clock: systemClock, ids: this.#newId, log: this.#log }
    const tasks = new TaskRuntime({ ...parts, shellPlaces: PLACES })
    this.#kinds = [new GatedKind("shell"), new GatedKind("agent")]
    for (const kind of this.#kinds) tasks.register(kind)
    return tasks
  }

  async perform(command: Command): Promise<void> {
    if (command.type === "start") return this.#start(command)
    if (command.type !== "crash") return this.#change(command.task, command.type)
    // The old runtime is forgotten with all that it held in memory; the rows go on.
    this.#tasks = this.#runtime()
    await this.#tasks.recover("root")
  }

  async #start({ kind, background, needs }: Extract<Command, { type: "start" }>): Promise<void> {
    const { task, run } = await this.#tasks.start(
      taskSpec({ kind, background, needs: needs.map((need) => this.#ids[need]!) }),
    )
    this.#ids.push(task.id)
    if (!background) this.#wait(run, this.#tasks.block(run.id))
  }

  async #change(at: number, how: ToOne): Promise<void> {
    const id = this.#ids[at]!
    const run = this.run(at)
    switch (how) {
      case "background":
        await this.#tasks.background([run.id])
        return
      case "foreground":
        return this.#wait(run, this.#tasks.foreground(id))
      case "finish":
      case "fail": {
        const state = how === "finish" ? "completed" : "failed"
        if (run.started_at !== null) for (const kind of this.#kinds) kind.finish(run.id, { state })
        return
      }
      case "user stop":
      case "model stop":
        await this.#tasks.stop([id], how === "user stop" ? "user" : "model")
        return
      case "pause":
        await this.#tasks.pause([id], "paused by the user")
        return
      case "resume":
        await this.#tasks.resume([id])
        return
      case "wait":
        return this.#wait(run, this.#tasks.wait([id]), "ended")
      case "message":
        if (this.#tasks.task(id).task.kind === "agent")
          await this.#tasks.message(id, { text: "Go on.", origin: "peer" }, () => {})
        return
      default:
        how satisfies never
    }
  }

  #wait(run: RunRow, waiting: Promise<unknown>, until: Waiter["until"] = "ended or moved"): void {
    const waiter: Waiter = { run: run.id, isFree: false, until }
    this.#waiters.push(waiter)
    waiting.then(
      () => {
        waiter.isFree = true
      },
      (error) => this.#log.error("a wait failed", { error }),
    )
  }

  /** Those who wait for what has happened. */
  stuck(): Waiter[] {
    return this.#waiters.filter(({ run, isFree, until }) => !isFree && this.#hasCome(run, until))
  }

  #hasCome(runId: string, until: Waiter["until"]): boolean {
    const run = this.#tasks.run(runId)
    return isTerminal(run.state) || (until === "ended or moved" && run.background === 1)
  }

  run(at: number): RunRow {
    return this.#tasks.task(this.#ids[at]!).run
  }

  states(): string[] {
    return this.#ids.map((_, at) => `${this.run(at).state}${this.run(at).background ? " &" : ""}`)
  }

  /** Of each run: its notices, waiting or told; and who waits for it. */
  check(): string | undefined {
    const runs = this.#it.store.all<RunRow>("SELECT * FROM run")
    const wrong = runs.flatMap((run) => {
      const notices = this.#it.store.all<InboxRow>("SELECT * FROM inbox WHERE run_id = :id", { id: run.id })
      const expected = isTerminal(run.state) && run.background ? 1 : 0
      if (notices.length !== expected)
        return [`${run.id} (${run.state}) has ${notices.length} notices, not ${expected}`]
      // What is skipped is as quiet as what it needed.
      const wakes = run.stop_by === "user" ? 0 : 1
      const isWrong = run.state !== "skipped" && notices.some(({ wake }) => wake !== wakes)
      return isWrong ? [`the notice of ${run.id} (${run.state}) has wake ${1 - wakes}`] : []
    })
    const early = this.#waiters.filter(
      ({ run, isFree, until }) => isFree && until === "ended" && !this.#hasCome(run, until),
    )
    return [...wrong, ...early.map(({ run }) => `who waited for ${run} was let go`), ...this.#log.entries][0]
  }
}

const commandOf: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("start" as const),
      kind: fc.constantFrom("shell" as const, "agent" as const),
      background: fc.boolean(),
      needs: fc.array(fc.nat(30), { maxLength: 2 }),
    }),
  },
  { weight: 9, arbitrary: fc.record({ type: fc.constantFrom(...toOne), task: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.constant({ type: "crash" as const }) },
)

/** Numbers that name no task yet name one that there is. */
function fitted(command: Command, count: number): Command | undefined {
  if (command.type === "crash") return command
  if (command.type === "start")
    return { ...command, needs: count === 0 ? [] : [...new Set(command.needs.map((n) => n % count))] }
  return count === 0 ? undefined : { ...command, task: command.task % count }
}

test("whatever is started, moved, paused, spoken to, ended, stopped and recovered, the rows say what they must", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(commandOf, { minLength: 1, maxLength: 18 }), async (commands) => {
      using it = await temporaryStore()
      const [model, real] = [new Model(), new Real(it)]
      for (const given of commands) {
        const command = fitted(given, model.tasks.length)
        if (!command) continue
        model.tell(command)
        await real.perform(command)
        const expected = model.tasks.map(({ state, background }) => `${state}${background ? " &" : ""}`)
        await eventually(
          `after ${JSON.stringify(command)}: ${expected.join(", ")}`,
          () => real.states().join() === expected.join() && real.stuck().length === 0,
          5_000,
        ).catch((error: Error) => {
          throw new Error(`${error.message}; there is: ${real.states().join(", ")}; ${JSON.stringify(real.stuck())}`)
        })
        const wrong = real.check()
        if (wrong) throw new Error(wrong)
      }
    }),
    { numRuns: 80 },
  )
}, 60_000)
