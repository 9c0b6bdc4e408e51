// Makes a compaction: one row, in one transaction with the ledger of live tasks that it tells. Whoever dies before it
// has changed nothing; whoever dies after it goes on from the row. No model is asked.
import type { Clock } from "../base/clock.ts"
import { publish } from "../store/feed.ts"
import type { CompactionRow, SessionRow } from "../store/rows.ts"
import { insertRow, type Reader, type Store, type Tx } from "../store/store.ts"
import { LIVE } from "../task/task.ts"
import { type Compaction, compactionOf, readCompaction } from "./compaction.ts"
import { keptOf, type Plan, planCompaction, roomIn } from "./compaction-plan.ts"
import { contextTokens, type Fixed, fixedTokens, likelyTokens } from "./compaction-size.ts"
import { compactionText, openTodos } from "./compaction-text.ts"
import { lastSeq } from "./lineage.ts"
import { type Memory, memoryOf } from "./memory/memory.ts"
import { forgetTold, tellTasks } from "./task-ledger.ts"

export interface Wanted {
  /** Of the row; a second one under the same id is not made. */
  id: string
  row: SessionRow
  fixed: Fixed
  cause: CompactionRow["cause"]
  focus?: string | undefined
  /** Tokens of input and output that the model takes; what is kept is a share of it. */
  window: number
  /** How long it is, where that is known better than by what providers have counted. */
  tokens?: number
  /** Looked at before, and again in the transaction. In the middle of a step there are calls without a result. */
  mayBegin(reader: Reader): boolean
  /** In the transaction, also when nothing is gained. `tokens`: how long the conversation is. */
  done?(tx: Tx, gained: boolean, tokens: number): void
}

export type Made =
  | { type: "made"; compaction: Compaction }
  /** What would be kept is about all that there is. */
  | { type: "nothing-gained"; tokens: number }
  | { type: "not-now" }
  /** What would be kept could not be read; nothing was changed. */
  | { type: "failed"; error: unknown }

/** Of what the model is sent; less is not worth a new prefix, which no provider has cached. */
const LEAST_GAIN = 0.1

export async function makeCompaction(store: Store, clock: Clock, wanted: Wanted): Promise<Made> {
  for (;;) {
    if (!wanted.mayBegin(store)) return { type: "not-now" }
    let draft: Draft
    try {
      draft = draftOf(store, wanted)
    } catch (error) {
      return { type: "failed", error }
    }
    const made = await store.write((tx) => {
      if (!wanted.mayBegin(tx)) return { type: "not-now" } as const
      // Something came in since: what is kept is looked at again.
      if (lastSeq(tx, wanted.row.id) !== draft.plan.seq) return undefined
      const gained = isWorthIt(draft, wanted)
      wanted.done?.(tx, gained, draft.before)
      return gained
        ? ({ type: "made", compaction: insert(tx, clock, { wanted, draft }) } as const)
        : ({ type: "nothing-gained", tokens: draft.before } as const)
    })
    if (made) return made
  }
}

interface Draft {
  plan: Plan
  memory: Memory
  /** For the memory. */
  characters: number
  before: number
  /** Without the ledger of tasks, which is short. */
  after: number
  /** The one in force. */
  now: Compaction | undefined
}

function draftOf(reader: Reader, { row, fixed, window, tokens, focus }: Wanted): Draft {
  const always = fixedTokens(fixed)
  const room = roomIn(Math.max(0, window - always))
  const memory = memoryOf(reader, row.id)
  const plan = planCompaction(reader, row.id, { room, coversSeq: memory.coversSeq })
  const characters = room.memory * 4
  const text = compactionText(reader, { row, plan, memory, characters, focus, ledger: undefined })
  const said = likelyTokens([{ role: "user", content: [{ type: "text", text }] }])
  return {
    plan,
    memory,
    characters,
    before: tokens ?? contextTokens(reader, row.id, fixed),
    after: always + said + plan.tokens,
    now: compactionOf(reader, row.id),
  }
}

function isWorthIt({ plan, before, after, now }: Draft, { cause, focus }: Wanted): boolean {
  if (plan.seq === 0) return false
  // Asked for again at the same place, it would only say the same: unless it is to be about something else.
  const isAgain = cause === "user" && now?.seq === plan.seq && now.kept_after === plan.keptAfter
  if (isAgain) return focus !== undefined && focus !== now.focus
  return after < before * (1 - LEAST_GAIN)
}

function insert(tx: Tx, clock: Clock, { wanted, draft }: { wanted: Wanted; draft: Draft }): Compaction {
  const { id, cause, focus } = wanted
  const { plan, memory, characters } = draft
  // As it is now: a checklist and a title may have changed since the session was opened.
  const row = tx.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id: wanted.row.id }) ?? wanted.row
  // What the model was told of its tasks before is out of its sight.
  forgetTold(tx, row.id)
  const ledger = tellTasks(tx, clock, { sessionId: row.id, reported: new Set() })
  const text = compactionText(tx, { row, plan, memory, characters, focus, ledger })
  const live = `SELECT COUNT(*) AS count FROM task JOIN run ON run.task_id = task.id
    WHERE task.owner_id = :id AND run.state IN ${LIVE}`
  const tasks = tx.one<{ count: number }>(live, { id: row.id })?.count ?? 0
  const hasMemory = Object.entries(memory.sections).some(([name, text]) => name !== "todos" && text.trim() !== "")
  const made: CompactionRow = {
    id,
    session_id: row.id,
    seq: plan.seq,
    kept_after: plan.keptAfter,
    content: JSON.stringify([{ type: "text", text }]),
    kept: JSON.stringify(keptOf(plan, { hasMemory, tasks, todos: openTodos(row).length })),
    focus: focus ?? null,
    cause,
    tokens_before: draft.before,
    tokens_after: draft.after + likelyTokens([{ role: "user", content: [{ type: "text", text: ledger ?? "" }] }]),
    created_at: clock.now(),
  }
  insertRow(tx, "compaction", made)
  publish(tx, clock, { rootId: row.root_id, sessionId: row.id, kind: "compaction", ref: id })
  return readCompaction(made)
}
