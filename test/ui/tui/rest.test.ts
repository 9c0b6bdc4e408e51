import { expect, test } from "bun:test"
import { Rest } from "../../../src/ui/tui/rest.ts"
import { eventually } from "../../../testing/harness.ts"

test("it is done once after work, not while work goes on, and not again before there was some", async () => {
  let done = 0
  using rest = new Rest(20, () => done++)
  rest.see(false)
  rest.see(true)
  rest.see(false)
  rest.see(true)
  await eventually("other work is over", () => performance.now() > 0)
  expect(done).toBe(0)
  rest.see(false)
  rest.see(false)
  await eventually("it is done", () => done === 1)
  rest.see(false)
  using after = new Rest(30, () => undefined)
  after.see(true)
  expect(done).toBe(1)
})

test("who types puts it off", async () => {
  const start = performance.now()
  let doneAt = 0
  using rest = new Rest(60, () => (doneAt = performance.now()))
  rest.see(true)
  rest.see(false)
  let disturbedAt = 0
  while (performance.now() - start < 100) {
    disturbedAt = performance.now()
    rest.disturb()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(doneAt).toBe(0)
  await eventually("it is done", () => doneAt > 0)
  // Timers may be a little early.
  expect(doneAt - disturbedAt).toBeGreaterThan(50)
})
