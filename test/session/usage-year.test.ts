// /stats over a generated year of use, against a hand count over the plain list of what happened, in several time zones
// and across their changes of the clocks.
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import type { Habits, Stats } from "../../src/session/stats.ts"
import { temporaryStore } from "../../testing/harness.ts"
import { type Request, storeYear, usageYear } from "./usage-year.ts"

const HOUR = 3_600_000
const NOW = Date.UTC(2026, 10, 1, 12)

interface Counted {
  stats: Stats
  habits: Omit<Habits, "year"> & { year: [string, { requests: number; tokens: number }][] }
}

/** A zone is fixed when a process starts, so each is a process of its own. */
async function countedIn(zone: string, folder: string, days: number | "all"): Promise<Counted> {
  const from = (path: string) => JSON.stringify(join(import.meta.dir, "../../src", path))
  const program = `
    const { usageHabits, usageStats } = await import(${from("session/stats.ts")})
    const { openStore } = await import(${from("store/open.ts")})
    const store = await openStore({ folder: ${JSON.stringify(folder)}, clock: { now: Date.now, monotonic: performance.now } })
    const now = ${NOW}
    const { year, streak } = usageHabits(store, { now })
    console.log(JSON.stringify({ stats: usageStats(store, { now, days: ${JSON.stringify(days)} }), habits: { streak, year: [...year] } }))`
  const child = Bun.spawn([process.execPath, "-e", program], {
    env: { ...process.env, TZ: zone },
    stdout: "pipe",
    stderr: "inherit",
  })
  return JSON.parse(await new Response(child.stdout).text()) as Counted
}

const used = ({ tokens }: Request) => tokens[0] + tokens[1] + tokens[2] + tokens[3]
const sum = <T>(rows: readonly T[], pick: (row: T) => number) => rows.reduce((total, row) => total + pick(row), 0)

describe.each(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])(
  "in %s",
  (zone) => {
    const year = usageYear({ end: NOW })
    const day = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" })
    const dayOf = ({ at }: { at: number }) => day.format(at)
    const hour = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", hourCycle: "h23" })

    test.each([7, 30, "all"] as const)("the figures of %p days are those of a hand count", async (days) => {
      using place = await temporaryStore()
      await storeYear(place.store, year)
      const { stats } = await countedIn(zone, place.folder, days)
      // Noon is far enough from any change of the clocks to count whole days back from it.
      const first = days === "all" ? "" : day.format(NOW - (days - 1) * 24 * HOUR)
      const within = <T extends { at: number }>(rows: readonly T[]) => rows.filter((row) => dayOf(row) >= first)
      const requests = within(year.requests)
      const said = within(year.said)
      const dates = [...new Set([...requests.map(dayOf), ...said.map(dayOf)])].sort()
      expect(
        stats.days.map(({ date, sums, sessions, messages, prompts }) => ({
          date,
          requests: sums.requests,
          cost: sums.costNanos,
          background: sums.background,
          sessions,
          messages,
          prompts,
        })),
      ).toEqual(
        dates.map((date) => {
          const asked = requests.filter((row) => dayOf(row) === date)
          const heard = said.filter((row) => dayOf(row) === date)
          return {
            date,
            requests: asked.length,
            cost: sum(asked, ({ cost }) => cost ?? 0),
            background: sum(asked, (row) => (row.background ? used(row) : 0)),
            sessions: new Set(asked.map(({ root }) => root)).size,
            messages: heard.length,
            prompts: heard.filter(({ by }) => by === "human").length,
          }
        }),
      )
      expect(stats.sessions).toBe(new Set(requests.map(({ root }) => root)).size)
      expect(stats.messages).toBe(said.length)
      expect(stats.toolCalls).toBe(within(year.calls).length)
      const byHour = Array.from(
        { length: 24 },
        (_, at) => requests.filter((row) => Number(hour.format(row.at)) === at).length,
      )
      expect(stats.hours).toEqual(byHour)
      // Each cross-section adds up to the same total.
      const total = sum(requests, ({ cost }) => cost ?? 0)
      for (const parts of [stats.days, stats.models, stats.days.flatMap(({ models }) => models)])
        expect(sum<{ sums: { costNanos: number } }>(parts, ({ sums }) => sums.costNanos)).toBe(total)
      expect(stats.totals.costNanos).toBe(total)
    })

    test("streaks, the year and the longest session are those of a hand count", async () => {
      using place = await temporaryStore()
      await storeYear(place.store, year)
      const { stats, habits } = await countedIn(zone, place.folder, "all")
      const active = new Set(year.requests.map(dayOf))
      // Through the calendar, day by day, from before the first to today.
      let run = 0
      let longest = 0
      let current = 0
      for (let noon = NOW - 380 * 24 * HOUR; noon <= NOW; noon += 24 * HOUR) {
        run = active.has(day.format(noon)) ? run + 1 : 0
        longest = Math.max(longest, run)
        // What ended yesterday still counts.
        if (noon >= NOW - 24 * HOUR && run > 0) current = run
      }
      expect(habits.streak).toEqual({ current, longest })
      expect(longest).toBeGreaterThan(2)
      expect(sum(habits.year, ([, { requests }]) => requests)).toBe(year.requests.length)
      for (const [date, { tokens }] of habits.year)
        expect(tokens).toBe(
          sum(
            year.requests.filter((row) => dayOf(row) === date),
            used,
          ),
        )
      expect(stats.longest?.ms).toBe(longestByHand(year.requests))
    })
  },
)

function longestByHand(requests: readonly Request[]): number {
  let longest = 0
  for (const root of new Set(requests.map((row) => row.root))) {
    const own = requests.filter((row) => row.root === root).sort((a, b) => a.at - b.at)
    let from = own[0]!.at
    let to = from
    for (const { at, end, state } of own) {
      if (at - to > HOUR) from = at
      to = Math.max(to, at, state === "closed" ? end : at)
      longest = Math.max(longest, to - from)
    }
  }
  return longest
}
