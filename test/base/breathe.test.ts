import { expect, test } from "bun:test"
import { breathe } from "../../src/base/breathe.ts"

/** A piece of work that takes a while. */
function work(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** The state is the whole process's: a test begins when nothing waits. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn()
}

test("who is alone goes on at once", async () => {
  await quiet()
  expect(breathe("agent")).toBeUndefined()
})

test("many pieces in a row leave the event loop its chances", async () => {
  await quiet()
  let loops = 0
  let counting = true
  const count = async () => {
    while (counting) {
      await turn()
      loops++
    }
  }
  void count()
  const done = Array.from({ length: 20 }, async () => {
    await Promise.resolve()
    await breathe("agent")
    work(5)
  })
  await Promise.all(done)
  counting = false
  // Without it all twenty run in one go.
  expect(loops).toBeGreaterThan(10)
})

test("short pieces share a turn of the event loop", async () => {
  await quiet()
  let loops = 0
  let counting = true
  const count = async () => {
    while (counting) {
      await turn()
      loops++
    }
  }
  void count()
  await Promise.all(Array.from({ length: 60 }, () => breathe("agent")))
  counting = false
  // One for each turn would take sixty.
  expect(loops).toBeLessThan(30)
})

test("they go in their order, and those that a user looks at go before the others", async () => {
  await quiet()
  const order: string[] = []
  const piece = async (name: string, who: "user" | "agent") => {
    await breathe(who)
    order.push(name)
  }
  await Promise.all([
    piece("first", "agent"),
    piece("agent 1", "agent"),
    piece("agent 2", "agent"),
    piece("user 1", "user"),
    piece("user 2", "user"),
    piece("agent 3", "agent"),
  ])
  expect(order).toEqual(["first", "user 1", "user 2", "agent 1", "agent 2", "agent 3"])
})
