// What an interface asks of a session's host, through rows: each control has its effect, once, and what can't be done is
// told.
import { describe, expect, test } from "bun:test"
import { type Control, request } from "../../src/session/controls.ts"
import { type Performing, performControl } from "../../src/session/perform-control.ts"
import type { FeedRow, MessageRow, SessionRow } from "../../src/store/rows.ts"
import { insertRow, type Store } from "../../src/store/store.ts"
import { type DrivingOptions, driving } from "../../testing/driving.ts"
import { Gate } from "../../testing/gate.ts"
import { countingIds, eventually } from "../../testing/harness.ts"
import { reply } from "../../testing/model-server.ts"

const PRICES = { "anthropic/claude-sonnet-5-5": { price: { input: 0, output: 1000 }, maxOutputTokens: 1000 } }
const bash = (command: string, more: object = {}) => ({ name: "Bash", input: { command, ...more } })
const background = (command: string) => bash(command, { run_in_background: true })
const agent = (name: string, more: object = {}) => ({
  name: "Agent",
  input: {
    subagent_type: "general-purpose",
    description: name,
    prompt: `Be ${name}.`,
    run_in_background: true,
    ...more,
  },
})

/** A session at work, and controls for it as an interface gives them. */
async function at(options: DrivingOptions) {
  const it = await driving(options)
  const viewer = it.program.view(it.hosted.row)
  const { store } = it.program
  return Object.assign(it, {
    viewer,
    /** Resolves when the control is done, or refused: with why. */
    ask: async (control: Control) => {
      const id = await viewer.control(control)
      await eventually(
        `${control.action} is done`,
        () => !store.one("SELECT 1 FROM inbox WHERE id = :id AND kind = 'control'", { id }),
      )
      const row = store.one<FeedRow>("SELECT * FROM feed WHERE kind = 'refused' AND ref = :id", { id })
      return row ? (JSON.parse(row.data!) as { action: string; message: string }) : undefined
    },
    id: (description: string) => it.run(description).task_id,
    state: (description: string) => it.run(description).state,
    messagesOf: (taskId: string) =>
      store.all<MessageRow>(
        "SELECT * FROM message WHERE session_id = (SELECT session_id FROM task WHERE id = :taskId) AND role = 'user' ORDER BY seq",
        { taskId },
      ),
    row: () => store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id: it.hosted.row.id })!,
  })
}

describe("all at once", () => {
  const both = () =>
    at({ root: [reply.calls([background("serve"), bash("test")]), reply.text("Fine."), reply.text("Fine.")] })

  test("stop_all stops what is in the background, quietly, and leaves what the turn is blocked on", async () => {
    await using it = await both()
    await it.say("Begin.")
    const talk = it.converse()
    await Promise.all([it.begun("serve"), it.begun("test")])
    expect(await it.ask({ action: "stop_all" })).toBeUndefined()
    expect([it.state("serve"), it.state("test")]).toEqual(["stopped", "running"])
    await it.finish("test", "ok")
    await talk
    expect(it.run("serve")).toMatchObject({ stop_by: "user", quiet: 1 })
  })

  test("a stop_all that is done again, by the next host, leaves alone what was started since", async () => {
    await using it = await both()
    await it.say("Begin.")
    const talk = it.converse()
    await Promise.all([it.begun("serve"), it.begun("test")])
    // Asked for before anything was started.
    const clock = { ...it.program.clock, now: () => it.run("serve").created_at - 1 }
    const store = it.program.store as Store
    const control = { action: "stop_all" } as const
    await store.writeDurably((tx) => request(tx, { clock, ids: countingIds() }, { rootId: it.hosted.row.id, control }))
    await eventually("it is done", () => !store.one("SELECT 1 FROM inbox WHERE kind = 'control'"))
    expect([it.state("serve"), it.state("test")]).toEqual(["running", "running"])
    await it.finish("serve", "ok")
    await it.finish("test", "ok")
    await talk
  })

  test("pause_all holds foreground and background, and resume_all lets them go on", async () => {
    await using it = await both()
    await it.say("Begin.")
    const talk = it.converse()
    await Promise.all([it.begun("serve"), it.begun("test")])
    for (let twice = 0; twice < 2; twice++) expect(await it.ask({ action: "pause_all" })).toBeUndefined()
    expect([it.state("serve"), it.state("test")]).toEqual(["paused", "paused"])
    // The turn is free of it.
    await it.server.received(2)
    for (let twice = 0; twice < 2; twice++) expect(await it.ask({ action: "resume_all" })).toBeUndefined()
    expect([it.state("serve"), it.state("test")]).toEqual(["running", "running"])
    await it.finish("serve", "ok")
    await it.finish("test", "ok")
    await talk
  })
})

test("background with a task moves that one only", async () => {
  await using it = await at({
    root: [reply.calls([bash("one"), bash("two")]), reply.text("Fine."), reply.text("Fine.")],
  })
  await it.say("Begin.")
  const talk = it.converse()
  await Promise.all([it.begun("one"), it.begun("two")])
  expect(await it.ask({ action: "background", taskId: it.id("one") })).toBeUndefined()
  expect([it.run("one").background, it.run("two").background]).toEqual([1, 0])
  await it.finish("two", "ok")
  await it.finish("one", "ok")
  await talk
})

describe("the user's word to an agent", () => {
  test("one at work hears it at its next step, as the user's", async () => {
    const first = new Gate()
    await using it = await at({
      root: [reply.calls([agent("helper")]), reply.text("Wait."), reply.text("Done.")],
      agents: {
        helper: [
          reply.calls([background("x")]).gate(first),
          (asked) => reply.text(`Heard ${asked.news}`),
          reply.text("End."),
        ],
      },
    })
    await it.say("Begin.")
    const talk = it.converse()
    await it.begun("helper")
    const id = it.id("helper")
    expect(await it.ask({ action: "message", taskId: id, text: "Look at login.ts first" })).toBeUndefined()
    first.open()
    await it.begun("x")
    await eventually("it has heard", () => it.messagesOf(id).length === 2)
    expect(it.messagesOf(id).map(({ origin, content }) => [origin, JSON.parse(content)[0].text])).toEqual([
      ["peer", "Be helper."],
      ["human", "Look at login.ts first"],
    ])
    await it.finish("x", "ok")
    await talk
  })

  test("one that has ended goes on with it; said once, it is heard once", async () => {
    await using it = await at({
      root: [reply.calls([agent("helper")]), reply.text("Wait."), reply.text("One."), reply.text("Two.")],
      agents: { helper: [reply.text("First."), reply.text("Second.")] },
    })
    await it.say("Begin.")
    await it.converse()
    const id = it.id("helper")
    expect(await it.ask({ action: "message", taskId: id, text: "And the tests?" })).toBeUndefined()
    await it.converse()
    expect(it.run("helper")).toMatchObject({ n: 2, state: "completed", result: "Second." })
    const said = it.messagesOf(id).filter(({ origin }) => origin === "human")
    expect(said.map(({ content }) => JSON.parse(content)[0].text)).toEqual(["And the tests?"])
  })
})

test("a word goes out of the inbox in the transaction that says it: a host that dies then leaves none to say again", async () => {
  await using it = await at({
    root: [reply.calls([agent("helper")]), reply.text("Wait."), reply.text("One."), reply.text("Two.")],
    agents: { helper: [reply.text("First."), reply.text("Second.")] },
  })
  await it.say("Begin.")
  await it.converse()
  const store = it.program.store as Store
  const control = { action: "message", taskId: it.id("helper"), text: "And the tests?" } as const
  // In the inbox of nobody's tree, so that the host leaves it alone.
  const row = { kind: "control", delivery: "steer", wake: 0, origin: "human", content: "{}", created_at: 0 }
  await store.write((tx) => insertRow(tx, "inbox", { ...row, id: "word", session_id: "nobody" }))
  const parts = { row: it.hosted.row, store, clock: it.program.clock, tasks: it.program.tasks } as Performing
  await performControl(control, { id: "word", at: 0 }, parts)
  expect(store.one("SELECT 1 FROM inbox WHERE id = 'word'")).toBeUndefined()
  await performControl(control, { id: "word", at: 0 }, parts)
  await it.converse()
  expect(it.run("helper").n).toBe(2)
  expect(it.messagesOf(it.id("helper"))).toHaveLength(2)
})

describe("a cap that is raised", () => {
  test("an agent that it had paused goes on under the new one", async () => {
    const costly = reply.calls([{ name: "Glob", input: { pattern: "*" } }]).usage({ input: 10, output: 900 })
    await using it = await at({
      root: [
        reply.calls([agent("helper", { max_cost_usd: 2 })]),
        reply.text("Wait."),
        reply.text("Told."),
        reply.text("Done."),
      ],
      agents: { helper: [costly, costly, costly, reply.text("End.").usage({ input: 10, output: 10 })] },
      settings: { models: PRICES },
    })
    await it.say("Begin.")
    const talk = it.converse()
    await eventually(
      "it is paused",
      () => it.program.listTasks({ rootId: it.hosted.row.id })[0]?.run.state === "paused",
    )
    const taskId = it.id("helper")
    const refusal = await it.ask({ action: "raise", taskId, caps: { costUsd: 1 } })
    expect(refusal).toMatchObject({ action: "raise", message: expect.stringContaining("has been used already") })
    expect(await it.ask({ action: "raise", taskId, caps: { costUsd: 9 } })).toBeUndefined()
    await talk
    expect(it.state("helper")).toBe("completed")
    expect(it.program.store.one<{ caps: string }>("SELECT caps FROM task")?.caps).toBe('{"costNanos":9000000000}')
  })

  test("the session itself goes on where its own cap had cut it off", async () => {
    const costly = reply.calls([{ name: "Glob", input: { pattern: "*" } }]).usage({ input: 10, output: 900 })
    await using it = await at({
      root: [costly, costly, (asked) => reply.text(`Going on: ${asked.news.includes("raised the limit")}`)],
      settings: { models: PRICES, caps: { costUsd: 1.9 } },
    })
    await it.say("Begin.")
    expect((await it.converse()).type).toBe("capped")
    expect(await it.ask({ action: "raise", caps: { costUsd: 10 } })).toBeUndefined()
    expect((await it.converse()).type).toBe("done")
    expect(it.hosted.lastReply()).toBe("Going on: true")
    // Nobody was cut off any more: there is nothing to go on with.
    expect(await it.ask({ action: "raise", caps: { costUsd: 12 } })).toBeUndefined()
    expect((await it.converse()).type).toBe("nothing")
  })
})

test("mode and model hold from the next step on; what there is not is refused with a reason", async () => {
  await using it = await at({ root: [reply.text("Fine.")] })
  expect(await it.ask({ action: "change", permissionMode: "plan" })).toBeUndefined()
  expect(it.row().permission_mode).toBe("plan")
  const wrong = { action: "change", permissionMode: "yolo" } as unknown as Control
  expect(await it.ask(wrong)).toMatchObject({
    action: "change",
    message: expect.stringContaining('no permission mode "yolo"'),
  })
  expect((await it.ask({ action: "change", model: "nobody/nothing" }))?.message).toContain("nobody")
  expect([it.row().permission_mode, it.row().model]).toEqual(["plan", it.hosted.row.model])
})

test("what is asked of a task that is not there, or not of that kind, is refused with a reason", async () => {
  await using it = await at({ root: [reply.calls([background("serve")]), reply.text("Fine.")] })
  await it.say("Begin.")
  const talk = it.converse()
  const { task_id: taskId } = await it.begun("serve")
  for (const action of ["stop_task", "pause_task", "resume_task", "background"] as const)
    expect((await it.ask({ action, taskId: "zzzz" }))?.message).toContain("zzzz")
  expect((await it.ask({ action: "message", taskId, text: "Hello" }))?.message).toContain(
    "only agents can be spoken to",
  )
  expect((await it.ask({ action: "raise", taskId, caps: { steps: 3 } }))?.message).toContain("only agents")
  for (const caps of [{}, { costUsd: -1 }, { tokens: Number.NaN }])
    expect((await it.ask({ action: "raise", caps }))?.message).toContain("a number above zero")
  await it.ask({ action: "stop_all" })
  await talk
})
