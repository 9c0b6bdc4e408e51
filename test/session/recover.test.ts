// Recovery of what was asked of the user, and of runs that nobody waits for any more.
import { expect, test } from "bun:test"
import { systemClock } from "../../src/base/clock.ts"
import { createApprovals } from "../../src/session/approvals.ts"
import type { InboxRow, SessionRow } from "../../src/store/rows.ts"
import { insertRow } from "../../src/store/store.ts"
import { settledNoticeId } from "../../src/task/notice.ts"
import { TaskRuntime } from "../../src/task/runtime.ts"
import { taskStopTool } from "../../src/tool/task-stop.ts"
import type { ToolContext } from "../../src/tool/tool.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { countingIds, eventually, memoryLog, temporaryStore } from "../../testing/harness.ts"
import { taskSpec } from "../../testing/task-spec.ts"

const session = { id: "root", root_id: "root", task_id: null } as SessionRow
const request = { session, toolCallId: "call", tool: "Bash", input: {}, rule: null }
const unending = new AbortController().signal

test("a permission that was given before a crash holds, also when nobody is there now", async () => {
  using it = await temporaryStore()
  const parts = { store: it.store, clock: systemClock, ids: countingIds() }
  const before = createApprovals(parts, { answerable: true })
  const asked = before.ask(request, unending)
  await eventually("it is asked", () => it.store.one("SELECT 1 FROM approval") !== undefined)
  const { id } = it.store.one<{ id: string }>("SELECT id FROM approval")!
  await before.answer(id, { behavior: "allow" })
  expect(await asked).toEqual({ behavior: "allow" })
  const after = createApprovals(parts, { answerable: false })
  expect(await after.ask(request, unending)).toEqual({ behavior: "allow" })
  expect(await after.ask({ ...request, toolCallId: "another" }, unending)).toEqual({ behavior: "nobody" })
})

async function runtimes(store: Awaited<ReturnType<typeof temporaryStore>>["store"]) {
  const ids = countingIds()
  const parts = { store, clock: systemClock, ids, log: memoryLog() }
  const make = () => {
    const tasks = new TaskRuntime(parts)
    const kind = new GatedKind("shell")
    tasks.register(kind)
    return { tasks, kind }
  }
  return { first: make(), second: make() }
}

test("a run that was followed in the foreground when its host died leaves its notice", async () => {
  using it = await temporaryStore()
  const { first, second } = await runtimes(it.store)
  const { task, run } = await first.tasks.start(taskSpec())
  // The wait ends with the process: it never gets to move the run back.
  void first.tasks.foreground(task.id).catch(() => undefined)
  await eventually("it is in the foreground", () => first.tasks.run(run.id).background === 0)
  await second.tasks.recover("root")
  expect(second.tasks.run(run.id).background).toBe(1)
})

test("a run that a call still waits for stays in the foreground", async () => {
  using it = await temporaryStore()
  const { first, second } = await runtimes(it.store)
  await it.store.write((tx) =>
    insertRow(tx, "tool_call", {
      id: "call",
      call_id: "x",
      session_id: "root",
      step_id: "step",
      idx: 0,
      name: "Bash",
      input: "{}",
      state: "pending",
      replay: "never",
    }),
  )
  const { run } = await first.tasks.start(taskSpec({ callId: "call", background: false }))
  await second.tasks.recover("root")
  expect(second.tasks.run(run.id).background).toBe(0)
})

test("a stop by the model whose call died is told once, by the call that runs again", async () => {
  using it = await temporaryStore()
  const { first } = await runtimes(it.store)
  const { task, run } = await first.tasks.start(taskSpec())
  await first.tasks.stop([task.id], "model")
  const notices = it.store.all<InboxRow>("SELECT * FROM inbox WHERE id = :id", { id: settledNoticeId(run.id) })
  expect(notices).toHaveLength(1)
  const tool = taskStopTool({ store: it.store, tasks: first.tasks, owner: session, origins: () => [] })
  const output = await tool.run({ task_id: task.id }, {} as ToolContext)
  expect(output).toMatchObject({ content: [{ text: `${task.id}: stopped.` }], consumes: [run.id] })
})
