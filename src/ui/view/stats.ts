// Usage statistics as they are shown: the same facts, rows and words in the terminal interface, on the shared card and in
// `meanwhile stats`. Pure: from the sums (session/stats.ts) to texts and levels.
import { stripControl } from "../../base/escape.ts"
import { duration, plural, tokens } from "../../base/text.ts"
import {
  backgroundShare,
  dayAfter,
  favouriteModel,
  type Habits,
  localDay,
  type ModelStats,
  peakHour,
  type Stats,
  type StatsDays,
  type Sums,
  tokensOf,
} from "../../session/stats.ts"
import { costText, costTexts } from "./money.ts"

export const statsRanges = ["7d", "30d", "all"] as const
export type StatsRange = (typeof statsRanges)[number]

export const RANGE_DAYS: Readonly<Record<StatsRange, StatsDays>> = { "7d": 7, "30d": 30, all: "all" }
export const RANGE_WORDS: Readonly<Record<StatsRange, string>> = {
  "7d": "the last 7 days",
  "30d": "the last 30 days",
  all: "all time",
}

export function nextRange(range: StatsRange): StatsRange {
  return statsRanges[(statsRanges.indexOf(range) + 1) % statsRanges.length]!
}

export interface Fact {
  name: string
  value: string
}

/** What was used in the span. */
export function usedFacts(stats: Stats): Fact[] {
  const { totals } = stats
  const background = backgroundShare(totals)
  return [
    { name: "Cost", value: costText(totals) },
    { name: "Tokens", value: tokens(tokensOf(totals)) },
    { name: "Sessions", value: count(stats.sessions) },
    { name: "Messages", value: `${count(stats.messages)}, ${count(stats.prompts)} yours` },
    { name: "Requests", value: count(totals.requests) },
    { name: "Tool calls", value: count(stats.toolCalls) },
    { name: "In the background", value: background === undefined ? "–" : `${percent(background)} of the tokens` },
  ]
}

/** How it was worked. */
export function habitFacts(stats: Stats, { streak }: Habits): Fact[] {
  const hour = peakHour(stats)
  const { longest } = stats
  return [
    { name: "Favourite model", value: bareModel(favouriteModel(stats)) },
    { name: "Longest session", value: longest ? `${duration(longest.ms)}, ${localDay(longest.startedAt)}` : "–" },
    { name: "Peak hour", value: hour === undefined ? "–" : `${two(hour)}:00 to ${two((hour + 1) % 24)}:00` },
    { name: "Active days", value: count(stats.days.filter(({ sums }) => sums.requests > 0).length) },
    { name: "Current streak", value: plural(streak.current, "day") },
    { name: "Longest streak", value: plural(streak.longest, "day") },
  ]
}

/** Without the provider, which is clear to who uses it. */
function bareModel(model: string | undefined): string {
  return model === undefined ? "–" : stripControl(model.replace(/^[^/]+\//, ""))
}

export interface DayRow {
  date: string
  sessions: string
  messages: string
  tokens: string
  cost: string
  /** 0 to 1, of the day on which most was used. */
  part: number
}

/** The days of the span, oldest first; their costs add up to the total as it is shown. */
export function dayRows({ days, totals }: Stats): DayRow[] {
  const costs = costTexts(days.map(({ sums }) => sums))
  const weigh = weightOf(totals)
  const most = Math.max(1, ...days.map(({ sums }) => weigh(sums)))
  return days.map(({ date, sums, sessions, messages }, at) => ({
    date,
    sessions: count(sessions),
    messages: count(messages),
    tokens: tokens(tokensOf(sums)),
    cost: costs[at]!,
    part: weigh(sums) / most,
  }))
}

/** What costs nothing is compared by its tokens, and what has none (the scout) by its requests. */
export function weightOf(totals: Sums): (sums: Sums) => number {
  return totals.costNanos > 0 ? (sums) => sums.costNanos : useOf(totals)
}

function useOf(totals: Sums): (sums: Sums) => number {
  return tokensOf(totals) > 0 ? tokensOf : (sums) => sums.requests
}

export interface ModelRow {
  model: string
  cost: string
  requests: string
  tokens: string
  /** "1.2M in, 300k out, cache 9.4M read, 200k written". */
  kinds: string
  /** 0 to 1, of all models together. */
  part: number
  share: string
  /** 0 to 1, of the time on which it was used most: by day, or by week where there are too many days. */
  course: readonly number[]
}

/** The dearest first; their costs add up to the total as it is shown. */
export function modelRows(stats: Stats, { now, most }: { now: number; most: number }): ModelRow[] {
  const costs = costTexts(stats.models.map(({ sums }) => sums))
  const weigh = weightOf(stats.totals)
  const all = Math.max(1, weigh(stats.totals))
  return stats.models.map(({ model, sums }, at) => ({
    model,
    cost: costs[at]!,
    requests: plural(sums.requests, "request"),
    tokens: tokens(tokensOf(sums)),
    kinds: tokenKinds(sums),
    part: weigh(sums) / all,
    share: percent(weigh(sums) / all),
    course: courseOf(stats, { model, now, most }),
  }))
}

export function tokenKinds(sums: Sums): string {
  const cache = [
    ...(sums.cacheRead > 0 ? [`${tokens(sums.cacheRead)} read`] : []),
    ...(sums.cacheWrite > 0 ? [`${tokens(sums.cacheWrite)} written`] : []),
  ]
  const kinds = [`${tokens(sums.input)} in`, `${tokens(sums.output)} out`]
  return [...kinds, ...(cache.length > 0 ? [`cache ${cache.join(", ")}`] : [])].join(", ")
}

/** How a model's use went over the span's days, the ones without use too; in at most so many steps. */
function courseOf(stats: Stats, { model, now, most }: { model: string; now: number; most: number }): number[] {
  const first = stats.from === undefined ? stats.days[0]?.date : localDay(stats.from)
  if (first === undefined) return []
  const today = localDay(now)
  const last = stats.days.at(-1)!.date > today ? stats.days.at(-1)!.date : today
  const span = daysBetween(first, last) + 1
  const days = Math.max(1, Math.ceil(span / most))
  const use = useOf(stats.totals)
  const steps = new Array<number>(Math.ceil(span / days)).fill(0)
  for (const day of stats.days) {
    const used = day.models.find((one: ModelStats) => one.model === model)
    if (used) steps[Math.floor(daysBetween(first, day.date) / days)]! += use(used.sums)
  }
  const top = Math.max(1, ...steps)
  return steps.map((used) => used / top)
}

function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000)
}

export interface HeatMap {
  /** Oldest first; each with its seven days from Monday on, 0 to 4; undefined: not in the year. */
  weeks: readonly (readonly (HeatLevel | undefined)[])[]
  /** Where a month begins: its week, and its name. */
  months: readonly { week: number; name: string }[]
}

export type HeatLevel = 0 | 1 | 2 | 3 | 4

/** So many weeks, the present one last: a year. */
export const HEAT_WEEKS = 53

/** A day's level says in which quarter it is of the days on which something was used: 4 of the busiest. */
export function heatMap({ year }: Pick<Habits, "year">, { now }: { now: number }): HeatMap {
  const today = localDay(now)
  const monday = dayAfter(today, -((new Date(`${today}T00:00:00Z`).getUTCDay() + 6) % 7))
  const first = dayAfter(monday, -7 * (HEAT_WEEKS - 1))
  const dates = Array.from({ length: HEAT_WEEKS * 7 }, (_, day) => dayAfter(first, day))
  const shown = dates.filter((date) => date <= today)
  const hasTokens = shown.some((date) => (year.get(date)?.tokens ?? 0) > 0)
  const use = (date: string) => (hasTokens ? year.get(date)?.tokens : year.get(date)?.requests) ?? 0
  const used = shown.flatMap((date) => use(date) || []).sort((a, b) => a - b)
  const levelOf = (date: string): HeatLevel => {
    if (!year.has(date)) return 0
    // Days on which requests used nothing count as days of little use.
    const rank = used.findLastIndex((other) => other <= use(date)) + 1
    return LEVELS[Math.max(0, Math.ceil((4 * rank) / Math.max(1, used.length)) - 1)]!
  }
  const weeks = Array.from({ length: HEAT_WEEKS }, (_, week) =>
    dates.slice(week * 7, week * 7 + 7).map((date) => (date > today ? undefined : levelOf(date))),
  )
  const months = dates.flatMap((date, day) =>
    date.endsWith("-01") && date <= today
      ? [{ week: Math.floor(day / 7), name: MONTHS[Number(date.slice(5, 7)) - 1]! }]
      : [],
  )
  return { weeks, months }
}

const LEVELS: readonly HeatLevel[] = [1, 2, 3, 4]
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

/** What the marks in the figures mean, where there are any. */
export function statsNotes({ unpriced, estimated }: Sums): string[] {
  return [
    ...(estimated > 0 ? [`≈ ${plural(estimated, "request")} ended early: what they used is estimated.`] : []),
    ...(unpriced > 0 ? [`? The price of ${plural(unpriced, "request")} is not known.`] : []),
  ]
}

const BARS = "▁▂▃▄▅▆▇█"

/** One column for each step; what is nothing is blank. */
export function sparkline(course: readonly number[]): string {
  return course
    .map((part) => (part <= 0 ? " " : BARS[Math.min(BARS.length - 1, Math.floor(part * BARS.length))]!))
    .join("")
}

/** As wide as the part is of `width`; whatever is used at all is seen. */
export function bar(part: number, width: number): string {
  return part <= 0 ? "" : "█".repeat(Math.round(part * width)) || "▏"
}

export function percent(part: number): string {
  const rounded = Math.round(part * 100)
  // Nearly all is not all, and a little is not nothing.
  return `${rounded === 100 && part < 1 ? 99 : rounded === 0 && part > 0 ? 1 : rounded} %`
}

/** 12,345. */
function count(number: number): string {
  return plural(number, "", "").trim()
}

function two(part: number): string {
  return String(part).padStart(2, "0")
}
