// `meanwhile stats`: how the sums are shown. That they are right: test/session/stats.test.ts.
import { expect, test } from "bun:test"
import { resolve } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { statsText } from "../../src/cli/stats.ts"
import { usageStats } from "../../src/session/stats.ts"
import { openStore } from "../../src/store/open.ts"
import type { Store } from "../../src/store/store.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { workbench } from "../../testing/headless.ts"
import { seed, seedSession, seedTask } from "../../testing/seed.ts"
import { inTerminal } from "./terminal.ts"

const PLAIN = { title: (text: string) => text, bar: (text: string) => text }
const DAY = 24 * 3_600_000

interface Request {
  at: number
  cost?: number | null
  state?: string
  tokens?: number
  model?: string
  run?: string
}

async function asked(store: Store, requests: readonly Request[]): Promise<void> {
  await store.write((tx) => {
    seedSession(tx, { id: "root" })
    seedTask(tx, { id: "back", root: "root", run: { state: "completed", background: 1 } })
    for (const [
      n,
      { at, cost = 0, state = "closed", tokens = 1000, model = "claude-sonnet", run = null },
    ] of requests.entries())
      seed(tx, "ledger", {
        id: `l${n}`,
        root_id: "root",
        session_id: "root",
        provider: "anthropic",
        model,
        state,
        run_id: run,
        input_tokens: tokens,
        cost_nanos: cost,
        opened_at: at,
      })
  })
}

test("the text says what was used by day and by model, and how much of it in the background", async () => {
  using place = await temporaryStore()
  const now = new Date(2026, 10, 22, 12).getTime()
  await asked(place.store, [
    { at: now - 2 * DAY, cost: 2_000_000_000, tokens: 30_000 },
    { at: now - 2 * DAY, cost: 400_000_000, tokens: 10_000, run: "run-back" },
    { at: now, cost: 1_200_000_000, tokens: 5_000, model: "claude-opus" },
    { at: now, cost: 1_000_000, tokens: 500, model: "claude-opus" },
  ])
  expect(statsText(usageStats(place.store, { now, days: 30 }), { range: "30d", now, style: PLAIN })).toBe(
    `Usage of the last 30 days (2026-10-24 to 2026-11-22)

Cost    $3.60 for 4 requests
Tokens  45.5k: input 45.5k, output 0, cache read 0, cache write 0
Work    1 session, 0 prompts, 0 messages, 0 tool calls
        22 % of the tokens were used in the background

DAY          COST  TOKENS  REQUESTS
2026-11-20  $2.40   40.0k         2  ████████████████████████████
2026-11-22  $1.20    5.5k         2  ██████████████

MODEL                     COST  TOKENS  REQUESTS
anthropic/claude-sonnet  $2.40   40.0k         2
anthropic/claude-opus    $1.20    5.5k         2
`,
  )
})

test("what is estimated and what nobody knows the price of is marked, and said", async () => {
  using place = await temporaryStore()
  const now = new Date(2026, 10, 22, 12).getTime()
  await asked(place.store, [
    { at: now, cost: 1_500_000_000, state: "estimated" },
    { at: now - DAY, cost: null, model: "unheard-of" },
    { at: now, cost: 9_000_000_000, state: "open" },
  ])
  const text = statsText(usageStats(place.store, { now, days: 7 }), { range: "7d", now, style: PLAIN })
  expect(text).toContain("Cost    ≈$1.50 + ? for 2 requests")
  expect(text).toMatch(/^2026-11-21 +\? /m)
  expect(text).toMatch(/^2026-11-22 +≈\$1\.50 /m)
  expect(text).toMatch(/^anthropic\/unheard-of +\? /m)
  expect(text).toContain("≈ 1 request ended early")
  expect(text).toContain("? The price of 1 request is not known.")
})

test("it fits into 80 columns and on some screens, whatever was used", async () => {
  using place = await temporaryStore()
  const now = new Date(2026, 10, 22, 12).getTime()
  const models = [`a-model-${"with-a-very-long-name-".repeat(5)}`, "模型".repeat(30)]
  await asked(
    place.store,
    Array.from({ length: 400 }, (_, n) => ({
      at: now - n * DAY,
      cost: n % 7 ? 123_456_789_000_000 : null,
      tokens: 999_999_999,
      model: models[n % 2]!,
    })),
  )
  const stats = usageStats(place.store, { now, days: "all" })
  const tools = Array.from({ length: 30 }, (_, n) => ({ name: `mcp__server__tool${n}`, calls: 100_000 }))
  const text = statsText({ ...stats, tools }, { range: "all", now, style: PLAIN })
  for (const line of text.split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(80)
  expect(text.split("\n").length).toBeLessThan(60)
  expect(text).toMatch(/^369 days before /m)
})

test("without any request it says so", async () => {
  await using bench = workbench()
  expect(await bench.run(["stats"])).toMatchObject({ exit: 0, stderr: "" })
  expect((await bench.run(["stats"])).stdout).toContain("Nothing was asked of a model.")
  expect(JSON.parse((await bench.run(["stats", "--json", "--range", "all"])).stdout)).toMatchObject({
    range: "all",
    from: null,
    requests: 0,
    cost_usd: 0,
    background_share: null,
    days: [],
    models: [],
    tools: [],
  })
})

test("JSON has null where a cost is not known, next to what is", async () => {
  await using bench = workbench()
  const store = await openStore({ folder: bench.home, clock: systemClock })
  await asked(store, [
    { at: Date.now(), cost: null },
    { at: Date.now(), cost: 1_500_000_000, run: "run-back" },
  ])
  store.close()
  const stats = JSON.parse((await bench.run(["stats", "--json"])).stdout)
  expect(stats).toMatchObject({
    cost_usd: null,
    known_cost_usd: 1.5,
    unpriced_requests: 1,
    total_tokens: 2000,
    background_tokens: 1000,
    background_share: 0.5,
    sessions: 1,
  })
  expect(stats.days).toHaveLength(1)
  expect(stats.models[0]).toMatchObject({ model: "anthropic/claude-sonnet", requests: 2, cost_usd: null })
})

test("colours are for terminals, and not with NO_COLOR", async () => {
  await using bench = workbench()
  const store = await openStore({ folder: bench.home, clock: systemClock })
  await asked(store, [{ at: Date.now(), cost: 1_500_000_000 }])
  store.close()
  expect((await bench.run(["stats"])).stdout).not.toContain("\x1b")
  const program = resolve(import.meta.dir, "../../bin/meanwhile")
  const env = { MEANWHILE_HOME: bench.home, HOME: bench.cwd }
  for (const [more, coloured] of [
    [{}, true],
    [{ NO_COLOR: "1" }, false],
  ] as const) {
    await using terminal = inTerminal([program, "stats"], { env: { ...env, ...more }, cwd: bench.cwd })
    await terminal.exited
    await terminal.shows("MODEL")
    expect(terminal.output.includes("\x1b[")).toBe(coloured)
  }
})
