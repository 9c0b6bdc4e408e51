// The catalogue of races, third part: what is said, asked, answered and counted, against what ends at that moment.
import { describe, expect, test } from "bun:test"
import { systemClock } from "../../src/base/clock.ts"
import type { ConversationEnd } from "../../src/session/converse.ts"
import { admit } from "../../src/session/inbox.ts"
import type { ApprovalRow } from "../../src/store/rows.ts"
import { type Driving, driving } from "../../testing/driving.ts"
import { Gate } from "../../testing/gate.ts"
import { eventually } from "../../testing/harness.ts"
import { type RecordedRequest, reply } from "../../testing/model-server.ts"
import { agent, bash, behind, CONSUMED, rests, TOLD_ONCE } from "./story.ts"

/** With what its conversation comes to. */
type Talking = Driving & { talk: Promise<ConversationEnd> }

const helper = agent("helper", { run_in_background: true })

describe("notice / prompt", () => {
  const root = [reply.calls([behind("build")]), reply.text("It runs."), reply.text("I hear both.")]

  /** A session at rest that nobody drives for a moment. */
  async function atRest(): Promise<Driving> {
    const it = await driving({ root })
    await it.say("Begin.")
    const over = new AbortController()
    const talk = it.converse(over.signal)
    await it.turnOver()
    over.abort(new Error("for a moment"))
    await talk.catch(() => undefined)
    return it
  }

  /** A session at rest whose next answer waits for the gate. */
  async function resting(held: Gate): Promise<Talking> {
    const it = await driving({ root: [...root.slice(0, 2), reply.text("So it is.").gate(held), reply.text("Hm.")] })
    await it.say("Begin.")
    const talk = it.converse()
    await it.turnOver()
    return Object.assign(it, { talk })
  }

  for (const order of ["notice, prompt", "prompt, notice"] as const)
    test(`both wait (${order}): one turn hears both, in that order`, async () => {
      await using it = await atRest()
      if (order === "notice, prompt") await it.finish("build", "BUILT")
      await it.say("How is it?")
      if (order === "prompt, notice") await it.finish("build", "BUILT")
      await rests(it, it.converse(), "BUILT")
      const { news } = it.asked()[2]!
      expect(news.indexOf("BUILT") < news.indexOf("How is it?")).toBe(order === "notice, prompt")
      expect(it.read("How is it?")).toBe(1)
      expect(it.turns().map(({ cause }) => cause)).toEqual(["human", "human"])
      expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
    })

  test("a prompt that comes while the turn of a notice is under way joins it at its next boundary", async () => {
    const held = new Gate()
    await using it = await resting(held)
    await it.finish("build", "BUILT")
    await it.server.received(3)
    await it.say("How is it?")
    held.open()
    await rests(it, it.talk, "BUILT")
    expect(it.asked()[3]!.news).toBe("How is it?")
    expect(it.turns().map(({ cause }) => cause)).toEqual(["human", "task"])
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  test("a notice that comes while the turn of a prompt is under way joins it at its next boundary", async () => {
    const held = new Gate()
    await using it = await resting(held)
    await it.say("How is it?")
    await it.server.received(3)
    await it.finish("build", "BUILT")
    held.open()
    await rests(it, it.talk, "BUILT")
    expect(it.asked()[3]!.news).toContain("BUILT")
    expect(it.turns().map(({ cause }) => cause)).toEqual(["human", "human"])
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
  })
})

describe("notice / wait", () => {
  const wait = (it: Driving) => ({
    name: "TaskOutput",
    input: { task_id: it.run("build").task_id, block: true, timeout: 60_000 },
  })
  /** A turn that waits for the command, by so many calls. */
  async function waiting(calls = 1): Promise<Talking> {
    const it: Driving = await driving({
      root: [
        reply.calls([behind("build")]),
        () => reply.calls(Array.from({ length: calls }, () => wait(it))),
        reply.text("I see."),
      ],
    })
    await it.say("Begin.")
    const talk = it.converse()
    await eventually("it waits", () => {
      const sql = "SELECT 1 FROM tool_call WHERE name = 'TaskOutput' AND state = 'running'"
      return it.program.store.one(sql) !== undefined
    })
    return Object.assign(it, { talk })
  }

  test("a wait that begins when the notice is there already takes it: the result is told once", async () => {
    const held = new Gate()
    const root = [reply.calls([behind("build")]), () => reply.calls([wait(it)]).gate(held), reply.text("I see.")]
    await using it = await driving({ root })
    await it.say("Begin.")
    const talk = it.converse()
    await it.server.received(2)
    await it.finish("build", "BUILT")
    expect(it.end("build")).toMatchObject({ notice: "pending", inbox: 1 })
    held.open()
    await rests(it, talk, "BUILT")
    expect(it.end("build")).toEqual({ state: "completed", ...CONSUMED })
    expect(it.asked()).toHaveLength(3)
  })

  test("a wait that began before the end takes the notice as well", async () => {
    await using it = await waiting()
    await it.finish("build", "BUILT")
    await rests(it, it.talk, "BUILT")
    expect(it.end("build")).toEqual({ state: "completed", ...CONSUMED })
    expect(it.asked()).toHaveLength(3)
  })

  test("a wait that was given up before the end leaves the notice to be told", async () => {
    await using it = await waiting()
    it.hosted.interrupt()
    await it.turnOver()
    await it.finish("build", "BUILT")
    await rests(it, it.talk, "BUILT")
    expect(it.turns().map(({ state }) => state)).toEqual(["interrupted", "done"])
    expect(it.end("build")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  test("two waits for one end, in one step, take one notice", async () => {
    await using it = await waiting(2)
    await it.finish("build", "BUILT")
    await rests(it, it.talk, "BUILT", 2)
    expect(it.end("build")).toEqual({ state: "completed", ...CONSUMED })
    expect(it.asked()).toHaveLength(3)
  })
})

describe("message / finish", () => {
  const speak = (it: Driving, ...messages: string[]) =>
    reply.calls(
      messages.map((message) => ({ name: "SendMessage", input: { task_id: it.run("helper").task_id, message } })),
    )

  test("a message that comes before an agent's end is heard by it, and there is one report", async () => {
    const last = new Gate()
    await using it = await driving({
      root: [reply.calls([helper]), () => speak(it, "Hurry."), reply.text("I told it."), reply.text("I see.")],
      agents: {
        helper: [reply.text("Half.").gate(last), (request) => reply.text(`REPORT ${request.news.includes("Hurry.")}`)],
      },
    })
    await it.say("Begin.")
    const talk = it.converse()
    await it.turnOver()
    last.open()
    await rests(it, talk, "REPORT true")
    expect(it.run("helper")).toMatchObject({ n: 1 })
    expect(it.end("helper")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  test("a message that comes after it begins a further run, which reports for itself", async () => {
    await using it = await driving({
      root: [
        reply.calls([helper]),
        reply.text("It helps."),
        () => speak(it, "More."),
        reply.text("I told it."),
        reply.text("I see."),
      ],
      agents: { helper: [reply.text("FIRST"), (request) => reply.text(`REPORT ${request.news.includes("More.")}`)] },
    })
    await it.say("Begin.")
    await rests(it, it.converse(), "REPORT true")
    expect(it.read("FIRST")).toBe(1)
    expect(it.run("helper")).toMatchObject({ n: 2 })
    expect(it.end("helper")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  /** As SendMessage does, from here. */
  const tell = (it: Driving, text: string) => {
    const { task_id } = it.run("helper")
    return it.program.tasks.message(task_id, { text, origin: "peer" }, (tx, { session_id: sessionId }, how) => {
      const content = [{ type: "text" as const, text }]
      const admission = { id: text, sessionId: sessionId!, origin: "peer", delivery: "steer", content } as const
      if (how === "delivered") admit(tx, systemClock, admission)
    })
  }
  /** An agent that says how many messages it has heard by now, each time. */
  const counting = () => {
    const count = (request: RecordedRequest) =>
      reply.text(`HEARD ${JSON.stringify(request.messages).split("Psst").length}`)
    return driving({
      root: [reply.calls([helper]), ...Array(5).fill(reply.text("I see."))],
      agents: { helper: [reply.text("FIRST"), ...Array(3).fill(count)] },
    })
  }

  test("two messages at once to one that has ended begin one further run, which hears both", async () => {
    await using it = await counting()
    await it.say("Begin.")
    await rests(it, it.converse(), "FIRST")
    const sent = await Promise.all([tell(it, "Psst one."), tell(it, "Psst two.")])
    expect(sent.map((how) => (how === "delivered" ? how : how.run.n))).toEqual([2, "delivered"])
    await it.ended("helper")
    await it.converse()
    const [last] = it.server.requests.filter(({ prompt }) => prompt === "Be helper.").slice(-1)
    for (const text of ["Psst one.", "Psst two."]) expect(JSON.stringify(last!.messages)).toContain(text)
    expect(it.run("helper")).toMatchObject({ n: 2, state: "completed" })
    expect(it.end("helper")).toEqual({ state: "completed", ...TOLD_ONCE })
    expect(it.errors()).toEqual([])
  })

  test("a message at any moment around an agent's last word is heard once, by that run or a further one", async () => {
    for (let moment = 0; moment < 12; moment++) {
      await using it = await counting()
      await it.say("Begin.")
      let sent: Promise<unknown> | undefined
      const isOver =
        "SELECT 1 FROM turn JOIN session ON session.id = turn.session_id WHERE parent_id IS NOT NULL AND state = 'done'"
      const later = async () => {
        // So many turns of the queue of promises after the commit that ends its turn.
        for (let tick = 0; tick < moment; tick++) await undefined
        return tell(it, "Psst.")
      }
      using _ = it.program.store.listen(`feed:${it.hosted.row.id}`, () => {
        if (!sent && it.program.store.one(isOver)) sent = later()
      })
      const talk = it.converse()
      await eventually("it was said", () => sent !== undefined)
      await sent
      await it.ended("helper")
      await talk
      await it.converse()
      const helpers = it.server.requests.filter(({ prompt }) => prompt === "Be helper.")
      expect([moment, helpers.length, JSON.stringify(helpers.at(-1)!.messages).split("Psst.").length > 1]).toEqual([
        moment,
        2,
        true,
      ])
      expect(it.end("helper")).toEqual({ state: "completed", ...TOLD_ONCE })
      expect(it.program.store.all("SELECT 1 FROM inbox")).toEqual([])
      expect(it.errors()).toEqual([])
    }
  })
})

describe("stop / answer", () => {
  /** An agent asks for permission, and nobody has answered yet; `id` is the request's. */
  async function asking(): Promise<Talking & { id: string }> {
    const it = await driving({
      root: [reply.calls([helper]), reply.text("It helps."), reply.text("I see.")],
      agents: { helper: [reply.calls([bash("deploy")]), reply.text("REPORT")] },
      permissionMode: "default",
    })
    await it.say("Begin.")
    const talk = it.converse()
    await eventually("it asks", () => it.program.store.one("SELECT 1 FROM approval") !== undefined)
    await it.turnOver()
    return Object.assign(it, { talk, id: it.program.store.one<ApprovalRow>("SELECT * FROM approval")!.id })
  }
  const ran = (it: Driving) => it.shell.events.some((event) => event.startsWith("went"))
  const state = (it: Driving) => it.program.store.one<ApprovalRow>("SELECT * FROM approval")?.state
  const stop = (it: Driving) => it.program.tasks.stop([it.run("helper").task_id], "model")

  test("an answer that comes first lets the command run; the stop then ends both", async () => {
    await using it = await asking()
    expect(await it.hosted.approvals.answer(it.id, { behavior: "allow" })).toBeTrue()
    await it.begun("deploy")
    await stop(it)
    await rests(it, it.talk, "stopped by the model")
    expect([ran(it), state(it), it.run("deploy").state]).toEqual([true, "allowed", "stopped"])
    expect(it.end("helper")).toEqual({ state: "stopped", ...TOLD_ONCE })
  })

  test("a stop that comes first withdraws the request: an answer is too late, and nothing runs", async () => {
    await using it = await asking()
    await stop(it)
    expect(await it.hosted.approvals.answer(it.id, { behavior: "allow" })).toBeFalse()
    await rests(it, it.talk, "stopped by the model")
    expect([ran(it), state(it)]).toEqual([false, "withdrawn"])
    expect(it.end("helper")).toEqual({ state: "stopped", ...TOLD_ONCE })
  })

  for (const order of ["stop, answer", "answer, stop"] as const)
    test(`at the same moment (${order}) the stop wins: nothing runs`, async () => {
      await using it = await asking()
      const answer = () => it.hosted.approvals.answer(it.id, { behavior: "allow" })
      await Promise.all(order === "stop, answer" ? [stop(it), answer()] : [answer(), stop(it)])
      await rests(it, it.talk, "stopped by the model")
      expect([ran(it), state(it)]).toEqual([false, "allowed"])
      expect(it.end("helper")).toEqual({ state: "stopped", ...TOLD_ONCE })
    })

  test("Esc while the turn asks withdraws the request, and the model hears that the call has not run", async () => {
    await using it = await driving({
      root: [reply.calls([bash("deploy")]), reply.text("I see.")],
      permissionMode: "default",
    })
    await it.say("Begin.")
    const talk = it.converse()
    await eventually("it asks", () => state(it) === "open")
    it.hosted.interrupt()
    expect((await talk).type).toBe("interrupted")
    await it.say("And now?")
    await rests(it, it.converse(), "Not run: ")
    expect([ran(it), state(it)]).toEqual([false, "withdrawn"])
  })

  test("of two answers the first counts", async () => {
    await using it = await asking()
    const { approvals } = it.hosted
    const given = [approvals.answer(it.id, { behavior: "deny" }), approvals.answer(it.id, { behavior: "allow" })]
    expect(await Promise.all(given)).toEqual([true, false])
    await rests(it, it.talk, "REPORT")
    expect([ran(it), state(it)]).toEqual([false, "denied"])
    expect(it.end("helper")).toEqual({ state: "completed", ...TOLD_ONCE })
  })
})

describe("cap / finish", () => {
  /** A tenth of a cent for each token that is said, and no answer longer than two dollars. */
  const settings = {
    models: { "anthropic/claude-sonnet-5-5": { price: { input: 0, output: 1000 }, maxOutputTokens: 2000 } },
    caps: { unwatchedUsd: 0 },
  }
  const capped = agent("helper", { run_in_background: true, max_cost_usd: 3 })
  const dear = { input: 1, output: 2900 }
  const look = { name: "Glob", input: { pattern: "*" } }

  test("an agent whose last word uses up its cap has completed", async () => {
    await using it = await driving({
      root: [reply.calls([capped]), reply.text("It helps."), reply.text("I see.")],
      agents: { helper: [reply.text("REPORT").usage(dear)] },
      settings,
    })
    await it.say("Begin.")
    await rests(it, it.converse(), "REPORT")
    expect(it.read("cap:")).toBe(0)
    expect(it.end("helper")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  test("an agent that has a word left is paused, which is told once, and its end once after it was resumed", async () => {
    await using it = await driving({
      root: [reply.calls([capped]), reply.text("It helps."), reply.text("It waits."), reply.text("I see.")],
      agents: { helper: [reply.calls([look]).usage(dear), reply.text("REPORT")] },
      settings,
    })
    await it.say("Begin.")
    const talk = it.converse()
    await eventually("it was told", () => it.read("cap: $3.00") === 1)
    await it.turnOver()
    expect(it.run("helper")).toMatchObject({ state: "paused", ended_at: null })
    await it.hosted.resumeTask(it.run("helper").task_id)
    await rests(it, talk, "REPORT")
    expect(it.read("cap: $3.00")).toBe(1)
    expect(it.end("helper")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  test("an agent that holds the turn and reaches its cap frees it, and is told once", async () => {
    await using it = await driving({
      root: [reply.calls([agent("helper", { max_cost_usd: 3 })]), ...Array(4).fill(reply.text("I see."))],
      agents: { helper: [reply.calls([look]).usage(dear), reply.text("REPORT")] },
      settings,
    })
    await it.say("Begin.")
    const talk = it.converse()
    await eventually("it was told", () => it.read("cap: $3.00") === 1)
    await it.turnOver()
    expect(it.asked()[1]!.results[0]!.text).toContain("Moved to the background")
    await it.hosted.resumeTask(it.run("helper").task_id)
    await rests(it, talk, "REPORT")
    expect(it.read("cap: $3.00")).toBe(1)
    expect(it.end("helper")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  /** Two agents share what their parent may use; the one that asks first reserves so much that the other must wait. */
  const siblings = async (spent: number) => {
    const held = new Gate()
    const one = (name: string) => [reply.text(`REPORT ${name}`).usage({ input: 1, output: spent }).gate(held)]
    const parent = agent("parent", { run_in_background: true, max_cost_usd: 3 })
    const it = await driving({
      root: [reply.calls([parent]), reply.text("They help."), ...Array(6).fill(reply.text("I see."))],
      agents: {
        parent: [
          reply.calls([agent("left"), agent("right")]).usage({ input: 1, output: 1 }),
          ...Array(4).fill(reply.text("BOTH").usage({ input: 1, output: 1 })),
        ],
        left: one("left"),
        right: one("right"),
      },
      settings,
    })
    await it.say("Begin.")
    const talk = it.converse()
    const { prompt } = await it.server.receivedWhere((request) => /^Be (left|right)\./.test(request.prompt))
    const [first, second] = prompt.includes("left") ? ["left", "right"] : ["right", "left"]
    await it.begun(second!)
    await it.turnOver()
    const requests = (name: string) => it.server.requests.filter((request) => request.prompt === `Be ${name}.`).length
    return { it, talk, held, first: first!, second: second!, requests }
  }

  test("an end that frees what it had reserved lets the one go on that waited for it", async () => {
    const { it: driven, talk, held, second, requests } = await siblings(10)
    await using it = driven
    expect(requests(second)).toBe(0)
    held.open()
    await rests(it, talk, "BOTH")
    expect(requests(second)).toBe(1)
    expect(it.end("parent")).toEqual({ state: "completed", ...TOLD_ONCE })
  })

  test("one that the user pauses while it waits asks nothing when it could, until it is resumed", async () => {
    const { it: driven, talk, held, first, second, requests } = await siblings(10)
    await using it = driven
    await it.hosted.pauseTask(it.run(second).task_id)
    held.open()
    await it.ended(first)
    // A turn of its parent's and one of the session's go by.
    await it.server.receivedWhere((request) => request.prompt === "Be parent." && request.messages.length > 1)
    await it.say("Are you there?")
    await eventually("the session has answered", () => it.read("Are you there?") === 1)
    expect([requests(second), it.run(second).state]).toEqual([0, "paused"])
    await it.hosted.resumeTask(it.run(second).task_id)
    await rests(it, talk, "BOTH")
    expect(it.run(second).state).toBe("completed")
  })

  test("one that the user pauses while it waits, and whose cap is then used up, stays paused and does not fail", async () => {
    const { it: driven, talk, held, first, second } = await siblings(2900)
    await using it = driven
    await it.hosted.pauseTask(it.run(second).task_id)
    held.open()
    await it.ended(first)
    await it.hosted.resumeTask(it.run(second).task_id)
    await eventually("its cap pauses it", () => it.run(second).reason?.startsWith("cap:") === true)
    await it.hosted.resumeTask(it.run(second).task_id)
    await it.ended(second)
    expect(it.run(second).state).toBe("completed")
    for (const name of ["parent"]) if (it.run(name).state === "paused") await it.hosted.resumeTask(it.run(name).task_id)
    expect((await talk).type).toBe("done")
  })
})
