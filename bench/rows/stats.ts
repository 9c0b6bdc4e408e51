// `/stats` over a large ledger: half a million requests of a year, in 2,000 sessions. The database and its sums in this
// process; the floor is the same sums read from the ledger itself.
import { mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../src/base/clock.ts"
import { usageHabits, usageStats } from "../../src/session/stats.ts"
import { openStore } from "../../src/store/open.ts"
import type { Store } from "../../src/store/store.ts"
import { type MeasureRows, median } from "../measure.ts"

const REQUESTS = 500_000
const SESSIONS = 2_000
const ROUNDS = 7
const YEAR_MS = 365 * 24 * 3_600_000

export const rows: MeasureRows = async ({ folder }) => {
  const data = mkdtempSync(join(folder, "meanwhile-stats-"))
  const store = await openStore({ folder: data, clock: systemClock })
  try {
    const now = Date.UTC(2026, 10, 22, 12)
    await fill(store, now)
    const floors: number[] = []
    const subjects: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      floors.push(took(() => store.all(RAW)))
      subjects.push(
        took(() => {
          usageStats(store, { now, days: "all" })
          usageHabits(store, { now })
        }),
      )
    }
    const name = "/stats over 500,000 requests / the same sums from the ledger"
    return [{ name, unit: "ms", floor: median(floors), median: median(subjects), budget: { most: 100 } }]
  } finally {
    store.close()
    rmSync(data, { recursive: true, force: true })
  }
}

/** As far as it was this process's doing: what others have of the processor meanwhile is not counted. */
function took(work: () => void): number {
  const from = { at: performance.now(), used: process.cpuUsage() }
  work()
  const { user, system } = process.cpuUsage(from.used)
  return Math.min(performance.now() - from.at, (user + system) / 1000)
}

const RAW = `SELECT opened_at / 900000 AS quarter, provider, model, COUNT(*), SUM(input_tokens), SUM(output_tokens),
  SUM(cache_read_tokens), SUM(cache_write_tokens), SUM(cost_nanos) FROM ledger GROUP BY 1, 2, 3`

/** Working days of ten hours, sessions one after another with two at a time, three models. */
async function fill(store: Store, now: number): Promise<void> {
  const models = ["claude-opus", "claude-sonnet", "claude-haiku"]
  const slice = 20_000
  for (let from = 0; from < REQUESTS; from += slice)
    await store.write((tx) => {
      for (let n = from; n < Math.min(REQUESTS, from + slice); n++) {
        const part = n / REQUESTS
        const day = Math.floor(part * 365)
        const at = now - YEAR_MS + day * 86_400_000 + Math.floor((part * 365 - day) * 36_000_000)
        const session = `s${Math.floor(part * SESSIONS) + (n % 2)}`
        tx.run(INSERT, { id: `l${n}`, session, at, end: at + 4000, model: models[n % 3]!, cost: (n % 97) * 100_000 })
      }
    })
}

const INSERT = `INSERT INTO ledger (id, root_id, session_id, purpose, provider, model, state, input_tokens, output_tokens,
    cache_read_tokens, cache_write_tokens, cost_nanos, opened_at, closed_at)
  VALUES (:id, :session, :session, 'turn', 'anthropic', :model, 'closed', 1200, 340, 25000, 800, :cost, :at, :end)`
