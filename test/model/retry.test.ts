import { describe, expect, test } from "bun:test"
import { type Clock, systemClock } from "../../src/base/clock.ts"
import { type Model, ModelError, type ModelEvent, type Usage } from "../../src/model/model.ts"
import { Permits } from "../../src/model/permits.ts"
import { type RetriedEvent, type Retry, type RetryOptions, streamWithRetry } from "../../src/model/retry.ts"
import { Gate } from "../../testing/gate.ts"
import { type Reply, reply, script, startModelServer } from "../../testing/model-server.ts"
import { modelAt, request, textOf } from "./asking.ts"

/** Pauses pass at once and are written down; for the watchdogs time passes when the test says so. */
class TestClock implements Clock {
  readonly pauses: number[] = []
  readonly watches = new Set<{ due: number; end: () => void }>()
  /** Whose sleeps are pauses; the watchdog sleeps under a signal of its own. */
  readonly pausing = new Set<AbortSignal | undefined>()
  private time = 0
  now() {
    return this.time
  }
  monotonic() {
    return this.time
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (ms === 250) return systemClock.sleep(ms, signal)
    if (this.pausing.has(signal)) {
      this.pauses.push(ms)
      return Promise.resolve()
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const watch = { due: this.time + ms, end: resolve }
    this.watches.add(watch)
    const onAbort = () => {
      this.watches.delete(watch)
      reject(signal?.reason)
    }
    signal?.addEventListener("abort", onAbort, { once: true })
    return promise
  }
  /** Lets time pass as it does for a process that runs: in small parts, between which it sees what came. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1000) {
      this.skip(Math.min(left, 1000))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  /** As for a process that was stopped meanwhile: all at once. */
  skip(ms: number): void {
    this.time += ms
    for (const watch of [...this.watches]) {
      if (watch.due > this.time) continue
      this.watches.delete(watch)
      watch.end()
    }
  }
}

function options(more: Partial<RetryOptions> = {}): RetryOptions & { clock: TestClock } {
  const asked = { clock: new TestClock(), signal: new AbortController().signal, random: () => 1, ...more }
  if (asked.clock instanceof TestClock) asked.clock.pausing.add(asked.signal)
  return asked as never
}

async function run(model: Model, asked: RetryOptions): Promise<{ all: RetriedEvent[]; error?: unknown }> {
  const all: RetriedEvent[] = []
  try {
    for await (const event of streamWithRetry(model, request(), asked)) all.push(event)
    return { all }
  } catch (error) {
    return { all, error }
  }
}

async function against(steps: Reply[], asked = options()) {
  await using server = await startModelServer({ script: script.inOrder(steps) })
  const { all, error } = await run(await modelAt(server), asked)
  return { all, error, pauses: (asked.clock as TestClock).pauses, requests: server.requests.length }
}

/** What is left when everything before the last restart is thrown away. */
function valid(all: RetriedEvent[]): ModelEvent[] {
  return all.slice(all.findLastIndex(({ type }) => type === "restart") + 1) as ModelEvent[]
}

describe("what may succeed later is tried again", () => {
  const broken: Record<string, Reply> = {
    "server error": reply.error(500),
    overloaded: reply.error(529),
    limited: reply.error(429),
    "cut before the answer": reply.text("x").cut("before-headers"),
    "cut in the middle": reply.parts([{ type: "text", text: "half" }, { type: "cut" }]),
    "without an end": reply.parts([{ type: "text", text: "half" }, { type: "truncate" }]),
    garbage: reply.raw("data: {oops\n\ndata: {}\n\n"),
  }
  for (const [name, first] of Object.entries(broken))
    test(name, async () => {
      const { all, error, requests } = await against([first, reply.text("whole")])
      expect(error).toBeUndefined()
      expect(requests).toBe(2)
      expect(all.filter(({ type }) => type === "restart").length).toBe(1)
      expect(textOf(valid(all) as never, "text")).toBe("whole")
      expect(valid(all).at(-1)).toMatchObject({ type: "finish", parts: [{ type: "text", text: "whole" }] })
    })
})

test("what cannot succeed is thrown at once", async () => {
  for (const status of [400, 401, 403, 404, 413]) {
    const { error, requests } = await against([reply.error(status)])
    expect(error).toBeInstanceOf(ModelError)
    expect(requests).toBe(1)
  }
})

test("the pauses double, and after six tries it gives up", async () => {
  const { error, requests, pauses } = await against(
    Array.from({ length: 6 }, () => reply.error(500, { message: "no" })),
  )
  expect(requests).toBe(6)
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000])
  expect((error as Error).message).toEndWith("Gave up after 6 tries.")
})

test("chance takes up to half of a pause off", async () => {
  const { pauses } = await against([reply.error(500), reply.error(500), reply.text("x")], options({ random: () => 0 }))
  expect(pauses).toEqual([500, 1000])
})

test("a pause is never longer than thirty seconds, and a rate limit does not make an agent fail soon", async () => {
  const { error, pauses } = await against([...Array.from({ length: 12 }, () => reply.error(429)), reply.text("x")])
  expect(error).toBeUndefined()
  expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30].map((s) => s * 1000))
})

test("what the server asks for is waited for, up to a minute, and chance only adds", async () => {
  const steps = [reply.error(429, { retryAfter: 20 }), reply.error(529, { retryAfter: 3600 }), reply.text("x")]
  expect((await against(steps)).pauses).toEqual([22_000, 66_000])
  expect((await against(steps, options({ random: () => 0 }))).pauses).toEqual([20_000, 60_000])
})

test("each failed attempt is reported with what it cost, before the pause", async () => {
  const retries: Retry[] = []
  const half = reply
    .parts([{ type: "text", text: "x".repeat(40) }, { type: "cut" }])
    .usage({ input: 9, cacheRead: 8, cacheWrite: 7 })
  await against([half, reply.error(500), reply.text("x")], options({ onRetry: (retry) => void retries.push(retry) }))
  expect(retries.map(({ attempt, error, waitMs }) => [attempt, error.kind, waitMs])).toEqual([
    [1, "cut", 1000],
    [2, "server", 2000],
  ])
  expect(retries.map(({ usage }) => usage)).toEqual([
    { inputTokens: 9, outputTokens: 10, cacheReadTokens: 8, cacheWriteTokens: 7, reasoningTokens: 0 },
    undefined,
  ])
})

describe("silence", () => {
  test("is cut off by the watchdog, the connection closed, the request sent again", async () => {
    await using server = await startModelServer({
      script: script.inOrder([reply.parts([{ type: "text", text: "hm" }, { type: "stall" }]), reply.text("whole")]),
    })
    const asked = options()
    const all: RetriedEvent[] = []
    for await (const event of streamWithRetry(await modelAt(server), request(), asked)) {
      all.push(event)
      // The next event is waited for as soon as the loop asks for it.
      if (event.type === "text" && event.delta === "hm")
        queueMicrotask(() => queueMicrotask(() => void asked.clock.pass(125_000)))
    }
    expect(all.find(({ type }) => type === "restart")).toMatchObject({ retry: { error: { kind: "idle" } } })
    expect(textOf(valid(all) as never, "text")).toBe("whole")
    await server.requests[0]?.ended
    expect(server.requests[0]?.outcome).toBe("aborted")
  })

  test("a stream that ignores its abort does not hold up the next attempt", async () => {
    let attempts = 0
    const deaf: Model = {
      id: "deaf/m",
      provider: "deaf",
      async *stream() {
        attempts++
        if (attempts === 1) await new Promise(() => undefined)
        yield finished
      },
    }
    const clock = new TestClock()
    const running = run(deaf, options({ clock, idleMs: 20 }))
    await until(() => attempts === 1)
    await clock.pass(20)
    const { all, error } = await running
    expect(error).toBeUndefined()
    expect(all.map(({ type }) => type)).toEqual(["restart", "finish"])
  })

  test("signs of life that show nothing begin the watch anew", async () => {
    const clock = new TestClock()
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    const alive: Model = {
      id: "alive/m",
      provider: "alive",
      async *stream() {
        for (let i = 0; i < 3; i++) {
          await turn()
          await clock.pass(100_000)
          await turn()
          yield { type: "progress" }
        }
        yield finished
      },
    }
    const { all, error } = await run(alive, options({ clock }))
    expect(error).toBeUndefined()
    expect(all.map(({ type }) => type)).toEqual(["progress", "progress", "progress", "finish"])
    expect(clock.watches.size).toBe(0)
  })

  test("the time in which nobody asks for more is no silence", async () => {
    const clock = new TestClock()
    const alive: Model = {
      id: "alive/m",
      provider: "alive",
      async *stream() {
        yield { type: "progress" }
        yield finished
      },
    }
    const types: string[] = []
    for await (const event of streamWithRetry(alive, request(), options({ clock }))) {
      types.push(event.type)
      await clock.pass(500_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(types).toEqual(["progress", "finish"])
  })
})

describe("an abort", () => {
  test("in the middle of an answer throws its reason at once, and nothing is tried again", async () => {
    await using server = await startModelServer({
      script: script.inOrder([reply.parts([{ type: "text", text: "hm" }, { type: "stall" }])]),
    })
    const stop = new AbortController()
    const reason = new Error("Esc")
    let thrown: unknown
    try {
      for await (const event of streamWithRetry(await modelAt(server), request(), options({ signal: stop.signal })))
        if (event.type === "text") stop.abort(reason)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBe(reason)
    await server.requests[0]?.ended
    expect(server.requests.map(({ outcome }) => outcome)).toEqual(["aborted"])
  })

  test("in a pause", async () => {
    await using server = await startModelServer({ script: script.inOrder([reply.error(500)]) })
    const stop = new AbortController()
    const asked: RetryOptions = {
      clock: systemClock,
      signal: stop.signal,
      random: () => 1,
      onRetry: () => stop.abort(new Error("Esc")),
    }
    const { error } = await run(await modelAt(server), asked)
    expect((error as Error).message).toBe("Esc")
    expect(server.requests.length).toBe(1)
  })

  test("before the first attempt sends nothing", async () => {
    await using server = await startModelServer()
    const { error } = await run(await modelAt(server), options({ signal: AbortSignal.abort(new Error("Esc")) }))
    expect((error as Error).message).toBe("Esc")
    expect(server.requests.length).toBe(0)
  })

  test("passes through a stream that ignores it", async () => {
    const stop = new AbortController()
    const began = new Gate()
    const deaf: Model = {
      id: "deaf/m",
      provider: "deaf",
      async *stream() {
        began.open()
        await new Promise(() => undefined)
      },
    }
    const running = run(deaf, options({ signal: stop.signal }))
    await began.wait()
    stop.abort(new Error("Esc"))
    expect(((await running).error as Error).message).toBe("Esc")
  })
})

test("a mistake of ours is not taken for the network", async () => {
  const broken: Model = {
    id: "broken/m",
    provider: "broken",
    stream: () => {
      throw new TypeError("undefined is not a function")
    },
  }
  const { all, error } = await run(broken, options())
  expect(error).toBeInstanceOf(TypeError)
  expect(all).toEqual([])
})

test("a permit is held while an answer streams, and not in a pause; a 429 shrinks its model's", async () => {
  const permits = new Permits({ global: 8 })
  const inUse: Record<string, number> = {}
  await using server = await startModelServer({ script: script.inOrder([reply.error(429), reply.text("x")]) })
  const asked = options({
    permit: (signal) => permits.acquire({ model: "m", root: "r", isRoot: false, signal }),
    onRetry: () => {
      inUse.pause = permits.snapshot("m").inUse
    },
  })
  for await (const event of streamWithRetry(await modelAt(server), request(), asked))
    if (event.type === "text") inUse.stream = permits.snapshot("m").inUse
  expect(inUse).toEqual({ pause: 0, stream: 1 })
  expect(permits.snapshot("m")).toEqual({ inUse: 0, limit: 2, waiting: 0 })
})

const none: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
const finished: ModelEvent = { type: "finish", parts: [], stop: "end", usage: none }

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("it did not happen within 5 s")
    await Bun.sleep(1)
  }
}
