import { describe, expect, test } from "bun:test"
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { UserError } from "../../src/base/error.ts"
import { Sqlite } from "../../src/runtime/sqlite.ts"
import { openStore } from "../../src/store/open.ts"
import { SCHEMA_VERSION } from "../../src/store/schema.ts"
import { temporaryFolder, temporaryStore } from "../../testing/harness.ts"

const open = (folder: string) => openStore({ folder, clock: systemClock })

async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(UserError)
  return error as UserError
}

const connect = (folder: string) => new Sqlite(join(folder, "meanwhile.db"))

describe("opening the database", () => {
  test("makes its folder and file for the user alone", async () => {
    using folder = temporaryFolder()
    const home = join(folder.path, "deep", "home")
    const store = await open(home)
    expect(statSync(home).mode & 0o777).toBe(0o700)
    expect(statSync(join(home, "meanwhile.db")).mode & 0o777).toBe(0o600)
    expect(statSync(store.folder("spool")).mode & 0o777).toBe(0o700)
    store.close()
  })

  test("a second opening finds what the first stored", async () => {
    using folder = temporaryFolder()
    const first = await open(folder.path)
    await first.writeDurably((tx) => tx.run("INSERT INTO meta VALUES ('a', 'b')"))
    first.close()
    const second = await open(folder.path)
    expect(second.one<{ value: string }>("SELECT value FROM meta WHERE key = 'a'")).toEqual({ value: "b" })
    second.close()
  })

  test("two programs that make the same new database at once both get it", async () => {
    using folder = temporaryFolder()
    const [a, b] = await Promise.all([open(folder.path), open(folder.path)])
    await a.write((tx) => tx.run("INSERT INTO meta VALUES ('from', 'a')"))
    expect(b.one<{ value: string }>("SELECT value FROM meta WHERE key = 'from'")?.value).toBe("a")
    a.close()
    b.close()
  })

  test("a database of a newer version that older programs may not write is refused and left as it is", async () => {
    using folder = temporaryFolder()
    ;(await open(folder.path)).close()
    using file = disposable(connect(folder.path))
    file.db.run("UPDATE meta SET value = '99' WHERE key = 'min_writer'")
    file.db.exec("PRAGMA user_version = 99")
    const error = await failure(open(folder.path))
    expect(error.code).toBe("database-newer")
    expect(error.message).toContain("Update Meanwhile")
    expect(error.exit).toBe(1)
    expect(file.db.one<{ user_version: number }>("PRAGMA user_version")?.user_version).toBe(99)
  })

  test("a database of a newer version that older programs may write is used", async () => {
    using folder = temporaryFolder()
    ;(await open(folder.path)).close()
    using file = disposable(connect(folder.path))
    file.db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
    const store = await open(folder.path)
    await store.write((tx) => tx.run("INSERT INTO meta VALUES ('still', 'writes')"))
    expect(store.one<{ user_version: number }>("PRAGMA user_version")?.user_version).toBe(SCHEMA_VERSION + 1)
    store.close()
  })

  test("a damaged file is refused, with what to do, and not touched", async () => {
    using folder = temporaryFolder()
    const rubbish = Buffer.alloc(8192, "rubbish ")
    writeFileSync(join(folder.path, "meanwhile.db"), rubbish)
    const error = await failure(open(folder.path))
    expect(error.code).toBe("database-damaged")
    expect(error.message).toContain(".recover")
    expect(await Bun.file(join(folder.path, "meanwhile.db")).bytes()).toEqual(new Uint8Array(rubbish))
  })

  test("a page destroyed in the middle is told as damage when it is read", async () => {
    using folder = temporaryFolder()
    const store = await open(folder.path)
    await store.write((tx) => {
      for (let n = 0; n < 500; n++)
        tx.run("INSERT INTO meta VALUES (:key, :value)", { key: `k${n}`, value: "x".repeat(200) })
    })
    store.close()
    const path = join(folder.path, "meanwhile.db")
    const bytes = await Bun.file(path).bytes()
    bytes.fill(0xff, 4096)
    writeFileSync(path, bytes)
    const error = await failure(open(folder.path).then((again) => again.all("SELECT * FROM meta")))
    expect(error.code).toBe("database-damaged")
  })

  test("a home that is a file is told with what to do", async () => {
    using folder = temporaryFolder()
    const home = join(folder.path, "home")
    writeFileSync(home, "")
    const error = await failure(open(home))
    expect(error.message).toContain(home)
  })

  test("a folder where the file should be is told", async () => {
    using folder = temporaryFolder()
    mkdirSync(join(folder.path, "meanwhile.db"))
    const error = await failure(open(folder.path))
    expect(error.code).toBe("database-read-only")
  })

  test.if(process.getuid?.() !== 0)("a folder that can't be written is told", async () => {
    using folder = temporaryFolder()
    chmodSync(folder.path, 0o500)
    const error = await failure(open(folder.path))
    expect(error.message).toContain("MEANWHILE_HOME")
  })
})

describe("writing", () => {
  test("a change that throws leaves nothing behind and rings nothing", async () => {
    using it = await temporaryStore()
    let rung = 0
    using _ = it.store.listen("run:x", () => rung++)
    const change = it.store.write((tx) => {
      tx.run("INSERT INTO meta VALUES ('a', 'b')")
      tx.ring("run:x")
      throw new Error("no")
    })
    expect(change).rejects.toThrow("no")
    await change.catch(() => undefined)
    expect(it.store.one("SELECT * FROM meta WHERE key = 'a'")).toBeUndefined()
    expect(rung).toBe(0)
  })

  test("a listener hears each commit that rang for it, after the row is there", async () => {
    using it = await temporaryStore()
    const seen: unknown[] = []
    using _ = it.store.listen("run:x", () => seen.push(it.store.one("SELECT value FROM meta WHERE key = 'a'")))
    await it.store.writeDurably((tx) => {
      tx.run("INSERT INTO meta VALUES ('a', 'b')")
      tx.ring("run:x")
      tx.ring("run:other")
    })
    expect(seen).toEqual([{ value: "b" }])
  })

  test("waits without blocking for another program's lock, then writes", async () => {
    using it = await temporaryStore()
    using other = disposable(connect(it.folder))
    other.db.exec("BEGIN IMMEDIATE")
    let turns = 0
    const ticking = setInterval(() => turns++, 1)
    const written = it.store.write((tx) => tx.run("INSERT INTO meta VALUES ('a', 'b')"))
    while (turns < 20) await Bun.sleep(1)
    expect(it.store.one("SELECT * FROM meta WHERE key = 'a'")).toBeUndefined()
    other.db.exec("COMMIT")
    expect(await written).toBe(1)
    clearInterval(ticking)
  })

  test("a lock that never goes becomes an error that names the file", async () => {
    let now = 0
    const clock = {
      now: () => now,
      monotonic: () => now,
      sleep: async (ms: number) => {
        now += ms
      },
    }
    using it = await temporaryStore(clock)
    using other = disposable(connect(it.folder))
    other.db.exec("BEGIN IMMEDIATE")
    const error = await failure(it.store.write((tx) => tx.run("INSERT INTO meta VALUES ('a', 'b')")))
    expect(error.code).toBe("database-busy")
    expect(error.message).toContain(it.folder)
    other.db.exec("COMMIT")
  })

  test("a full disk is told, and what was stored before is intact", async () => {
    using it = await temporaryStore()
    await it.store.write((tx) => {
      tx.run("INSERT INTO meta VALUES ('before', 'kept')")
      // SQLite's own bound on the file's size fails like a full disk does: SQLITE_FULL.
      tx.one("PRAGMA max_page_count = 60")
    })
    const large = it.store.write((tx) =>
      tx.run("INSERT INTO meta VALUES ('large', :value)", { value: "x".repeat(4_000_000) }),
    )
    expect((await failure(large)).code).toBe("disk-full")
    expect(it.store.one<{ value: string }>("SELECT value FROM meta WHERE key = 'before'")?.value).toBe("kept")
    expect(it.store.one("SELECT * FROM meta WHERE key = 'large'")).toBeUndefined()
  })

  test("a host's bell is heard by another opening of the database", async () => {
    using it = await temporaryStore()
    const other = await open(it.folder)
    const heard = Promise.withResolvers<void>()
    using _ = it.store.listen("host:tree", heard.resolve)
    await other.write((tx) => tx.ring("host:tree"))
    await heard.promise
    other.close()
  })
})

function disposable(db: Sqlite): { db: Sqlite } & Disposable {
  return { db, [Symbol.dispose]: () => db.close() }
}
