import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { type Clock, systemClock } from "../../src/base/clock.ts"
import { Absence, undriven } from "../../src/session/driven.ts"
import { isHeld, takeLease } from "../../src/session/lease.ts"
import { listTasks } from "../../src/task/find.ts"
import { eventually, temporaryStore } from "../../testing/harness.ts"
import { seedSession, seedTask } from "../../testing/seed.ts"

const LEASE = join(import.meta.dir, "../../src/session/lease.ts")
const OPEN = join(import.meta.dir, "../../src/store/open.ts")
const CLOCK = join(import.meta.dir, "../../src/base/clock.ts")

/** Another process on the same folder, with `store`, `takeLease`, `isHeld` and `systemClock` at hand. */
function elsewhere(folder: string, code: string) {
  const program = `
    const { takeLease, isHeld } = await import(${JSON.stringify(LEASE)})
    const { openStore } = await import(${JSON.stringify(OPEN)})
    const { systemClock } = await import(${JSON.stringify(CLOCK)})
    const store = await openStore({ folder: ${JSON.stringify(folder)}, clock: systemClock })
    ${code}`
  return Bun.spawn([process.execPath, "-e", program], { stdout: "pipe", stderr: "inherit", stdin: "ignore" })
}

test("whether a lease is held is seen from this and from other processes, and asking makes no file", async () => {
  using place = await temporaryStore()
  const { store, folder } = place
  expect(isHeld(store, "root")).toBeFalse()
  expect(existsSync(join(store.folder("lease"), "root"))).toBeFalse()
  const lease = await takeLease(store, systemClock, "root")
  const ask = async () =>
    (await new Response(elsewhere(folder, 'console.log(isHeld(store, "root"))').stdout).text()).trim()
  expect([isHeld(store, "root"), await ask()]).toEqual([true, "true"])
  lease!.release()
  expect([isHeld(store, "root"), await ask()]).toEqual([false, "false"])
})

test("a lease is free the moment its holder is killed", async () => {
  using place = await temporaryStore()
  const { store, folder } = place
  const holder = elsewhere(
    folder,
    'await takeLease(store, systemClock, "root"); console.log("held"); setInterval(() => {}, 1000)',
  )
  await eventually("it is held", () => isHeld(store, "root"))
  holder.kill("SIGKILL")
  await holder.exited
  expect(isHeld(store, "root")).toBeFalse()
})

test("a lease can be taken while others ask for it all the time", async () => {
  using place = await temporaryStore()
  const { store, folder } = place
  ;(await takeLease(store, systemClock, "root"))!.release()
  const asking = elsewhere(folder, 'console.log("asking"); for (;;) isHeld(store, "root")')
  try {
    await asking.stdout.getReader().read()
    let taken = 0
    for (let n = 0; n < 200; n++) {
      const lease = await takeLease(store, systemClock, "root")
      if (lease) taken++
      lease?.release()
    }
    // Nobody asks that often; with one try only, a third of them fail.
    expect(taken).toBeGreaterThanOrEqual(198)
  } finally {
    asking.kill("SIGKILL")
    await asking.exited
  }
})

test("tasks that are to run in a tree without a host are named, those that have ended are not", async () => {
  using place = await temporaryStore()
  const { store } = place
  await store.write((tx) => {
    for (const root of ["driven", "left"]) {
      seedSession(tx, { id: root })
      seedTask(tx, { id: `${root}-live`, root })
      seedTask(tx, { id: `${root}-done`, root, run: { state: "completed" } })
    }
  })
  const lease = await takeLease(store, systemClock, "driven")
  expect([...undriven(store, listTasks(store, {}))]).toEqual(["left-live"])
  lease!.release()
  expect([...undriven(store, listTasks(store, {}))].sort()).toEqual(["driven-live", "left-live"])
})

test("a tree that changes hands is not called left", async () => {
  using place = await temporaryStore()
  const { store } = place
  let now = 0
  const clock: Clock = { ...systemClock, monotonic: () => now }
  const absence = new Absence(store, clock)
  expect(absence.lasts("root")).toBeFalse()
  now = 1000
  const lease = await takeLease(store, clock, "root")
  expect(absence.lasts("root")).toBeFalse()
  lease!.release()
  now = 10_000
  // Only from now on nobody drives it.
  expect(absence.lasts("root")).toBeFalse()
  now = 11_000
  expect(absence.lasts("root")).toBeFalse()
  now = 11_500
  expect(absence.lasts("root")).toBeTrue()
})
