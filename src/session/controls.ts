// What somebody wants of the process that drives a tree: a row in the root's inbox, taken by its host. A control is done
// at least once: its row goes after it was done, and doing one again changes nothing.
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import type { Ids } from "../base/ids.ts"
import type { PermissionMode } from "../base/permission-mode.ts"
import { publish } from "../store/feed.ts"
import type { InboxRow } from "../store/rows.ts"
import { insertRow, type Store, type Tx } from "../store/store.ts"
import type { WrittenCaps } from "../task/caps.ts"

export type Control =
  /** Ctrl+B: all that the root's turn is blocked on moves to the background, or one task. */
  | { action: "background"; taskId?: string }
  /** Esc: the turn under way ends. */
  | { action: "interrupt" }
  | { action: "stop_task" | "pause_task" | "resume_task"; taskId: string }
  /** Every background task that there was when this was asked for. */
  | { action: "stop_all" }
  /** Every task that there was when this was asked for; foreground ones move to the background. */
  | { action: "pause_all" | "resume_all" }
  /** To a request for permission, or a question; the first answer wins. `always`: by the rule that it was shown with. */
  | { action: "answer"; approvalId: string; behavior: "allow" | "deny"; text?: string; always?: true }
  /** What holds for the session's next steps. */
  | { action: "change"; permissionMode?: PermissionMode; model?: string }
  /** The memory takes in at once what is new. */
  | { action: "memory" }
  /** A line for the shell, of the user's own. */
  | { action: "shell"; command: string }
  /** New limits for a task, or for the session itself; what was paused or ended because of a cap goes on. */
  | { action: "raise"; taskId?: string; caps: WrittenCaps }
  /** The user's word to an agent: one at work hears it at its next step, one that has ended goes on with it. */
  | { action: "message"; taskId: string; text: string }
  /** At the next step boundary, or at once while no turn is under way. */
  | { action: "compact"; focus?: string }

/** When a control was asked for, and its row's id. */
export interface Asked {
  id: string
  at: number
}

/** Of a control that could not be done: what its row in the feed (`refused`) says. */
export interface Refusal {
  action: Control["action"]
  message: string
}

/** Asks the host of a tree to do something; without a host, it is done by the next one. Returns the control's id. */
export function request(
  tx: Tx,
  { clock, ids }: { clock: Clock; ids: Ids },
  { rootId, control }: { rootId: string; control: Control },
): string {
  const row: Omit<InboxRow, "seq"> = {
    id: ids.uuid(),
    session_id: rootId,
    kind: "control",
    delivery: "steer",
    wake: 0,
    origin: "human",
    content: JSON.stringify(control),
    run_id: null,
    created_at: clock.now(),
  }
  insertRow(tx, "inbox", row)
  tx.ring(`host:${rootId}`)
  return row.id
}

export interface Obeying {
  clock: Clock
  /** Does a control; what takes long, such as a stop, is not waited for by those behind it. */
  perform(control: Control, asked: Asked): Promise<void>
  failed(error: unknown): void
}

/** Its row goes in the transaction in which it takes effect, which may be a turn's, at its next boundary. */
const TAKES_ITS_ROW: ReadonlySet<Control["action"]> = new Set(["compact"])
const TAKES_LONG: ReadonlySet<Control["action"]> = new Set(["stop_task", "stop_all"])

/** Returns what looks for controls of the tree, to be called whenever there may be some. They begin in their order. */
export function obey(store: Store, rootId: string, { clock, perform, failed }: Obeying): () => void {
  const begun = new Set<number>()
  let working = Promise.resolve()
  const take = async (row: InboxRow) => {
    const control = JSON.parse(row.content) as Control
    const done = finish(row, { control, doing: perform(control, { id: row.id, at: row.created_at }) })
    if (!TAKES_LONG.has(control.action)) await done
  }
  const finish = async (row: InboxRow, { control, doing }: { control: Control; doing: Promise<void> }) => {
    try {
      const refusal = await doing.then(() => undefined, refusalOf)
      if (TAKES_ITS_ROW.has(control.action)) return
      if (refusal) failed(refusal)
      await store.write((tx) => {
        tx.run("DELETE FROM inbox WHERE seq = :seq", { seq: row.seq })
        if (!refusal) return
        const data: Refusal = { action: control.action, message: refusal.message }
        publish(tx, clock, { rootId, sessionId: rootId, kind: "refused", ref: row.id, data })
      })
    } catch (error) {
      failed(error)
    } finally {
      begun.delete(row.seq)
    }
  }
  return () => {
    const rows = store.all<InboxRow>(
      "SELECT * FROM inbox WHERE session_id = :rootId AND kind = 'control' ORDER BY seq",
      { rootId },
    )
    for (const row of rows) {
      if (begun.has(row.seq)) continue
      begun.add(row.seq)
      working = working.then(() => take(row))
    }
  }
}

/** What can't be done, such as the stop of a task that is gone, is told and not tried again. */
function refusalOf(error: unknown): UserError {
  if (error instanceof UserError) return error
  throw error
}
