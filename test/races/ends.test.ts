// The catalogue of races, first part: the end of a task against what happens to the task at that moment. Both orders of
// each pair; a third test where the end is decided and not yet stored when the other comes. Commits are made in the
// order of the calls, and what takes longer is held by gates.
import { describe, expect, test } from "bun:test"
import { driving } from "../../testing/driving.ts"
import { Gate } from "../../testing/gate.ts"
import { reply } from "../../testing/model-server.ts"
import { agent, bash, behind, CONSUMED, RETURNED, rests, TOLD_ONCE, WAITING } from "./story.ts"

describe("finish / background", () => {
  const command = () =>
    driving({ root: [reply.calls([bash("build")]), reply.text("I see."), reply.text("It is built.")] })

  test("a command that finishes before it is moved is its call's result, and there is no notice", async () => {
    await using it = await command()
    await it.say("Begin.")
    const talk = it.converse()
    await it.begun("build")
    await it.finish("build", "BUILT")
    expect(await it.hosted.background()).toBe(0)
    // Nor by somebody who saw it a moment ago, and names it.
    expect(await it.program.tasks.background([it.run("build").id])).toEqual([])
    await rests(it, talk, "BUILT")
    expect(it.run("build").background).toBe(0)
    expect(it.end("build")).toEqual({ state: "completed", ...RETURNED })
    expect(it.asked()).toHaveLength(2)
  })

  test("a command that is moved before it finishes frees the turn, and its notice tells the result", async () => {
    await using it = await command()
    await it.say("Begin.")
    const talk = it.converse()
    await it.begun("build")
    expect(await it.hosted.background()).toBe(1)
    await it.server.received(2)
    expect(it.asked()[1]!.results[0]!.text).toContain("Moved to the background")
    await it.finish("build", "BUILT")
    await rests(it, talk, "BUILT")
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
    expect(it.asked()).toHaveLength(3)
  })

  test("a command that has finished, which is not stored yet, when it is moved is told by its notice alone", async () => {
    await using it = await command()
    await it.say("Begin.")
    const talk = it.converse()
    const { id } = await it.begun("build")
    it.shell.finish(id, { state: "completed", result: "BUILT" })
    expect(await it.hosted.background()).toBe(1)
    await rests(it, talk, "BUILT")
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  for (const order of ["before", "after"] as const)
    test(`an agent that finishes ${order} it is moved reports once`, async () => {
      const last = new Gate()
      await using it = await driving({
        root: [reply.calls([agent("helper")]), reply.text("I see."), reply.text("It has reported.")],
        agents: { helper: [reply.text("REPORT").gate(last)] },
      })
      await it.say("Begin.")
      const talk = it.converse()
      await it.server.received(2)
      if (order === "before") {
        last.open()
        await it.ended("helper")
      }
      expect(await it.hosted.background()).toBe(order === "before" ? 0 : 1)
      last.open()
      await rests(it, talk, "REPORT")
      expect(it.end("helper")).toEqual({ state: "completed", ...(order === "before" ? RETURNED : TOLD_ONCE) })
    })
})

describe("finish / stop", () => {
  const command = (second = reply.text("It runs.")) =>
    driving({ root: [reply.calls([behind("build")]), second, reply.text("I see."), reply.text("And now?")] })

  test("a stop by the user that comes after the finish changes nothing: the result wakes the model", async () => {
    await using it = await command()
    await it.say("Begin.")
    const talk = it.converse()
    await it.begun("build")
    await it.finish("build", "BUILT")
    await it.hosted.stopTask(it.run("build").task_id)
    await rests(it, talk, "BUILT")
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
    expect(it.run("build")).toMatchObject({ quiet: 0, stop_by: null })
  })

  test("a stop by the user that comes first ends it, wakes nobody, and is told with the next prompt", async () => {
    await using it = await command()
    await it.say("Begin.")
    const talk = it.converse()
    await it.turnOver()
    await it.hosted.stopTask(it.run("build").task_id)
    await rests(it, talk, 'status="stopped"', 0)
    expect(it.end("build")).toEqual({ state: "stopped", ...WAITING })
    expect(it.asked()).toHaveLength(2)
    await it.say("What has become of it?")
    await rests(it, it.converse(), 'status="stopped"')
    expect(it.end("build")).toEqual({ state: "stopped", ...TOLD_ONCE })
    expect(it.asked()).toHaveLength(3)
  })

  test("a stop by the user while the model says its last word costs no further request", async () => {
    const last = new Gate()
    await using it = await command(reply.text("It runs.").gate(last))
    await it.say("Begin.")
    const talk = it.converse()
    await it.server.received(2)
    await it.hosted.stopTask((await it.begun("build")).task_id)
    last.open()
    await rests(it, talk, 'status="stopped"', 0)
    expect(it.end("build")).toEqual({ state: "stopped", ...WAITING })
    expect(it.asked()).toHaveLength(2)
  })

  test("a command that finishes while its stop is under way has completed, quietly", async () => {
    await using it = await command()
    await it.say("Begin.")
    const talk = it.converse()
    await it.turnOver()
    const { id, task_id } = it.run("build")
    const stopping = it.hosted.stopTask(task_id)
    it.shell.finish(id, { state: "completed", result: "BUILT" })
    await stopping
    await rests(it, talk, "BUILT", 0)
    expect(it.end("build")).toEqual({ state: "completed", ...WAITING })
    expect(it.run("build")).toMatchObject({ quiet: 1, stop_by: "user" })
  })

  test("a stop by the model that comes after the finish says so, and the notice has the result", async () => {
    const held = new Gate()
    const stop = () => reply.calls([{ name: "TaskStop", input: { task_id: it.run("build").task_id } }]).gate(held)
    await using it = await driving({ root: [reply.calls([behind("build")]), stop, reply.text("I see.")] })
    await it.say("Begin.")
    const talk = it.converse()
    await it.server.received(2)
    await it.finish("build", "BUILT")
    held.open()
    await rests(it, talk, "BUILT")
    expect(it.asked()[2]!.results[0]!.text).toContain("had ended before: completed")
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
    expect(it.asked()).toHaveLength(3)
  })

  test("a stop by the model that comes first is told by its call alone", async () => {
    const stop = () => reply.calls([{ name: "TaskStop", input: { task_id: it.run("build").task_id } }])
    await using it = await driving({ root: [reply.calls([behind("build")]), stop, reply.text("I see.")] })
    await it.say("Begin.")
    await rests(it, it.converse(), "stopped.")
    expect(it.end("build")).toEqual({ state: "stopped", ...CONSUMED })
    expect(it.asked()).toHaveLength(3)
  })
})

describe("finish / pause", () => {
  test("a pause that comes after the finish changes nothing", async () => {
    await using it = await driving({
      root: [reply.calls([behind("build")]), reply.text("It runs."), reply.text("Ah.")],
    })
    await it.say("Begin.")
    const talk = it.converse()
    await it.begun("build")
    await it.finish("build", "BUILT")
    await it.hosted.pauseTask(it.run("build").task_id)
    await rests(it, talk, "BUILT")
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
    expect(it.run("build").reason).toBeNull()
  })

  test("what finishes in spite of a pause, as a command that was on its way out, has completed", async () => {
    await using it = await driving({
      root: [reply.calls([behind("build")]), reply.text("It runs."), reply.text("Ah.")],
    })
    await it.say("Begin.")
    const talk = it.converse()
    await it.server.received(2)
    await it.hosted.pauseTask((await it.begun("build")).task_id)
    await it.finish("build", "BUILT")
    await rests(it, talk, "BUILT")
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  test("a pause of what the turn is blocked on, and its finish at the same moment: moved, then told once", async () => {
    await using it = await driving({ root: [reply.calls([bash("build")]), reply.text("It waits."), reply.text("Ah.")] })
    await it.say("Begin.")
    const talk = it.converse()
    const { id, task_id } = await it.begun("build")
    it.shell.finish(id, { state: "completed", result: "BUILT" })
    await it.hosted.pauseTask(task_id)
    await rests(it, talk, "BUILT")
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  test("an agent that is paused while it says its last word has said it", async () => {
    const last = new Gate()
    await using it = await driving({
      root: [reply.calls([agent("helper", { run_in_background: true })]), reply.text("It helps."), reply.text("Ah.")],
      agents: { helper: [reply.text("REPORT").gate(last)] },
    })
    await it.say("Begin.")
    const talk = it.converse()
    await it.server.received(3)
    await it.hosted.pauseTask(it.run("helper").task_id)
    expect(it.run("helper").state).toBe("paused")
    last.open()
    await rests(it, talk, "REPORT")
    expect(it.end("helper")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  test("stop, then pause: it is stopped and never held", async () => {
    await using it = await driving({ root: [reply.calls([behind("build")]), reply.text("It runs.")] })
    await it.say("Begin.")
    const talk = it.converse()
    await it.turnOver()
    const { id, task_id } = it.run("build")
    const stopping = it.hosted.stopTask(task_id)
    await it.hosted.pauseTask(task_id)
    await stopping
    await rests(it, talk, "BUILT", 0)
    expect(it.end("build")).toEqual({ state: "stopped", ...WAITING })
    expect(it.shell.pauses).toEqual([`released ${id}`])
    const paused = "SELECT 1 FROM feed WHERE kind = 'task_updated' AND data LIKE '%paused%'"
    expect(it.program.store.all(paused)).toEqual([])
  })

  test("pause, then stop: it is stopped, in the queue as well", async () => {
    await using it = await driving({
      root: [reply.calls([behind("one")]), reply.calls([behind("two")]), reply.text("They run.")],
      settings: { maxBackgroundShells: 1 },
    })
    await it.say("Begin.")
    const talk = it.converse()
    await it.turnOver()
    const ids = ["one", "two"].map((name) => it.run(name).task_id)
    await it.program.tasks.pause(ids, "paused by the user")
    await it.program.tasks.stop(ids, "user")
    await rests(it, talk, "stopped", 0)
    expect(it.end("one")).toEqual({ state: "stopped", ...WAITING })
    expect(it.end("two")).toEqual({ state: "stopped", ...WAITING })
    expect(it.shell.events.filter((event) => event.startsWith("went"))).toEqual([`went ${it.run("one").id}`])
  })
})
