// The chain of models: who is asked next, when, and what the caller is told.
import { describe, expect, test } from "bun:test"
import { type Clock, systemClock } from "../../src/base/clock.ts"
import { type AskedEvent, createModels, type Fallback, type ModelsOptions } from "../../src/model/ask.ts"
import { ModelError } from "../../src/model/model.ts"
import { type ModelServer, type Reply, reply, script, startModelServer } from "../../testing/model-server.ts"
import { request } from "./asking.ts"

/** Pauses pass at once; the watchdog's never end. */
class TestClock implements Clock {
  time = 1_000_000
  now = () => this.time
  monotonic = () => this.time
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms === 5000 || ms === 250) return systemClock.sleep(ms, signal)
    return Promise.resolve()
  }
}

const FIRST = "anthropic/claude-opus-5-5"
const SECOND = "openai/gpt-6-sol"
const THIRD = "google/gemini-3.8-flash"

function modelsAt(server: ModelServer, more: Partial<ModelsOptions> = {}) {
  const env = { ...server.env("anthropic"), ...server.env("openai-responses"), ...server.env("google") }
  return createModels({ clock: new TestClock(), env, fallback: [SECOND, "gemini-3.8-flash"], ...more })
}

async function ask(models: ReturnType<typeof createModels>, signal = new AbortController().signal) {
  const all: AskedEvent[] = []
  const fallbacks: Fallback[] = []
  const retries: string[] = []
  try {
    const asked = {
      model: FIRST,
      request: request(),
      rootId: "r",
      isRoot: true,
      signal,
      onRetry: ({ error }: { error: ModelError }) => void retries.push(error.kind),
      onFallback: (fallback: Fallback) => void fallbacks.push(fallback),
    }
    for await (const event of models.ask(asked)) all.push(event)
    return { all, fallbacks, retries }
  } catch (error) {
    return { all, fallbacks, retries, error }
  }
}

const told = (fallbacks: Fallback[]) => fallbacks.map(({ from, to, error }) => [from, to, error.kind])

/** A server whose providers answer in their own way. */
function byProvider(replies: { anthropic?: Reply; openai?: Reply; google?: Reply }) {
  return startModelServer({
    check: "off",
    script: ({ protocol }) => {
      const own = protocol === "openai-responses" ? replies.openai : replies[protocol as "anthropic" | "google"]
      return own ?? reply.text(`by ${protocol}`)
    },
  })
}

describe("the next model is asked when one fails for good", () => {
  const cases: [string, Reply, number][] = [
    ["overloaded", reply.error(529), 6],
    ["rate-limit", reply.error(429), 6],
    ["server", reply.error(500), 6],
    ["not-found", reply.error(404, { message: "model: claude-opus-5-5" }), 1],
  ]
  for (const [kind, answer, tries] of cases)
    test(kind, async () => {
      await using server = await byProvider({ anthropic: answer })
      const { all, fallbacks, retries, error } = await ask(modelsAt(server))
      expect(error).toBeUndefined()
      expect(told(fallbacks)).toEqual([[FIRST, SECOND, kind]])
      expect(all.filter(({ type }) => type === "fallback")).toEqual([{ type: "fallback", fallback: fallbacks[0]! }])
      expect(all.at(-1)).toMatchObject({ type: "finish", parts: [{ text: "by openai-responses" }] })
      expect(retries.length).toBe(tries - 1)
      expect(server.requests.filter(({ protocol }) => protocol === "anthropic").length).toBe(tries)
    })

  test("and the one after it", async () => {
    const missing = reply.error(404, { message: "no such model" })
    await using server = await byProvider({ anthropic: missing, openai: missing })
    const { all, fallbacks } = await ask(modelsAt(server))
    expect(told(fallbacks)).toEqual([
      [FIRST, SECOND, "not-found"],
      [SECOND, THIRD, "not-found"],
    ])
    expect(all.at(-1)).toMatchObject({ type: "finish", parts: [{ text: "by google" }] })
  })

  test("in the middle of an answer too: what came of it is void", async () => {
    const half = reply.parts([
      { type: "text", text: "half" },
      { type: "error", error: "overloaded_error", message: "sorry" },
    ])
    await using server = await byProvider({ anthropic: half })
    const { all } = await ask(modelsAt(server))
    const valid = all.slice(all.findLastIndex(({ type }) => type === "fallback") + 1)
    expect(valid.map((event) => (event.type === "text" ? event.delta : "")).join("")).toBe("by openai-responses")
  })

  test("what the last try cost is told with it", async () => {
    const usage = { input: 50, cacheRead: 1000, cacheWrite: 10 }
    const half = reply.parts([
      { type: "text", text: "x".repeat(400) },
      { type: "error", error: "overloaded_error", message: "sorry" },
    ])
    await using server = await byProvider({ anthropic: half.usage(usage) })
    const { fallbacks } = await ask(modelsAt(server))
    expect(fallbacks[0]?.error.options.usage).toMatchObject({
      inputTokens: 50,
      cacheReadTokens: 1000,
      outputTokens: 100,
    })
  })
})

describe("nobody else is asked", () => {
  const cases: [string, Reply][] = [
    ["auth", reply.error(401)],
    ["too-long", reply.error(400, { message: "prompt is too long: 2 tokens > 1 maximum" })],
    ["bad-request", reply.error(400, { message: "no" })],
  ]
  for (const [kind, answer] of cases)
    test(`when it is ${kind}`, async () => {
      await using server = await byProvider({ anthropic: answer })
      const { fallbacks, error } = await ask(modelsAt(server))
      expect((error as ModelError).kind).toBe(kind as ModelError["kind"])
      expect(fallbacks).toEqual([])
    })

  test("when it refuses to answer", async () => {
    await using server = await byProvider({ anthropic: reply.text("No.").stop("refused") })
    const { all, fallbacks } = await ask(modelsAt(server))
    expect(all.at(-1)).toMatchObject({ type: "finish", stop: "refused" })
    expect(fallbacks).toEqual([])
  })

  test("when the user stops it", async () => {
    await using server = await byProvider({ anthropic: reply.text("x").stall("before-headers") })
    const stop = new AbortController()
    const asking = ask(modelsAt(server), stop.signal)
    await server.received(1)
    stop.abort(new Error("stopped"))
    const { error, fallbacks } = await asking
    expect(error).toEqual(new Error("stopped"))
    expect(fallbacks).toEqual([])
  })
})

test("a model that failed rests, and is asked again when it has rested", async () => {
  await using server = await byProvider({ anthropic: reply.error(404, { message: "no such model" }) })
  const clock = new TestClock()
  const models = modelsAt(server, { clock })
  await ask(models)
  const second = await ask(models)
  expect(told(second.fallbacks)).toEqual([[FIRST, SECOND, "not-found"]])
  const asked = () => server.requests.map(({ protocol }) => protocol)
  expect(asked()).toEqual(["anthropic", "openai-responses", "openai-responses"])
  clock.time += 5 * 60_000
  server.script = script.inOrder([], reply.text("back"))
  expect((await ask(models)).fallbacks).toEqual([])
  expect(asked().at(-1)).toBe("anthropic")
})

test("a model without a key, or that nobody knows, is passed over; when that leaves none, it is said", async () => {
  await using server = await byProvider({ anthropic: reply.error(404, { message: "no such model" }) })
  const env = { ...server.env("anthropic"), ...server.env("google") }
  const passed = await ask(modelsAt(server, { env, fallback: ["nonsense", SECOND, THIRD] }))
  expect(told(passed.fallbacks)).toEqual([[FIRST, THIRD, "not-found"]])
  const none = await ask(modelsAt(server, { env, fallback: ["nonsense", SECOND] }))
  expect(none.error).toBeInstanceOf(ModelError)
  expect((none.error as Error).message).toContain("does not know the model claude-opus-5-5")
  expect((none.error as Error).message).toContain('No fallback can be used: There is no model "nonsense".')
  expect((none.error as Error).message).toContain("openai/gpt-6-sol needs a key. Set OPENAI_API_KEY")
})

test("without a chain a rate limit is waited out, and a failure says that there could be one", async () => {
  await using server = await byProvider({ anthropic: reply.error(429) })
  const limited = await ask(modelsAt(server, { fallback: [] }))
  expect(limited.retries.length).toBe(39)
  expect((limited.error as Error).message).toEndWith('A model under "modelFallback" in settings.json would take over.')
  // A chain of the model itself is none.
  expect((await ask(modelsAt(server, { fallback: [FIRST] }))).fallbacks).toEqual([])
})
