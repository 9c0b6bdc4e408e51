// `meanwhile stats`: what was used, and what it cost. Sums over the ledger (src/session/stats.ts), as JSON or to read.
import { systemClock } from "../base/clock.ts"
import { Exit, type ExitCode } from "../base/error.ts"
import { oneLine, plural, tokens } from "../base/text.ts"
import { openData } from "../program.ts"
import { isTerminal, writeOut } from "../runtime/standard.ts"
import {
  backgroundShare,
  favouriteModel,
  type Habits,
  localDay,
  peakHour,
  type Stats,
  type Sums,
  sumOf,
  tokensOf,
  usageHabits,
  usageStats,
} from "../session/stats.ts"
import { costText, costTexts } from "../ui/view/money.ts"
import { bar, percent, RANGE_DAYS, RANGE_WORDS, statsNotes, weightOf } from "../ui/view/stats.ts"
import type { Command, StatsRange } from "./command.ts"
import { type Column, fitted, table } from "./table.ts"

export async function statsCommand({ json, range }: Extract<Command, { type: "stats" }>): Promise<ExitCode> {
  const { store } = await openData(process.env)
  try {
    const now = systemClock.now()
    const stats = usageStats(store, { now, days: RANGE_DAYS[range] })
    const style = isTerminal(1) && !process.env.NO_COLOR ? coloured : plain
    await writeOut(
      json
        ? `${JSON.stringify(asJson(stats, { range, now, habits: usageHabits(store, { now }) }))}\n`
        : statsText(stats, { range, now, style }),
    )
    return Exit.done
  } finally {
    store.close()
  }
}

/** Documented in docs/headless.md. */
function asJson(stats: Stats, { range, now, habits }: { range: StatsRange; now: number; habits: Habits }) {
  const { longest } = stats
  return {
    range,
    from: stats.from === undefined ? null : localDay(stats.from),
    to: localDay(now),
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...sumsJson(stats.totals),
    background_tokens: stats.totals.background,
    background_share: backgroundShare(stats.totals) ?? null,
    sessions: stats.sessions,
    messages: stats.messages,
    prompts: stats.prompts,
    tool_calls: stats.toolCalls,
    days: stats.days.map(({ date, sums, models, sessions, messages, prompts }) => ({
      date,
      ...sumsJson(sums),
      sessions,
      messages,
      prompts,
      models: models.map((one) => ({ model: one.model, ...sumsJson(one.sums) })),
    })),
    models: stats.models.map(({ model, sums }) => ({ model, ...sumsJson(sums) })),
    tools: stats.tools,
    hours: stats.hours,
    peak_hour: peakHour(stats) ?? null,
    favourite_model: favouriteModel(stats) ?? null,
    longest_session: longest
      ? { session_id: longest.sessionId, started_at: longest.startedAt, duration_ms: longest.ms }
      : null,
    current_streak_days: habits.streak.current,
    longest_streak_days: habits.streak.longest,
  }
}

function sumsJson(sums: Sums) {
  return {
    requests: sums.requests,
    input_tokens: sums.input,
    output_tokens: sums.output,
    cache_read_input_tokens: sums.cacheRead,
    cache_creation_input_tokens: sums.cacheWrite,
    reasoning_tokens: sums.reasoning,
    total_tokens: tokensOf(sums),
    cost_usd: sums.unpriced > 0 ? null : sums.costNanos / 1e9,
    known_cost_usd: sums.costNanos / 1e9,
    unpriced_requests: sums.unpriced,
    estimated_requests: sums.estimated,
  }
}

interface Style {
  title(text: string): string
  bar(text: string): string
}

const plain: Style = { title: (text) => text, bar: (text) => text }
const coloured: Style = { title: (text) => `\x1b[1m${text}\x1b[0m`, bar: (text) => `\x1b[36m${text}\x1b[0m` }

/** As many days as fit on a screen; what came before them is one line. */
const MOST_DAYS = 31
const MOST_TOOLS = 8
const WIDTH = 80
const LONGEST_MODEL = 36

/** At most 80 columns wide. */
export function statsText(
  stats: Stats,
  { range, now, style }: { range: StatsRange; now: number; style: Style },
): string {
  const { totals } = stats
  const span = stats.from === undefined ? "" : ` (${localDay(stats.from)} to ${localDay(now)})`
  const title = style.title(`Usage of ${RANGE_WORDS[range]}${span}`)
  if (totals.requests === 0) return `${title}\n\nNothing was asked of a model.\n`
  const parts = [
    `${title}\n\n${overview(stats, style)}`,
    section(style, dayTable(stats, style)),
    section(style, modelTable(stats)),
    ...notes(totals),
  ]
  return parts.join("\n")
}

function overview(stats: Stats, style: Style): string {
  const { totals } = stats
  const kinds = [
    `input ${tokens(totals.input)}`,
    `output ${tokens(totals.output)}`,
    `cache read ${tokens(totals.cacheRead)}`,
    `cache write ${tokens(totals.cacheWrite)}`,
  ]
  const work = [plural(stats.sessions, "session"), plural(stats.prompts, "prompt"), plural(stats.messages, "message")]
  const tools = stats.tools.slice(0, MOST_TOOLS).map(({ name, calls }) => `${name} ${calls}`)
  const background = backgroundShare(totals)
  const lines = [
    ["Cost", `${costText(totals)} for ${plural(totals.requests, "request")}`],
    ["Tokens", `${tokens(tokensOf(totals))}: ${kinds.join(", ")}`],
    ["Work", `${work.join(", ")}, ${plural(stats.toolCalls, "tool call")}`],
    ...(background ? [["", `${percent(background)} of the tokens were used in the background`]] : []),
    ...(tools.length > 0 ? [["Tools", tools.join(", ")]] : []),
  ] as const
  return `${lines.map(([name, text]) => `${style.title(name!.padEnd(8))}${oneLine(text!, 72)}`).join("\n")}\n`
}

const BAR = 28

function dayTable({ days, totals }: Stats, style: Style): string {
  const older = days.slice(0, -MOST_DAYS)
  const shown = days.slice(-MOST_DAYS)
  const weight = weightOf(totals)
  const most = Math.max(1, ...shown.map(({ sums }) => weight(sums)))
  const columns: Column[] = [
    { title: "DAY" },
    { title: "COST", right: true },
    { title: "TOKENS", right: true },
    { title: "REQUESTS", right: true },
    { title: "" },
  ]
  const before = sumOf(older.map(({ sums }) => sums))
  const [costBefore = "", ...costs] = costTexts([before, ...shown.map(({ sums }) => sums)])
  const cells = shown.map(({ date, sums }, at) => [date, costs[at]!, ...amounts(sums), bar(weight(sums) / most, BAR)])
  if (older.length > 0) cells.unshift([`${plural(older.length, "day")} before`, costBefore, ...amounts(before), ""])
  return table(columns, cells, WIDTH).replace(/█+|▏/g, style.bar)
}

function modelTable({ models }: Stats): string {
  const columns: Column[] = [
    { title: "MODEL" },
    { title: "COST", right: true },
    { title: "TOKENS", right: true },
    { title: "REQUESTS", right: true },
  ]
  const costs = costTexts(models.map(({ sums }) => sums))
  return table(
    columns,
    models.map(({ model, sums }, at) => [fitted(model, LONGEST_MODEL), costs[at]!, ...amounts(sums)]),
  )
}

function amounts(sums: Sums): [string, string] {
  return [tokens(tokensOf(sums)), String(sums.requests)]
}

function notes(totals: Sums): string[] {
  const lines = statsNotes(totals)
  return lines.length > 0 ? [`${lines.join("\n")}\n`] : []
}

/** Its first line is its title. */
function section(style: Style, text: string): string {
  return text.replace(/^.*/, style.title)
}
