// Sessions that are made again from their export. The format: docs/sessions.md.
import { describe, expect, test } from "bun:test"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { UserError } from "../../src/base/error.ts"
import { randomIds } from "../../src/base/ids.ts"
import type { ExportLine } from "../../src/session/export.ts"
import { forkSession } from "../../src/session/fork.ts"
import { type Imported, importSession, removeUnfinishedImports } from "../../src/session/import.ts"
import { messagesAfter } from "../../src/session/lineage.ts"
import { removeSession } from "../../src/session/remove.ts"
import { usageStats } from "../../src/session/stats.ts"
import type { SessionRow } from "../../src/store/rows.ts"
import type { Reader, Store, Tx } from "../../src/store/store.ts"
import { passingTables, sumTables, treeTables } from "../../src/store/tables.ts"
import { type TestStore, temporaryStore } from "../../testing/harness.ts"
import { seed, seedSession, seedTask } from "../../testing/seed.ts"
import { fullTree, linesOf } from "./full-tree.ts"

async function* texts(lines: readonly (ExportLine | string)[]): AsyncGenerator<string> {
  for (const line of lines) yield typeof line === "string" ? line : JSON.stringify(line)
}

function importInto(
  { store, folder }: Pick<TestStore, "store" | "folder">,
  lines: readonly (ExportLine | string)[],
  { asCopy = false } = {},
): Promise<Imported> {
  const parts = { store, clock: systemClock, ids: randomIds }
  return importSession(parts, { lines: texts(lines), asCopy, folder: join(folder, "import") })
}

/** Without the files' lines: what commands printed is not in an export. */
const rows = (lines: readonly ExportLine[]) =>
  lines.filter(({ type }) => type !== "file").map((line) => (line.type === "end" ? { ...line, rows: 0 } : line))

/** All text of all rows, by table. */
function everything(reader: Reader, but: readonly string[] = []): Record<string, string> {
  const tables = ["session", ...treeTables.map(({ name }) => name), ...passingTables, ...sumTables, "meta"]
  return Object.fromEntries(
    tables.flatMap((table) =>
      but.includes(table) ? [] : [[table, JSON.stringify(reader.all(`SELECT * FROM ${table}`))]],
    ),
  )
}

function rowOf(reader: Reader, id: string): SessionRow {
  return reader.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id })!
}

const uuid = (n: number) => `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`
const ROOT = uuid(1)
const CHILD = uuid(2)
const TASK = "abcdefghjkmn"
const RUN = "pqrstuvwxyz2"

/** A conversation of ten messages with an agent, its ids as the program gives them. */
function talk(tx: Tx): void {
  seedSession(tx, { id: ROOT, name: "shop", permission_mode: "acceptEdits" })
  seedSession(tx, { id: CHILD, root_id: ROOT, parent_id: ROOT, task_id: TASK, depth: 1 })
  for (let n = 1; n <= 10; n++) {
    const isSaid = n % 2 === 0
    const turn = uuid(100 + Math.ceil(n / 2))
    const step = uuid(200 + n)
    if (!isSaid) seed(tx, "turn", { id: turn, session_id: ROOT, state: "done", cause: "human" })
    else seed(tx, "step", { id: step, session_id: ROOT, turn_id: turn, n, state: "done", message_id: uuid(300 + n) })
    const content = isSaid
      ? [
          { type: "reasoning", text: `task ${TASK}`, provider: { anthropic: { signature: TASK } } },
          { type: "text", text: `see ${TASK}` },
        ]
      : [{ type: "text", text: `word ${n}` }]
    seed(tx, "message", {
      id: n === 3 ? `notice:${RUN}:settled` : uuid(300 + n),
      session_id: ROOT,
      seq: n,
      role: isSaid ? "assistant" : "user",
      origin: isSaid ? null : "human",
      content: JSON.stringify(content),
      turn_id: turn,
      step_id: isSaid ? step : null,
    })
  }
  seedTask(tx, {
    id: TASK,
    root: ROOT,
    task: { kind: "agent", session_id: CHILD },
    run: { id: RUN, state: "completed", spool: `/elsewhere/spool/${RUN}.out` },
  })
  seed(tx, "ledger", {
    id: uuid(401),
    root_id: ROOT,
    session_id: ROOT,
    run_id: null,
    purpose: "turn",
    provider: "p",
    model: "m",
    state: "closed",
    input_tokens: 70,
    cost_nanos: 5,
  })
}

describe("an import", () => {
  test("equals what was exported: its export is the same again", async () => {
    using place = await temporaryStore()
    await fullTree(place)
    const lines = await linesOf(place.store)
    expect(lines[0]).toEqual({ type: "meanwhile-session", format: 1, schema: expect.any(Number), session_id: "root" })
    expect(JSON.stringify(lines)).not.toContain("of-another")
    for (const table of treeTables) expect(lines.filter(({ type }) => type === table.name).length).toBeGreaterThan(1)
    using copy = await temporaryStore()
    await importInto(copy, JSON.parse(JSON.stringify(lines)) as ExportLine[])
    // The inbox of a session that is imported starts nothing by itself, and orders in it were for another process.
    const atRest = (all: readonly ExportLine[]) =>
      rows(all).map((line) => (line.type === "inbox" ? { ...line, wake: 0 } : line))
    expect(atRest(await linesOf(copy.store))).toEqual(atRest(lines))
    expect(copy.store.all("SELECT key FROM meta WHERE key LIKE 'importing:%'")).toEqual([])
    expect(readdirSync(join(copy.folder, "import"))).toEqual([])
  })

  test("counts in the statistics, once", async () => {
    using place = await temporaryStore()
    await place.store.write(talk)
    using copy = await temporaryStore()
    await importInto(copy, await linesOf(place.store, ROOT))
    const sums = (store: Store) => usageStats(store, { now: Date.now(), days: "all" })
    expect(sums(copy.store)).toEqual(sums(place.store))
    expect(sums(copy.store)).toMatchObject({ messages: 10, totals: { requests: 1, input: 70, costNanos: 5 } })
  })

  test("of a session that is here already is refused, and changes nothing", async () => {
    using place = await temporaryStore()
    await place.store.write(talk)
    const before = everything(place.store)
    await expect(importInto(place, await linesOf(place.store, ROOT))).rejects.toThrow("is here already")
    expect(everything(place.store)).toEqual(before)
  })

  test("as a copy has new ids, everywhere but in what a provider has signed, and a name of its own", async () => {
    using place = await temporaryStore()
    await place.store.write(talk)
    const lines = await linesOf(place.store, ROOT)
    const { row, nameTaken } = await importInto(place, lines, { asCopy: true })
    expect(row.id).not.toBe(ROOT)
    expect(row.name).toBe("shop (2)")
    expect(nameTaken).toBe("shop")
    // The origin is as it was.
    expect(await linesOf(place.store, ROOT)).toEqual(lines)
    const copied = await linesOf(place.store, row.id)
    expect(copied.map(({ type }) => type)).toEqual(lines.map(({ type }) => type))
    const text = JSON.stringify(copied)
    for (const id of [ROOT, CHILD, RUN, uuid(101), uuid(202), uuid(302), uuid(401)]) expect(text).not.toContain(id)
    expect(text).toContain(`task ${TASK}`)
    expect(text).not.toContain(`see ${TASK}`)
    // With the ids put back in their order it is the same, but for its name.
    const { task, run } = place.store.one<{ task: string; run: string }>(
      "SELECT task.id AS task, run.id AS run FROM task JOIN run ON run.task_id = task.id WHERE root_id = :id",
      { id: row.id },
    )!
    expect(text).toContain(`notice:${run}:settled`)
    expect(text).toContain(`see ${task}`)
    // And again.
    expect((await importInto(place, lines, { asCopy: true })).row.name).toBe("shop (3)")
  })

  test("of something long is in nobody's way", async () => {
    using place = await temporaryStore()
    await place.store.write((tx) => {
      seedSession(tx, { id: ROOT })
      for (let seq = 1; seq <= 5000; seq++)
        seed(tx, "message", {
          id: uuid(seq),
          session_id: ROOT,
          seq,
          role: "user",
          content: JSON.stringify("x".repeat(500)),
        })
    })
    const lines = await linesOf(place.store, ROOT)
    using copy = await temporaryStore()
    let turns = 0
    const others = setInterval(() => turns++, 0)
    await importInto(copy, lines)
    clearInterval(others)
    expect(turns).toBeGreaterThan(10)
    expect(rows(await linesOf(copy.store, ROOT))).toEqual(rows(lines))
  }, 20_000)
})

describe("what ran when it was exported", () => {
  test("is at rest: tasks are lost, calls are answered, requests are closed, nothing starts by itself", async () => {
    using place = await temporaryStore()
    await place.store.write((tx) => {
      talk(tx)
      tx.run("UPDATE session SET permission_mode = 'bypassPermissions' WHERE id = :ROOT", { ROOT })
      seed(tx, "turn", { id: uuid(601), session_id: ROOT, state: "open", cause: "human", started_at: 7 })
      for (const [n, state] of [
        [11, "calling"],
        [12, "asking"],
      ] as const)
        seed(tx, "step", { id: uuid(600 + n), session_id: ROOT, turn_id: uuid(601), n, state, started_at: 8 })
      for (const [idx, state] of (["done", "pending", "running"] as const).entries())
        seed(tx, "tool_call", {
          id: uuid(620 + idx),
          session_id: ROOT,
          step_id: uuid(611),
          idx,
          state,
          replay: "safe",
          input: "{}",
          result: state === "done" ? '{"content":[]}' : null,
        })
      seedTask(tx, {
        id: "qqqqqqqqqqqq",
        root: ROOT,
        run: {
          id: "rrrrrrrrrrrr",
          state: "running",
          pid: 1,
          pgid: 1,
          pid_started: "1",
          event_at: 9,
          spool: "/etc/passwd",
        },
      })
      seed(tx, "approval", { id: uuid(630), root_id: ROOT, session_id: ROOT, state: "open", input: "{}" })
      seed(tx, "ledger", { id: uuid(640), root_id: ROOT, session_id: ROOT, state: "open", opened_at: 8 })
      for (const [n, kind] of (["prompt", "control", "answer"] as const).entries())
        seed(tx, "inbox", {
          id: uuid(650 + n),
          session_id: ROOT,
          kind,
          delivery: "steer",
          wake: 1,
          origin: "human",
          content: "[]",
        })
    })
    using copy = await temporaryStore()
    const { lost, asksAgain } = await importInto(copy, await linesOf(place.store, ROOT))
    expect({ lost, asksAgain }).toEqual({ lost: 1, asksAgain: true })
    const all = (sql: string) => copy.store.all<Record<string, unknown>>(sql)
    expect(all("SELECT state, pid, pgid, pid_started, ended_at, spool FROM run WHERE id = 'rrrrrrrrrrrr'")).toEqual([
      { state: "lost", pid: null, pgid: null, pid_started: null, ended_at: 9, spool: null },
    ])
    // Files of other names are not its own, wherever they were.
    expect(all(`SELECT spool FROM run WHERE id = '${RUN}'`)).toEqual([
      { spool: join(copy.store.folder("spool"), `${RUN}.out`) },
    ])
    expect(all("SELECT state FROM turn WHERE state = 'open'")).toEqual([])
    expect(all("SELECT n, state FROM step WHERE n > 10 ORDER BY n")).toEqual([
      { n: 11, state: "done" },
      { n: 12, state: "aborted" },
    ])
    expect(all("SELECT idx, state, is_error, result IS NULL AS missing FROM tool_call ORDER BY idx")).toEqual([
      { idx: 0, state: "done", is_error: 0, missing: 0 },
      { idx: 1, state: "done", is_error: 1, missing: 0 },
      { idx: 2, state: "done", is_error: 1, missing: 0 },
    ])
    expect(all("SELECT state FROM approval")).toEqual([{ state: "withdrawn" }])
    expect(all("SELECT state FROM ledger ORDER BY state")).toEqual([{ state: "closed" }, { state: "estimated" }])
    expect(all("SELECT kind, wake FROM inbox")).toEqual([{ kind: "prompt", wake: 0 }])
    expect(rowOf(copy.store, ROOT).permission_mode).toBe("default")
  })
})

describe("a fork", () => {
  async function forked(place: TestStore): Promise<{ id: string; lines: ExportLine[] }> {
    await place.store.write(talk)
    const { row } = await place.store.write((tx) =>
      forkSession(tx, { clock: systemClock, ids: randomIds }, { originId: ROOT, at: 6, name: "side" }),
    )
    await place.store.write((tx) =>
      seed(tx, "message", { id: uuid(700), session_id: row.id, seq: 7, role: "user", origin: "human", content: "[]" }),
    )
    return { id: row.id, lines: await linesOf(place.store, row.id) }
  }
  const said = (store: Store, id: string) => messagesAfter(store, id, 0).map(({ seq, content }) => [seq, content])

  test("has all that was said in it, also where the session that it comes from is not", async () => {
    using place = await temporaryStore()
    const { id, lines } = await forked(place)
    using copy = await temporaryStore()
    await importInto(copy, lines)
    expect(said(copy.store, id)).toEqual(said(place.store, id))
    expect(said(copy.store, id)).toHaveLength(7)
    expect(rows(await linesOf(copy.store, id))).toEqual(rows(lines))
  })

  test("and the session that it comes from can both be imported, in either order", async () => {
    using place = await temporaryStore()
    const { id, lines } = await forked(place)
    const origin = await linesOf(place.store, ROOT)
    for (const order of [
      [origin, lines],
      [lines, origin],
    ]) {
      using copy = await temporaryStore()
      const done: boolean[] = []
      for (const one of order) done.push((await importInto(copy, one)).isWhole)
      expect(done).toEqual([false, true])
      for (const session of [ROOT, id])
        expect(said(copy.store, session).map(([seq]) => seq)).toEqual(said(place.store, session).map(([seq]) => seq))
      // Each can go without the other.
      await removeSession(copy.store, systemClock, rowOf(copy.store, ROOT))
      expect(said(copy.store, id)).toHaveLength(7)
    }
  })
})

describe("what is broken is refused with its line, and nothing is lost", () => {
  const line = (fields: Record<string, unknown>) => JSON.stringify(fields)
  const cases: readonly (readonly [string, (lines: string[]) => string[], string])[] = [
    ["nothing", () => [], "nothing in it"],
    ["not an export", () => ["hello"], "Line 1 of the export is not JSON"],
    ["another file of JSON lines", () => [line({ type: "result" })], "Line 1 of the export is not the beginning"],
    [
      "a newer format",
      ([first, ...rest]) => [line({ ...JSON.parse(first!), format: 2 }), ...rest],
      "Line 1 of the export says that it was made by a newer",
    ],
    ["a newer schema", ([first, ...rest]) => [line({ ...JSON.parse(first!), schema: 999 }), ...rest], "newer version"],
    ["cut off", (lines) => lines.slice(0, -3), "was cut off"],
    [
      "cut within a line",
      (lines) => [...lines.slice(0, 5), lines[5]!.slice(0, 30)],
      "Line 6 of the export is not JSON",
    ],
    ["a line left out", (lines) => lines.filter((_, n) => n !== 5), "says that there are"],
    ["a line twice", (lines) => [...lines.slice(0, 6), ...lines.slice(5)], "Line 7 of the export can't be a row"],
    ["something behind the end", (lines) => [...lines, lines[5]!], "stands behind the end"],
    ["an empty line", (lines) => [...lines.slice(0, 4), "", ...lines.slice(4)], "Line 5 of the export is not JSON"],
    [
      "an unknown type",
      (lines) => lines.toSpliced(4, 0, line({ type: "secret" })),
      'Line 5 of the export is a "secret"',
    ],
    [
      "an unknown field",
      (lines) => lines.with(2, line({ ...JSON.parse(lines[2]!), "x; DROP TABLE session": 1 })),
      "Line 3 of the export has a field",
    ],
    [
      "a number for a text",
      (lines) => lines.with(2, line({ ...JSON.parse(lines[2]!), state: 7 })),
      'Line 3 of the export has a field "state" that is no text',
    ],
    [
      "an unknown state",
      (lines) => lines.with(2, line({ ...JSON.parse(lines[2]!), state: "flying" })),
      "Line 3 of the export can't be a row of turn",
    ],
    [
      "a row of another session",
      (lines) => lines.with(2, line({ ...JSON.parse(lines[2]!), session_id: "other" })),
      "Line 3 of the export belongs to a session that is not there",
    ],
    [
      "an id that is a path",
      (lines) => lines.map((one) => one.replaceAll(ROOT, "../../evil")),
      "Line 2 of the export has an id",
    ],
    ["a list", (lines) => lines.with(3, "[1]"), "Line 4 of the export is not a JSON object"],
  ]
  test.each(cases)("%s", async (_, broken, message) => {
    using place = await temporaryStore()
    await place.store.write(talk)
    const lines = (await linesOf(place.store, ROOT)).map((one) => JSON.stringify(one))
    using copy = await temporaryStore()
    await copy.store.write((tx) => seedSession(tx, { id: "other" }))
    const before = everything(copy.store)
    const error = await importInto(copy, broken(lines)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UserError)
    expect((error as UserError).message).toContain(message)
    expect(everything(copy.store)).toEqual(before)
    expect(existsSync(join(copy.folder, "evil"))).toBeFalse()
    expect(readdirSync(join(copy.folder, "import"))).toEqual([])
  })
})

describe("one that is cut off", () => {
  /** The store, whose n-th write fails, and what is written to undo it as well when `dies`. */
  function failing(store: Store, at: number, dies: boolean): Store {
    let writes = 0
    const fails = () => {
      writes++
      return writes === at || (dies && writes > at)
    }
    return new Proxy(store, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key)
        if (key === "write" || key === "writeDurably")
          return (change: (tx: Tx) => unknown) => (fails() ? Promise.reject(new Error("cut off")) : target[key](change))
        return typeof value === "function" ? value.bind(target) : value
      },
    })
  }

  test("leaves nothing, wherever it fails; after a death, what is left goes with the next one", async () => {
    using place = await temporaryStore()
    await place.store.write(talk)
    const lines = await linesOf(place.store, ROOT)
    for (const dies of [false, true]) {
      using copy = await temporaryStore()
      const passing = ["lease", "feed"]
      const before = everything(copy.store, passing)
      let failures = 0
      for (let at = 1; ; at++) {
        const outcome = await importInto({ store: failing(copy.store, at, dies), folder: copy.folder }, lines).catch(
          (error: unknown) => error,
        )
        if (!(outcome instanceof Error)) break
        failures++
        expect(rowOf(copy.store, ROOT)).toBeUndefined()
        if (dies) await removeUnfinishedImports(copy.store, systemClock)
        expect(everything(copy.store, passing)).toEqual(before)
        // Nobody is left with the lease.
        expect(await removeUnfinishedImports(copy.store, systemClock)).toBe(0)
      }
      expect(failures).toBeGreaterThan(10)
      expect(rows(await linesOf(copy.store, ROOT))).toEqual(rows(lines))
    }
  }, 30_000)
})
