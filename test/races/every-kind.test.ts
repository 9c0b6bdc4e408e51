// What happens to each kind of task, side by side, when one thing happens to all of them: Ctrl+B, Esc, a stop, a pause, a
// deadline, the end of the turn, and the end of the agent that started them.
import { expect, test } from "bun:test"
import { type Driving, driving } from "../../testing/driving.ts"
import { Gate } from "../../testing/gate.ts"
import { GatedKind } from "../../testing/gated-kind.ts"
import { eventually } from "../../testing/harness.ts"
import { type Reply, reply } from "../../testing/model-server.ts"
import { agent, bash, behind } from "./story.ts"

const BEHIND = ["command", "service", "monitor", "helper", "queued"]
const FRONT = ["front command", "fronthelper"]
const ALL = [...FRONT, ...BEHIND]

/** One place for background commands, so the last one is queued. */
const startBehind = reply.calls([
  behind("command"),
  bash("service", { service: true }),
  { name: "Monitor", input: { command: "monitor", description: "monitor" } },
  agent("helper", { run_in_background: true }),
])
const startQueued = reply.calls([behind("queued")])
const startFront = reply.calls([bash("front command"), agent("fronthelper")])
const said = (text: string, times: number): Reply[] => Array.from({ length: times }, () => reply.text(text))

async function every(steps: readonly Reply[], owner: "session" | "agent" = "session"): Promise<Driving> {
  const parent = reply.calls([agent("parent", { run_in_background: true })])
  const it = await driving({
    root: owner === "session" ? steps : [parent, ...said("I see.", 9)],
    agents: {
      helper: [reply.text("REPORT").gate(new Gate())],
      fronthelper: [reply.text("REPORT").gate(new Gate())],
      parent: steps,
    },
    settings: { maxBackgroundShells: 1 },
  })
  it.program.tasks.register(new GatedKind("monitor"))
  await it.say("Begin.")
  return it
}

const at = (it: Driving, names: readonly string[]) =>
  Object.fromEntries(
    names.map((name) => [name, it.run(name).background ? `${it.run(name).state} &` : it.run(name).state]),
  )
const all = (names: readonly string[], state: string) => Object.fromEntries(names.map((name) => [name, state]))
const atWork = { ...all(BEHIND, "running &"), queued: "queued &" }
const toIts = (it: Driving, name: string) => it.program.tasks.task(it.run(name).task_id).task

async function busy(steps: readonly Reply[], owner?: "session" | "agent") {
  const it = await every(steps, owner)
  const talk = it.converse()
  for (const name of FRONT) await it.begun(name)
  expect(at(it, ALL)).toEqual({ ...all(FRONT, "running"), ...atWork })
  return { it, talk }
}

test("Ctrl+B frees the turn of all that it is blocked on, and changes nothing for the others", async () => {
  const { it: driven } = await busy([startBehind, startQueued, startFront, ...said("I see.", 9)])
  await using it = driven
  expect(await it.hosted.background()).toBe(2)
  await it.turnOver()
  expect(at(it, ALL)).toEqual({ ...all(FRONT, "running &"), ...atWork })
})

test("Esc stops what the turn is blocked on, and what is in the background goes on", async () => {
  const { it: driven } = await busy([startBehind, startQueued, startFront, ...said("I see.", 9)])
  await using it = driven
  it.hosted.interrupt()
  await it.turnOver()
  expect(it.turns().at(-1)?.state).toBe("interrupted")
  expect(at(it, ALL)).toEqual({ ...all(FRONT, "stopped"), ...atWork })
})

test("at the turn's end everything goes on", async () => {
  await using it = await every([startBehind, startQueued, ...said("They run.", 9)])
  void it.converse().catch(() => undefined)
  await it.turnOver()
  expect(at(it, BEHIND)).toEqual(atWork)
})

test("what the user stops is stopped, whatever it is, and wakes nobody", async () => {
  const { it: driven } = await busy([startBehind, startQueued, startFront, ...said("I see.", 9)])
  await using it = driven
  for (const name of ALL.toReversed()) await it.hosted.stopTask(it.run(name).task_id)
  expect(at(it, ALL)).toEqual({ ...all(FRONT, "stopped"), ...all(BEHIND, "stopped &") })
  expect(it.program.store.all("SELECT 1 FROM inbox WHERE kind = 'notice' AND wake = 1")).toEqual([])
})

test("what the user pauses is paused, in the background, whatever it is, and goes on when it is resumed", async () => {
  const { it: driven } = await busy([startBehind, startQueued, startFront, ...said("I see.", 9)])
  await using it = driven
  for (const name of ALL) await it.hosted.pauseTask(it.run(name).task_id)
  expect(at(it, ALL)).toEqual(all(ALL, "paused &"))
  for (const name of ALL) await it.hosted.resumeTask(it.run(name).task_id)
  expect(at(it, ALL)).toEqual({ ...all(FRONT, "running &"), ...atWork })
})

test("with an agent that is stopped, all that it started is stopped", async () => {
  const { it: driven } = await busy([startBehind, startQueued, startFront], "agent")
  await using it = driven
  await it.hosted.stopTask(it.run("parent").task_id)
  expect(it.run("parent").state).toBe("stopped")
  for (const name of ALL) expect([name, it.run(name).state]).toEqual([name, "stopped"])
})

test("an agent that ends leaves its commands and monitors to its owner, and does not end before its own agents", async () => {
  await using it = await every([startBehind, startQueued, ...said("REPORT", 9)], "agent")
  void it.converse().catch(() => undefined)
  await it.begun("helper")
  await it.begun("monitor")
  const isIdle =
    "SELECT 1 FROM turn JOIN session ON session.id = turn.session_id WHERE agent <> 'main' AND state = 'done'"
  await eventually("the parent has said all", () => it.program.store.one(isIdle) !== undefined)
  expect(it.run("parent").state).toBe("running")
  await it.program.tasks.stop([it.run("helper").task_id], "model")
  await it.ended("parent")
  const heirs = BEHIND.filter((name) => name !== "helper")
  expect(at(it, heirs)).toEqual({ ...all(heirs, "running &"), queued: "queued &" })
  for (const name of heirs) expect(toIts(it, name)).toMatchObject({ owner_id: it.hosted.row.id, parent_task_id: null })
})

test("a deadline ends whatever has it; of what was in the background its owner is told", async () => {
  await using it = await every([reply.text("They run."), ...said("I see.", 9)])
  await it.converse()
  const owner = { ownerId: it.hosted.row.id, rootId: it.hosted.row.id, parentTaskId: null, callId: null }
  const input = { agent: "general-purpose", prompt: "Be helper." }
  const start = (description: string, kind: string, service = false) =>
    it.program.tasks.start({ ...owner, kind, description, input, background: true, service, deadlineMs: 1 })
  await Promise.all([start("command", "shell"), start("service", "shell", true), start("monitor", "monitor")])
  await start("helper", "agent")
  await it.program.tasks.start({
    ...owner,
    kind: "shell",
    description: "front",
    input,
    background: false,
    deadlineMs: 1,
  })
  expect(await it.ended("front")).toMatchObject({ state: "timed_out", notice: "none" })
  const names = BEHIND.filter((name) => name !== "queued")
  for (const name of names) await it.ended(name)
  expect((await it.converse()).type).toBe("done")
  expect(at(it, names)).toEqual(all(names, "timed_out &"))
  for (const name of names) expect(it.end(name)).toMatchObject({ notice: "delivered", messages: 1 })
  // The helper may be timed out before it has read its prompt, which is then there for whoever speaks to it again.
  expect(it.program.store.all("SELECT 1 FROM inbox WHERE kind = 'notice'")).toEqual([])
})
