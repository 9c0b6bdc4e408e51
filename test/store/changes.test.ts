import { expect, test } from "bun:test"
import { type Clock, systemClock } from "../../src/base/clock.ts"
import { changes } from "../../src/store/changes.ts"
import { openStore } from "../../src/store/open.ts"
import { temporaryStore } from "../../testing/harness.ts"

/** A clock whose sleeps end when the test says so. */
function steps() {
  let now = 0
  const sleeping: (() => void)[] = []
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: (_ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true })
        sleeping.push(resolve)
      }),
  }
  const settle = async () => {
    for (let n = 0; n < 20; n++) await Promise.resolve()
  }
  return {
    clock,
    settle,
    /** One look, `ms` later. */
    step: async (ms: number) => {
      now += ms
      sleeping.shift()!()
      await settle()
    },
  }
}

test("it yields at once, after commits of others, and in vain only when asked to", async () => {
  using place = await temporaryStore()
  const other = await openStore({ folder: place.folder, clock: systemClock })
  const { clock, step, settle } = steps()
  const stop = new AbortController()
  let yields = 0
  const watching = (async () => {
    for await (const _ of changes(place.store, clock, { signal: stop.signal, atLeastMs: 1000 })) yields++
  })()
  const commit = () =>
    other.write((tx) => tx.run("INSERT INTO meta VALUES ('x', '1') ON CONFLICT (key) DO UPDATE SET value = value + 1"))
  await settle()
  expect(yields).toBe(1)
  await step(250)
  expect(yields).toBe(1)
  await commit()
  await commit()
  await step(250)
  expect(yields).toBe(2)
  await step(250)
  expect(yields).toBe(2)
  await step(750)
  expect(yields).toBe(3)
  stop.abort()
  await watching
  other.close()
})

test("looking costs next to nothing", async () => {
  using place = await temporaryStore()
  const stop = new AbortController()
  let looks = 0
  const clock: Clock = {
    ...systemClock,
    sleep: async () => {
      if (++looks === 10_000) stop.abort()
    },
  }
  const before = process.cpuUsage()
  for await (const _ of changes(place.store, clock, { signal: stop.signal })) expect(looks).toBe(0)
  const { user, system } = process.cpuUsage(before)
  // Four looks a second: 0.5 ms each would be 0.2 % of a core. (It is some microseconds.)
  expect((user + system) / looks).toBeLessThan(500)
})
