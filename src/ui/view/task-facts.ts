// All that one task's rows say of it, for a screen that shows one task: what it was asked for, what it may use and has
// used, what it waits for, and where its output is.
import { DEEPEST_AGENT } from "../../agent/tools.ts"
import { duration, tokens, usd } from "../../base/text.ts"
import type { RunRow, SessionRow, TaskRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { amount, type CapName, type Caps } from "../../task/caps.ts"
import { outputSize } from "../../task/output.ts"
import { elapsed, type TaskItem } from "./task-item.ts"

export interface TaskFacts {
  task: TaskRow
  run: RunRow
  /** An agent's own; undefined before it has one. */
  session: SessionRow | undefined
  /** Without the provider. */
  model: string | undefined
  /** Where it works, or where its command was started. */
  folder: string | undefined
  /** What it was asked to do: an agent's prompt, a command. */
  asked: string
  caps: readonly CapFact[]
  needs: readonly Need[]
  group: { name: string; tasks: number; settled: number } | undefined
  /** How much it has printed; "" when it has no output. */
  output: string
}

export interface CapFact {
  /** "$0.02 of $0.50". */
  text: string
  /** Most of it is used. */
  isNear: boolean
}

/** A task that must have completed before. */
export interface Need {
  id: string
  title: string
  state: RunRow["state"]
  isMet: boolean
}

const NEAR = 0.8

/** Undefined when the task was removed. */
export function taskFacts(reader: Reader, item: TaskItem, now: number): TaskFacts | undefined {
  const task = reader.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: item.id })
  const run = reader.one<RunRow>("SELECT * FROM run WHERE id = :id", { id: item.runId })
  if (!task || !run) return undefined
  const session = item.sessionId
    ? reader.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id: item.sessionId })
    : undefined
  const input = JSON.parse(task.input) as { prompt?: string; command?: string; cwd?: string; model?: string }
  return {
    task,
    run,
    session,
    model: (session?.model ?? input.model)?.replace(/^[^/]+\//, ""),
    folder: session?.shell_cwd ?? session?.cwd ?? input.cwd,
    asked: input.prompt ?? input.command ?? "",
    caps: capsOf(reader, { task, run, session, item, now }),
    needs: needsOf(reader, task.id),
    group: groupOf(reader, task),
    output: outputSize(run),
  }
}

interface Capped {
  task: TaskRow
  run: RunRow
  session: SessionRow | undefined
  item: TaskItem
  now: number
}

function capsOf(reader: Reader, { task, run, session, item, now }: Capped): CapFact[] {
  const caps = task.caps ? (JSON.parse(task.caps) as Caps) : {}
  const ms = item.startedAt ? elapsed(item, now) : 0
  const used: Record<CapName, number> = {
    costNanos: item.costNanos ?? 0,
    tokens: item.tokens,
    steps: session ? stepsBelow(reader, session.id) : 0,
    ms,
  }
  const names: readonly CapName[] = ["costNanos", "tokens", "steps", "ms"]
  const own = names.flatMap((name) => {
    const limit = caps[name]
    return limit === undefined
      ? []
      : [{ text: `${spent(name, used[name])} of ${amount(name, limit)}`, isNear: used[name] >= limit * NEAR }]
  })
  const steps = session?.max_steps ?? null
  const taken = steps === null ? 0 : stepsOf(reader, run.id)
  return [
    ...own,
    // Of its definition (maxTurns): for each run, and of itself alone.
    ...(steps === null ? [] : [{ text: `step ${taken} of ${steps}`, isNear: taken >= steps * NEAR }]),
    ...(task.deadline_ms === null
      ? []
      : [
          {
            text: `${duration(ms)} of a deadline of ${duration(task.deadline_ms)}`,
            isNear: ms >= task.deadline_ms * NEAR,
          },
        ]),
    ...(session ? [{ text: `depth ${session.depth} of ${DEEPEST_AGENT}`, isNear: false }] : []),
  ]
}

/** As `amount` says it, without the unit that the limit beside it has. */
function spent(name: CapName, value: number): string {
  switch (name) {
    case "costNanos":
      return usd(value)
    case "tokens":
      return tokens(value)
    case "steps":
      return String(value)
    case "ms":
      return duration(value)
    default:
      return name satisfies never
  }
}

/** Counted as the budget counts them (session/budget.ts): requests of the session and of all below it. */
function stepsBelow(reader: Reader, sessionId: string): number {
  return reader.one<{ steps: number }>(
    `WITH RECURSIVE tree (id) AS (
       VALUES (:sessionId) UNION ALL
       SELECT task.session_id FROM tree CROSS JOIN task ON task.owner_id = tree.id WHERE task.session_id IS NOT NULL)
     SELECT COUNT(DISTINCT ledger.step_id) AS steps FROM tree CROSS JOIN ledger ON ledger.session_id = tree.id`,
    { sessionId },
  )!.steps
}

function stepsOf(reader: Reader, runId: string): number {
  const sql = "SELECT COUNT(DISTINCT step_id) AS steps FROM ledger WHERE run_id = :runId"
  return reader.one<{ steps: number }>(sql, { runId })!.steps
}

function needsOf(reader: Reader, taskId: string): Need[] {
  return reader
    .all<{ id: string; description: string; state: RunRow["state"]; met: number }>(
      `SELECT task.id, task.description, run.state, dependency.met FROM dependency
       JOIN task ON task.id = dependency.needs_id JOIN run ON run.task_id = task.id
       WHERE dependency.task_id = :taskId AND run.n = (SELECT MAX(n) FROM run AS newer WHERE newer.task_id = task.id)
       ORDER BY task.rowid`,
      { taskId },
    )
    .map(({ id, description, state, met }) => ({ id, title: description, state, isMet: met === 1 }))
}

function groupOf(reader: Reader, { group_id: name }: TaskRow): TaskFacts["group"] {
  if (name === null) return undefined
  const count = reader.one<{ tasks: number; settled: number }>(
    `SELECT COUNT(*) AS tasks, SUM(run.state NOT IN ('queued', 'running', 'paused')) AS settled
     FROM task JOIN run ON run.task_id = task.id
     WHERE task.group_id = :name AND run.n = (SELECT MAX(n) FROM run AS newer WHERE newer.task_id = task.id)`,
    { name },
  )!
  return { name, ...count }
}
