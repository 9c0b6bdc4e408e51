// The fence: a host whose tree somebody else has taken can write no more.
import { expect, test } from "bun:test"
import { rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { LeaseLost, takeLease } from "../../src/session/lease.ts"
import { openStore } from "../../src/store/open.ts"
import { temporaryStore } from "../../testing/harness.ts"

const write = (key: string) => (tx: { run(sql: string, params: { key: string }): number }) =>
  tx.run("INSERT INTO meta (key, value) VALUES (:key, '')", { key })

/** Two openings of one database, as two processes have; the second takes the tree though the first holds it. */
async function taken() {
  const place = await temporaryStore()
  const first = place.store
  const lease = (await takeLease(first, systemClock, "tree"))!
  // What a lease that was removed, or a file system without true locks, comes to.
  rmSync(join(first.folder("lease"), "tree"))
  // By another path: one process takes a lease once.
  const alias = `${place.folder}-alias`
  symlinkSync(place.folder, alias)
  const second = await openStore({ folder: alias, clock: systemClock })
  const other = (await takeLease(second, systemClock, "tree"))!
  return {
    first,
    second,
    lease,
    other,
    [Symbol.dispose]: () => {
      lease.release()
      other.release()
      second.close()
      rmSync(alias)
      place[Symbol.dispose]()
    },
  }
}

test("each write of a host that has lost its tree is refused, on both connections, and nothing is written", async () => {
  using it = await taken()
  for (const writing of [it.first.write(write("a")), it.first.writeDurably(write("b"))])
    expect(await writing.catch((error) => error)).toBeInstanceOf(LeaseLost)
  await it.second.write(write("c"))
  expect(it.first.all("SELECT key FROM meta WHERE key IN ('a', 'b', 'c')")).toEqual([{ key: "c" }])
  expect(it.lease.lost.reason).toBeInstanceOf(LeaseLost)
  expect(it.other.lost.aborted).toBeFalse()
  expect(it.other.generation).toBe(it.lease.generation + 1)
})

test("a host that has nothing to write learns it by looking", async () => {
  using it = await taken()
  expect(it.lease.lost.aborted).toBeFalse()
  const lost = Promise.withResolvers<void>()
  it.lease.lost.addEventListener("abort", () => lost.resolve())
  it.lease.look()
  await lost.promise
  it.other.look()
  expect(it.other.lost.aborted).toBeFalse()
})

test("who has let go may write as anybody may", async () => {
  using place = await temporaryStore()
  const lease = (await takeLease(place.store, systemClock, "tree"))!
  lease.release()
  const again = (await takeLease(place.store, systemClock, "tree"))!
  await place.store.write(write("a"))
  expect(again.generation).toBe(lease.generation + 1)
  again.release()
})
