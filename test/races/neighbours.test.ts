// The catalogue of races, second part: the end of a task against the ends of others: of a sibling, of what it needs, of
// the agent that started it.
import { describe, expect, test } from "bun:test"
import { type Driving, driving } from "../../testing/driving.ts"
import { Gate } from "../../testing/gate.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { reply } from "../../testing/model-server.ts"
import { agent, behind, CONSUMED, RETURNED, rests, TOLD_ONCE, WAITING } from "./story.ts"

describe("two finishes / one drain", () => {
  const two = (held: Gate, more: object = {}) =>
    driving({
      root: [
        reply.calls([behind("one"), behind("two")].map((call) => ({ ...call, input: { ...call.input, ...more } }))),
        reply.text("They run."),
        reply.text("I look at it.").gate(held),
        reply.text("I see."),
      ],
    })

  test("both before the drain make one turn", async () => {
    const held = new Gate()
    held.open()
    await using it = await two(held)
    await it.say("Begin.")
    const stop = new AbortController()
    const first = it.converse(stop.signal)
    await it.turnOver()
    stop.abort(new Error("nobody drives it for a moment"))
    await first.catch(() => undefined)
    await it.finish("one", "FIRST")
    await it.finish("two", "SECOND")
    await rests(it, it.converse(), "FIRST")
    expect(it.read("SECOND")).toBe(1)
    expect([it.end("one"), it.end("two")]).toEqual(Array(2).fill({ state: "completed", ...TOLD_ONCE }))
    expect(it.turns().map(({ cause }) => cause)).toEqual(["human", "task"])
    expect(it.asked()).toHaveLength(3)
  })

  test("the second, after the drain, joins the turn that the first began at its next boundary", async () => {
    const held = new Gate()
    await using it = await two(held)
    await it.say("Begin.")
    const talk = it.converse()
    await it.turnOver()
    await it.finish("one", "FIRST")
    await it.server.received(3)
    await it.finish("two", "SECOND")
    expect([it.read("FIRST"), it.read("SECOND")]).toEqual([1, 0])
    held.open()
    await rests(it, talk, "FIRST")
    expect(it.read("SECOND")).toBe(1)
    expect([it.end("one"), it.end("two")]).toEqual(Array(2).fill({ state: "completed", ...TOLD_ONCE }))
    expect(it.turns().map(({ cause }) => cause)).toEqual(["human", "task"])
  })

  const group = (last: Gate) =>
    driving({
      root: [
        reply.calls(["left", "right"].map((name) => agent(name, { run_in_background: true, wake: "all", group: "g" }))),
        reply.text("They work."),
        reply.text("I see."),
      ],
      agents: { left: [reply.text("LEFT")], right: [reply.text("RIGHT").gate(last)] },
    })

  test("of a group that wakes together, the first wakes nobody and the last brings all", async () => {
    const last = new Gate()
    await using it = await group(last)
    await it.say("Begin.")
    const talk = it.converse()
    await it.ended("left")
    await it.turnOver()
    expect([it.end("left").inbox, it.asked().length]).toEqual([1, 2])
    last.open()
    await rests(it, talk, "LEFT")
    expect(it.read("RIGHT")).toBe(1)
    expect(it.asked()).toHaveLength(3)
  })

  test("when the user stops the last of such a group, what the others have found wakes the model", async () => {
    await using it = await group(new Gate())
    await it.say("Begin.")
    const talk = it.converse()
    await it.ended("left")
    await it.turnOver()
    await it.hosted.stopTask(it.run("right").task_id)
    await rests(it, talk, "LEFT")
    expect([it.end("left"), it.end("right")]).toEqual([
      { state: "completed", ...TOLD_ONCE },
      { state: "stopped", ...TOLD_ONCE },
    ])
    expect(it.asked()).toHaveLength(3)
  })
})

describe("settle / dependency insert", () => {
  /** The second call needs the first one's task, and is made when the gate opens. */
  const pair = async (held: Gate) => {
    const second = () => reply.calls([behind("after", { depends_on: [it.run("before").task_id] })]).gate(held)
    const said = ["Go on.", "I see.", "Ah.", "All is done."].map((text) => reply.text(text))
    const it = await driving({ root: [reply.calls([behind("before")]), second, ...said] })
    await it.say("Begin.")
    return it
  }
  const inserted = (it: Driving) => it.server.received(3)

  test("a task that is inserted after its need has completed begins at once", async () => {
    const held = new Gate()
    await using it = await pair(held)
    const talk = it.converse()
    await it.server.received(2)
    await it.finish("before", "FIRST")
    held.open()
    expect((await inserted(it)).results[0]!.text).toContain("it is about to begin")
    await it.begun("after")
    await it.finish("after", "SECOND")
    await rests(it, talk, "FIRST")
    expect(it.read("SECOND")).toBe(1)
    expect([it.end("before"), it.end("after")]).toEqual(Array(2).fill({ state: "completed", ...TOLD_ONCE }))
  })

  test("a task that is inserted before its need completes is queued, and begins by itself", async () => {
    const held = new Gate()
    held.open()
    await using it = await pair(held)
    const talk = it.converse()
    expect((await inserted(it)).results[0]!.text).toContain(`waits for ${it.run("before").task_id}`)
    expect(it.run("after")).toMatchObject({ state: "queued", started_at: null })
    await it.finish("before", "FIRST")
    await it.begun("after")
    await it.finish("after", "SECOND")
    await rests(it, talk, "FIRST")
    expect(it.read("SECOND")).toBe(1)
    expect([it.end("before"), it.end("after")]).toEqual(Array(2).fill({ state: "completed", ...TOLD_ONCE }))
  })

  for (const order of ["finish, insert", "insert, finish"] as const)
    test(`at the same moment (${order}) it begins once`, async () => {
      await using it = await driving({
        root: [reply.calls([behind("before")]), reply.text("It runs."), reply.text("Ah.")],
      })
      await it.say("Begin.")
      const talk = it.converse()
      await it.turnOver()
      const { id, task_id } = it.run("before")
      const owner = { ownerId: it.hosted.row.id, rootId: it.hosted.row.id, parentTaskId: null, callId: null }
      const insert = () =>
        it.program.tasks.start({
          ...owner,
          kind: "shell",
          description: "after",
          input: {},
          background: false,
          needs: [task_id],
        })
      const finish = () => it.shell.finish(id, { state: "completed", result: "FIRST" })
      if (order === "finish, insert") finish()
      const starting = insert()
      if (order === "insert, finish") finish()
      await starting
      await it.begun("after")
      await it.finish("after", "SECOND")
      await rests(it, talk, "FIRST")
      expect(it.shell.events.filter((event) => event === `went ${it.run("after").id}`)).toHaveLength(1)
      expect(it.end("before")).toEqual({ state: "completed", ...TOLD_ONCE })
      expect(it.end("after")).toEqual({ state: "completed", ...RETURNED })
    })

  test("a task whose need has failed before is skipped, which its call tells and no notice", async () => {
    const held = new Gate()
    await using it = await pair(held)
    const talk = it.converse()
    await it.server.received(2)
    it.shell.finish(it.run("before").id, { state: "failed", result: "FIRST" })
    await it.ended("before")
    held.open()
    expect((await inserted(it)).results[0]!.text).toContain("was skipped: it needs task")
    await rests(it, talk, "FIRST")
    expect(it.end("before")).toEqual({ state: "failed", ...TOLD_ONCE })
    expect(it.end("after")).toEqual({ state: "skipped", ...CONSUMED })
  })

  test("a task whose need fails after it was inserted is skipped, with a notice", async () => {
    const held = new Gate()
    held.open()
    await using it = await pair(held)
    const talk = it.converse()
    await inserted(it)
    await it.turnOver()
    it.shell.finish(it.run("before").id, { state: "failed", result: "FIRST" })
    await rests(it, talk, "FIRST")
    expect(it.read('status="skipped"')).toBe(1)
    expect(it.end("before")).toEqual({ state: "failed", ...TOLD_ONCE })
    expect(it.end("after")).toEqual({ state: "skipped", ...TOLD_ONCE })
  })

  test("an agent that was spoken to before what it needed failed goes on, and is not skipped", async () => {
    const more = [reply.text("Both wait."), reply.text("I see."), reply.text("Ah."), reply.text("All is done.")]
    const after = () => reply.calls([agent("helper", { depends_on: [it.run("before").task_id] })])
    const last = new Gate()
    await using it = await driving({
      root: [reply.calls([behind("before")]), after, ...more],
      agents: { helper: [reply.text("REPORT").gate(last)] },
    })
    await it.say("Begin.")
    const talk = it.converse()
    await it.turnOver()
    const { task_id } = it.run("helper")
    await it.program.tasks.stop([task_id], "user")
    await it.program.tasks.message(task_id, { text: "Be helper. Go on all the same.", origin: "human" }, () => {})
    await it.server.receivedWhere(({ prompt }) => prompt.includes("Go on all the same."))
    it.shell.finish(it.run("before").id, { state: "failed", result: "FIRST" })
    await it.ended("before")
    expect(it.run("helper")).toMatchObject({ n: 2, state: "running" })
    last.open()
    await rests(it, talk, "REPORT")
    expect(it.end("helper")).toEqual({ state: "completed", ...TOLD_ONCE })
  })
})

describe("finish / end of its owner", () => {
  const helper = agent("helper", { run_in_background: true })

  test("a command of an agent that ends after it tells the agent's owner", async () => {
    await using it = await driving({
      root: [reply.calls([helper]), reply.text("It helps."), reply.text("I see."), reply.text("Ah.")],
      agents: { helper: [reply.calls([behind("build")]), reply.text("REPORT")] },
    })
    await it.say("Begin.")
    const talk = it.converse()
    await it.ended("helper")
    await it.finish("build", "BUILT")
    await rests(it, talk, "BUILT")
    expect(it.read("REPORT")).toBe(1)
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  test("a command that ends before its agent is told to the agent, which reports after it", async () => {
    const last = new Gate()
    await using it = await driving({
      root: [reply.calls([helper]), reply.text("It helps."), reply.text("I see.")],
      agents: {
        helper: [
          reply.calls([behind("build")]),
          reply.text("It builds.").gate(last),
          (request) => reply.text(`REPORT ${request.news.includes("BUILT")}`),
        ],
      },
    })
    await it.say("Begin.")
    const talk = it.converse()
    await it.server.received(4)
    await it.finish("build", "BUILT")
    last.open()
    await rests(it, talk, "REPORT true")
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  test("what an agent was told and has not read when it fails is told to its owner", async () => {
    const agents = new GatedKind("agent")
    await using it = await driving({ root: [reply.calls([helper]), reply.text("It helps."), reply.text("I see.")] })
    it.program.tasks.register(agents)
    await it.say("Begin.")
    const talk = it.converse()
    await it.turnOver()
    const { task, run } = it.program.tasks.task(it.run("helper").task_id)
    const below = { ownerId: task.session_id!, rootId: task.root_id, parentTaskId: task.id, callId: null }
    await it.program.tasks.start({ ...below, kind: "shell", description: "build", input: {}, background: true })
    await it.finish("build", "BUILT")
    expect(it.end("build")).toEqual({ state: "completed", ...WAITING })
    agents.finish(run.id, { state: "failed", reason: "no more" })
    await rests(it, talk, "BUILT")
    expect(it.end("helper")).toEqual({ state: "failed", ...TOLD_ONCE })
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
    expect(it.asked()).toHaveLength(3)
  })

  test("what a command told an agent that was stopped before it read it wakes nobody", async () => {
    await using it = await driving({
      root: [reply.calls([helper]), reply.text("It helps."), reply.text("I see.")],
      agents: { helper: [reply.calls([behind("build")]), reply.text("It builds.").gate(new Gate())] },
    })
    await it.say("Begin.")
    const talk = it.converse()
    await it.server.received(4)
    await it.turnOver()
    await it.finish("build", "BUILT")
    await it.program.tasks.stop([it.run("helper").task_id], "model")
    await rests(it, talk, "stopped by the model")
    expect(it.end("helper")).toEqual({ state: "stopped", ...TOLD_ONCE })
    const waits = "SELECT 1 FROM inbox WHERE kind = 'notice' AND wake = 1"
    expect(it.program.store.all(waits)).toEqual([])
  })

  test("an agent that may take no further step takes its own agents with it, and nothing is left unread", async () => {
    const limited = { limited: { description: "x", prompt: "x", maxTurns: 1 } }
    const start = { subagent_type: "limited", description: "helper", prompt: "Be helper.", run_in_background: true }
    await using it = await driving({
      root: [reply.calls([{ name: "Agent", input: start }]), reply.text("It helps."), reply.text("I see.")],
      agents: {
        helper: [reply.calls([agent("child", { run_in_background: true })])],
        child: [reply.text("Never.").gate(new Gate())],
      },
      program: { agents: JSON.stringify(limited) },
    })
    await it.say("Begin.")
    await rests(it, it.converse(), "limit of 1 steps")
    expect(it.end("helper")).toEqual({ state: "failed", ...TOLD_ONCE })
    expect(it.run("child").state).toBe("stopped")
    expect(it.program.store.all("SELECT 1 FROM inbox WHERE wake = 1")).toEqual([])
  })
})
