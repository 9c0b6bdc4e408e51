// A task at work in a store of its own: the test says when it ends, and what time it is.
import { TaskRuntime } from "../../src/task/runtime.ts"
import type { StartSpec } from "../../src/task/task.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { HandClock } from "../../testing/hand-clock.ts"
import { countingIds, memoryLog, temporaryStore } from "../../testing/harness.ts"
import { taskSpec } from "../../testing/task-spec.ts"

export async function atWork(spec: Partial<StartSpec> = {}) {
  const clock = new HandClock()
  const it = await temporaryStore(clock)
  const log = memoryLog()
  const kind = new GatedKind(spec.kind)
  const tasks = new TaskRuntime({ store: it.store, clock, ids: countingIds(), log })
  tasks.register(kind)
  const { run } = await tasks.start(taskSpec(spec))
  return { ...it, [Symbol.dispose]: it[Symbol.dispose], clock, log, kind, tasks, run }
}
