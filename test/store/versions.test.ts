// Programs of different versions on one database, simulated by the tables that they know.
import { expect, test } from "bun:test"
import { systemClock } from "../../src/base/clock.ts"
import { UserError } from "../../src/base/error.ts"
import { takeLease } from "../../src/session/lease.ts"
import { type OpenOptions, openStore } from "../../src/store/open.ts"
import { type Schema, schema } from "../../src/store/schema.ts"
import type { Store } from "../../src/store/store.ts"
import { temporaryFolder } from "../../testing/harness.ts"

/** A further version that adds a column, and leaves older programs writing. */
const additive: Schema = {
  version: schema.version + 1,
  minWriter: schema.minWriter,
  migrations: [...schema.migrations, "ALTER TABLE session ADD COLUMN mood TEXT NOT NULL DEFAULT 'fine'"],
}
/** One that older programs can't write any more. */
const breaking: Schema = {
  version: additive.version + 1,
  minWriter: additive.version + 1,
  migrations: [...additive.migrations, "ALTER TABLE session RENAME COLUMN todos TO checklist"],
}

const open = (folder: string, more: Partial<OpenOptions> = {}) => openStore({ folder, clock: systemClock, ...more })
const mark = (store: Store, key: string) =>
  store.write((tx) => tx.run("INSERT INTO meta (key, value) VALUES (:key, '')", { key }))

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(UserError)
  return (error as UserError).code
}

test("an older program keeps writing after a newer one has added to the tables", async () => {
  using place = temporaryFolder()
  const old = await open(place.path)
  const lease = await takeLease(old, systemClock, "tree")
  const newer = await open(place.path, { schema: additive })
  expect(newer.one<{ user_version: number }>("PRAGMA user_version")?.user_version).toBe(additive.version)
  await mark(old, "from the old one")
  // One that is started later as well.
  const later = await open(place.path)
  await mark(later, "from another old one")
  expect(await takeLease(later, systemClock, "other")).toBeDefined()
  lease!.release()
  for (const store of [old, newer, later]) store.close()
})

test("an older program that was open is refused from the moment on that it could do harm", async () => {
  using place = temporaryFolder()
  const old = await open(place.path)
  await mark(old, "before")
  const newer = await open(place.path, { schema: breaking })
  expect(await refusal(mark(old, "after"))).toBe("database-newer")
  expect(await refusal(takeLease(old, systemClock, "tree"))).toBe("database-newer")
  expect(await refusal(open(place.path))).toBe("database-newer")
  expect(newer.all("SELECT * FROM meta WHERE key IN ('before', 'after')")).toHaveLength(1)
  // The lease that it could not enter is free.
  expect(await takeLease(newer, systemClock, "tree")).toBeDefined()
  old.close()
  newer.close()
})

test("a change that older programs can't write waits until none of them drives a tree", async () => {
  using place = temporaryFolder()
  const old = await open(place.path)
  const lease = await takeLease(old, systemClock, "tree")
  const looked = Promise.withResolvers<void>()
  const clock = {
    ...systemClock,
    sleep: (ms: number, signal?: AbortSignal) => {
      looked.resolve()
      return systemClock.sleep(ms, signal)
    },
  }
  const opening = open(place.path, { schema: breaking, clock })
  await looked.promise
  // Meanwhile nothing has changed for it.
  await mark(old, "still writing")
  lease!.release()
  const newer = await opening
  expect(newer.one("SELECT * FROM meta WHERE key = 'still writing'")).toBeDefined()
  expect(await refusal(mark(old, "no more"))).toBe("database-newer")
  old.close()
  newer.close()
})

test("after a while it says who is in the way, and has changed nothing", async () => {
  using place = temporaryFolder()
  const old = await open(place.path)
  const lease = await takeLease(old, systemClock, "tree")
  const opening = open(place.path, { schema: breaking, patienceMs: 0 })
  const error = await opening.catch((reason: UserError) => reason)
  expect(error).toMatchObject({ code: "older-at-work", message: expect.stringContaining(`process ${process.pid}`) })
  expect(old.one<{ user_version: number }>("PRAGMA user_version")?.user_version).toBe(schema.version)
  await mark(old, "still writing")
  lease!.release()
  old.close()
})

test("a database of the first version is brought up to date with what is in it", async () => {
  using place = temporaryFolder()
  const first: Schema = { version: 1, minWriter: 1, migrations: schema.migrations.slice(0, 1) }
  const old = await open(place.path, { schema: first })
  await mark(old, "kept")
  const now = await open(place.path)
  expect(now.one("SELECT * FROM meta WHERE key = 'kept'")).toBeDefined()
  expect(now.all("SELECT paused_ms FROM run")).toEqual([])
  old.close()
  now.close()
})
