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
  /** Of a request that was cut off nobody was told what it used: the figures hold a guess. */
  cost_is_estimated: boolean
}

export interface ModelUsage {
  inputTokens: number
  outputTokens: number
  cacheReadInputTokens: number
  cacheCreationInputTokens: number
  costUSD: number | null
}

/** Which rows of a tree's ledger: those after `since` (0: all), and of them, when given, the requests of these turns. */
export interface Part {
  rootId: string
  since: number
  turns?: readonly string[] | undefined
}

/** For SQL: the rows of `ledger` that a Part names, without what is only reserved, with `paramsOf` it. */
export const PART = `state <> 'open' AND root_id = :rootId AND rowid > :since AND (:turns IS NULL OR step_id IN
  (SELECT step.id FROM step WHERE step.turn_id IN (SELECT value FROM json_each(:turns))))`

export function paramsOf({ rootId, since, turns }: Part): { rootId: string; since: number; turns: string | null } {
  return { rootId, since, turns: turns ? JSON.stringify(turns) : null }
}

/** Where the ledger ends now; what is added later has a higher number. */
export function ledgerEnd(reader: Reader): number {
  return reader.one<{ end: number | null }>("SELECT MAX(rowid) AS end FROM ledger")?.end ?? 0
}

/** What the requests took, in ms, added up: those at the same time count each. */
export function requestMs(reader: Reader, part: Part): number {
  const sql = `SELECT SUM(closed_at - opened_at) AS ms FROM ledger WHERE ${PART} AND closed_at IS NOT NULL`
  return Math.max(0, reader.one<{ ms: number | null }>(sql, paramsOf(part))?.ms ?? 0)
}

/** Sums over the rows. */
export function totalsOf(reader: Reader, part: Part): Totals {
  const rows = reader.all<{
    model: string
    provider: string
    input: number
    output: number
    read: number
    write: number
    cost: number | null
    unpriced: number
    estimated: number
  }>(
    `SELECT provider, model, SUM(input_tokens) AS input, SUM(output_tokens) AS output, SUM(cache_read_tokens) AS read,
       SUM(cache_write_tokens) AS write, SUM(cost_nanos) AS cost, SUM(cost_nanos IS NULL) AS unpriced,
       SUM(state = 'estimated') AS estimated
     FROM ledger WHERE ${PART} GROUP BY provider, model ORDER BY provider, model`,
    paramsOf(part),
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
    cost_is_estimated: rows.some((row) => row.estimated > 0),
  }
}
