// What a call used: sums over the ledger's rows that it added. Money is null where a price is not known.
import type { Reader } from "../../store/store.ts"

export interface Totals {
  usage: {
    input_tokens: number
    output_tokens: number
    cache_read_input_tokens: number
    cache_creation_input_tokens: number
  }
  modelUsage: Record<string, ModelUsage>
  total_cost_usd: number | null
}

export interface ModelUsage {
  inputTokens: number
  outputTokens: number
  cacheReadInputTokens: number
  cacheCreationInputTokens: number
  costUSD: number | null
}

/** Where the ledger ends now; what is added later has a higher number. */
export function ledgerEnd(reader: Reader): number {
  return reader.one<{ end: number | null }>("SELECT MAX(rowid) AS end FROM ledger")?.end ?? 0
}

/** What the requests after `since` took, in ms, added up: those at the same time count each. */
export function requestMs(reader: Reader, rootId: string, since: number): number {
  const sql = `SELECT SUM(closed_at - opened_at) AS ms FROM ledger
    WHERE root_id = :rootId AND rowid > :since AND closed_at IS NOT NULL`
  return Math.max(0, reader.one<{ ms: number | null }>(sql, { rootId, since })?.ms ?? 0)
}

/** Sums over the tree's rows after `since` (0: all of the session). */
export function totalsOf(reader: Reader, rootId: string, since: number): Totals {
  const rows = reader.all<{
    model: string
    provider: string
    input: number
    output: number
    read: number
    write: number
    cost: number | null
    unpriced: number
  }>(
    `SELECT provider, model, SUM(input_tokens) AS input, SUM(output_tokens) AS output, SUM(cache_read_tokens) AS read,
       SUM(cache_write_tokens) AS write, SUM(cost_nanos) AS cost, SUM(cost_nanos IS NULL) AS unpriced
     FROM ledger WHERE root_id = :rootId AND rowid > :since GROUP BY provider, model ORDER BY provider, model`,
    { rootId, since },
  )
  const modelUsage = Object.fromEntries(
    rows.map((row): [string, ModelUsage] => [
      row.provider === row.model ? row.model : `${row.provider}/${row.model}`,
      {
        inputTokens: row.input,
        outputTokens: row.output,
        cacheReadInputTokens: row.read,
        cacheCreationInputTokens: row.write,
        costUSD: row.unpriced ? null : (row.cost ?? 0) / 1e9,
      },
    ]),
  )
  const sum = (pick: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + pick(row), 0)
  return {
    usage: {
      input_tokens: sum((row) => row.input),
      output_tokens: sum((row) => row.output),
      cache_read_input_tokens: sum((row) => row.read),
      cache_creation_input_tokens: sum((row) => row.write),
    },
    modelUsage,
    total_cost_usd: rows.some((row) => row.unpriced) ? null : sum((row) => row.cost ?? 0) / 1e9,
  }
}
