// What goes by itself, and above all what does not. The folder is filled by rows and files as the program makes them;
// time is the test's.
import { describe, expect, test } from "bun:test"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { type Clock, systemClock } from "../../src/base/clock.ts"
import { readGap } from "../../src/exec/spool-gap.ts"
import { takeLease } from "../../src/session/lease.ts"
import { keepTidy, storagePolicy, tidy, tidyWhenDue } from "../../src/session/tidy.ts"
import { publish } from "../../src/store/feed.ts"
import { openStore } from "../../src/store/open.ts"
import type { FeedKind, FeedRow, RunRow } from "../../src/store/rows.ts"
import type { Store } from "../../src/store/store.ts"
import { readOutput } from "../../src/task/output.ts"
import { memoryLog, temporaryStore } from "../../testing/harness.ts"

const HOUR = 3_600_000
const DAY = 24 * HOUR
const KB = 1024
const NOW = Date.UTC(2026, 5, 1)

async function fixture() {
  let now = NOW
  const clock: Clock = { ...systemClock, now: () => now }
  const it = await temporaryStore(clock)
  const { store } = it
  let count = 0
  const spoolFolder = store.folder("spool")

  const session = async (id: string, more: Partial<{ root: string; updatedAt: number }> = {}) => {
    await store.write((tx) =>
      tx.run(
        `INSERT INTO session (id, root_id, parent_id, cwd, project, agent, model, permission_mode, system, tools, limits, created_at, updated_at)
         VALUES (:id, :root, :parent, '/', '/', 'main', 'scout', 'default', '', '[]', '{}', 0, :updatedAt)`,
        {
          id,
          root: more.root ?? id,
          parent: more.root && more.root !== id ? more.root : null,
          updatedAt: more.updatedAt ?? now,
        },
      ),
    )
    return id
  }
  /** A shell's run that ended `days` ago, with its files. */
  const shell = async ({
    days,
    root = "root",
    bytes = 400 * KB,
    ...more
  }: { days: number; root?: string; bytes?: number } & Partial<Pick<RunRow, "state" | "notice" | "ended_at">>) => {
    const id = `run${++count}`
    const spool = join(spoolFolder, `${id}.out`)
    const text = "0123456789abcde\n".repeat(bytes / 16)
    writeFileSync(spool, text)
    writeFileSync(join(spoolFolder, `${id}.exit`), "group 99999999\nexit 0\n")
    const endedAt = now - days * DAY
    await store.write((tx) => {
      tx.run(
        `INSERT INTO task (id, kind, owner_id, root_id, description, input, wake, created_at)
         VALUES (:task, 'shell', :root, :root, 'x', '{}', 'each', 0)`,
        { task: `task-${id}`, root },
      )
      tx.run(
        `INSERT INTO run (id, task_id, n, state, result, spool, bytes, tail, notice, created_at, ended_at, event_at)
         VALUES (:id, :task, 1, :state, 'its result', :spool, :bytes, 'the tail', :notice, 0, :endedAt, 0)`,
        {
          id,
          task: `task-${id}`,
          state: more.state ?? "completed",
          notice: more.notice ?? "delivered",
          spool,
          bytes,
          endedAt: more.ended_at === undefined ? endedAt : more.ended_at,
        },
      )
    })
    const read = () => readFileSync(spool, "utf8")
    return {
      id,
      spool,
      text,
      isWhole: () => existsSync(spool) && readGap(spool, statSync(spool).size) === undefined && read() === text,
      isShort: () => existsSync(spool) && statSync(spool).blocks * 512 <= 160 * KB && statSync(spool).size === bytes,
      run: () => store.one<RunRow>("SELECT * FROM run WHERE id = :id", { id })!,
    }
  }
  const entry = (kind: FeedKind, at: number, rootId = "root") =>
    store.write((tx) => publish(tx, { ...clock, now: () => at }, { rootId, sessionId: rootId, kind, ref: "x" }))
  const feed = () =>
    store.all<FeedRow>("SELECT * FROM feed ORDER BY seq").map(({ kind, at }) => [kind, (NOW - at) / HOUR])
  const run = (settings = {}, more: { signal?: AbortSignal } = {}) =>
    tidy({ store, clock, policy: storagePolicy(settings), ...more })
  return {
    ...it,
    [Symbol.dispose]: it[Symbol.dispose],
    clock,
    spoolFolder,
    session,
    shell,
    entry,
    feed,
    run,
    later: (ms: number) => {
      now += ms
    },
  }
}

function old(path: string, ms = 3 * DAY): string {
  utimesSync(path, (NOW - ms) / 1000, (NOW - ms) / 1000)
  return path
}

describe("the output of commands", () => {
  test("shrinks to its beginning and end after a week, and goes after a month; rows and results stay", async () => {
    using it = await fixture()
    const young = await it.shell({ days: 6.9 })
    const week = await it.shell({ days: 7.1 })
    const month = await it.shell({ days: 30.1 })
    expect(await it.run()).toMatchObject({ shortened: 1, removed: 1 })
    expect([young.isWhole(), week.isShort(), existsSync(month.spool)]).toEqual([true, true, false])
    expect(week.run()).toMatchObject({ result: "its result", bytes: 400 * KB, state: "completed" })
    const left = await readOutput(week.run(), { offset: 0 })
    expect(left).toBe(week.text.slice(0, left.length))
    expect(month.run()).toMatchObject({ result: "its result", bytes: 400 * KB, spool: month.spool })
    expect(await readOutput(month.run(), {})).toBe(
      `… its output of ${400 * KB} bytes is no longer kept; this is the end of it: …\nthe tail`,
    )
    // Nothing more to do.
    expect(await it.run()).toMatchObject({ shortened: 0, removed: 0 })
  })

  test("what the settings say holds; 0 is for ever", async () => {
    using it = await fixture()
    const old = await it.shell({ days: 4000 })
    expect(await it.run({ shortenOutputDays: 0, removeOutputDays: 0 })).toMatchObject({ shortened: 0, removed: 0 })
    expect(old.isWhole()).toBe(true)
    expect(await it.run({ shortenOutputDays: 0, removeOutputDays: 1 })).toMatchObject({ shortened: 0, removed: 1 })
  })

  test("short output stays whole until it goes", async () => {
    using it = await fixture()
    const short = await it.shell({ days: 20, bytes: 100 * KB })
    await it.run()
    expect(short.isWhole()).toBe(true)
  })

  test("all together have a limit: the oldest shrink first, then the oldest go", async () => {
    using it = await fixture()
    const [third, first, second] = [
      await it.shell({ days: 1 }),
      await it.shell({ days: 3 }),
      await it.shell({ days: 2 }),
    ]
    const settings = (kb: number) => ({ allOutputMb: kb / KB })
    await it.run(settings(1200))
    expect([first, second, third].map((one) => one.isWhole())).toEqual([true, true, true])
    await it.run(settings(1000))
    expect([first, second, third].map((one) => one.isWhole())).toEqual([false, true, true])
    expect(first.isShort()).toBe(true)
    await it.run(settings(300))
    expect([first, second, third].map((one) => existsSync(one.spool))).toEqual([false, true, true])
    expect([second.isShort(), third.isShort()]).toEqual([true, true])
  })

  test.each([
    ["of a task that is live", { state: "running", ended_at: null }],
    ["of one that is queued, or paused", { state: "paused", ended_at: null }],
    ["whose notice is unread", { notice: "pending" }],
  ] as const)("%s is never touched, however old and however much", async (_, more) => {
    using it = await fixture()
    const one = await it.shell({ days: 4000, ...more })
    await it.run({ allOutputMb: 0.001, shortenOutputDays: 1, removeOutputDays: 1 })
    expect(one.isWhole()).toBe(true)
    if (!("notice" in more)) expect(existsSync(join(it.spoolFolder, `${one.id}.exit`))).toBe(true)
  })

  test("of a tree in which a task is live it is not touched either", async () => {
    using it = await fixture()
    const ended = await it.shell({ days: 4000 })
    await it.shell({ days: 0, state: "queued", ended_at: null })
    const elsewhere = await it.shell({ days: 4000, root: "other" })
    await it.run({ allOutputMb: 0.001 })
    expect([ended.isWhole(), existsSync(elsewhere.spool)]).toEqual([true, false])
  })

  test("that ended within the hour is not taken for the size of all", async () => {
    using it = await fixture()
    const one = await it.shell({ days: 0.9 / 24 })
    await it.run({ allOutputMb: 0.001 })
    expect(one.isWhole()).toBe(true)
  })

  test("exit files go an hour after the end", async () => {
    using it = await fixture()
    const one = await it.shell({ days: 0.9 / 24 })
    const exit = join(it.spoolFolder, `${one.id}.exit`)
    await it.run()
    expect(existsSync(exit)).toBe(true)
    it.later(HOUR)
    await it.run()
    expect([existsSync(exit), one.isWhole()]).toEqual([false, true])
  })

  test("files of no run go after a day, what others have put there stays", async () => {
    using it = await fixture()
    const file = (name: string, ms?: number) => {
      const path = join(it.spoolFolder, name)
      writeFileSync(path, "x")
      old(path, ms)
      return path
    }
    const orphan = file("gone.out")
    const beside = file("gone.exit")
    const half = file("gone.gap.4711")
    const fresh = file("justnow.out", HOUR)
    const others = [
      "notes.txt",
      "x.out.bak",
      ".out",
      "UPPER.out",
      "..exit",
      "a b.out",
      "\u{1f422}.out",
      "gone.out.x",
    ].map((name) => file(name))
    mkdirSync(join(it.spoolFolder, "folder.out"))
    symlinkSync("/etc/passwd", join(it.spoolFolder, "link.out"))
    symlinkSync("nowhere", join(it.spoolFolder, "broken.out"))
    await it.run({ removeOutputDays: 1 })
    expect([orphan, beside, half].map((path) => existsSync(path))).toEqual([false, false, false])
    expect([fresh, ...others].map((path) => existsSync(path))).toEqual([fresh, ...others].map(() => true))
    expect(readdirSync(it.spoolFolder)).toEqual(expect.arrayContaining(["folder.out", "link.out", "broken.out"]))
  })

  test("a viewer that reads while it shrinks and goes sees no zero bytes, and then says what became of it", async () => {
    using it = await fixture()
    const one = await it.shell({ days: 8, bytes: 8 * 1024 * KB })
    let tidying = true
    const shrinking = (async () => {
      await it.run()
      it.later(30 * DAY)
      await it.run()
    })().finally(() => {
      tidying = false
    })
    while (tidying) {
      for (const look of [{}, { offset: 0 }, { offset: 4 * 1024 * KB }, { grep: "^nothing$" }]) {
        const text = await readOutput(one.run(), look)
        expect(text).not.toContain("\0")
        // Of what is gone nothing is read, and the others would never get their turn.
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await shrinking
    expect(await readOutput(one.run(), { offset: 0 })).toContain("no longer kept")
  })

  test("two processes at once, and one that is cut off, do no harm", async () => {
    using it = await fixture()
    const runs = []
    for (let n = 0; n < 10; n++) runs.push(await it.shell({ days: n < 5 ? 10 : 40 }))
    const over = new AbortController()
    const cutOff = it.run({}, { signal: over.signal }).catch((error: unknown) => error)
    const other = await openStore({ folder: it.folder, clock: it.clock })
    await Promise.all([it.run(), tidy({ store: other, clock: it.clock, policy: storagePolicy() })])
    over.abort("enough")
    await cutOff
    other.close()
    expect(runs.map((run) => run.isShort())).toEqual(runs.map((_, n) => n < 5))
    expect(runs.map((run) => existsSync(run.spool))).toEqual(runs.map((_, n) => n < 5))
  })
})

describe("the feed", () => {
  test("of a tree that nobody drives goes after an hour, but for the newest entry", async () => {
    using it = await fixture()
    await it.entry("message", NOW - 2 * HOUR)
    await it.entry("task_settled", NOW - 1.1 * HOUR)
    await it.entry("message", NOW - 0.9 * HOUR)
    expect(await it.run()).toMatchObject({ feed: 2 })
    expect(it.feed()).toEqual([["message", 0.9]])
    it.later(DAY)
    expect(await it.run()).toMatchObject({ feed: 0 })
  })

  test("of one that is driven stays for a day, but for progress", async () => {
    using it = await fixture()
    const lease = await takeLease(it.store, it.clock, "root")
    for (const at of [25, 23, 2, 0.5])
      for (const kind of ["task_settled", "task_progress"] as const) await it.entry(kind, NOW - at * HOUR)
    await it.run()
    lease!.release()
    expect(it.feed()).toEqual([
      ["task_settled", 23],
      ["task_settled", 2],
      ["task_settled", 0.5],
      ["task_progress", 0.5],
    ])
  })

  test("thousands go in short transactions", async () => {
    using it = await fixture()
    await it.store.write((tx) =>
      tx.run(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
         INSERT INTO feed (root_id, session_id, kind, ref, at) SELECT 'root', 'root', 'message', i, :at FROM n`,
        { at: NOW - 2 * HOUR },
      ),
    )
    expect(await it.run()).toMatchObject({ feed: 4999 })
  })
})

describe("the database", () => {
  test("gives deleted pages back to the disk", async () => {
    using it = await fixture()
    const pages = (name: string) => it.store.one<Record<string, number>>(`PRAGMA ${name}`)![name]!
    const text = "x".repeat(3000)
    await it.store.write((tx) => {
      for (let n = 0; n < 4000; n++)
        tx.run("INSERT INTO meta (key, value) VALUES (:key, :text)", { key: `k${n}`, text })
    })
    const before = pages("page_count")
    await it.store.write((tx) => tx.run("DELETE FROM meta WHERE key LIKE 'k%'"))
    expect(pages("freelist_count")).toBeGreaterThan(2000)
    const { pages: given } = await it.run()
    expect(given).toBeGreaterThan(2000)
    expect(pages("freelist_count")).toBeLessThanOrEqual(256)
    expect(pages("page_count")).toBeLessThanOrEqual(before - given)
    expect(it.store.one<{ integrity_check: string }>("PRAGMA integrity_check")).toEqual({ integrity_check: "ok" })
  })

  test("the write-ahead log that a long reader has made large becomes small again", async () => {
    using it = await fixture()
    const log = join(it.folder, "meanwhile.db-wal")
    const text = "x".repeat(100 * KB)
    const write = (key: string) =>
      it.store.write((tx) => tx.run("INSERT INTO meta (key, value) VALUES (:key, :text)", { key, text }))
    {
      using reader = it.store.snapshot()
      for (let n = 0; n < 200; n++) await write(`k${n}`)
      expect(reader.one("SELECT 1 FROM meta WHERE key = 'k1'")).toBeUndefined()
      expect(statSync(log).size).toBeGreaterThan(16 * 1024 * KB)
    }
    for (const key of ["once", "and", "again"]) await write(key)
    expect(statSync(log).size).toBeLessThanOrEqual(8 * 1024 * KB)
  })
})

const UUID = "0f0f0f0f-0000-4000-8000-0000000000"

describe("what was left behind", () => {
  test("drafts, bells and leases of what is over go after a day; of what lives, never", async () => {
    using it = await fixture()
    const { store } = it
    const live = await it.session(`${UUID}01`)
    const [gone, locked] = [`${UUID}02`, `${UUID}03`]
    const step = (id: string, state: string) =>
      store.write((tx) =>
        tx.run(
          `INSERT INTO step (id, session_id, turn_id, n, state, model, message_id, started_at)
           VALUES (:id, :session, 't', (SELECT COUNT(*) FROM step), :state, 'm', 'x', 0)`,
          { id, session: live, state },
        ),
      )
    await step(`${UUID}04`, "asking")
    await step(`${UUID}05`, "done")
    const file = (kind: "draft" | "bell" | "lease", name: string, ms?: number) => {
      const path = join(store.folder(kind), name)
      writeFileSync(path, "")
      return old(path, ms)
    }
    const lease = await takeLease(store, it.clock, locked)
    old(join(store.folder("lease"), locked))
    const stay = [
      file("draft", `${UUID}04`),
      file("draft", "notes.txt"),
      file("bell", live),
      file("bell", `${live}.viewers`),
      file("lease", live),
      file("bell", `${gone}.txt`),
      file("bell", `${UUID}06`, HOUR),
      join(store.folder("lease"), locked),
    ]
    const go = [
      file("draft", `${UUID}05`),
      file("draft", `${UUID}07`),
      file("bell", gone),
      file("bell", `${gone}.viewers`),
      file("bell", `${gone}.watch`),
      file("lease", gone),
    ]
    expect(await it.run()).toMatchObject({ files: go.length })
    lease!.release()
    expect(stay.filter((path) => !existsSync(path))).toEqual([])
    expect(go.filter((path) => existsSync(path))).toEqual([])
  })
})

describe("sessions", () => {
  test("stay for ever unless the settings say otherwise", async () => {
    using it = await fixture()
    await it.session("ancient", { updatedAt: 0 })
    expect(await it.run()).toMatchObject({ sessions: 0 })
    expect(sessions(it.store)).toEqual(["ancient"])
  })

  test("with removeSessionDays, those go that nobody drives and in which nothing lives or waits", async () => {
    using it = await fixture()
    const at = NOW - 100 * DAY
    for (const id of ["old", "driven", "live", "unread", "young-child"]) await it.session(id, { updatedAt: at })
    await it.session("young")
    await it.session("child", { root: "young-child" })
    await it.shell({ days: 99, root: "old" })
    await it.shell({ days: 99, root: "live", state: "paused", ended_at: null })
    await it.store.write((tx) =>
      tx.run(
        `INSERT INTO inbox (id, session_id, kind, delivery, wake, origin, content, created_at)
         VALUES ('n', 'unread', 'notice', 'queue', 0, 'task', '[]', 0)`,
      ),
    )
    const lease = await takeLease(it.store, it.clock, "driven")
    expect(await it.run({ removeSessionDays: 90 })).toMatchObject({ sessions: 1 })
    lease!.release()
    expect(sessions(it.store)).toEqual(["child", "driven", "live", "unread", "young", "young-child"])
    expect(await it.run({ removeSessionDays: 90 })).toMatchObject({ sessions: 1 })
  })
})

describe("when", () => {
  test("once in six hours, whoever does it; again at once when the last time was cut off or lies in the future", async () => {
    using it = await fixture()
    const parts = { store: it.store, clock: it.clock, policy: storagePolicy() }
    const over = AbortSignal.abort("cut off")
    await it.shell({ days: 1 })
    expect(await tidyWhenDue({ ...parts, signal: over }).catch((error) => error)).toBe("cut off")
    expect(await tidyWhenDue(parts)).toBeDefined()
    expect(await tidyWhenDue(parts)).toBeUndefined()
    it.later(5.9 * HOUR)
    expect(await tidyWhenDue(parts)).toBeUndefined()
    it.later(0.2 * HOUR)
    expect(await tidyWhenDue(parts)).toBeDefined()
    it.later(-2 * HOUR)
    expect(await tidyWhenDue(parts)).toBeDefined()
  })

  test("a host does it some seconds after its start, and stops with it, without a word", async () => {
    using it = await fixture()
    const slept: number[] = []
    const first = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    const clock: Clock = {
      ...it.clock,
      sleep: (ms, signal) => {
        if (ms < 1000) return it.clock.sleep(0, signal)
        slept.push(ms)
        if (slept.length === 1) return first.promise
        second.resolve()
        return systemClock.sleep(ms, signal)
      },
    }
    const log = memoryLog()
    const month = await it.shell({ days: 40 })
    const tidying = keepTidy({ store: it.store, clock, log, policy: storagePolicy() })
    expect(existsSync(month.spool)).toBe(true)
    first.resolve()
    await second.promise
    expect(existsSync(month.spool)).toBe(false)
    tidying[Symbol.dispose]()
    expect(slept).toEqual([2000, HOUR])
    expect(log.entries).toEqual([])
  })
})

function sessions(store: Store): string[] {
  return store.all<{ id: string }>("SELECT id FROM session ORDER BY id").map(({ id }) => id)
}
