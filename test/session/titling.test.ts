import { expect, test } from "bun:test"
import { type Driving, type DrivingOptions, driving } from "../../testing/driving.ts"
import { Gate } from "../../testing/gate.ts"
import { eventually } from "../../testing/harness.ts"
import { reply } from "../../testing/model-server.ts"

const ROOT = [reply.text("It is in src/a.ts."), reply.text("You are welcome.")]

/** A session as the interface drives it. */
function titled(more: Partial<DrivingOptions> = {}): Promise<Driving> {
  return driving({ root: ROOT, ...more, program: { titles: true, ...more.program } })
}

async function turn(it: Driving, text: string): Promise<void> {
  await it.say(text)
  await it.converse()
}

function title(it: Driving) {
  return it.program.store.one<{ title: string | null; title_by: string | null }>(
    "SELECT title, title_by FROM session WHERE id = :id",
    { id: it.hosted.row.id },
  )
}

test("a model's title is asked for after the first reply, once, and is in the ledger", async () => {
  await using it = await titled()
  it.server.aside = () => reply.text("Where it is decided")
  await turn(it, "Where is it decided?")
  await eventually("the title is there", () => title(it)?.title_by === "model")
  expect(title(it)?.title).toBe("Where it is decided")
  await turn(it, "Thanks")
  expect(it.server.asides).toHaveLength(1)
  expect(it.server.asides[0]!.body).not.toHaveProperty("tools")
  const sql = "SELECT state, step_id, cost_nanos FROM ledger WHERE purpose = 'title'"
  expect(it.program.store.all(sql)).toEqual([{ state: "closed", step_id: null, cost_nanos: expect.any(Number) }])
  expect(it.errors()).toEqual([])
})

for (const [why, more] of [
  ["where nobody looks (-p)", { program: { titles: false } }],
  ["where the settings say no", { settings: { titles: "prompt" } }],
] as const)
  test(`no model is asked for a title ${why}; the prompt's beginning stays`, async () => {
    await using it = await titled(more)
    await turn(it, "Where is it decided?")
    await turn(it, "Thanks")
    expect(title(it)).toEqual({ title: "Where is it decided?", title_by: "prompt" })
    expect(it.server.asides).toHaveLength(0)
  })

test("for a session that has a name no title is asked for; its first prompt's beginning is there without", async () => {
  await using it = await titled()
  await it.program.rename(it.hosted.row.id, "mine")
  await turn(it, "Where is it decided?")
  await turn(it, "Thanks")
  expect(it.server.asides).toHaveLength(0)
  expect(title(it)).toEqual({ title: "Where is it decided?", title_by: "prompt" })
})

test("a name that the user gives while a title is asked for stays", async () => {
  await using it = await titled()
  const gate = new Gate()
  it.server.aside = () => reply.text("Too late").gate(gate)
  await turn(it, "Where is it decided?")
  const asked = await it.server.askedAside(1)
  expect(await it.program.rename(it.hosted.row.id, "mine")).toBe("mine")
  gate.open()
  await asked.ended
  await turn(it, "Thanks")
  expect(it.server.asides).toHaveLength(1)
  const row = it.program.store.one("SELECT name FROM session WHERE id = :id", { id: it.hosted.row.id })
  expect(row).toEqual({ name: "mine" })
})

test("a title that fails is tried once more after the next turn, and then no more", async () => {
  await using it = await titled({ root: [...ROOT, reply.text("Yes."), reply.text("Yes.")] })
  it.server.aside = () => reply.error(400, { message: "no" })
  await turn(it, "Where is it decided?")
  await it.server.askedAside(1)
  for (const text of ["Thanks", "More", "And more"]) {
    await turn(it, text)
    await eventually("the request is over", () => it.server.asides.every(({ outcome }) => outcome !== "open"))
  }
  expect(it.server.asides.length).toBeLessThanOrEqual(2)
  expect(title(it)).toEqual({ title: "Where is it decided?", title_by: "prompt" })
  expect(it.program.store.all("SELECT 1 FROM ledger WHERE state = 'open'")).toEqual([])
})

test("what is asked for a title waits while the user's own turn is being answered", async () => {
  const second = new Gate()
  await using it = await titled({ root: [reply.text("It is in src/a.ts."), reply.text("Slowly.").gate(second)] })
  await it.say("Where is it decided?")
  await it.say("And why?")
  const talk = it.converse()
  await it.server.received(1)
  second.open()
  await talk
  await it.server.askedAside(1)
  const [aside] = it.server.asides
  expect(aside!.at).toBeGreaterThanOrEqual(it.asked()[0]!.endedAt!)
})
