// A database as years of use leave it: sessions with their turns, messages, forks and what they used, and one long one.
import { insertRow, type Store, type Tx } from "../../src/store/store.ts"
import { seedSession } from "../../testing/seed.ts"

export interface Years {
  sessions: number
  /** In all, evenly. */
  messages: number
  /** Of the one long session, besides. */
  long: number
  /** The newest session was used then. */
  now: number
  project: string
}

export const LONG_ID = "10000000-0000-4000-8000-000000000000"
/** Every so many sessions is a fork of the one before; every so many is of another project. */
const FORKED = 20
const ELSEWHERE = 4
const MINUTE_MS = 60_000
const ROWS_AT_ONCE = 2000

export async function fill(store: Store, years: Years): Promise<void> {
  const words = new Words()
  const each = Math.max(2, Math.round(years.messages / years.sessions))
  let jobs: ((tx: Tx) => void)[] = []
  const flush = async () => {
    const now = jobs
    jobs = []
    await store.write((tx) => {
      for (const job of now) job(tx)
    })
  }
  for (let n = 0; n < years.sessions; n++) {
    const id = `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`
    jobs.push((tx) => session(tx, { id, n, years, words }))
    const usedAt = years.now - (years.sessions - n) * MINUTE_MS
    for (let seq = 1; seq <= each; seq++) jobs.push((tx) => message(tx, { id, seq, usedAt, words }))
    if (jobs.length >= ROWS_AT_ONCE) await flush()
  }
  await flush()
  const long = { id: LONG_ID, n: years.sessions, years, words }
  await store.write((tx) => session(tx, long))
  for (let seq = 1; seq <= years.long; seq++) {
    jobs.push((tx) => message(tx, { id: LONG_ID, seq, usedAt: years.now, words }))
    if (jobs.length >= ROWS_AT_ONCE) await flush()
  }
  await flush()
}

function session(tx: Tx, { id, n, years, words }: { id: string; n: number; years: Years; words: Words }): void {
  const usedAt = years.now - (years.sessions - n) * MINUTE_MS
  const isFork = n % FORKED === FORKED - 1
  const origin = `${String(n - 1).padStart(8, "0")}-0000-4000-8000-000000000000`
  seedSession(tx, {
    id,
    project: n % ELSEWHERE === ELSEWHERE - 1 && !isFork ? "/elsewhere" : years.project,
    cwd: years.project,
    name: n % 3 === 0 ? `${words.some(3)} ${n}` : null,
    title: words.some(6),
    // Of the size that a real one has: what a list reads stands behind it.
    system: "You are an agent. ".repeat(600),
    model: "anthropic/claude-sonnet-5-5",
    created_at: usedAt - 30 * MINUTE_MS,
    updated_at: usedAt,
    branch: "main",
    ...(isFork && { forked_from: origin, fork_seq: 2 }),
  })
}

function message(tx: Tx, { id, seq, usedAt, words }: { id: string; seq: number; usedAt: number; words: Words }): void {
  const isPrompt = seq % 10 === 1
  const turn = `${id}:${Math.ceil(seq / 10)}`
  if (isPrompt) insertRow(tx, "turn", { id: turn, session_id: id, state: "done", cause: "human", started_at: usedAt })
  insertRow(tx, "message", {
    id: `${id}:m${seq}`,
    session_id: id,
    seq,
    role: isPrompt ? "user" : "assistant",
    origin: isPrompt ? "human" : null,
    content: JSON.stringify([{ type: "text", text: words.some(isPrompt ? 25 : 70) }]),
    turn_id: turn,
    created_at: usedAt,
  })
  if (!isPrompt)
    insertRow(tx, "ledger", {
      id: `${id}:l${seq}`,
      root_id: id,
      session_id: id,
      purpose: "turn",
      provider: "anthropic",
      model: "claude-sonnet-5-5",
      state: "closed",
      input_tokens: 1000,
      output_tokens: 100,
      cost_nanos: 1_000_000,
      opened_at: usedAt,
    })
}

/** Words as a language has them: few that are frequent, many that are rare; the same in each run. */
export class Words {
  #seed = 20_260_101
  readonly #all: string[] = []

  constructor(count = 40_000) {
    const letters = "etaoinshrdlucmfwygpb"
    for (let i = 0; i < count; i++) {
      const length = 2 + Math.floor(this.#next() * 9)
      this.#all.push(Array.from({ length }, () => letters[Math.floor(this.#next() ** 1.5 * letters.length)]).join(""))
    }
  }

  some(count: number): string {
    return Array.from({ length: count }, () => this.#all[Math.floor(this.#all.length ** this.#next()) - 1]).join(" ")
  }

  /** Number 0 is the most frequent one. */
  at(rank: number): string {
    return this.#all[rank]!
  }

  /** A linear congruential generator (C99, 7.20.2.2). */
  #next(): number {
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) & 0x7fffffff
    return this.#seed / 0x80000000
  }
}
