// Ten thousand tasks that wait for others: what starting, ending and freeing one costs, beside a hundred that wait. The
// runtime and its database in this process, without any program that the tasks would run.
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { randomIds } from "../../src/base/ids.ts"
import { openStore } from "../../src/store/open.ts"
import type { Store } from "../../src/store/store.ts"
import { type Started, TaskRuntime } from "../../src/task/runtime.ts"
import type { StartSpec } from "../../src/task/task.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { memoryLog } from "../../testing/harness.ts"
import { taskSpec } from "../../testing/task-spec.ts"
import { type MeasureRows, median, percentile, type Row } from "../measure.ts"

const DEPTHS = [100, 1000, 10_000] as const
/** So many of each are measured at each depth. */
const SAMPLES = 100
/** Tasks of a group wake their owner when the last one of it has ended. */
const GROUP = 50

interface Depth {
  waiting: number
  /** Starting one more that waits; and ending one for which one waits, until that has begun. Medians, in ms. */
  startMs: number
  freeMs: number
  p99: { startMs: number; freeMs: number }
}

interface Burst {
  /** From the end of a task until all that waited for it have settled, or wait for a place. */
  ms: number
  /** The longest that nothing else got through, as far as it was this process's doing and not that of others. */
  frozenMs: number
}

export const rows: MeasureRows = async ({ folder }) => {
  // In memory where that can be had: ten thousand flushes of a disk would be all that is measured.
  const data = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : folder, "meanwhile-queue-"))
  const store = await openStore({ folder: data, clock: systemClock })
  try {
    const bench = new Queue(store)
    const depths: Depth[] = []
    const gate = await bench.start({ background: false })
    for (const waiting of DEPTHS) depths.push(await bench.at(waiting, gate))
    const freed = await bench.burst(gate, "completed")
    const other = await bench.start({ background: false })
    await bench.wait(10_000, other)
    const skipped = await bench.burst(other, "failed")
    return rowsOf(depths, { freed, skipped })
  } finally {
    store.close()
    rmSync(data, { recursive: true, force: true })
  }
}

class Queue {
  readonly #store: Store
  readonly #kind = new GatedKind("shell")
  readonly #tasks: TaskRuntime
  #count = 0
  #waiting = 0

  constructor(store: Store) {
    this.#store = store
    this.#tasks = new TaskRuntime({ store, clock: systemClock, ids: randomIds, log: memoryLog() })
    this.#tasks.register(this.#kind)
  }

  start(spec: Partial<StartSpec>): Promise<Started> {
    const n = ++this.#count
    return this.#tasks.start(
      taskSpec({
        description: `work ${n}`,
        input: { n },
        wake: "all",
        group: `group ${Math.floor(n / GROUP)}`,
        ...spec,
      }),
    )
  }

  async wait(many: number, gate: Started): Promise<number[]> {
    const took: number[] = []
    for (let n = 0; n < many; n++) {
      const from = performance.now()
      await this.start({ needs: [gate.task.id] })
      took.push(performance.now() - from)
    }
    this.#waiting += many
    return took
  }

  async at(waiting: number, gate: Started): Promise<Depth> {
    await this.wait(waiting - this.#waiting - SAMPLES, gate)
    const starts = await this.wait(SAMPLES, gate)
    const frees: number[] = []
    for (let n = 0; n < SAMPLES; n++) {
      const first = await this.start({ background: false })
      const second = await this.start({ background: false, needs: [first.task.id] })
      const from = performance.now()
      this.#kind.finish(first.run.id)
      await this.#until(() => this.#kind.events.at(-1) === `went ${second.run.id}`)
      frees.push(performance.now() - from)
      this.#kind.finish(second.run.id)
      await this.#tasks.wait([second.task.id])
    }
    const p99 = { startMs: percentile(starts, 0.99), freeMs: percentile(frees, 0.99) }
    return { waiting, startMs: median(starts), freeMs: median(frees), p99 }
  }

  /** Ends a task for which all that is queued waits. */
  async burst(gate: Started, state: "completed" | "failed"): Promise<Burst> {
    let frozenMs = 0
    let last = { at: performance.now(), used: processorMs() }
    const watching = setInterval(() => {
      const now = { at: performance.now(), used: processorMs() }
      frozenMs = Math.max(frozenMs, Math.min(now.at - last.at, now.used - last.used))
      last = now
    }, 1)
    const from = performance.now()
    this.#kind.finish(gate.run.id, { state })
    const open = "SELECT 1 FROM dependency WHERE needs_id = :id AND met = 0 LIMIT 1"
    // They are seen to in the order of their ids: the last one tells of all, and asking must not cost anything itself.
    const lastOf = "SELECT MAX(task_id) AS task_id FROM dependency WHERE needs_id = :id"
    const live = `SELECT 1 FROM run WHERE state = 'queued' AND task_id = (${lastOf})`
    while (this.#store.one(state === "completed" ? open : live, { id: gate.task.id })) await Bun.sleep(25)
    clearInterval(watching)
    this.#waiting = 0
    return { ms: performance.now() - from, frozenMs }
  }

  async #until(fact: () => boolean): Promise<void> {
    while (!fact()) await new Promise((resolve) => setImmediate(resolve))
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function rowsOf(depths: readonly Depth[], { freed, skipped }: { freed: Burst; skipped: Burst }): Row[] {
  const [few, , many] = depths as [Depth, Depth, Depth]
  const row = (name: string, figures: Pick<Row, "floor" | "median" | "budget" | "note">): Row => ({
    name: `10,000 queued tasks, ${name}`,
    unit: "ms",
    ...figures,
  })
  const lines = depths.map(
    ({ waiting, startMs, freeMs, p99 }) =>
      `  ${waiting} wait: one more ${startMs.toFixed(2)} ms (p99 ${p99.startMs.toFixed(2)}), an end until the next begins ${freeMs.toFixed(2)} ms (p99 ${p99.freeMs.toFixed(2)})`,
  )
  const burst = ({ ms, frozenMs }: Burst) => `${ms.toFixed(0)} ms, nothing else for ${frozenMs.toFixed(0)} ms of them`
  const note = [...lines, `  all freed in ${burst(freed)}; all skipped in ${burst(skipped)}`].join("\n")
  return [
    row("starting one more / with 100", { floor: few.startMs, median: many.startMs, budget: { times: 1.5 }, note }),
    row("an end until the next begins / with 100", { floor: few.freeMs, median: many.freeMs, budget: { times: 1.5 } }),
    row("all freed by one end", { floor: 0, median: freed.ms, budget: { most: 3000 } }),
    row("the longest freeze while all are freed", { floor: 0, median: freed.frozenMs, budget: { most: 20 } }),
    row("the longest freeze while all are skipped", { floor: 0, median: skipped.frozenMs, budget: { most: 20 } }),
  ]
}
