// What one session has used, as it is shown: by model, by who used it, and in all. Sums over its tree's part of the
// ledger; each list adds up, as it is shown, to the total that the header has and the part that `/stats` counts.
import { plural, tokens } from "../../base/text.ts"
import type { Reader } from "../../store/store.ts"
import { costText, costTexts, type Known } from "./money.ts"
import { percent, tokenKinds } from "./stats.ts"

export interface SessionCost {
  total: string
  /** "1.2M tokens, 83 % of the input from the cache". */
  about: string
  models: readonly CostRow[]
  /** The conversation's own, its agents with all that each started, and what the program asks for itself. */
  users: readonly CostRow[]
  notes: readonly string[]
}

export interface CostRow {
  name: string
  /** How far below another one it stands, whose cost has its own in it. */
  depth: number
  requests: string
  tokens: string
  /** Of tokens; only where there is room for it. */
  kinds: string
  cost: string
}

interface Used extends Known {
  requests: number
  input: number
  output: number
  cacheRead: number
  cacheWrite: number
}

interface Part extends Used {
  sessionId: string
  purpose: string
  model: string
}

/** `nameOf`: what the agent with that session is called. */
export function sessionCost(
  reader: Reader,
  { rootId, nameOf }: { rootId: string; nameOf(sessionId: string): string | undefined },
): SessionCost {
  const parts = reader.all<Part>(PARTS, { rootId })
  const total = sum(parts)
  const models = grouped(parts, ({ model }) => model)
  const input = total.input + total.cacheRead + total.cacheWrite
  const cache = input > 0 ? `, ${percent(total.cacheRead / input)} of the input from the cache` : ""
  return {
    total: costText(total),
    about: `${tokens(tokensOf(total))} tokens${cache}`,
    models: rowsOf(models.map(([name, used]) => ({ name, used }))),
    users: usersOf(reader, { rootId, parts, nameOf }),
    notes: [
      ...(total.estimated > 0
        ? [`≈ ${plural(total.estimated, "request")} ended early: what they used is estimated.`]
        : []),
      ...(total.unpriced > 0 ? [`? The price of ${plural(total.unpriced, "request")} is not known.`] : []),
    ],
  }
}

const PARTS = `
  SELECT session_id AS sessionId, purpose,
    CASE provider WHEN model THEN model ELSE provider || '/' || model END AS model, COUNT(*) AS requests,
    SUM(input_tokens) AS input, SUM(output_tokens) AS output, SUM(cache_read_tokens) AS cacheRead,
    SUM(cache_write_tokens) AS cacheWrite, SUM(COALESCE(cost_nanos, 0)) AS costNanos,
    SUM(cost_nanos IS NULL AND input_tokens + output_tokens + cache_read_tokens + cache_write_tokens > 0) AS unpriced,
    SUM(state = 'estimated') AS estimated
  FROM ledger WHERE root_id = :rootId AND state <> 'open' GROUP BY session_id, purpose, provider, model`

/** What the program asks a model for itself, beside the conversation. */
const PURPOSES: Readonly<Record<string, string>> = { memory: "session memory", title: "title" }

function usersOf(
  reader: Reader,
  { rootId, parts, nameOf }: { rootId: string; parts: readonly Part[]; nameOf(id: string): string | undefined },
): CostRow[] {
  const turns = parts.filter(({ purpose }) => purpose === "turn")
  const aside = grouped(
    parts.filter(({ purpose }) => purpose !== "turn"),
    ({ purpose }) => PURPOSES[purpose] ?? purpose,
  )
  const sessions = reader.all<{ id: string; parent_id: string | null }>(
    "SELECT id, parent_id FROM session WHERE root_id = :rootId ORDER BY created_at, rowid",
    { rootId },
  )
  const children = Map.groupBy(sessions, ({ parent_id }) => parent_id)
  const below = (id: string): Part[] => [
    ...turns.filter(({ sessionId }) => sessionId === id),
    ...(children.get(id) ?? []).flatMap((child) => below(child.id)),
  ]
  const nested = (id: string, depth: number): { name: string; depth: number; used: Used }[] =>
    (children.get(id) ?? []).flatMap((child) => {
      const used = sum(below(child.id))
      if (used.requests === 0) return []
      return [{ name: nameOf(child.id) ?? "agent", depth, used }, ...nested(child.id, depth + 1)]
    })
  const known = new Set(below(rootId))
  const own = sum(turns.filter(({ sessionId }) => sessionId === rootId))
  const lost = sum(turns.filter((part) => !known.has(part)))
  const listed = [
    ...(own.requests > 0 ? [{ name: "this conversation", depth: 0, used: own }] : []),
    ...nested(rootId, 0),
    ...(lost.requests > 0 ? [{ name: "other agents", depth: 0, used: lost }] : []),
    ...aside.map(([name, used]) => ({ name, depth: 0, used })),
  ]
  return rowsOf(listed)
}

/** The rows that stand below no other add up to the total. */
function rowsOf(listed: readonly { name: string; depth?: number; used: Used }[]): CostRow[] {
  const top = costTexts(listed.flatMap(({ depth = 0, used }) => (depth === 0 ? [used] : [])))
  return listed.map(({ name, depth = 0, used }) => ({
    name,
    depth,
    requests: plural(used.requests, "request"),
    tokens: tokens(tokensOf(used)),
    kinds: tokenKinds({ ...used, reasoning: 0, background: 0 }),
    cost: depth === 0 ? top.shift()! : costText(used),
  }))
}

function grouped(parts: readonly Part[], key: (part: Part) => string): [string, Used][] {
  return [...Map.groupBy(parts, key)]
    .map(([name, group]): [string, Used] => [name, sum(group)])
    .sort(([, a], [, b]) => b.costNanos - a.costNanos || tokensOf(b) - tokensOf(a))
}

function tokensOf({ input, output, cacheRead, cacheWrite }: Used): number {
  return input + output + cacheRead + cacheWrite
}

function sum(parts: readonly Used[]): Used {
  const add = (pick: (part: Used) => number) => parts.reduce((total, part) => total + pick(part), 0)
  return {
    requests: add(({ requests }) => requests),
    input: add(({ input }) => input),
    output: add(({ output }) => output),
    cacheRead: add(({ cacheRead }) => cacheRead),
    cacheWrite: add(({ cacheWrite }) => cacheWrite),
    costNanos: add(({ costNanos }) => costNanos),
    unpriced: add(({ unpriced }) => unpriced),
    estimated: add(({ estimated }) => estimated),
  }
}
