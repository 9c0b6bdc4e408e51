// How statistics are put into levels, words and courses. That the sums are right: test/session/usage-year.test.ts.
import { expect, test } from "bun:test"
import { type Habits, type Stats, usageHabits, usageStats } from "../../../src/session/stats.ts"
import { cardSvg, cardText } from "../../../src/ui/tui/stats/card.ts"
import { heatLines } from "../../../src/ui/tui/stats/heat-lines.ts"
import { createTheme } from "../../../src/ui/tui/theme.ts"
import {
  dayRows,
  HEAT_WEEKS,
  habitFacts,
  heatMap,
  modelRows,
  nextRange,
  percent,
  sparkline,
  usedFacts,
} from "../../../src/ui/view/stats.ts"
import { temporaryStore } from "../../../testing/harness.ts"
import { seed, seedSession } from "../../../testing/seed.ts"

const NOON = new Date(2026, 10, 22, 12).getTime()
const DAY = 86_400_000

function habits(days: Record<string, { requests: number; tokens: number }>): Habits {
  return { year: new Map(Object.entries(days)), streak: { current: 0, longest: 0 } }
}

test("the heat map is a year of whole weeks from Monday on, to today", () => {
  const { weeks, months } = heatMap(habits({}), { now: NOON })
  expect(weeks).toHaveLength(HEAT_WEEKS)
  // The 22nd is a Sunday: its week is full.
  expect(weeks.at(-1)).toEqual([0, 0, 0, 0, 0, 0, 0])
  const monday = heatMap(habits({}), { now: NOON + DAY }).weeks
  expect(monday.at(-1)).toEqual([0, ...Array<undefined>(6).fill(undefined)])
  expect(months.map(({ name }) => name)).toEqual([
    "Dec",
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
  ])
})

test("levels are quarters of the days on which something was used, by tokens, or by requests where nobody counts them", () => {
  const days = (tokens: (n: number) => number) =>
    habits(
      Object.fromEntries([16, 17, 18, 19].map((day, n) => [`2026-11-${day}`, { requests: 4 - n, tokens: tokens(n) }])),
    )
  const week = (year: Habits) => heatMap(year, { now: NOON }).weeks.at(-1)
  expect(week(days((n) => 10 ** n))).toEqual([1, 2, 3, 4, 0, 0, 0])
  expect(week(days(() => 0))).toEqual([4, 3, 2, 1, 0, 0, 0])
  // One day that dwarfs the others does not make them look like nothing.
  expect(week(days((n) => (n === 0 ? 1e12 : n)))).toEqual([4, 1, 2, 3, 0, 0, 0])
})

test("a heat map fits into any width, its newest weeks first", () => {
  const map = heatMap(habits({ "2026-11-22": { requests: 1, tokens: 5 } }), { now: NOON })
  for (const width of [8, 20, 59, 60, 112, 113, 300])
    for (const hasColour of [true, false]) {
      const lines = heatLines(map, { width, theme: createTheme("dark", { hasColour }) })
      for (const line of lines.slice(0, 8)) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width)
      if (!hasColour) expect(lines[7]!.trimEnd()).toEndWith("█")
    }
})

async function filled(): Promise<{ stats: Stats; habits: Habits }> {
  using place = await temporaryStore()
  await place.store.write((tx) => {
    seedSession(tx, { id: "s" })
    for (const [n, [ago, model]] of (
      [
        [0, "a"],
        [1, "a"],
        [6, "b"],
      ] as const
    ).entries())
      seed(tx, "ledger", {
        id: `l${n}`,
        root_id: "s",
        session_id: "s",
        provider: "p",
        model,
        state: "closed",
        input_tokens: 100 * (n + 1),
        cost_nanos: 10_000_000,
        opened_at: NOON - ago * DAY,
      })
  })
  return { stats: usageStats(place.store, { now: NOON, days: 7 }), habits: usageHabits(place.store, { now: NOON }) }
}

test("a model's course has a step for each day, also those without use, or for more where there are too many", async () => {
  const { stats } = await filled()
  const [a, b] = modelRows(stats, { now: NOON, most: 52 }).sort((one, other) => (one.model < other.model ? -1 : 1))
  expect(a!.course).toEqual([0, 0, 0, 0, 0, 1, 0.5])
  expect(b!.course).toEqual([1, 0, 0, 0, 0, 0, 0])
  expect(modelRows(stats, { now: NOON, most: 4 }).find(({ model }) => model === "p/a")!.course).toEqual([0, 0, 1, 0.5])
  expect(sparkline([0, 0.01, 0.5, 1])).toBe(" ▁▅█")
})

test("facts and days say what there was, and nothing where there was none", async () => {
  const { stats, habits } = await filled()
  expect(Object.fromEntries(usedFacts(stats).map(({ name, value }) => [name, value]))).toMatchObject({
    Cost: "$0.03",
    Tokens: "600",
    Sessions: "1",
    Requests: "3",
    "In the background": "0 % of the tokens",
  })
  expect(Object.fromEntries(habitFacts(stats, habits).map(({ name, value }) => [name, value]))).toMatchObject({
    "Favourite model": "a",
    "Peak hour": "12:00 to 13:00",
    "Active days": "3",
    "Current streak": "2 days",
    "Longest streak": "2 days",
  })
  expect(dayRows(stats).map(({ date, part }) => [date, part])).toEqual([
    ["2026-11-16", 1],
    ["2026-11-21", 1],
    ["2026-11-22", 1],
  ])
  expect([percent(0), percent(0.001), percent(0.999), percent(1)]).toEqual(["0 %", "1 %", "99 %", "100 %"])
  expect([nextRange("7d"), nextRange("30d"), nextRange("all")]).toEqual(["30d", "all", "7d"])
})

test("the card has what the screen has, in text and as an image, whatever models are called", async () => {
  const { stats, habits } = await filled()
  const evil = { ...stats, models: stats.models.map((one) => ({ ...one, model: `p/<script>&"\u0000\u001b[31m` })) }
  const card = { title: "the last 7 days", stats: evil, habits, now: NOON }
  expect(cardText(card)).toContain("Current streak      2 days")
  const svg = cardSvg(card)
  expect(svg).toContain("&lt;script&gt;&amp;")
  expect(svg).not.toMatch(/<script|[\u0000-\u0008\u001b]/)
})
