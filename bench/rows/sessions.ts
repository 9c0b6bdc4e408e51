// Years of sessions: how long the list, a search and opening a long one take, and how long one part of bringing the
// search up to date holds whoever types. Smaller when all rows are measured; by name: 10,000 sessions with 500,000
// messages.
import { mkdtempSync, realpathSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { indexMessages } from "../../src/session/search/index-messages.ts"
import { searchMessages, termsOf } from "../../src/session/search/search.ts"
import { openStore } from "../../src/store/open.ts"
import type { Store } from "../../src/store/store.ts"
import { goingOn, grouped, readSessions, sizeOf } from "../../src/ui/view/session-list.ts"
import { openTerminal } from "../../testing/terminal.ts"
import { fill, LONG_ID, Words } from "../many-sessions/fill.ts"
import { type BenchContext, compare, type MeasureRows, median, percentile, type Row } from "../measure.ts"

const isNamed = process.argv.includes("sessions")
const SIZE = isNamed ? { sessions: 10_000, messages: 500_000 } : { sessions: 1000, messages: 20_000 }
const LONG = 20_000
const ROUNDS = 15
const OPENINGS = 7
/** Rows that a screen shows. */
const SHOWN = 40
const LAST_WORDS = "the very last words"

export const rows: MeasureRows = async (context) => {
  const home = mkdtempSync(join(realpathSync(context.folder), "sessions-"))
  const data = join(home, "data")
  const store = await openStore({ folder: data, clock: systemClock })
  try {
    await fill(store, { ...SIZE, long: LONG, now: Date.now(), project: home })
    const parts = await indexed(store)
    const searches = searched(store, home)
    return [
      row("the list with its figures", listed(store, home), 50),
      row("a search, the slowest of its kinds", searches.slowest, 100, searches.note),
      row("one part of the index, p99", [percentile(parts, 0.99)], 20, partsNote(parts)),
      await opened(context, { store, home, data }),
    ]
  } finally {
    store.close()
  }
}

function row(name: string, samples: readonly number[], most: number, note?: string): Row {
  const size = `${SIZE.sessions.toLocaleString("en")} sessions, ${(SIZE.messages + LONG).toLocaleString("en")} messages`
  return {
    name: `${size}: ${name}`,
    unit: "ms",
    floor: 0,
    median: median(samples),
    budget: { most },
    ...(note !== undefined && { note }),
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Milliseconds of each part; each is a transaction, which nobody's keys get through. */
async function indexed(store: Store): Promise<number[]> {
  const took: number[] = []
  const watched: Store = {
    ...store,
    one: (sql, params) => store.one(sql, params),
    all: (sql, params) => store.all(sql, params),
    write: async (change) => {
      const from = { at: performance.now(), used: processorMs() }
      const result = await store.write(change)
      // As far as it was this process's doing and not that of others.
      took.push(Math.min(performance.now() - from.at, processorMs() - from.used))
      return result
    },
  }
  await indexMessages({ store: watched, clock: systemClock })
  return took
}

function partsNote(parts: readonly number[]): string {
  const all = parts.reduce((sum, ms) => sum + ms, 0)
  return `  ${parts.length} parts in ${(all / 1000).toFixed(1)} s: p50 ${percentile(parts, 0.5).toFixed(1)}, p99 ${percentile(parts, 0.99).toFixed(1)}, most ${Math.max(...parts).toFixed(1)} ms; a checkpoint of the log is within some of them`
}

function listed(store: Store, project: string): number[] {
  return times(() => {
    const items = grouped(readSessions(store, { project }))
    goingOn(store)
    for (const { id } of items.slice(0, SHOWN)) sizeOf(store, id)
    if (items.length < SIZE.sessions / 2) throw new Error(`only ${items.length} sessions were listed`)
  })
}

function searched(store: Store, project: string): { slowest: number[]; note: string } {
  const words = new Words()
  const kinds: [string, string, { isTyping?: boolean; project?: string }][] = [
    ["a frequent word", words.at(0), {}],
    ["a frequent word, one project", words.at(0), { project }],
    ["a rare word", words.at(30_000), {}],
    ["three frequent words", `${words.at(0)} ${words.at(1)} ${words.at(2)}`, {}],
    ["a phrase", `"${words.at(0)} ${words.at(1)}"`, {}],
    ["two letters being typed", words.at(0).slice(0, 2), { isTyping: true }],
    ["a word and two letters", `${words.at(1)} ${words.at(0).slice(0, 2)}`, { isTyping: true, project }],
    ["nothing like it", "zzzzqqqq", {}],
  ]
  const all = kinds.map(([name, text, { isTyping, project: within }]) => {
    const terms = termsOf(text, { isTyping: isTyping ?? false })
    const samples = times(() => void searchMessages(store, terms, { project: within }))
    return { name, samples }
  })
  const slowest = all.toSorted((a, b) => median(b.samples) - median(a.samples))[0]!.samples
  return { slowest, note: all.map(({ name, samples }) => `  ${name}: ${median(samples).toFixed(1)} ms`).join("\n") }
}

/** From the program's start to the last words on the screen, in a terminal, by the built executable; beside a short one. */
async function opened(
  { executable }: BenchContext,
  { store, home, data }: { store: Store; home: string; data: string },
): Promise<Row> {
  const short = readSessions(store).find(({ id }) => id !== LONG_ID)!.id
  const content = JSON.stringify([{ type: "text", text: LAST_WORDS }])
  await store.write((tx) =>
    tx.run(
      `UPDATE message SET content = :content
       WHERE id IN (SELECT id FROM message WHERE session_id = :short ORDER BY seq DESC LIMIT 1)
         OR session_id = :long AND seq = :last`,
      { content, short, long: LONG_ID, last: LONG },
    ),
  )
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    LANG: "C.UTF-8",
    MEANWHILE_HOME: data,
    ANTHROPIC_API_KEY: "none",
    ANTHROPIC_BASE_URL: "http://127.0.0.1:9",
  }
  const open = async (id: string) => {
    const command = [executable, "--resume", id]
    await using terminal = await openTerminal({ cwd: home, home: data, env }, { command, columns: 120, rows: 40 })
    await terminal.shows(LAST_WORDS)
    return performance.now() - terminal.startedAt
  }
  return compare({
    name: `opening one of ${LONG.toLocaleString("en")} messages / one of ${Math.round(SIZE.messages / SIZE.sessions)}`,
    unit: "ms",
    budget: { most: 400 },
    rounds: OPENINGS,
    floor: () => open(short),
    subject: () => open(LONG_ID),
  })
}

function times(work: () => void): number[] {
  return Array.from({ length: ROUNDS }, () => {
    const from = performance.now()
    work()
    return performance.now() - from
  })
}
