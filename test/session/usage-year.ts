// A year of use, generated: the same in every run. And the plain list of what happened, for counting by hand.
import type { Store } from "../../src/store/store.ts"
import { seed, seedSession, seedTask } from "../../testing/seed.ts"

export interface Request {
  root: string
  at: number
  end: number
  model: string
  state: "closed" | "estimated" | "open"
  tokens: readonly [input: number, output: number, read: number, write: number]
  cost: number | null
  background: boolean
}

export interface Said {
  root: string
  at: number
  by: "human" | "task" | "assistant"
}

export interface Year {
  requests: Request[]
  said: Said[]
  calls: { at: number; name: string }[]
}

/** The same sequence in every run of a test. */
export function random(seedNumber: number): (below: number) => number {
  let state = seedNumber
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const HOUR = 3_600_000
const DAY = 24 * HOUR
export const MODELS = ["anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-5", "local/qwen3"]

/** Sessions begin on about two days of three, at any hour; some go on over midnight, some are taken up again later. */
export function usageYear({ end, sessions = 240 }: { end: number; sessions?: number }): Year {
  const below = random(7)
  const year: Year = { requests: [], said: [], calls: [] }
  for (let n = 0; n < sessions; n++) {
    const root = `s${n}`
    let at = end - 365 * DAY + Math.floor((n * 365 * DAY) / sessions) + below(14 * HOUR)
    for (let turn = 0; turn < 1 + below(4) && at < end - HOUR; turn++) {
      year.said.push({ root, at, by: below(5) === 0 ? "task" : "human" })
      for (let step = 0; step < 1 + below(3); step++) {
        const took = 1000 + below(90_000)
        const model = MODELS[below(10) < 6 ? 0 : below(3)]!
        const state = (["closed", "closed", "closed", "closed", "closed", "estimated"] as const)[below(6)]!
        const tokens = [below(4000), below(1500), below(40_000), below(3000)] as const
        const cost = model.startsWith("local") ? null : 1_000_000 + below(400_000_000)
        year.requests.push({ root, at, end: at + took, model, state, tokens, cost, background: below(4) === 0 })
        for (const name of ["Read", "Grep", "Bash"].slice(0, below(4))) year.calls.push({ at, name })
        at += took + 5000
        year.said.push({ root, at, by: "assistant" })
      }
      at += below(20) === 0 ? 3 * DAY : below(2 * HOUR)
    }
  }
  return year
}

/** Two tasks for each session: what ran in the background has ended there. */
export async function storeYear(store: Store, { requests, said, calls }: Year): Promise<void> {
  await store.write((tx) => {
    for (const root of new Set(requests.map((one) => one.root))) {
      seedSession(tx, { id: root, updated_at: requests.findLast((one) => one.root === root)!.end })
      seedTask(tx, { id: `front-${root}`, root, run: { state: "completed", background: 0 } })
      seedTask(tx, { id: `back-${root}`, root, run: { state: "failed", background: 1 } })
    }
    for (const [n, { root, at, end, model, state, tokens, cost, background }] of requests.entries()) {
      const [provider = "", name = ""] = model.split("/")
      const [input_tokens, output_tokens, cache_read_tokens, cache_write_tokens] = tokens
      seed(tx, "ledger", {
        id: `l${n}`,
        root_id: root,
        session_id: root,
        run_id: background ? `run-back-${root}` : n % 2 ? `run-front-${root}` : null,
        purpose: "turn",
        provider,
        model: name,
        state,
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_write_tokens,
        cost_nanos: cost,
        opened_at: at,
        closed_at: end,
      })
    }
    const seqs = new Map<string, number>()
    for (const [n, { root, at, by }] of said.entries()) {
      const seq = (seqs.get(root) ?? 0) + 1
      seqs.set(root, seq)
      const role = by === "assistant" ? "assistant" : "user"
      const origin = by === "assistant" ? null : by
      seed(tx, "message", { id: `m${n}`, session_id: root, seq, role, origin, content: "[]", created_at: at })
    }
    for (const [n, { at, name }] of calls.entries()) {
      seed(tx, "step", { id: `step${n}`, session_id: "s0", n: n + 1, state: "done", started_at: at })
      const call = { id: `c${n}`, call_id: `c${n}`, session_id: "s0", step_id: `step${n}`, name, input: "{}" }
      seed(tx, "tool_call", { ...call, state: "done", replay: "safe" })
    }
  })
}
