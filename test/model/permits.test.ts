import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { defaultPermitLimits, type Permit, type PermitRequest, Permits } from "../../src/model/permits.ts"

const agent = { model: "m", root: "r", isRoot: false }
const own = { model: "m", root: "r", isRoot: true }

/** Follows who got a permit, in order. */
class Line {
  readonly order: string[] = []
  private readonly got = new Map<string, Permit>()
  constructor(readonly permits: Permits) {}
  ask(name: string, who: PermitRequest = agent): void {
    void this.permits.acquire(who).then((permit) => {
      this.order.push(name)
      this.got.set(name, permit)
    })
  }
  async done(name: string): Promise<void> {
    this.got.get(name)?.[Symbol.dispose]()
    await settle()
  }
}

/** Lets what is resolved already be seen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

describe("what is asked beside the conversation", () => {
  const aside = { model: "m", root: "r", isRoot: false, isAside: true }

  test("waits while the user's own turn is being answered, whatever model that has", async () => {
    const line = new Line(new Permits({ global: 9 }))
    line.ask("own", { model: "large", root: "r", isRoot: true })
    line.ask("aside", aside)
    line.ask("elsewhere", { ...aside, root: "other" })
    await settle()
    expect(line.order).toEqual(["own", "elsewhere"])
    await line.done("own")
    expect(line.order).toEqual(["own", "elsewhere", "aside"])
  })

  test("comes after all others who wait for that model", async () => {
    const line = new Line(new Permits({ global: 9, perModel: 1 }))
    line.ask("a")
    line.ask("aside", aside)
    line.ask("b")
    await settle()
    await line.done("a")
    expect(line.order).toEqual(["a", "b"])
    await line.done("b")
    expect(line.order).toEqual(["a", "b", "aside"])
  })

  test("holds up nobody", async () => {
    const line = new Line(new Permits({ global: 9 }))
    line.ask("aside", aside)
    line.ask("own", own)
    line.ask("agent")
    await settle()
    expect(line.order).toEqual(["aside", "own", "agent"])
  })
})

test("first come, first served, up to the limit", async () => {
  const line = new Line(new Permits({ global: 2 }))
  for (const name of ["a", "b", "c", "d"]) line.ask(name)
  await settle()
  expect(line.order).toEqual(["a", "b"])
  await line.done("b")
  expect(line.order).toEqual(["a", "b", "c"])
  await line.done("a")
  expect(line.order).toEqual(["a", "b", "c", "d"])
})

test("a model without room does not hold up another", async () => {
  const line = new Line(new Permits({ global: 10, perModel: 1 }))
  line.ask("m1")
  line.ask("m2")
  line.ask("n1", { ...agent, model: "n" })
  await settle()
  expect(line.order).toEqual(["m1", "n1"])
})

describe("the user's own turn", () => {
  test("never waits behind its agents, whoever asked first", async () => {
    for (const agentsFirst of [true, false]) {
      const line = new Line(new Permits({ global: 1 }))
      if (!agentsFirst) line.ask("own", own)
      line.ask("agent 1")
      line.ask("agent 2")
      if (agentsFirst) line.ask("own", own)
      await settle()
      expect(line.order.toSorted()).toEqual(["agent 1", "own"])
    }
  })

  test("does not take the agents' last permit, so they go on while it streams", async () => {
    const line = new Line(new Permits({ global: 1 }))
    line.ask("own", own)
    line.ask("agent")
    await settle()
    expect(line.order).toEqual(["own", "agent"])
  })

  test("has one kept permit per root; a second request at the same time waits like any other", async () => {
    const line = new Line(new Permits({ global: 1 }))
    line.ask("agent")
    line.ask("own 1", own)
    line.ask("own 2", own)
    line.ask("other root", { ...own, root: "s" })
    await settle()
    expect(line.order).toEqual(["agent", "own 1", "other root"])
    await line.done("agent")
    expect(line.order).toEqual(["agent", "own 1", "other root", "own 2"])
    await line.done("own 1")
    line.ask("own 3", own)
    await settle()
    expect(line.order.at(-1)).toBe("own 3")
  })
})

describe("an abort while waiting", () => {
  test("rejects with the reason and leaves the line", async () => {
    const permits = new Permits({ global: 1 })
    const first = await permits.acquire(agent)
    const stop = new AbortController()
    const second = permits.acquire({ ...agent, signal: stop.signal })
    const line = new Line(permits)
    line.ask("third")
    stop.abort(new Error("Esc"))
    await expect(second).rejects.toThrow("Esc")
    first[Symbol.dispose]()
    await settle()
    expect(line.order).toEqual(["third"])
  })

  test("after the grant changes nothing: the permit is there and must be given back", async () => {
    const permits = new Permits({ global: 1 })
    const first = await permits.acquire(agent)
    const stop = new AbortController()
    const second = permits.acquire({ ...agent, signal: stop.signal })
    first[Symbol.dispose]()
    stop.abort(new Error("Esc"))
    const permit = await second
    expect(permits.snapshot("m").inUse).toBe(1)
    permit[Symbol.dispose]()
    expect(permits.snapshot("m").inUse).toBe(0)
  })

  test("an aborted signal gets none", async () => {
    const permits = new Permits({ global: 1 })
    await expect(permits.acquire({ ...agent, signal: AbortSignal.abort(new Error("Esc")) })).rejects.toThrow("Esc")
    expect(permits.snapshot("m")).toEqual({ inUse: 0, limit: 1, waiting: 0 })
  })
})

describe("after a 429", () => {
  async function taken(permits: Permits, count: number): Promise<Permit[]> {
    return await Promise.all(Array.from({ length: count }, () => permits.acquire(agent)))
  }

  test("the model's limit is half of what was in use, once for a burst", async () => {
    const permits = new Permits({ global: 100 })
    const held = await taken(permits, 8)
    for (const permit of held) permit.report("limited")
    expect(permits.snapshot("m").limit).toBe(4)
    for (const permit of held) permit[Symbol.dispose]()
    const again = await taken(permits, 4)
    again[0]?.report("limited")
    expect(permits.snapshot("m").limit).toBe(2)
  })

  test("never below one, and other models keep theirs", async () => {
    const permits = new Permits({ global: 100 })
    for (let i = 0; i < 10; i++) {
      using permit = await permits.acquire(agent)
      permit.report("limited")
    }
    expect(permits.snapshot("m").limit).toBe(1)
    expect(permits.snapshot("n").limit).toBe(100)
  })

  test("it grows by one for each round that goes well, up to where it was", async () => {
    const permits = new Permits({ global: 100, perModel: 4 })
    const held = await taken(permits, 4)
    held[0]?.report("limited")
    for (const permit of held) permit[Symbol.dispose]()
    const limits: number[] = []
    for (let i = 0; i < 12; i++) {
      using permit = await permits.acquire(agent)
      permit.report("ok")
      limits.push(permits.snapshot("m").limit)
    }
    expect(limits).toEqual([2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4])
  })

  test("who waits is served when the limit recovers, without anybody leaving", async () => {
    const permits = new Permits({ global: 100, perModel: 2 })
    const [a, b] = await taken(permits, 2)
    a?.report("limited")
    a?.[Symbol.dispose]()
    const line = new Line(permits)
    line.ask("c")
    await settle()
    expect(line.order).toEqual([])
    b?.report("ok")
    await settle()
    expect(line.order).toEqual(["c"])
  })
})

test("giving back twice counts once", async () => {
  const permits = new Permits({ global: 2 })
  const permit = await permits.acquire(agent)
  await permits.acquire(agent)
  permit[Symbol.dispose]()
  permit[Symbol.dispose]()
  expect(permits.snapshot("m").inUse).toBe(1)
})

test("whatever happens, limits hold, and everybody is served in the end", async () => {
  const step = fc.record({
    what: fc.constantFrom("ask", "ask", "give back", "limited", "ok", "abort"),
    model: fc.constantFrom("m", "n"),
    isRoot: fc.boolean(),
    pick: fc.nat(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const permits = new Permits({ global: 3, perModel: 2 })
      const held: { permit: Permit; counted: boolean }[] = []
      const waiting = new Set<AbortController>()
      let asked = 0
      let ended = 0
      for (const { what, model, isRoot, pick } of steps) {
        const one = held[pick % Math.max(1, held.length)]
        if (what === "ask") {
          asked++
          const stop = new AbortController()
          waiting.add(stop)
          const before = permits.snapshot(model).inUse
          const later = permits.acquire({ model, root: "r", isRoot, signal: stop.signal })
          const counted = permits.snapshot(model).inUse > before || permits.snapshot(model).waiting > 0
          void later.then(
            (permit) => {
              waiting.delete(stop)
              held.push({ permit, counted })
            },
            () => {
              waiting.delete(stop)
              ended++
            },
          )
        }
        if (what === "give back" && one) {
          one.permit[Symbol.dispose]()
          held.splice(held.indexOf(one), 1)
          ended++
        }
        if (what === "limited" || what === "ok") one?.permit.report(what)
        if (what === "abort") [...waiting][pick % Math.max(1, waiting.size)]?.abort(new Error("stop"))
        await settle()
        const [m, n] = [permits.snapshot("m"), permits.snapshot("n")]
        expect(m.inUse + n.inUse).toBeLessThanOrEqual(3)
        expect(held.length).toBeLessThanOrEqual(3 + 1)
        expect(Math.max(m.inUse, n.inUse)).toBeLessThanOrEqual(2)
      }
      while (held.length > 0) {
        held.shift()?.permit[Symbol.dispose]()
        ended++
        await settle()
      }
      expect(ended).toBe(asked)
      expect(permits.snapshot("m")).toMatchObject({ inUse: 0, waiting: 0 })
    }),
    { numRuns: 200 },
  )
})

test("the global limit follows what Bun allows", () => {
  expect(defaultPermitLimits({})).toEqual({ global: 240 })
  expect(defaultPermitLimits({ BUN_CONFIG_MAX_HTTP_REQUESTS: "2048" })).toEqual({ global: 2032 })
  expect(defaultPermitLimits({ BUN_CONFIG_MAX_HTTP_REQUESTS: "4" })).toEqual({ global: 8 })
  expect(defaultPermitLimits({ BUN_CONFIG_MAX_HTTP_REQUESTS: "lots" })).toEqual({ global: 240 })
})
