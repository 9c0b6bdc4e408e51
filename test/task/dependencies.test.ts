import { describe, expect, test } from "bun:test"
import { systemClock } from "../../src/base/clock.ts"
import type { InboxRow, RunRow } from "../../src/store/rows.ts"
import { addDependencies } from "../../src/task/dependencies.ts"
import { type Started, TaskRuntime } from "../../src/task/runtime.ts"
import type { StartSpec } from "../../src/task/task.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { countingIds, eventually, memoryLog, temporaryStore } from "../../testing/harness.ts"
import { taskSpec } from "../../testing/task-spec.ts"

async function fixture({ shellPlaces }: { shellPlaces?: number } = {}) {
  const it = await temporaryStore()
  const log = memoryLog()
  const shell = new GatedKind("shell")
  const agent = new GatedKind("agent")
  const ids = countingIds()
  const runtime = () => {
    const tasks = new TaskRuntime({ store: it.store, clock: systemClock, ids, log, shellPlaces })
    tasks.register(shell)
    tasks.register(agent)
    return tasks
  }
  const tasks = runtime()
  const start = (spec: Partial<StartSpec> = {}) => tasks.start(taskSpec(spec))
  const state = ({ run }: Started) => tasks.run(run.id).state
  const reaches = (started: Started, wanted: RunRow["state"]) =>
    eventually(`${started.task.id} is ${wanted}, not ${state(started)}`, () => state(started) === wanted)
  const went = ({ run }: Started) => shell.events.includes(`went ${run.id}`) || agent.events.includes(`went ${run.id}`)
  const begins = (started: Started) => eventually(`${started.task.id} begins`, () => went(started))
  const notices = () => it.store.all<InboxRow>("SELECT * FROM inbox WHERE kind = 'notice' ORDER BY seq")
  return {
    ...it,
    [Symbol.dispose]: it[Symbol.dispose],
    log,
    shell,
    agent,
    tasks,
    runtime,
    start,
    state,
    reaches,
    went,
    begins,
    notices,
  }
}

describe("dependencies", () => {
  test("a task waits until all that it needs has completed, then begins by itself", async () => {
    using it = await fixture()
    const [a, b] = [await it.start(), await it.start()]
    const c = await it.start({ needs: [a.task.id, b.task.id] })
    expect(c.run).toMatchObject({ state: "queued", started_at: null, reason: `waits for ${a.task.id}, ${b.task.id}` })
    it.shell.finish(a.run.id)
    await it.reaches(a, "completed")
    expect(it.state(c)).toBe("queued")
    it.shell.finish(b.run.id)
    await it.begins(c)
    expect(it.tasks.run(c.run.id)).toMatchObject({ state: "running", reason: null })
    it.shell.finish(c.run.id)
    await it.reaches(c, "completed")
  })

  test("what needs a failed task is skipped, and what needs that, each with a notice", async () => {
    using it = await fixture()
    const a = await it.start()
    const b = await it.start({ needs: [a.task.id] })
    const c = await it.start({ needs: [b.task.id], kind: "agent" })
    it.shell.finish(a.run.id, { state: "failed", reason: "exit code 1" })
    await it.reaches(c, "skipped")
    expect(it.tasks.run(b.run.id)).toMatchObject({
      state: "skipped",
      reason: `it needs task ${a.task.id}, which failed`,
    })
    expect(it.tasks.run(c.run.id).reason).toBe(`it needs task ${b.task.id}, which was skipped`)
    expect(it.notices().map((row) => [row.run_id, row.wake])).toEqual([a, b, c].map(({ run }) => [run.id, 1]))
    expect(it.went(b) || it.went(c)).toBe(false)
  })

  test("what needs a task that the user stopped is skipped without waking anybody", async () => {
    using it = await fixture()
    const a = await it.start()
    const b = await it.start({ needs: [a.task.id] })
    await it.tasks.stop([a.task.id], "user")
    expect(it.state(b)).toBe("skipped")
    expect(it.notices().map((row) => row.wake)).toEqual([0, 0])
  })

  test("one that is stopped before it began never begins, and its own dependants are skipped", async () => {
    using it = await fixture()
    const a = await it.start()
    const b = await it.start({ needs: [a.task.id] })
    const c = await it.start({ needs: [b.task.id] })
    await it.tasks.stop([b.task.id], "model")
    expect([it.state(b), it.state(c)]).toEqual(["stopped", "skipped"])
    it.shell.finish(a.run.id)
    await it.reaches(a, "completed")
    expect(it.shell.events.filter((event) => event.startsWith("went"))).toEqual([`went ${a.run.id}`])
  })

  test("stopping a whole tree stops what is queued in it, too", async () => {
    using it = await fixture()
    const a = await it.start()
    const b = await it.start({ needs: [a.task.id] })
    const c = await it.start({ needs: [b.task.id] })
    await it.tasks.stop(
      [a, b, c].map(({ task }) => task.id),
      "program",
    )
    expect([a, b, c].map(it.state)).toEqual(["stopped", "stopped", "stopped"])
  })

  test("a foreground task blocks its call from the queue to its end", async () => {
    using it = await fixture()
    const a = await it.start()
    const b = await it.start({ needs: [a.task.id], background: false })
    const blocked = it.tasks.block(b.run.id)
    it.shell.finish(a.run.id)
    await it.begins(b)
    it.shell.finish(b.run.id)
    expect(await blocked).toMatchObject({ type: "settled", run: { state: "completed", notice: "none" } })
  })

  test("a later run that fails takes nothing from what the first completed run has met", async () => {
    using it = await fixture()
    const [a, other] = [await it.start({ kind: "agent" }), await it.start()]
    const b = await it.start({ needs: [a.task.id, other.task.id] })
    it.agent.finish(a.run.id)
    await it.reaches(a, "completed")
    const again = (await it.tasks.message(a.task.id, { text: "go on", origin: "peer" }, () => {})) as Started
    it.agent.finish(again.run.id, { state: "failed" })
    await it.reaches(again, "failed")
    it.shell.finish(other.run.id)
    await it.begins(b)
  })

  test("an agent's agent can't wait for the agent that waits for it", async () => {
    using it = await fixture()
    const outer = await it.start({ kind: "agent" })
    const inside = { ownerId: outer.task.session_id!, parentTaskId: outer.task.id, needs: [outer.task.id] }
    await expect(it.start({ kind: "agent", ...inside })).rejects.toThrow(
      `Task ${outer.task.id} can't end before this one`,
    )
    // Nor over a detour: what needs the outer one.
    const after = await it.start({ kind: "agent", needs: [outer.task.id] })
    await expect(it.start({ kind: "agent", ...inside, needs: [after.task.id] })).rejects.toThrow("can't end before")
    // A background shell passes to the owner, so it may.
    expect((await it.start(inside)).run.state).toBe("queued")
    expect(it.store.all("SELECT * FROM task")).toHaveLength(3)
  })

  test("a circle among tasks that exist is refused", async () => {
    using it = await fixture()
    const a = await it.start()
    const b = await it.start({ needs: [a.task.id] })
    const add = it.store.write((tx) =>
      addDependencies(tx, { id: a.task.id, parentTaskId: null, holdsParent: false }, [b.task.id]),
    )
    await expect(add).rejects.toThrow("depends_on")
    const itself = it.store.write((tx) =>
      addDependencies(tx, { id: a.task.id, parentTaskId: null, holdsParent: false }, [a.task.id]),
    )
    await expect(itself).rejects.toThrow("depends_on")
  })

  test("a task that does not exist, or not in this tree, can't be needed", async () => {
    using it = await fixture()
    const other = await it.start({ ownerId: "other", rootId: "other" })
    for (const id of ["nothing", other.task.id])
      await expect(it.start({ needs: [id] })).rejects.toThrow("There is no task")
  })

  test("after a crash, queued tasks begin as soon as they are free", async () => {
    using it = await fixture()
    const a = await it.start()
    const b = await it.start({ needs: [a.task.id] })
    const c = await it.start({ needs: [b.task.id] })
    // The process dies after the transaction that freed b, before it began.
    await it.store.write((tx) => {
      tx.run("UPDATE run SET state = 'completed' WHERE id = :id", { id: a.run.id })
      tx.run("UPDATE dependency SET met = 1 WHERE needs_id = :id", { id: a.task.id })
    })
    const next = it.runtime()
    await next.recover("root")
    await it.begins(b)
    it.shell.finish(b.run.id)
    await it.begins(c)
    expect(it.tasks.run(b.run.id).attempt).toBe(1)
  })

  test("a stop that was asked for before a crash ends what was queued", async () => {
    using it = await fixture()
    const a = await it.start()
    const b = await it.start({ needs: [a.task.id] })
    await it.store.write((tx) => tx.run("UPDATE run SET stop_by = 'user' WHERE id = :id", { id: b.run.id }))
    await it.runtime().recover("root")
    expect(it.state(b)).toBe("stopped")
  })
})

describe("places for background shells", () => {
  test("those without a place wait in their order", async () => {
    using it = await fixture({ shellPlaces: 2 })
    const started = [await it.start(), await it.start(), await it.start(), await it.start()]
    const [a, , c, d] = started as [Started, Started, Started, Started]
    expect(started.map(it.state)).toEqual(["running", "running", "queued", "queued"])
    expect(c.run.reason).toBe("waits for a free shell")
    it.shell.finish(a.run.id)
    await it.begins(c)
    expect(it.state(d)).toBe("queued")
    await it.tasks.stop([c.task.id], "user")
    await it.begins(d)
  })

  test("started at the same time, no more begin than there are places", async () => {
    using it = await fixture({ shellPlaces: 2 })
    const started = await Promise.all([1, 2, 3, 4].map(() => it.start()))
    expect(started.map(it.state).sort()).toEqual(["queued", "queued", "running", "running"])
  })

  test("foreground shells, services and agents need none", async () => {
    using it = await fixture({ shellPlaces: 1 })
    await it.start()
    const free = [
      await it.start({ background: false }),
      await it.start({ service: true }),
      await it.start({ kind: "agent" }),
    ]
    expect(free.map(it.state)).toEqual(["running", "running", "running"])
  })

  test("a queued one that is taken to the foreground begins at once", async () => {
    using it = await fixture({ shellPlaces: 1 })
    await it.start()
    const b = await it.start()
    const taken = it.tasks.foreground(b.task.id)
    await it.begins(b)
    it.shell.finish(b.run.id)
    expect(await taken).toMatchObject({ type: "settled", run: { state: "completed" } })
  })

  test("one that becomes a service, or goes to the foreground, gives its place to the next", async () => {
    using it = await fixture({ shellPlaces: 1 })
    const a = await it.start()
    const [b, c] = [await it.start(), await it.start()]
    await it.shell.control(a.run.id).becomeService(0)
    await it.begins(b)
    const taken = it.tasks.foreground(b.task.id)
    await it.begins(c)
    it.shell.finish(b.run.id)
    await taken
  })

  test("a shell that is free of its needs still waits for a place", async () => {
    using it = await fixture({ shellPlaces: 1 })
    const a = await it.start({ kind: "agent" })
    const b = await it.start({ needs: [a.task.id] })
    const c = await it.start()
    it.agent.finish(a.run.id)
    await it.reaches(a, "completed")
    expect([it.state(b), it.state(c)]).toEqual(["queued", "running"])
    it.shell.finish(c.run.id)
    await it.begins(b)
  })

  test("one that can't be readied fails and gives its place back", async () => {
    using it = await fixture({ shellPlaces: 1 })
    const a = await it.start()
    const [b, c] = [await it.start(), await it.start()]
    const { prepare } = it.shell
    it.shell.prepare = (task, run) =>
      run.id === b.run.id ? Promise.reject(new Error("no folder")) : prepare.call(it.shell, task, run)
    it.shell.finish(a.run.id)
    await it.begins(c)
    expect(it.tasks.run(b.run.id)).toMatchObject({ state: "failed", reason: "no folder" })
  })
})

describe("the same work twice", () => {
  const spec = { kind: "agent", input: { agent: "explore", prompt: "find it" }, once: true }

  test("a start that equals a live task is answered with it", async () => {
    using it = await fixture()
    const a = await it.start(spec)
    const again = await it.start(spec)
    expect(again).toMatchObject({ already: true, task: { id: a.task.id }, run: { id: a.run.id } })
    it.agent.finish(a.run.id)
    await it.reaches(a, "completed")
    expect((await it.start(spec)).task.id).not.toBe(a.task.id)
  })

  test("of several at the same time one is started", async () => {
    using it = await fixture()
    const all = await Promise.all([1, 2, 3].map(() => it.start(spec)))
    expect(new Set(all.map(({ task }) => task.id)).size).toBe(1)
    expect(it.agent.events.filter((event) => event.startsWith("went"))).toHaveLength(1)
    expect(it.store.all("SELECT * FROM run")).toHaveLength(1)
  })

  test("another owner, another prompt, or a shell, is other work", async () => {
    using it = await fixture()
    const all = [
      await it.start(spec),
      await it.start({ ...spec, ownerId: "other" }),
      await it.start({ ...spec, input: { agent: "explore", prompt: "find that" } }),
      await it.start(),
      await it.start(),
    ]
    expect(new Set(all.map(({ task }) => task.id)).size).toBe(5)
  })
})
