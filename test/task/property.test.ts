// Random commands against a tiny model: whatever the order, the rows say what the model says, and each settled
// background run has left one notice.
import { test } from "bun:test"
import fc from "fast-check"
import { systemClock } from "../../src/base/clock.ts"
import type { RunRow } from "../../src/store/rows.ts"
import { TaskRuntime } from "../../src/task/runtime.ts"
import { isTerminal } from "../../src/task/task.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { countingIds, eventually, memoryLog, type TestStore, temporaryStore } from "../../testing/harness.ts"

const PLACES = 2

interface ModelTask {
  kind: "shell" | "agent"
  /** Indexes of earlier tasks. */
  needs: number[]
  state: "queued" | "running" | "completed" | "failed" | "stopped" | "skipped"
  background: boolean
}

type Command =
  | { type: "start"; kind: "shell" | "agent"; background: boolean; needs: number[] }
  | { type: "background" | "finish" | "fail" | "stop"; task: number }
  | { type: "crash" }

const isOver = ({ state }: ModelTask) => state !== "queued" && state !== "running"

/** What must be true, in a few lines: who begins, who is skipped, in which order places are given. */
class Model {
  readonly tasks: ModelTask[] = []
  /** Background shells that are free of their needs, in the order in which they became so. */
  #line: number[] = []

  start(kind: ModelTask["kind"], background: boolean, needs: number[]): void {
    this.tasks.push({ kind, background, needs, state: "queued" })
    this.#settleDown()
  }

  background(at: number): void {
    const task = this.tasks[at]!
    if (!isOver(task)) task.background = true
    this.#settleDown()
  }

  end(at: number, state: "completed" | "failed" | "stopped"): void {
    const task = this.tasks[at]!
    if (isOver(task) || (state !== "stopped" && task.state === "queued")) return
    task.state = state
    this.#settleDown()
  }

  /** Nobody waits in the foreground any more, and those in the line stand in the order in which they were started. */
  crash(): void {
    for (const task of this.tasks) if (!isOver(task)) task.background = true
    this.#line = []
    this.#settleDown()
  }

  #settleDown(): void {
    for (const task of this.tasks) {
      const needs = task.needs.map((need) => this.tasks[need]!)
      if (task.state === "queued" && needs.some((need) => isOver(need) && need.state !== "completed"))
        task.state = "skipped"
    }
    this.#line = this.#line.filter((at) => this.tasks[at]!.state === "queued")
    for (const [at, task] of this.tasks.entries()) {
      if (task.state !== "queued" || this.#line.includes(at)) continue
      if (task.needs.some((need) => this.tasks[need]!.state !== "completed")) continue
      if (task.kind === "shell" && task.background) this.#line.push(at)
      else task.state = "running"
    }
    while (this.#line.length > 0 && this.#taken() < PLACES) this.tasks[this.#line.shift()!]!.state = "running"
  }

  #taken(): number {
    return this.tasks.filter(({ kind, background, state }) => kind === "shell" && background && state === "running")
      .length
  }
}

class Real {
  readonly runs: RunRow[] = []
  readonly #ids: string[] = []
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
    switch (command.type) {
      case "start": {
        const { task } = await this.#tasks.start({
          kind: command.kind,
          ownerId: "root",
          rootId: "root",
          parentTaskId: null,
          callId: null,
          description: "work",
          input: {},
          background: command.background,
          needs: command.needs.map((need) => this.#ids[need]!),
        })
        this.#ids.push(task.id)
        return
      }
      case "background":
        await this.#tasks.background([this.run(command.task).id])
        return
      case "finish":
      case "fail": {
        const run = this.run(command.task)
        const state = command.type === "finish" ? "completed" : "failed"
        if (run.state === "running") for (const kind of this.#kinds) kind.finish(run.id, { state })
        return
      }
      case "stop":
        await this.#tasks.stop([this.#ids[command.task]!], "model")
        return
      case "crash":
        // The old runtime is forgotten with all that it held in memory; the rows go on.
        this.#tasks = this.#runtime()
        await this.#tasks.recover("root")
        return
      default:
        command satisfies never
    }
  }

  run(at: number): RunRow {
    return this.#tasks.task(this.#ids[at]!).run
  }

  states(): string[] {
    return this.#ids.map((_, at) => `${this.run(at).state}${this.run(at).background ? " &" : ""}`)
  }

  /** Of each run: its notices, waiting or told. */
  check(): string | undefined {
    const wrong = this.#ids.flatMap((_, at) => {
      const run = this.run(at)
      const { count } = this.#it.store.one<{ count: number }>(
        "SELECT COUNT(*) AS count FROM inbox WHERE run_id = :id",
        {
          id: run.id,
        },
      )!
      const expected = isTerminal(run.state) && run.background ? 1 : 0
      return count === expected ? [] : [`${run.id} (${run.state}) has ${count} notices, not ${expected}`]
    })
    return [...wrong, ...this.#log.entries][0]
  }
}

const commandOf = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("start" as const),
      kind: fc.constantFrom("shell" as const, "agent" as const),
      background: fc.boolean(),
      needs: fc.array(fc.nat(30), { maxLength: 2 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constantFrom("background" as const, "finish" as const, "fail" as const, "stop" as const),
      task: fc.nat(30),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "crash" as const }) },
)

function tell(model: Model, command: Command): void {
  const ends = { finish: "completed", fail: "failed", stop: "stopped" } as const
  if (command.type === "start") model.start(command.kind, command.background, command.needs)
  else if (command.type === "background") model.background(command.task)
  else if (command.type === "crash") model.crash()
  else model.end(command.task, ends[command.type])
}

/** Numbers that name no task yet name one that there is. */
function fitted(command: Command, count: number): Command | undefined {
  if (command.type === "crash") return command
  if (command.type === "start")
    return { ...command, needs: count === 0 ? [] : [...new Set(command.needs.map((n) => n % count))] }
  return count === 0 ? undefined : { ...command, task: command.task % count }
}

test("whatever is started, moved, ended, stopped and recovered, the rows say what they must", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(commandOf, { minLength: 1, maxLength: 14 }), async (commands) => {
      using it = await temporaryStore()
      const [model, real] = [new Model(), new Real(it)]
      for (const given of commands) {
        const command = fitted(given, model.tasks.length)
        if (!command) continue
        tell(model, command)
        await real.perform(command)
        const expected = model.tasks.map(({ state, background }) => `${state}${background ? " &" : ""}`)
        await eventually(
          `after ${JSON.stringify(command)}: ${expected.join(", ")}`,
          () => real.states().join() === expected.join(),
          2_000,
        ).catch((error: Error) => {
          throw new Error(`${error.message}; there is: ${real.states().join(", ")}`)
        })
        const wrong = real.check()
        if (wrong) throw new Error(wrong)
      }
    }),
    { numRuns: 60 },
  )
}, 60_000)
