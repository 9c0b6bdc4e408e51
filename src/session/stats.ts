// What was used, for `/stats` and `meanwhile stats`: by local day, by model, and in all. Everything is read from the sums
// that are kept over the usage ledger (store/usage-sums.ts), and every figure is a sum of the same smallest parts, so that
// they add up whichever way they are looked at.
import type { Reader } from "../store/store.ts"
import { QUARTER_MS } from "../store/usage-sums.ts"

/** Tokens as the provider counts them, money in nano-dollars. */
export interface Sums {
  requests: number
  input: number
  output: number
  cacheRead: number
  cacheWrite: number
  /** Part of `output`. */
  reasoning: number
  /** Of those requests whose price is known. */
  costNanos: number
  /** Requests that used tokens and whose price nobody knows: with one of them the cost is not known. */
  unpriced: number
  /** Requests of which the provider didn't say what they used: with one of them the figures are our best guess. */
  estimated: number
  /** Tokens of runs that ended in the background. */
  background: number
}

export interface DayStats {
  /** `2026-01-31`. */
  date: string
  sums: Sums
  /** The dearest first. */
  models: ModelStats[]
  /** Sessions with the user in which something was asked, also by what they started. */
  sessions: number
  messages: number
  /** Messages of the user. */
  prompts: number
}

export interface ModelStats {
  /** `provider/model`. */
  model: string
  sums: Sums
}

export interface Stats {
  /** The first instant that counts; undefined for all. */
  from: number | undefined
  totals: Sums
  /** Local days on which something was asked or said, oldest first. */
  days: DayStats[]
  /** The dearest first. */
  models: ModelStats[]
  sessions: number
  messages: number
  prompts: number
  toolCalls: number
  /** The most used first. */
  tools: { name: string; calls: number }[]
  /** Requests by the hour of the local day: 24 of them. */
  hours: number[]
  /** The longest work on one session without a break of more than an hour, within the span. */
  longest: LongestSession | undefined
}

export interface LongestSession {
  sessionId: string
  startedAt: number
  ms: number
}

/** What doesn't depend on the span that is looked at. */
export interface Habits {
  /** Local days with requests, by date, over a year and a little more. */
  year: ReadonlyMap<string, { requests: number; tokens: number }>
  /** Days in a row on which something was asked. The current one ends today or yesterday. */
  streak: { current: number; longest: number }
}

/** Local days; `all` has no beginning. */
export type StatsDays = number | "all"

export function tokensOf({ input, output, cacheRead, cacheWrite }: Sums): number {
  return input + output + cacheRead + cacheWrite
}

/** The model that most tokens went through; where none counts them, that was asked most. */
export function favouriteModel({ models }: Pick<Stats, "models">): string | undefined {
  const byUse = (a: ModelStats, b: ModelStats) =>
    tokensOf(b.sums) - tokensOf(a.sums) || b.sums.requests - a.sums.requests
  return models.toSorted(byUse)[0]?.model
}

/** The hour of the day, 0 to 23, in which most was asked. */
export function peakHour({ hours }: Pick<Stats, "hours">): number | undefined {
  const most = Math.max(...hours)
  return most > 0 ? hours.indexOf(most) : undefined
}

/** The part of the tokens that was used in the background, 0 to 1; undefined when none were used. */
export function backgroundShare(sums: Sums): number | undefined {
  const all = tokensOf(sums)
  return all === 0 ? undefined : sums.background / all
}

/** `days`: how many local days up to now count, today being one of them. */
export function usageStats(reader: Reader, { now, days }: { now: number; days: StatsDays }): Stats {
  const from = days === "all" ? undefined : daysBefore(now, days - 1)
  const since = { from: Math.floor((from ?? 0) / QUARTER_MS) }
  const local = new LocalTime()
  const found = new Map<string, DayParts>()
  const hours = new Array<number>(24).fill(0)
  for (const part of reader.all<Part>(PARTS, since)) {
    const { quarter, provider, model } = part
    const day = dayOf(found, local.day(quarter))
    add(at(day.models, provider === model ? model : `${provider}/${model}`), part)
    hours[local.hour(quarter)]! += part.requests
  }
  for (const { quarter, name, count } of reader.all<Work>(MESSAGES, since)) {
    const day = dayOf(found, local.day(quarter))
    day.messages += count
    if (name === "human") day.prompts += count
  }
  const spans = reader.all<Span>(SPANS, since)
  for (const { rootId, quarter } of spans) dayOf(found, local.day(quarter)).roots.add(rootId)
  const dayStats = [...found].map(asDay).sort((a, b) => (a.date < b.date ? -1 : 1))
  const byModel = new Map<string, Sums>()
  for (const { models } of dayStats) for (const { model, sums } of models) add(at(byModel, model), sums)
  const tools = reader.all<{ name: string; calls: number }>(TOOLS, since)
  return {
    from,
    totals: sumOf(dayStats.map(({ sums }) => sums)),
    days: dayStats,
    models: listed(byModel),
    sessions: new Set(spans.map(({ rootId }) => rootId)).size,
    messages: dayStats.reduce((sum, { messages }) => sum + messages, 0),
    prompts: dayStats.reduce((sum, { prompts }) => sum + prompts, 0),
    toolCalls: tools.reduce((sum, { calls }) => sum + calls, 0),
    tools,
    hours,
    longest: longestOf(spans),
  }
}

export function usageHabits(reader: Reader, { now }: { now: number }): Habits {
  const local = new LocalTime()
  const year = new Map<string, { requests: number; tokens: number }>()
  const active: string[] = []
  const begin = localDay(daysBefore(now, YEAR_DAYS))
  for (const { quarter, requests, tokens } of reader.all<Active>(ACTIVE)) {
    const date = local.day(quarter)
    if (active.at(-1) !== date) active.push(date)
    if (date < begin) continue
    const day = year.get(date)
    if (day) {
      day.requests += requests
      day.tokens += tokens
    } else year.set(date, { requests, tokens })
  }
  return { year, streak: streaks([...new Set(active)], now) }
}

/** A year, and what makes whole weeks of it. */
const YEAR_DAYS = 371

interface Part extends Sums {
  quarter: number
  provider: string
  model: string
}

interface Work {
  quarter: number
  name: string
  count: number
}

interface Span {
  rootId: string
  quarter: number
  firstAt: number
  lastAt: number
}

interface Active {
  quarter: number
  requests: number
  tokens: number
}

const PARTS = `
  SELECT quarter, provider, model, requests, input_tokens AS input, output_tokens AS output,
    cache_read_tokens AS cacheRead, cache_write_tokens AS cacheWrite, reasoning_tokens AS reasoning,
    cost_nanos AS costNanos, unpriced, estimated, background_tokens AS background
  FROM usage_sum WHERE quarter >= :from ORDER BY quarter`

const MESSAGES = `
  SELECT quarter, name, count FROM work_sum WHERE quarter >= :from AND what = 'message' ORDER BY quarter`

const SPANS = `
  SELECT root_id AS rootId, quarter, first_at AS firstAt, last_at AS lastAt
  FROM session_sum WHERE quarter >= :from ORDER BY root_id, quarter`

const TOOLS = `
  SELECT name, SUM(count) AS calls FROM work_sum WHERE quarter >= :from AND what = 'tool'
  GROUP BY name ORDER BY calls DESC, name`

const ACTIVE = `
  SELECT quarter, SUM(requests) AS requests,
    SUM(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens) AS tokens
  FROM usage_sum GROUP BY quarter ORDER BY quarter`

/** What a day is made of, while it is put together. */
interface DayParts {
  models: Map<string, Sums>
  roots: Set<string>
  messages: number
  prompts: number
}

function dayOf(days: Map<string, DayParts>, date: string): DayParts {
  const known = days.get(date)
  if (known) return known
  const day: DayParts = { models: new Map(), roots: new Set(), messages: 0, prompts: 0 }
  days.set(date, day)
  return day
}

function asDay([date, { models, roots, messages, prompts }]: [string, DayParts]): DayStats {
  return { date, sums: sumOf(models.values()), models: listed(models), sessions: roots.size, messages, prompts }
}

function listed(models: ReadonlyMap<string, Sums>): ModelStats[] {
  return [...models].map(([model, sums]) => ({ model, sums })).sort(byCost)
}

const BREAK_MS = 3_600_000

/** `spans` are ordered by session, then by time. */
function longestOf(spans: readonly Span[]): LongestSession | undefined {
  let longest: LongestSession | undefined
  let stretch: { rootId: string; from: number; to: number } | undefined
  for (const { rootId, firstAt, lastAt } of spans) {
    const goesOn = stretch?.rootId === rootId && firstAt - stretch.to <= BREAK_MS
    stretch =
      goesOn && stretch ? { ...stretch, to: Math.max(stretch.to, lastAt) } : { rootId, from: firstAt, to: lastAt }
    const ms = stretch.to - stretch.from
    if (!longest || ms > longest.ms) longest = { sessionId: rootId, startedAt: stretch.from, ms }
  }
  return longest
}

/** `dates` in any order, each once. */
function streaks(dates: readonly string[], now: number): Habits["streak"] {
  const all = new Set(dates)
  let longest = 0
  for (const date of all) {
    if (all.has(dayAfter(date, -1))) continue
    let length = 1
    while (all.has(dayAfter(date, length))) length++
    longest = Math.max(longest, length)
  }
  const today = localDay(now)
  let end = all.has(today) ? 0 : -1
  const last = end
  while (all.has(dayAfter(today, end))) end--
  return { current: last - end, longest }
}

/** Of the calendar, so no change of the clocks comes in between. */
export function dayAfter(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

const NOTHING: Sums = {
  requests: 0,
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  reasoning: 0,
  costNanos: 0,
  unpriced: 0,
  estimated: 0,
  background: 0,
}

export function sumOf(parts: Iterable<Sums>): Sums {
  const total = { ...NOTHING }
  for (const part of parts) add(total, part)
  return total
}

function add(to: Sums, more: Sums): void {
  to.requests += more.requests
  to.input += more.input
  to.output += more.output
  to.cacheRead += more.cacheRead
  to.cacheWrite += more.cacheWrite
  to.reasoning += more.reasoning
  to.costNanos += more.costNanos
  to.unpriced += more.unpriced
  to.estimated += more.estimated
  to.background += more.background
}

function at(sums: Map<string, Sums>, key: string): Sums {
  const known = sums.get(key)
  if (known) return known
  const fresh = { ...NOTHING }
  sums.set(key, fresh)
  return fresh
}

function byCost(a: ModelStats, b: ModelStats): number {
  return b.sums.costNanos - a.sums.costNanos || tokensOf(b.sums) - tokensOf(a.sums) || (a.model < b.model ? -1 : 1)
}

/**
 * Day and hour of a quarter of an hour in the time zone of the process. (SQLite's own `localtime` needs the system's
 * time zone files, which a small container does not have.) Quick where one day's quarters come after one another.
 */
class LocalTime {
  #date = ""
  #from = 0
  #to = 0
  #quarter = -1
  #hour = 0

  day(quarter: number): string {
    if (quarter >= this.#from && quarter < this.#to) return this.#date
    const at = quarter * QUARTER_MS
    this.#date = localDay(at)
    this.#from = daysBefore(at, 0) / QUARTER_MS
    this.#to = daysBefore(at, -1) / QUARTER_MS
    return this.#date
  }

  hour(quarter: number): number {
    if (quarter !== this.#quarter) {
      this.#quarter = quarter
      this.#hour = new Date(quarter * QUARTER_MS).getHours()
    }
    return this.#hour
  }
}

/** `2026-01-31`, in the time zone of the process. */
export function localDay(at: number): string {
  const day = new Date(at)
  const two = (part: number) => String(part).padStart(2, "0")
  return `${String(day.getFullYear()).padStart(4, "0")}-${two(day.getMonth() + 1)}-${two(day.getDate())}`
}

/** The beginning of the local day that is `days` before. */
export function daysBefore(now: number, days: number): number {
  const day = new Date(now)
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - days).getTime()
}
