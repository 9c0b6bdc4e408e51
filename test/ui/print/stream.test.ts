import { expect, test } from "bun:test"
import { systemClock } from "../../../src/base/clock.ts"
import { feedAfter } from "../../../src/store/feed.ts"
import { usageBelow } from "../../../src/task/find.ts"
import { TaskRuntime } from "../../../src/task/runtime.ts"
import { Stream } from "../../../src/ui/print/stream.ts"
import { GatedKind } from "../../../testing/gated-kind.ts"
import { countingIds, eventually, memoryLog, temporaryStore } from "../../../testing/harness.ts"
import { lineMistake, type StreamLine } from "../../../testing/stream-check.ts"
import { taskSpec } from "../../../testing/task-spec.ts"

/** A stream over a tree's rows, looked at when the test says; the time is what the test says, too. */
async function fixture() {
  const it = await temporaryStore()
  const kind = new GatedKind("shell")
  const tasks = new TaskRuntime({ store: it.store, clock: systemClock, ids: countingIds(), log: memoryLog() })
  tasks.register(kind)
  const parts = {
    reader: it.store,
    usageBelow: (id: string) => usageBelow(it.store, id),
    asks: "permission_request" as const,
    parentCalls: new Map(),
  }
  const stream = new Stream(parts, "root")
  let seq = 0
  /** What is said at `now` of all that has happened since the last look. */
  const at = (now: number): StreamLine[] => {
    const rows = feedAfter(it.store, "root", seq)
    seq = rows.at(-1)?.seq ?? seq
    const lines = stream.lines(rows, now)
    for (const line of lines) expect(lineMistake(line)).toBeUndefined()
    return lines
  }
  const start = (description: string, background = true) =>
    tasks.start(taskSpec({ description, input: { command: "x" }, background }))
  const finish = async (runId: string) => {
    kind.finish(runId)
    await eventually("it settles", () => tasks.run(runId).ended_at !== null)
  }
  return { [Symbol.dispose]: it[Symbol.dispose], kind, tasks, stream, at, start, finish }
}

const kinds = (lines: StreamLine[]) => lines.map((line) => line.subtype)
const summaries = (lines: StreamLine[]) =>
  lines.filter((line) => line.subtype === "task_progress").map((line) => line.summary)

test("progress is said at once, then once a second, the newest of it", async () => {
  using it = await fixture()
  const { run } = await it.start("one")
  it.at(0)
  const progress = (activity: string) => it.kind.control(run.id).progress({ activity })
  await progress("first")
  expect(summaries(it.at(1000))).toEqual(["first"])
  for (const activity of ["second", "third"]) await progress(activity)
  expect(summaries(it.at(1500))).toEqual([])
  expect(it.stream.dueAt()).toBe(2000)
  expect(summaries(it.at(1999))).toEqual([])
  expect(summaries(it.at(2000))).toEqual(["third"])
  expect(it.stream.dueAt()).toBeUndefined()
  expect(summaries(it.at(9000))).toEqual([])
})

test("progress that changes nothing is not said", async () => {
  using it = await fixture()
  const { run } = await it.start("one")
  for (const activity of ["first", "second"]) await it.kind.control(run.id).progress({ activity })
  expect(summaries(it.at(0))).toEqual(["second"])
  expect(summaries(it.at(1000))).toEqual([])
  await it.kind.control(run.id).progress({ activity: "second" })
  expect(summaries(it.at(3000))).toEqual([])
  await it.kind.control(run.id).progress({ activity: "third" })
  expect(summaries(it.at(4000))).toEqual(["third"])
})

test("tasks don't hold back each other's progress", async () => {
  using it = await fixture()
  const [one, two] = [await it.start("one"), await it.start("two")]
  it.at(0)
  await it.kind.control(one.run.id).progress({ activity: "one" })
  await it.kind.control(two.run.id).progress({ activity: "two" })
  expect(summaries(it.at(0))).toEqual(["one", "two"])
})

test("a task that has ended says no progress any more", async () => {
  using it = await fixture()
  const { run } = await it.start("one")
  await it.kind.control(run.id).progress({ activity: "first" })
  expect(summaries(it.at(0))).toEqual(["first"])
  await it.kind.control(run.id).progress({ activity: "second" })
  await it.finish(run.id)
  expect(kinds(it.at(500))).toEqual(["task_updated", "task_notification", "background_tasks_changed"])
  expect(summaries(it.at(5000))).toEqual([])
})

test("the list of background tasks is said when it is another one, not for each change", async () => {
  using it = await fixture()
  const names = (lines: StreamLine[]) =>
    lines
      .filter((line) => line.subtype === "background_tasks_changed")
      .map((line) => (line.tasks as { description: string }[]).map((task) => task.description))
  const one = await it.start("one")
  await it.start("two")
  expect(names(it.at(0))).toEqual([["one", "two"]])
  // A task in the foreground changes nothing in it.
  const quiet = await it.start("quiet", false)
  expect(names(it.at(1000))).toEqual([])
  await it.tasks.background([quiet.run.id])
  expect(names(it.at(2000))).toEqual([["one", "two", "quiet"]])
  await it.finish(one.run.id)
  expect(names(it.at(2010))).toEqual([])
  expect(it.stream.dueAt()).toBe(2100)
  expect(names(it.at(2100))).toEqual([["two", "quiet"]])
})

test("when the work rests, the list does not wait", async () => {
  using it = await fixture()
  const { run } = await it.start("one")
  it.at(0)
  await it.finish(run.id)
  expect(kinds(it.at(1))).toEqual(["task_updated", "task_notification"])
  expect(it.stream.rest(1)).toMatchObject([{ subtype: "background_tasks_changed", tasks: [] }])
  expect(it.stream.rest(2)).toEqual([])
  expect(it.stream.dueAt()).toBeUndefined()
})
