// What somebody in another process wants of the one that drives a tree: a row in the root's inbox, taken by its host.
// A control is done at least once: its row goes after it was done, and doing one again changes nothing.
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import type { Ids } from "../base/ids.ts"
import type { InboxRow } from "../store/rows.ts"
import { insertRow, type Store, type Tx } from "../store/store.ts"

export type Control =
  /** Ctrl+B: all that the root's turn is blocked on moves to the background. Esc: the turn under way ends. */
  | { action: "background" | "interrupt" }
  | { action: "stop_task" | "pause_task" | "resume_task"; taskId: string }
  /** To a request for permission, or a question; the first answer wins. */
  | { action: "answer"; approvalId: string; behavior: "allow" | "deny"; text?: string }

/** Asks the host of a tree to do something; without a host, it is done by the next one. */
export function request(
  tx: Tx,
  { clock, ids }: { clock: Clock; ids: Ids },
  { rootId, control }: { rootId: string; control: Control },
): void {
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
}

export interface Obeying {
  /** Does a control; what takes long, such as a stop, is not waited for by those behind it. */
  perform(control: Control): Promise<void>
  failed(error: unknown): void
}

/** Returns what looks for controls of the tree, to be called whenever there may be some. They begin in their order. */
export function obey(store: Store, rootId: string, { perform, failed }: Obeying): () => void {
  const begun = new Set<number>()
  let working = Promise.resolve()
  const take = async (row: InboxRow) => {
    const control = JSON.parse(row.content) as Control
    const done = finish(row, perform(control))
    if (control.action !== "stop_task") await done
  }
  const finish = async (row: InboxRow, doing: Promise<void>) => {
    try {
      // One that can't be done, such as the stop of a task that is gone, is told and not tried again.
      await doing.catch((error) => (error instanceof UserError ? failed(error) : Promise.reject(error)))
      await store.write((tx) => tx.run("DELETE FROM inbox WHERE seq = :seq", { seq: row.seq }))
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
