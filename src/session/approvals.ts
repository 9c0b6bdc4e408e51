// What needs the user's word: a request is a row in the root's inbox of approvals, the first answer wins, and only the
// call that asks waits. Where nobody can answer, asking is refusing.
import type { Clock } from "../base/clock.ts"
import type { Ids } from "../base/ids.ts"
import { keepRule } from "../permission/kept-rules.ts"
import { publish } from "../store/feed.ts"
import type { ApprovalRow, SessionRow } from "../store/rows.ts"
import { insertRow, type Reader, type Store, type Tx } from "../store/store.ts"
import { until } from "../store/watch.ts"

export interface Approvals {
  /** Whether somebody is there who can answer. */
  readonly answerable: boolean
  /** Waits for the answer. Rejects with the signal's reason when that is aborted first; the request is then withdrawn. */
  ask(request: ApprovalRequest, signal: AbortSignal): Promise<Answer>
  /** False when it was answered or withdrawn before, or never was. */
  answer(id: string, answer: Answer): Promise<boolean>
  /** Somebody may come who answers: the one whom a process that died had asked. */
  open(): void
  /** Those who could answer have gone: what is open is withdrawn, and what is asked later is not asked. */
  close(): Promise<void>
}

export interface ApprovalRequest {
  session: SessionRow
  toolCallId: string
  tool: string
  input: unknown
  /** The rule that "always" would add; null when there is none, as for a question. */
  rule: string | null
}

/** `text`: why not, or the answer to a question. `nobody`: there was no one to ask, or they left without a word. */
export interface Answer {
  behavior: "allow" | "deny" | "nobody"
  text?: string
  /** Allowed from now on in this project, by the rule that was shown; so is what waits for the same at this moment. */
  always?: true
}

export function createApprovals(
  parts: { store: Store; clock: Clock; ids: Ids },
  options: { answerable: boolean },
): Approvals {
  const { store, clock, ids } = parts
  let answerable = options.answerable
  const open = new Set<string>()

  const ask: Approvals["ask"] = async (request, signal) => {
    if (!answerable) return answeredBefore(store, request.toolCallId) ?? (await nobody(request.toolCallId))
    const row = await store.writeDurably((tx) => {
      // Asked by an earlier process, and perhaps answered since: then that answer counts.
      const sql = `SELECT * FROM approval WHERE tool_call_id = :id AND state <> 'withdrawn' ORDER BY rowid DESC LIMIT 1`
      const known = tx.one<ApprovalRow>(sql, { id: request.toolCallId })
      const asked = known ?? rowOf(request, { id: ids.uuid(), now: clock.now() })
      if (!known) insertRow(tx, "approval", asked)
      publish(tx, clock, {
        rootId: asked.root_id,
        sessionId: asked.session_id,
        kind: "approval",
        ref: asked.id,
        data: { state: asked.state },
      })
      return asked
    })
    open.add(row.id)
    try {
      const answered = await until(store, [`approval:${row.id}`], {
        signal,
        look: () => {
          const now = store.one<ApprovalRow>("SELECT * FROM approval WHERE id = :id", { id: row.id })!
          return now.state === "open" ? undefined : now
        },
      })
      return answerOf(answered)
    } catch (error) {
      await decide(row.id, "withdrawn", null)
      throw error
    } finally {
      open.delete(row.id)
    }
  }

  /** What an earlier process asked is withdrawn: nobody should answer what nobody waits for. */
  const nobody = async (toolCallId: string): Promise<Answer> => {
    const sql = "SELECT id FROM approval WHERE tool_call_id = :toolCallId AND state = 'open'"
    for (const { id } of store.all<{ id: string }>(sql, { toolCallId })) await decide(id, "withdrawn", null)
    return { behavior: "nobody" }
  }

  const settle = (
    tx: Tx,
    { id, state, reason }: { id: string; state: ApprovalRow["state"]; reason: string | null },
  ): ApprovalRow | undefined => {
    const changed = tx.run(
      "UPDATE approval SET state = :state, reason = :reason, answered_at = :now WHERE id = :id AND state = 'open'",
      {
        id,
        state,
        reason,
        now: clock.now(),
      },
    )
    if (changed === 0) return undefined
    const row = tx.one<ApprovalRow>("SELECT * FROM approval WHERE id = :id", { id })!
    publish(tx, clock, { rootId: row.root_id, sessionId: row.session_id, kind: "approval", ref: id, data: { state } })
    tx.ring(`approval:${id}`)
    return row
  }

  const decide = (id: string, state: ApprovalRow["state"], reason: string | null) =>
    store.writeDurably((tx) => settle(tx, { id, state, reason }) !== undefined)

  /** The answer and the rule are one transaction; what was answered before keeps no rule. */
  const allowAlways = (id: string) =>
    store.writeDurably((tx) => {
      const answered = settle(tx, { id, state: "allowed", reason: null })
      if (!answered) return false
      const { rule } = answered
      if (rule === null) return true
      const session = tx.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id: answered.session_id })!
      keepRule(tx, { project: session.project, cwd: session.cwd, rule, now: clock.now() })
      for (const { id: other } of tx.all<{ id: string }>(SAME_RULE, { root: answered.root_id, rule, cwd: session.cwd }))
        settle(tx, { id: other, state: "allowed", reason: null })
      return true
    })

  return {
    get answerable() {
      return answerable
    },
    ask,
    answer: (id, { behavior, text, always }) =>
      always && behavior === "allow" ? allowAlways(id) : decide(id, STATES[behavior], text ?? null),
    open: () => {
      answerable = true
    },
    close: async () => {
      answerable = false
      await Promise.all([...open].map((id) => decide(id, "withdrawn", null)))
    },
  }
}

/** The word that was given to an earlier process holds, also when nobody is there now. */
function answeredBefore(store: Reader, toolCallId: string): Answer | undefined {
  const sql = "SELECT * FROM approval WHERE tool_call_id = :toolCallId AND state IN ('allowed', 'denied') LIMIT 1"
  const row = store.one<ApprovalRow>(sql, { toolCallId })
  return row && answerOf(row)
}

function answerOf({ state, reason }: ApprovalRow): Answer {
  if (state !== "allowed" && state !== "denied") return { behavior: "nobody" }
  return { behavior: state === "allowed" ? "allow" : "deny", ...(reason ? { text: reason } : {}) }
}

/** What waits in the same tree and folder, and would be asked about no more. */
const SAME_RULE = `SELECT approval.id FROM approval JOIN session ON session.id = approval.session_id
  WHERE approval.root_id = :root AND approval.state = 'open' AND approval.rule = :rule AND session.cwd = :cwd`

const STATES = { allow: "allowed", deny: "denied", nobody: "withdrawn" } as const

function rowOf(
  { session, toolCallId, tool, input, rule }: ApprovalRequest,
  { id, now }: { id: string; now: number },
): ApprovalRow {
  return {
    id,
    root_id: session.root_id,
    session_id: session.id,
    task_id: session.task_id,
    tool_call_id: toolCallId,
    tool,
    input: JSON.stringify(input),
    rule,
    state: "open",
    reason: null,
    created_at: now,
    answered_at: null,
  }
}
