// Sums over the usage ledger for `stats`: by day, by model and in all. One query gives the smallest parts, and every
// figure is a sum of those, so that they add up whichever way they are looked at.
import type { Reader } from "../store/store.ts"
import { LIVE } from "../task/task.ts"

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

export interface Stats {
  /** The first instant that counts; undefined for all. */
  from: number | undefined
  totals: Sums
  /** Local days on which something was asked, `2026-01-31`, oldest first. */
  days: { date: string; sums: Sums }[]
  /** The dearest first. */
  models: { model: string; sums: Sums }[]
  /** Sessions with the user in which something was asked, also by what they started. */
  sessions: number
  messages: number
  /** Messages of the user. */
  prompts: number
  toolCalls: number
  /** The most used first. */
  tools: { name: string; calls: number }[]
}

/** Local days; `all` has no beginning. */
export type StatsDays = number | "all"

export function tokensOf({ input, output, cacheRead, cacheWrite }: Sums): number {
  return input + output + cacheRead + cacheWrite
}

/** `days`: how many local days up to now count, today being one of them. */
export function usageStats(reader: Reader, { now, days }: { now: number; days: StatsDays }): Stats {
  const from = days === "all" ? undefined : dayBefore(now, days - 1)
  const since = { from: from ?? 0 }
  const totals = { ...NOTHING }
  const byDay = new Map<string, Sums>()
  const byModel = new Map<string, Sums>()
  for (const { quarter, provider, model, ...sums } of reader.all<Part>(PARTS, since)) {
    add(totals, sums)
    add(at(byDay, localDay(quarter * QUARTER_MS)), sums)
    add(at(byModel, provider === model ? model : `${provider}/${model}`), sums)
  }
  const tools = reader.all<{ name: string; calls: number }>(TOOLS, since)
  return {
    from,
    totals,
    days: [...byDay].map(([date, sums]) => ({ date, sums })).sort((a, b) => (a.date < b.date ? -1 : 1)),
    models: [...byModel].map(([model, sums]) => ({ model, sums })).sort(byCost),
    ...reader.one<{ sessions: number }>(SESSIONS, since)!,
    ...reader.one<{ messages: number; prompts: number }>(MESSAGES, since)!,
    toolCalls: tools.reduce((sum, { calls }) => sum + calls, 0),
    tools,
  }
}

/**
 * Days are made of quarters of an hour, which is what all time zones' offsets and changes are multiples of. (SQLite's
 * own `localtime` needs the system's time zone files, which a small container does not have.)
 */
const QUARTER_MS = 15 * 60 * 1000

interface Part extends Sums {
  quarter: number
  provider: string
  model: string
}

const TOKENS = "(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens)"
/** What is open has not been used yet. */
const COUNTED = "ledger.state <> 'open' AND ledger.opened_at >= :from"

const PARTS = `
  SELECT ledger.opened_at / ${QUARTER_MS} AS quarter, provider, model, COUNT(*) AS requests, SUM(input_tokens) AS input,
    SUM(output_tokens) AS output, SUM(cache_read_tokens) AS cacheRead, SUM(cache_write_tokens) AS cacheWrite,
    SUM(reasoning_tokens) AS reasoning, SUM(COALESCE(cost_nanos, 0)) AS costNanos,
    SUM(cost_nanos IS NULL AND ${TOKENS} > 0) AS unpriced, SUM(ledger.state = 'estimated') AS estimated,
    SUM(CASE WHEN run.background = 1 AND run.state NOT IN ${LIVE} THEN ${TOKENS} ELSE 0 END) AS background
  FROM ledger LEFT JOIN run ON run.id = ledger.run_id
  WHERE ${COUNTED} GROUP BY quarter, provider, model`

const SESSIONS = `SELECT COUNT(DISTINCT root_id) AS sessions FROM ledger WHERE ${COUNTED}`

const MESSAGES = `
  SELECT COUNT(*) AS messages, COALESCE(SUM(origin = 'human'), 0) AS prompts FROM message WHERE created_at >= :from`

/** By their steps' time, because a call that was refused has none. */
const TOOLS = `
  SELECT name, COUNT(*) AS calls FROM step JOIN tool_call ON tool_call.step_id = step.id
  WHERE step.started_at >= :from GROUP BY name ORDER BY calls DESC, name`

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

export function sumOf(parts: readonly Sums[]): Sums {
  const total = { ...NOTHING }
  for (const part of parts) add(total, part)
  return total
}

function add(to: Sums, more: Sums): void {
  for (const name of Object.keys(to) as (keyof Sums)[]) to[name] += more[name]
}

function at(sums: Map<string, Sums>, key: string): Sums {
  const known = sums.get(key) ?? { ...NOTHING }
  sums.set(key, known)
  return known
}

function byCost(a: { model: string; sums: Sums }, b: { model: string; sums: Sums }): number {
  return b.sums.costNanos - a.sums.costNanos || tokensOf(b.sums) - tokensOf(a.sums) || (a.model < b.model ? -1 : 1)
}

/** `2026-01-31`, in the time zone of the process. */
export function localDay(at: number): string {
  const day = new Date(at)
  const two = (part: number) => String(part).padStart(2, "0")
  return `${String(day.getFullYear()).padStart(4, "0")}-${two(day.getMonth() + 1)}-${two(day.getDate())}`
}

/** The beginning of the local day that is `days` before. */
function dayBefore(now: number, days: number): number {
  const day = new Date(now)
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - days).getTime()
}
