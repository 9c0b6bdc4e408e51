// Scripts of stories: several agents, each with its own replies in order, whatever order they ask in.
import { expect, test } from "bun:test"
import { type ModelServer, type Route, reply, script, startModelServer } from "../../testing/model-server.ts"
import { ask, type Client, type Collected, chat, claude, type Prompt, thrownBy, user } from "./clients.ts"

function story(...routes: Route[]) {
  return startModelServer({ script: script.byAgent(routes) })
}

/** A conversation of texts, as an agent would lead it. */
class Agent {
  readonly history: Prompt
  constructor(
    readonly client: Client,
    system: string,
    readonly options: Parameters<typeof ask>[2] = {},
  ) {
    this.history = [{ role: "system", content: system }]
  }

  async say(text: string): Promise<string> {
    this.history.push(user(text))
    return await this.again()
  }

  async again(): Promise<string> {
    const got: Collected = await ask(this.client, this.history, this.options)
    if (got.thrown) throw got.thrown
    this.history.push({ role: "assistant", content: [{ type: "text", text: got.text }] })
    return got.text
  }
}

const agents = (server: ModelServer, count: number) =>
  Array.from({ length: count }, () => new Agent(claude(server), "sys"))

test("each route has its own replies, told apart by marker, pattern or function", async () => {
  await using server = await story(
    { name: "main", match: "MAIN", steps: [reply.text("m1"), reply.text("m2")] },
    { name: "worker", match: /work on (\w+)/, steps: [(request) => reply.text(`working: ${request.prompt}`)] },
    { name: "guide", match: (request) => request.system === "guide", steps: [reply.text("g1")] },
  )
  const main = new Agent(claude(server), "sys")
  expect(await main.say("MAIN: go")).toBe("m1")
  expect(await new Agent(chat(server), "sys").say("work on parser")).toBe("working: work on parser")
  expect(await new Agent(chat(server), "guide").say("hello")).toBe("g1")
  expect(await main.say("next")).toBe("m2")
  server.check()
})

test("agents with the same prompt each get all the steps, also at the same time", async () => {
  const steps = [1, 2, 3].map((n) => reply.text(`step ${n}`))
  await using server = await story({ name: "twins", match: "same", steps })
  const twins = agents(server, 5)
  expect(await Promise.all(twins.map((twin) => twin.say("same")))).toEqual(Array(5).fill("step 1"))
  for (const n of [2, 3])
    expect(await Promise.all(twins.map((twin) => twin.say("go on")))).toEqual(Array(5).fill(`step ${n}`))
  server.check()
})

test("in the order of arrival, the i-th request gets the i-th step, whoever asks", async () => {
  const steps = [reply.text("one"), reply.text("two")]
  await using server = await story({ name: "any", match: "same", steps, order: "arrival", after: reply.text("more") })
  const twins = agents(server, 3)
  const said: string[] = []
  for (const twin of twins) said.push(await twin.say("same"))
  expect(said).toEqual(["one", "two", "more"])
})

test("a request that the script broke moves on when it is repeated", async () => {
  const steps = [
    reply.error(429),
    reply.text("lost").cut({ afterBytes: 10 }),
    reply.text("at last"),
    reply.text("next"),
  ]
  await using server = await story({ name: "unlucky", match: "go", steps })
  const agent = new Agent(claude(server), "sys")
  await thrownBy(agent.say("go"))
  await thrownBy(agent.again())
  expect(await agent.again()).toBe("at last")
  expect(await agent.say("and?")).toBe("next")
  server.check()
})

test("a request whose client went away gets the same step again, as after a crash", async () => {
  const steps = [reply.text("first"), reply.text("second").delay(60_000), reply.text("third")]
  await using server = await story({ name: "crashing", match: "go", steps })
  const agent = new Agent(claude(server), "sys")
  await agent.say("go")
  for (const n of [2, 3]) {
    const crash = new AbortController()
    const asking = ask(agent.client, [...agent.history, user("more")], { abortSignal: crash.signal })
    asking.catch(() => undefined)
    await server.received(n)
    crash.abort()
    await server.requests[n - 1]!.ended
  }
  expect(server.requests[2]?.repeats?.n).toBe(2)
  expect(server.requests.map((request) => request.said?.text)).toEqual(["first", undefined, undefined])
  expect(server.requests.map((request) => request.outcome)).toEqual(["completed", "aborted", "aborted"])
  expect(server.problems).toEqual([])
})

test("a whole reply that was lost with its reader is given again", async () => {
  await using server = await story({
    name: "crashing",
    match: "go",
    steps: [reply.text("first"), reply.text("second")],
  })
  const agent = new Agent(claude(server), "sys")
  await agent.say("go")
  const next: Prompt = [...agent.history, user("more")]
  expect((await ask(agent.client, next)).text).toBe("second")
  expect((await ask(agent.client, next)).text).toBe("second")
  server.check()
})

test("a key that the client gives keeps broken requests of twins apart", async () => {
  const steps = [reply.error(500), reply.text("ok")]
  await using server = await story({ name: "twins", match: "same", steps })
  const [a, b] = ["a", "b"].map((key) => new Agent(chat(server), "sys", { headers: { "x-session-id": key } }))
  await thrownBy(a!.say("same"))
  await thrownBy(b!.say("same"))
  expect(await b!.again()).toBe("ok")
  expect(await a!.again()).toBe("ok")
  server.check()
})

test("what no route or step answers is a problem that names the agent and the request", async () => {
  await using server = await story({ name: "main", match: "MAIN", steps: [reply.text("m1")] })
  const main = new Agent(claude(server), "sys")
  await main.say("MAIN")
  await thrownBy(main.say("once more"))
  await thrownBy(new Agent(claude(server), "sys").say("who am I?"))
  expect(() => server.check()).toThrow("agent main has 1 steps, and asked for number 2")
  expect(() => server.check()).toThrow("no route matches: routes are main; request 3 (c2) asks: who am I?")
})
