// Ten thousand queued tasks cost no more each than ten: the same number of statements, and none that reads a table
// from one end to the other.
import { expect, test } from "bun:test"
import { systemClock } from "../../src/base/clock.ts"
import type { Params } from "../../src/runtime/sqlite.ts"
import type { Reader, Store, Tx } from "../../src/store/store.ts"
import { type Started, TaskRuntime } from "../../src/task/runtime.ts"
import type { StartSpec } from "../../src/task/task.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { countingIds, eventually, memoryLog, temporaryStore } from "../../testing/harness.ts"
import { taskSpec } from "../../testing/task-spec.ts"

/** Notes each statement that goes through it. */
function recording(store: Store): { store: Store; said: string[]; params: Map<string, object> } {
  const said: string[] = []
  const params = new Map<string, object>()
  const noted = <T extends Reader>(inner: T): T =>
    new Proxy(inner, {
      get(target, name) {
        const value = Reflect.get(target, name, target)
        if (typeof value !== "function") return value
        if (name === "write" || name === "writeDurably")
          return (change: (tx: Tx) => unknown) => value.call(target, (tx: Tx) => change(noted(tx)))
        return (...args: unknown[]) => {
          if (name === "one" || name === "all" || name === "run") {
            said.push(String(args[0]))
            params.set(String(args[0]), (args[1] as object | undefined) ?? {})
          }
          return value.apply(target, args)
        }
      },
    })
  return { store: noted(store), said, params }
}

test("starting, ending and freeing a task does the same however many are queued", async () => {
  using it = await temporaryStore()
  const { store, said, params } = recording(it.store)
  const shell = new GatedKind("shell")
  const tasks = new TaskRuntime({ store, clock: systemClock, ids: countingIds(), log: memoryLog(), shellPlaces: 2 })
  tasks.register(shell)
  const start = (spec: Partial<StartSpec> = {}) => tasks.start(taskSpec({ input: { n: 1 }, once: true, ...spec }))
  let count = 0
  const fresh = () => ({ input: { n: ++count } })
  const state = (one: Started) =>
    it.store.one<{ state: string }>("SELECT state FROM run WHERE id = :id", { id: one.run.id })?.state
  const queue = async (how: number, needs: string) => {
    for (let n = 0; n < how; n++) await start({ ...fresh(), ...(n % 2 ? { needs: [needs] } : {}) })
  }
  /** A task that waits for another one and then for a place, from its start to its end. */
  const life = async () => {
    const from = said.length
    const first = await start({ ...fresh(), background: false })
    const second = await start({ ...fresh(), background: false, needs: [first.task.id] })
    const third = await start({ ...fresh(), background: false, needs: [second.task.id] })
    shell.finish(first.run.id)
    await eventually("the second begins", () => shell.events.includes(`went ${second.run.id}`))
    shell.finish(second.run.id, { state: "failed" })
    await eventually("the third is skipped", () => state(third) === "skipped")
    await start({ ...fresh() })
    await tasks.stop([(await start(fresh())).task.id], "user")
    return said.slice(from)
  }

  const busy = await start(fresh())
  await start(fresh())
  await queue(10, busy.task.id)
  const few = await life()
  await queue(400, busy.task.id)
  const many = await life()
  expect(many).toEqual(few)

  const plans = [...new Set(said)]
    .filter((sql) => !sql.startsWith("INSERT"))
    .map((sql) => ({
      sql,
      plan: it.store.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, params.get(sql) as Params),
    }))
  const scans = plans.filter(({ plan }) =>
    plan.some(({ detail }) => /^SCAN (?!json_each|tree|up|later|CONSTANT)/.test(detail)),
  )
  expect(scans.map(({ sql }) => sql)).toEqual([])
})
