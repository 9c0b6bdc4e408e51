import { expect, test } from "bun:test"
import { systemClock } from "../../src/base/clock.ts"
import { UserError } from "../../src/base/error.ts"
import { Audience, attend } from "../../src/session/audience.ts"
import { type Control, obey, request } from "../../src/session/controls.ts"
import { heed } from "../../src/session/heed.ts"
import { takeLease } from "../../src/session/lease.ts"
import { createViewer } from "../../src/session/viewer.ts"
import { publish } from "../../src/store/feed.ts"
import { openStore } from "../../src/store/open.ts"
import { until } from "../../src/store/watch.ts"
import { Gate } from "../../testing/gate.ts"
import { countingIds, eventually, temporaryStore } from "../../testing/harness.ts"

/** A host of the tree `root`, and another opening of its database, as another process has. */
async function fixture(perform: (control: Control) => Promise<void>) {
  const place = await temporaryStore()
  const outside = await openStore({ folder: place.folder, clock: systemClock })
  const failures: unknown[] = []
  const lease = (await takeLease(place.store, systemClock, "root"))!
  const audience = new Audience(place.store, systemClock, "root")
  const controls = obey(place.store, "root", { clock: systemClock, perform, failed: (error) => failures.push(error) })
  const heeding = heed(place.store, { lease, audience, controls })
  const parts = { clock: systemClock, ids: countingIds() }
  return {
    store: place.store,
    outside,
    audience,
    failures,
    ask: (control: Control) => outside.writeDurably((tx) => request(tx, parts, { rootId: "root", control })),
    left: () => place.store.all("SELECT 1 FROM inbox WHERE kind = 'control'").length,
    [Symbol.dispose]: () => {
      heeding[Symbol.dispose]()
      lease.release()
      outside.close()
      place[Symbol.dispose]()
    },
  }
}

test("controls begin in their order, each once, and their rows go when they are done", async () => {
  const done: string[] = []
  using it = await fixture(async (control) => void done.push(control.action))
  const actions = ["background", "interrupt", "background"] as const
  for (const action of actions) await it.ask({ action })
  await eventually("all are done", () => it.left() === 0)
  expect(done).toEqual([...actions])
})

test("a stop that takes long holds up nothing behind it, and stays until it is done", async () => {
  const dying = new Gate()
  const done: string[] = []
  using it = await fixture(async (control) => {
    if (control.action === "stop_task") await dying.wait()
    done.push(control.action)
  })
  await it.ask({ action: "stop_task", taskId: "t" })
  await it.ask({ action: "interrupt" })
  await eventually("the second is done", () => it.left() === 1)
  expect(done).toEqual(["interrupt"])
  dying.open()
  await eventually("the first is done", () => it.left() === 0)
  expect(done).toEqual(["interrupt", "stop_task"])
})

test("what can't be done is told and not tried again; a fault of ours leaves it for the next host", async () => {
  let fault: Error = new UserError("no-such-task", "There is no such task.")
  using it = await fixture(() => Promise.reject(fault))
  await it.ask({ action: "pause_task", taskId: "x" })
  await eventually("it is told", () => it.failures.length === 1 && it.left() === 0)
  fault = new Error("the disk is full")
  await it.ask({ action: "pause_task", taskId: "x" })
  await eventually("it is told", () => it.failures.length >= 2)
  expect(it.left()).toBe(1)
})

test("a host hears of a row that another process has put into an inbox of its tree", async () => {
  using it = await fixture(async () => {})
  const heard = until(it.store, ["inbox:child"], {
    look: () => it.store.one("SELECT 1 FROM meta WHERE key = 'for the child'"),
  })
  await it.outside.write((tx) => {
    tx.run("INSERT INTO meta (key, value) VALUES ('for the child', '')")
    tx.ring("host:root")
  })
  await heard
})

test("viewers are rung for changes only while there are some", async () => {
  using it = await fixture(async () => {})
  let rung = 0
  using _ = it.outside.listen("watch:root", () => rung++)
  expect(it.audience.isPresent).toBeFalse()
  using _attending = attend(it.outside, "root")
  await eventually("the host knows", () => it.audience.isPresent)
  const before = rung
  await it.store.write((tx) => tx.ring("feed:root"))
  await eventually("the viewer hears", () => rung > before)
})

test("a viewer follows what is published, from where it wants to, and its prompts reach the inbox", async () => {
  using it = await fixture(async () => {})
  const viewer = createViewer({ store: it.outside, clock: systemClock, ids: countingIds() }, "root")
  const stop = new AbortController()
  const refs: string[] = []
  const following = (async () => {
    for await (const rows of viewer.follow({ since: 1, signal: stop.signal })) {
      refs.push(...rows.map((row) => row.ref))
      if (refs.includes("third")) stop.abort()
    }
  })()
  for (const ref of ["first", "second", "third"])
    await it.store.write((tx) => publish(tx, systemClock, { rootId: "root", sessionId: "root", kind: "turn", ref }))
  await following
  expect(refs).toEqual(["second", "third"])
  expect(viewer.isHosted()).toBeTrue()
  const id = await viewer.prompt([{ type: "text", text: "Hello" }])
  expect(it.store.one("SELECT 1 FROM inbox WHERE id = :id", { id })).toBeDefined()
  expect([await viewer.withdraw(id), await viewer.withdraw(id)]).toEqual([true, false])
})
