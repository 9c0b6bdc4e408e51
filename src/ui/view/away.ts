// What happened in a tree while nobody looked: what ended, what it cost, what needs somebody.
import type { RunRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import type { TaskItem } from "./task-item.ts"

export interface Away {
  /** Milliseconds since somebody looked last. */
  since: number
  /** Tasks that have settled, in the order of their ends. */
  ended: readonly TaskItem[]
  /** Turns that were taken without a word of the user's. */
  wakeTurns: number
  tokens: number
  /** Nano-dollars; null while a price is not known. */
  costNanos: number | null
}

/** Undefined when nothing happened. `since`: when somebody looked last, by the clock of the rows. */
export function awayOf(
  reader: Reader,
  { rootId, since, now, tasks }: { rootId: string; since: number; now: number; tasks: readonly TaskItem[] },
): Away | undefined {
  const ended = reader
    .all<Pick<RunRow, "task_id">>(
      `SELECT run.task_id FROM run JOIN task ON task.id = run.task_id
       WHERE task.root_id = :rootId AND run.ended_at > :since ORDER BY run.ended_at`,
      { rootId, since },
    )
    .flatMap(({ task_id: id }) => tasks.find((task) => task.id === id) ?? [])
  const turns = reader.one<{ count: number }>(
    `SELECT COUNT(*) AS count FROM turn WHERE session_id = :rootId AND cause = 'task' AND started_at > :since`,
    { rootId, since },
  )!
  const sum = reader.one<{ tokens: number | null; cost: number | null; unpriced: number | null }>(
    `SELECT SUM(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens) AS tokens,
       SUM(cost_nanos) AS cost, SUM(cost_nanos IS NULL) AS unpriced
     FROM ledger WHERE root_id = :rootId AND state <> 'open' AND closed_at > :since`,
    { rootId, since },
  )!
  // What goes on is seen below; only what has come to an end is news.
  if (ended.length === 0 && turns.count === 0) return undefined
  const costNanos = sum.unpriced ? null : (sum.cost ?? 0)
  return { since: now - since, ended, wakeTurns: turns.count, tokens: sum.tokens ?? 0, costNanos }
}
