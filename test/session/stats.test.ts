import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { type Stats, type Sums, tokensOf, usageStats } from "../../src/session/stats.ts"
import { type TestStore, temporaryStore } from "../../testing/harness.ts"
import { seed, seedSession, seedTask } from "../../testing/seed.ts"

/** The same sequence in every run of the test. */
function random(seedNumber: number): (below: number) => number {
  let state = seedNumber
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

interface Entry {
  at: number
  model: string
  state: "open" | "closed" | "estimated"
  tokens: [input: number, output: number, read: number, write: number]
  cost: number | null
  background: boolean
}

const MODELS = ["scout", "anthropic/claude-a", "openai/gpt-b", "local/c"]
const HOUR = 3_600_000

/** Rows all around the two changes of the clocks of 2026, at every quarter of an hour's distance and in between. */
function entries(count: number): Entry[] {
  const below = random(42)
  const changes = [
    Date.UTC(2026, 2, 29, 1),
    Date.UTC(2026, 9, 25, 1),
    Date.UTC(2026, 2, 8, 7),
    Date.UTC(2026, 9, 3, 15, 30),
  ]
  return Array.from({ length: count }, () => {
    const at = changes[below(changes.length)]! + below(96 * HOUR) - 48 * HOUR
    const state = (["closed", "closed", "closed", "estimated", "open"] as const)[below(5)]!
    const isEmpty = below(10) === 0
    const tokens = [0, 0, 0, 0].map(() => (isEmpty ? 0 : below(200_000))) as Entry["tokens"]
    const cost = below(12) === 0 ? null : below(3_000_000_000)
    return { at, model: MODELS[below(MODELS.length)]!, state, tokens, cost, background: below(3) === 0 }
  })
}

async function ledgerWith({ store }: TestStore, rows: readonly Entry[]): Promise<void> {
  await store.write((tx) => {
    seedSession(tx, { id: "root" })
    seedTask(tx, { id: "front", root: "root", run: { state: "completed", background: 0 } })
    seedTask(tx, { id: "back", root: "root", run: { state: "failed", background: 1 } })
    for (const [n, { at, model, state, tokens, cost, background }] of rows.entries()) {
      const [provider, name] = model.includes("/") ? model.split("/") : [model, model]
      const [input_tokens, output_tokens, cache_read_tokens, cache_write_tokens] = tokens
      const used = { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_nanos: cost }
      const run_id = background ? "run-back" : n % 2 ? "run-front" : null
      seed(tx, "ledger", {
        id: `l${n}`,
        root_id: "root",
        session_id: "root",
        run_id,
        provider: provider!,
        model: name!,
        state,
        opened_at: at,
        ...used,
      })
    }
  })
}

const sum = (rows: readonly Entry[], pick: (row: Entry) => number) => rows.reduce((total, row) => total + pick(row), 0)
const all = ({ tokens }: Entry) => tokens.reduce((a, b) => a + b)

/** Added up by hand, one row after the other. */
function byHand(rows: readonly Entry[]): Omit<Sums, "reasoning"> {
  const counted = rows.filter(({ state }) => state !== "open")
  return {
    requests: counted.length,
    input: sum(counted, ({ tokens }) => tokens[0]),
    output: sum(counted, ({ tokens }) => tokens[1]),
    cacheRead: sum(counted, ({ tokens }) => tokens[2]),
    cacheWrite: sum(counted, ({ tokens }) => tokens[3]),
    costNanos: sum(counted, ({ cost }) => cost ?? 0),
    unpriced: counted.filter((row) => row.cost === null && all(row) > 0).length,
    estimated: counted.filter(({ state }) => state === "estimated").length,
    background: sum(
      counted.filter(({ background }) => background),
      all,
    ),
  }
}

function groups(rows: readonly Entry[], key: (row: Entry) => string): [string, ReturnType<typeof byHand>][] {
  const found = Map.groupBy(
    rows.filter(({ state }) => state !== "open"),
    key,
  )
  return [...found]
    .map(([name, group]): [string, ReturnType<typeof byHand>] => [name, byHand(group)])
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
}

test("totals, days and models are what adding up by hand gives, to the nano-dollar", async () => {
  using place = await temporaryStore()
  const rows = entries(2000)
  await ledgerWith(place, rows)
  const stats = usageStats(place.store, { now: Date.UTC(2026, 11, 1), days: "all" })
  expect(stats.totals).toMatchObject(byHand(rows))
  const models = stats.models
    .map(({ model, sums }): [string, Sums] => [model, sums])
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
  expect(models).toMatchObject(groups(rows, ({ model }) => model))
  const total = (parts: { sums: Sums }[], name: keyof Sums) => parts.reduce((added, { sums }) => added + sums[name], 0)
  for (const name of Object.keys(stats.totals) as (keyof Sums)[])
    expect([name, total(stats.days, name), total(stats.models, name)]).toEqual([
      name,
      stats.totals[name],
      stats.totals[name],
    ])
  expect(tokensOf(stats.totals)).toBe(
    sum(
      rows.filter(({ state }) => state !== "open"),
      all,
    ),
  )
})

// A zone is fixed when a process starts, so each is a process of its own. Their changes: at 2:00 (Berlin, New York), by
// half an hour (Lord Howe), at midnight, so that a day begins at 1:00 (Santiago), none and 45 minutes off (Kathmandu).
describe.each([
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "America/Santiago",
  "Asia/Kathmandu",
  "Pacific/Kiritimati",
  "UTC",
])("in %s", (zone) => {
  test("days are those of the local calendar, across a change of the clocks", async () => {
    using place = await temporaryStore()
    const rows = entries(1500)
    await ledgerWith(place, rows)
    const program = `
      const { usageStats } = await import(${JSON.stringify(join(import.meta.dir, "../../src/session/stats.ts"))})
      const { openStore } = await import(${JSON.stringify(join(import.meta.dir, "../../src/store/open.ts"))})
      const store = await openStore({ folder: ${JSON.stringify(place.folder)}, clock: { now: Date.now, monotonic: performance.now } })
      const now = ${Date.UTC(2026, 9, 26, 12)}
      console.log(JSON.stringify([usageStats(store, { now, days: "all" }), usageStats(store, { now, days: 7 })]))`
    const child = Bun.spawn([process.execPath, "-e", program], {
      env: { ...process.env, TZ: zone },
      stdout: "pipe",
      stderr: "inherit",
    })
    const [ever, week] = JSON.parse(await new Response(child.stdout).text()) as [Stats, Stats]
    const formatter = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" })
    const dayOf = ({ at }: Entry) => formatter.format(at)
    const days = (stats: Stats) => stats.days.map(({ date, sums }): [string, Sums] => [date, sums])
    expect(days(ever)).toMatchObject(groups(rows, dayOf))
    expect(ever.totals).toMatchObject(byHand(rows))
    // The last seven days, today included, whatever the hour is.
    const [first, last] = [6, 0].map((before) => formatter.format(Date.UTC(2026, 9, 26, 12) - before * 24 * HOUR))
    const inWeek = rows.filter((row) => dayOf(row) >= first!)
    expect(inWeek.some((row) => dayOf(row) <= last!)).toBeTrue()
    expect(days(week)).toMatchObject(groups(inWeek, dayOf))
    expect(week.totals).toMatchObject(byHand(inWeek))
  })
})

test("sessions, messages, prompts and calls are counted in the same span", async () => {
  using place = await temporaryStore()
  const now = new Date(2026, 5, 10, 12).getTime()
  const old = new Date(2026, 5, 3, 23, 59).getTime()
  await place.store.write((tx) => {
    for (const [id, at] of [
      ["new", now],
      ["old", old],
    ] as const) {
      seedSession(tx, { id })
      seedSession(tx, { id: `${id}-child`, parent_id: id, root_id: id, depth: 1 })
      for (const session_id of [id, `${id}-child`]) {
        seed(tx, "ledger", { id: `ledger-${session_id}`, root_id: id, session_id, state: "closed", opened_at: at })
        seed(tx, "message", {
          id: `q-${session_id}`,
          session_id,
          seq: 1,
          role: "user",
          origin: session_id === id ? "human" : "peer",
          content: "[]",
          created_at: at,
        })
        seed(tx, "message", {
          id: `a-${session_id}`,
          session_id,
          seq: 2,
          role: "assistant",
          content: "[]",
          created_at: at,
        })
        seed(tx, "step", { id: `step-${session_id}`, session_id, n: 1, state: "done", started_at: at })
        for (const [idx, name] of ["Grep", "Read", "Read"].entries())
          seed(tx, "tool_call", {
            id: `${session_id}-${idx}`,
            session_id,
            step_id: `step-${session_id}`,
            idx,
            name,
            input: "{}",
            state: "done",
            replay: "safe",
          })
      }
    }
  })
  const counts = ({ sessions, messages, prompts, toolCalls, tools }: Stats) => ({
    sessions,
    messages,
    prompts,
    toolCalls,
    tools,
  })
  const week = {
    sessions: 1,
    messages: 4,
    prompts: 1,
    toolCalls: 6,
    tools: [
      { name: "Read", calls: 4 },
      { name: "Grep", calls: 2 },
    ],
  }
  expect(counts(usageStats(place.store, { now, days: 7 }))).toEqual(week)
  const ever = {
    sessions: 2,
    messages: 8,
    prompts: 2,
    toolCalls: 12,
    tools: [
      { name: "Read", calls: 8 },
      { name: "Grep", calls: 4 },
    ],
  }
  expect(counts(usageStats(place.store, { now, days: 8 }))).toEqual(ever)
  expect(counts(usageStats(place.store, { now, days: "all" }))).toEqual(ever)
})

test("an empty ledger is nothing, not an error", async () => {
  using place = await temporaryStore()
  const stats = usageStats(place.store, { now: Date.now(), days: 30 })
  expect(stats).toMatchObject({ sessions: 0, messages: 0, prompts: 0, toolCalls: 0, days: [], models: [], tools: [] })
  expect(stats.totals.requests).toBe(0)
})
