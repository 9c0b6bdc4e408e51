// What the session has used: by model, and by task. Sums of the ledger.
import { plural, tokens, usd } from "../../../base/text.ts"
import type { Reader } from "../../../store/store.ts"
import type { TaskItem } from "../../view/task-item.ts"
import { clip, type Line, pad } from "../line.ts"
import { nameOf } from "../marks.ts"
import type { Theme } from "../theme.ts"

interface Sum {
  model: string
  requests: number
  input: number
  output: number
  cached: number
  written: number
  cost: number | null
  unpriced: number
  estimated: number
}

export function costLines(
  reader: Reader,
  { rootId, items }: { rootId: string; items: readonly TaskItem[] },
  { width, theme }: { width: number; theme: Theme },
): Line[] {
  const sums = reader.all<Sum>(
    `SELECT provider || '/' || model AS model, COUNT(*) AS requests, SUM(input_tokens) AS input,
       SUM(output_tokens) AS output, SUM(cache_read_tokens) AS cached, SUM(cache_write_tokens) AS written,
       SUM(cost_nanos) AS cost, SUM(cost_nanos IS NULL) AS unpriced, SUM(state = 'estimated') AS estimated
     FROM ledger WHERE root_id = :rootId AND state <> 'open' GROUP BY provider, model ORDER BY cost DESC`,
    { rootId },
  )
  const cost = ({ cost: nanos, unpriced, estimated }: Pick<Sum, "cost" | "unpriced" | "estimated">) =>
    unpriced > 0 ? "price not known" : `${estimated > 0 ? "≈" : ""}${usd(nanos ?? 0)}`
  const total = sums.reduce(
    (sum, one) => ({
      cost: (sum.cost ?? 0) + (one.cost ?? 0),
      unpriced: sum.unpriced + one.unpriced,
      estimated: sum.estimated + one.estimated,
    }),
    { cost: 0 as number | null, unpriced: 0, estimated: 0 },
  )
  const read = sums.reduce((sum, one) => sum + one.cached, 0)
  const given = sums.reduce((sum, one) => sum + one.input + one.cached + one.written, 0)
  const share = given > 0 ? `, ${Math.round((100 * read) / given)} % of the input from the cache` : ""
  const models = sums.map(
    (one) =>
      `  ${pad(one.model, 34)} ${pad(plural(one.requests, "request"), 14)} ${tokens(one.input + one.cached + one.written)} in, ${tokens(one.output)} out  ${cost(one)}`,
  )
  const agents = items
    .filter((item) => item.kind === "agent" && item.tokens > 0)
    .map((item) => {
      const price = item.costNanos === null ? "price not known" : `${item.isEstimated ? "≈" : ""}${usd(item.costNanos)}`
      return `  ${pad(`${"  ".repeat(item.depth)}${nameOf(item)}`, 49)} ${pad(`${tokens(item.tokens)} tok`, 12)} ${price}`
    })
  const lines = [
    "",
    ` ${theme.bold(cost(total))}${theme.dim(` in all${share}`)}`,
    ...(total.estimated > 0 ? [theme.dim(" ≈: requests were cut off, and what they used is a guess")] : []),
    ...(models.length > 0 ? ["", ` ${theme.accent("By model")}`, ...models] : []),
    ...(agents.length > 0 ? ["", ` ${theme.accent("By agent, with what each started")}`, ...agents] : []),
  ]
  return lines.map((text) => ({ text: clip(text, width) }))
}
