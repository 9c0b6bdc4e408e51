// When a memory is updated, and that this is never in the way.
import { describe, expect, test } from "bun:test"
import { memoryOf, type Version, versionInForce } from "../../../src/session/memory/memory.ts"
import { versionsOf } from "../../../src/session/memory/versions.ts"
import type { LedgerRow } from "../../../src/store/rows.ts"
import { type Driving, driving } from "../../../testing/driving.ts"
import { Gate } from "../../../testing/gate.ts"
import { eventually } from "../../../testing/harness.ts"
import { type RecordedRequest, reply } from "../../../testing/model-server.ts"

const LONG = "please look at all of this ".repeat(150)
const GOOD = reply.text('{"status": ["at work on the parser"], "log": ["2026-01-01 10:00 began"]}')
const EVERY = { memory: "every" } as const

const replies = (count: number) => Array.from({ length: count }, (_, n) => reply.text(`reply ${n}: ${LONG}`))

/** Two turns say so much that an update is due. */
async function talk(it: Driving, turns = 2): Promise<void> {
  for (let n = 0; n < turns; n++) {
    await it.say(`prompt ${n}: ${LONG}`)
    await it.converse()
  }
}

function inForce(it: Driving): Version {
  return versionInForce(it.program.store, it.hosted.row.id)
}

function entries(it: Driving): LedgerRow[] {
  return it.program.store.all<LedgerRow>("SELECT * FROM ledger WHERE purpose = 'memory' ORDER BY rowid")
}

/** Resolves when a memory that is kept would have been updated: another one, due later, has been. */
async function wouldBeUpdated(): Promise<void> {
  await using it = await driving({ root: replies(2), program: EVERY })
  answers(it, () => GOOD)
  await talk(it)
  await eventually("the other memory was updated", () => inForce(it).version === 1)
}

const refusals = (it: Driving) => it.program.store.all<{ data: string }>("SELECT data FROM feed WHERE kind = 'refused'")
const asksForIt = (it: Driving) => it.program.view(it.hosted.row).control({ action: "memory" })
const answers = (it: Driving, answer: (request: RecordedRequest) => ReturnType<typeof reply.text>) => {
  it.server.aside = (request, purpose) => (purpose === "memory" ? answer(request) : undefined)
}

describe("what was said in some turns", () => {
  test("is taken in by a small model of the same provider, and what that cost is in the ledger", async () => {
    await using it = await driving({ root: replies(3), program: EVERY })
    answers(it, () => GOOD)
    await talk(it)
    await eventually("the memory was updated", () => inForce(it).version === 1)
    const [asked] = it.server.asides
    expect(asked!.model).toContain("haiku")
    expect(asked!.body.thinking).toBeUndefined()
    expect(asked!.tools).toEqual([])
    const memory = memoryOf(it.program.store, it.hosted.row.id)
    expect(memory).toMatchObject({ version: 1, coversSeq: 4 })
    expect(memory.sections).toMatchObject({ status: "- at work on the parser", log: "- 2026-01-01 10:00 began" })
    const [entry] = entries(it)
    expect(entry).toMatchObject({ purpose: "memory", state: "closed", provider: "anthropic", step_id: null })
    expect(entry!.cost_nanos).toBeGreaterThan(0)
  })

  test("waits while the user's own request is being answered", async () => {
    await using it = await driving({ root: [...replies(1), reply.text("at last")], program: EVERY })
    answers(it, () => GOOD)
    const gate = new Gate()
    it.server.script = ((script) => async (request: RecordedRequest) => {
      const said = await script!(request)
      return request.news.includes("and now this") ? said.gate(gate) : said
    })(it.server.script)
    await talk(it, 1)
    await it.say("and now this")
    const turn = it.converse()
    await it.server.receivedWhere(({ news }) => news.includes("and now this"))
    await asksForIt(it)
    await eventually("an update wants to be asked for", () => entries(it).length > 0)
    expect(it.server.asides).toHaveLength(0)
    gate.open()
    await turn
    await it.server.askedAside(1)
    await eventually("the memory was updated", () => inForce(it).version === 1)
  })

  test("is not taken in by headless calls, whose session will not be long", async () => {
    await using it = await driving({ root: replies(3) })
    answers(it, () => GOOD)
    await talk(it)
    await wouldBeUpdated()
    expect(it.server.asides).toEqual([])
    await asksForIt(it)
    await eventually("only who asks for it has it", () => inForce(it).version === 1)
  })

  test("is not taken in where the settings say so, but when somebody asks for it", async () => {
    await using it = await driving({ root: replies(3), program: EVERY, settings: { memory: { updates: false } } })
    answers(it, () => GOOD)
    await talk(it)
    await wouldBeUpdated()
    expect(it.server.asides).toEqual([])
    await asksForIt(it)
    await eventually("it was updated", () => inForce(it).version === 1)
  })

  test("while somebody's update was under way is no part of that", async () => {
    await using it = await driving({ root: [...replies(1), reply.text("too little for an update")], program: EVERY })
    const gate = new Gate()
    answers(it, () => GOOD.gate(gate))
    await talk(it, 1)
    await asksForIt(it)
    await it.server.askedAside(1)
    await it.say("and now this")
    await it.converse()
    gate.open()
    await eventually("it was updated", () => inForce(it).coversSeq === 2)
    await wouldBeUpdated()
    expect(it.server.asides).toHaveLength(1)
    expect(inForce(it)).toMatchObject({ version: 1, coversSeq: 2 })
  })

  test("is not taken in where that would cost more than its share", async () => {
    await using it = await driving({
      root: [reply.text(LONG).usage({ input: 500_000, output: 100_000 }), ...replies(9)],
      program: EVERY,
      settings: {
        memory: { share: 0 },
        models: { "anthropic/claude-haiku-5-5": { price: { input: 100, output: 100 } } },
      },
    })
    answers(it, () => GOOD)
    await talk(it)
    await wouldBeUpdated()
    expect(it.server.asides).toEqual([])
    await asksForIt(it)
    await eventually("it was updated", () => inForce(it).version === 1)
  })
})

describe("an update that comes to nothing", () => {
  test("because of its answer covers nothing; it was paid for, whoever asked is told, and may ask again", async () => {
    await using it = await driving({ root: replies(1), program: EVERY })
    let answer = reply.text("I have updated the memory.")
    answers(it, () => answer)
    await talk(it, 1)
    await asksForIt(it)
    await eventually("that was told", () => refusals(it).length > 0)
    expect(refusals(it)[0]!.data).toContain("no update of the memory")
    expect(inForce(it)).toMatchObject({ version: 0, coversSeq: 0 })
    expect(entries(it)).toMatchObject([{ state: "closed" }])
    answer = GOOD
    await asksForIt(it)
    await eventually("it was updated", () => inForce(it).coversSeq === 2)
  })

  test("by itself does not take one with it that was asked for meanwhile", async () => {
    await using it = await driving({ root: replies(2), program: EVERY })
    const gate = new Gate()
    answers(it, () => reply.text("I have updated the memory.").gate(gate))
    await talk(it)
    await it.server.askedAside(1)
    answers(it, () => GOOD)
    await asksForIt(it)
    const waiting = "SELECT 1 FROM inbox WHERE kind = 'control'"
    await eventually("its host knows of that", () => it.program.store.one(waiting) === undefined)
    gate.open()
    await eventually("it was updated", () => inForce(it).coversSeq === 4)
    expect(refusals(it)).toEqual([])
  })

  test("makes a pause, which ends with the next one that went well", async () => {
    await using it = await driving({ root: replies(4), program: EVERY })
    let answer = reply.text("I have updated the memory.")
    answers(it, () => answer)
    await talk(it)
    await eventually("the answer was paid for", () => entries(it)[0]?.state === "closed")
    answer = GOOD
    await wouldBeUpdated()
    expect(inForce(it).version).toBe(0)
    await asksForIt(it)
    await eventually("it was updated", () => inForce(it).coversSeq === 4)
    // Nobody asks any more.
    await wouldBeUpdated()
    await talk(it)
    await eventually("it was updated by itself", () => inForce(it).coversSeq === 8)
  })

  test("because the model can't be had goes to the session's own the next time", async () => {
    await using it = await driving({ root: replies(1), program: EVERY })
    answers(it, ({ model }) => (model.includes("haiku") ? reply.error(404, { message: "no such model" }) : GOOD))
    await talk(it, 1)
    await asksForIt(it)
    await eventually("that was told", () => refusals(it).length > 0)
    await asksForIt(it)
    await eventually("it was updated", () => inForce(it).version === 1)
    expect(it.server.asides.at(-1)!.model).toBe("claude-sonnet-5-5")
  })

  test("because the session is let go of is closed as a guess, and leaves the messages for later", async () => {
    await using it = await driving({ root: replies(1), program: EVERY })
    const never = new Gate()
    answers(it, () => GOOD.gate(never))
    await talk(it, 1)
    await asksForIt(it)
    await it.server.askedAside(1)
    it.hosted.release()
    await eventually("its entry is closed", () => entries(it)[0]?.state === "estimated")
    expect(inForce(it).version).toBe(0)
  })
})

test("what the user edits while a model is asked stays, beside what the model says", async () => {
  await using it = await driving({ root: replies(2), program: EVERY })
  const { store, memory } = it.program
  const { id } = it.hosted.row
  answers(it, () => GOOD)
  await talk(it, 1)
  await asksForIt(it)
  await eventually("it was updated", () => inForce(it).version === 1)
  const gate = new Gate()
  answers(it, () => reply.text('{"status": ["the parser is done"], "log": ["2026-01-01 11:00 done"]}').gate(gate))
  await talk(it, 1)
  await asksForIt(it)
  await it.server.askedAside(2)
  await memory.edit(id, { name: "status", base: inForce(it), text: "- at work on the lexer, not the parser" })
  gate.open()
  await eventually("it was updated again", () => inForce(it).coversSeq === 4)
  expect(memoryOf(store, id).sections.status).toBe("- at work on the lexer, not the parser\n- the parser is done")
  expect(inForce(it).sections.status).toEqual({
    lines: [{ user: "- at work on the lexer, not the parser" }, "- the parser is done"],
    removed: ["- at work on the parser"],
  })
  // The next update knows whose word that is.
  answers(it, () => GOOD)
  await it.say("more")
  it.server.script = () => reply.text("more")
  await it.converse()
  await asksForIt(it)
  const asked = await it.server.askedAside(3)
  const text = JSON.stringify(asked.messages)
  expect(text).toContain("[user] - at work on the lexer")
  expect(text).toContain("(taken out by the user: - at work on the parser)")
})

test("a call under way is taken in with its result, once it has one", async () => {
  const root = [
    reply.calls([{ name: "Bash", input: { command: "build", description: "build" } }]),
    reply.text("Built."),
  ]
  await using it = await driving({ root, program: EVERY })
  answers(it, () => GOOD)
  await it.say("Build it.")
  const turn = it.converse()
  await it.begun("build")
  await asksForIt(it)
  const first = await it.server.askedAside(1)
  expect(JSON.stringify(first.messages)).toContain("Build it.")
  expect(JSON.stringify(first.messages)).not.toContain("→ Bash")
  await eventually("it was updated", () => inForce(it).coversSeq === 1)
  await it.finish("build", "ALL WELL")
  await turn
  await asksForIt(it)
  const second = await it.server.askedAside(2)
  expect(JSON.stringify(second.messages)).toContain("← ALL WELL")
  await eventually("it was updated again", () => inForce(it).coversSeq === 3)
})

test("an update of what the user has gone back from meanwhile is dropped, and made again", async () => {
  await using it = await driving({ root: replies(2), program: EVERY })
  answers(it, () => GOOD)
  const { id } = it.hosted.row
  const updated = (covers: number) => eventually(`it covers ${covers}`, () => inForce(it).coversSeq === covers)
  await talk(it, 1)
  await asksForIt(it)
  await updated(2)
  await it.program.memory.edit(id, { name: "status", base: inForce(it), text: "- mine" })
  await it.say("short")
  it.server.script = () => reply.text("short")
  await it.converse()
  await asksForIt(it)
  await updated(4)
  const gate = new Gate()
  answers(it, () => reply.text('{"status": ["too late"], "log": ["2026-01-01 11:00 too late"]}').gate(gate))
  await it.say("short again")
  await it.converse()
  await asksForIt(it)
  await it.server.askedAside(3)
  answers(it, () => GOOD)
  await it.program.memory.restore(id, 1)
  gate.open()
  await updated(6)
  expect(JSON.stringify(versionsOf(it.program.store, id))).not.toContain("too late")
})

test("a focus that the user compacts with is in the next update, though nothing is new", async () => {
  const settings = { models: { "anthropic/claude-sonnet-5-5": { contextWindow: 40_000 } } }
  await using it = await driving({ root: replies(12), program: EVERY, settings })
  answers(it, () => GOOD)
  await talk(it, 12)
  await asksForIt(it)
  await eventually("it covers all", () => inForce(it).coversSeq === 24)
  const before = it.server.asides.length
  await it.program.view(it.hosted.row).control({ action: "compact", focus: "the lexer above all" })
  const asked = await it.server.askedAside(before + 1)
  expect(JSON.stringify(asked.messages)).toContain("the lexer above all")
  await eventually(
    "it is another version",
    () => inForce(it).version > 1 && entries(it).every(({ state }) => state === "closed"),
  )
  expect(inForce(it).coversSeq).toBe(24)
})

test("the offline scout's memory is kept by rules, and costs nothing", async () => {
  await using it = await driving({ root: [], program: EVERY })
  await it.hosted.change({ model: "scout" })
  await it.say("Where is the parser? Always say the line, please.")
  await it.converse()
  await eventually("it was updated", () => inForce(it).version > 0)
  const memory = memoryOf(it.program.store, it.hosted.row.id)
  expect(memory.sections.log).toContain("asked: Where is the parser?")
  expect(memory.sections.decisions).toBe("- The user: Where is the parser? Always say the line, please.")
  expect(entries(it)).toEqual([])
  expect(it.server.asides).toEqual([])
})
