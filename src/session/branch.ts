// On which branch a session works: noted when a turn begins, for the list of sessions.
import { branchOf } from "../base/branch.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"

/** Writes only where it has changed. */
export async function noteBranch(store: Store, row: SessionRow): Promise<void> {
  const branch = branchOf(row.cwd) ?? null
  if (branch === row.branch) return
  await store.write((tx) => tx.run("UPDATE session SET branch = :branch WHERE id = :id", { branch, id: row.id }))
  row.branch = branch
}
