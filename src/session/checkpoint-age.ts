// What was kept to take changes back goes some weeks after the session's last turn: rows, the ref in the repository, and
// copies; also the folders of sessions that are gone.
import { readdirSync, rmSync } from "node:fs"
import type { Clock } from "../base/clock.ts"
import type { Env } from "../base/paths.ts"
import type { SessionRow } from "../store/rows.ts"
import { deleteInSlices } from "../store/slices.ts"
import type { Store } from "../store/store.ts"
import { checkpointFolder, removeCheckpoints } from "./checkpoint-place.ts"
import { heldKey } from "./checkpoint-vault.ts"

const KEPT_MS = 30 * 24 * 3_600_000
/** So many sessions at a time: the rest the next time. */
const AT_ONCE = 20

export interface AgeParts {
  store: Store
  clock: Clock
  env: Env
  signal?: AbortSignal | undefined
}

/** Returns of how many sessions it went. Sessions that somebody drives keep theirs. */
export async function removeOldCheckpoints(
  { store, clock, env, signal }: AgeParts,
  isDriven: (rootId: string) => boolean,
): Promise<number> {
  removeStrays(store)
  const old = store.all<Pick<SessionRow, "id" | "project">>(
    `SELECT id, project FROM session WHERE parent_id IS NULL AND updated_at < :before
       AND EXISTS (SELECT 1 FROM file_change WHERE root_id = session.id) LIMIT ${AT_ONCE}`,
    { before: clock.now() - KEPT_MS },
  )
  let removed = 0
  for (const { id, project } of old) {
    signal?.throwIfAborted()
    if (isDriven(id)) continue
    // The rows go last: cut off before that, it is done again.
    await removeCheckpoints(store, { rootId: id, project, env })
    await store.write((tx) => tx.run("DELETE FROM rewind WHERE root_id = :id AND state = 'done'", { id }))
    await store.write((tx) => tx.run("DELETE FROM meta WHERE key = :key", { key: heldKey(id) }))
    const sql =
      "DELETE FROM file_change WHERE rowid IN (SELECT rowid FROM file_change WHERE root_id = :root LIMIT :limit)"
    await deleteInSlices({ store, clock }, { first: 50, most: 2000, sql, params: { root: id } })
    removed++
  }
  return removed
}

/** Of sessions that were deleted by a program that knew nothing of them, or was cut off. */
function removeStrays(store: Store): void {
  for (const id of readdirSync(store.folder("checkpoint")))
    if (/^[0-9a-f-]{36}$/.test(id) && !store.one("SELECT 1 FROM session WHERE id = :id", { id }))
      rmSync(checkpointFolder(store, id), { recursive: true, force: true })
}
