// What somebody in another process wants of the one that drives a tree: a row in the root's inbox, taken by its host.
import type { Clock } from "../base/clock.ts"
import type { Ids } from "../base/ids.ts"
import type { InboxRow } from "../store/rows.ts"
import { insertRow, type Store, type Tx } from "../store/store.ts"

export type Control = { action: "stop_task"; taskId: string } | { action: "background" | "interrupt" }

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

/** Performs each control of the tree, once, in their order, until disposed. A failure is given to `failed`. */
export function obey(
  store: Store,
  rootId: string,
  { perform, failed }: { perform(control: Control): Promise<void>; failed(error: unknown): void },
): Disposable {
  let working = Promise.resolve()
  const sql = "SELECT seq FROM inbox WHERE session_id = :rootId AND kind = 'control' LIMIT 1"
  const look = () => {
    if (store.one(sql, { rootId })) working = working.then(() => takeAll(store, rootId, perform)).catch(failed)
  }
  const bell = store.listen(`host:${rootId}`, look)
  look()
  return bell
}

async function takeAll(store: Store, rootId: string, perform: (control: Control) => Promise<void>): Promise<void> {
  const rows = await store.write((tx) =>
    tx.all<InboxRow>("DELETE FROM inbox WHERE session_id = :rootId AND kind = 'control' RETURNING *", { rootId }),
  )
  for (const row of rows.sort((a, b) => a.seq - b.seq)) await perform(JSON.parse(row.content) as Control)
}
