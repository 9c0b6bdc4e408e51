// Deletes a session with everything below it: rows in short transactions, so that nobody who writes meanwhile is held
// up, then its files. Forks keep what they share with it (hand-over.ts). Cut off in the middle, it can be done again: the root's own row goes last.
import { readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import { visible } from "../base/escape.ts"
import { plural } from "../base/text.ts"
import type { SessionRow } from "../store/rows.ts"
import { deleteInSlices } from "../store/slices.ts"
import type { Store } from "../store/store.ts"
import { type TreeTable, treeTables } from "../store/tables.ts"
import { listTasks } from "../task/find.ts"
import { removeCheckpoints } from "./checkpoint-place.ts"
import { heldKey } from "./checkpoint-vault.ts"
import { treeSessions } from "./export.ts"
import { removalKey } from "./fork.ts"
import { removeGiven } from "./given.ts"
import { handOver } from "./hand-over.ts"
import { isHeld, type Lease, takeLease } from "./lease.ts"
import { removeUnsent } from "./unsent.ts"

/** Rows that one transaction deletes. */
const PACE = { first: 50, most: 2000 }

/** The key in `meta` of a tree that is being imported: it is not whole yet (import.ts). */
export function importKey(rootId: string): string {
  return `importing:${rootId}`
}

/** Throws a UserError, with nothing done, when a process drives the session or a task of it is alive. */
export async function removeSession(store: Store, clock: Clock, root: SessionRow): Promise<void> {
  const lease = await takeLease(store, clock, root.id)
  if (!lease) throw busy(root)
  try {
    refuseWhileTasksLive(store, root)
    await handOver(store, clock, root.id)
    await removeCheckpoints(store, { rootId: root.id, project: root.project, env: process.env })
    await removeTree(store, clock, root.id)
  } catch (error) {
    lease.release()
    throw error
  }
  removeLease(store, lease)
}

/** Throws what `removeSession` would now: to be asked before the person is. */
export function checkRemovable(store: Store, root: SessionRow): void {
  if (isHeld(store, root.id)) throw busy(root)
  refuseWhileTasksLive(store, root)
}

function refuseWhileTasksLive(store: Store, root: SessionRow): void {
  const live = listTasks(store, { rootId: root.id, live: true }).map(({ task }) => task.id)
  if (live.length === 0) return
  const message = `${plural(live.length, "task")} of the session ${nameOf(root)} ${live.length === 1 ? "still runs" : "still run"}. End them first: meanwhile tasks stop ${live.join(" ")}`
  throw new UserError("session-runs", message)
}

function busy(root: SessionRow): UserError {
  const message = `The session ${nameOf(root)} is at work in another process, so it can't be deleted. Wait for its end (meanwhile tasks), or end that process.`
  return new UserError("session-busy", message)
}

function nameOf(root: SessionRow): string {
  return root.name ? `"${visible(root.name)}"` : root.id.slice(0, 8)
}

/** All rows and files of a tree, whose lease is held; also of one whose own row is not there (yet). */
export async function removeTree(store: Store, clock: Clock, rootId: string): Promise<void> {
  const spools = spoolNames(store, rootId)
  const remove = (sql: string, params: { session: string } | { root: string }) =>
    deleteInSlices({ store, clock }, { ...PACE, sql, params })
  const sessions = [...new Set([rootId, ...treeSessions(store, rootId).map(({ id }) => id)])].reverse()
  for (const table of treeTables.toReversed())
    for (const id of table.per === "session" ? sessions : [rootId])
      await remove(deletion(table), table.per === "session" ? { session: id } : { root: id })
  await remove(`DELETE FROM feed WHERE rowid IN (SELECT rowid FROM feed WHERE root_id = :root LIMIT :limit)`, {
    root: rootId,
  })
  const children = "SELECT rowid FROM session WHERE root_id = :root AND id <> :root LIMIT :limit"
  await remove(`DELETE FROM session WHERE rowid IN (${children})`, { root: rootId })
  for (const spool of spools) rmSync(spool, { force: true })
  await store.writeDurably((tx) => {
    tx.run("DELETE FROM lease WHERE root_id = :rootId", { rootId })
    removeGiven(tx, rootId)
    removeUnsent(tx, rootId)
    for (const key of [removalKey(rootId), heldKey(rootId), importKey(rootId)])
      tx.run("DELETE FROM meta WHERE key = :key", { key })
    tx.run("DELETE FROM session WHERE id = :rootId", { rootId })
  })
}

function deletion({ name, scope, key }: TreeTable): string {
  // Without a key there are few rows, and no rowid to name them by.
  if (!key) return `DELETE FROM ${name} WHERE ${scope} AND :limit > 0`
  return `DELETE FROM ${name} WHERE rowid IN (SELECT rowid FROM ${name} WHERE ${scope} LIMIT :limit)`
}

/** The files that the tree's runs have in our own folder: what an imported row names elsewhere is not ours to delete. */
function spoolNames(store: Store, rootId: string): string[] {
  const folder = store.folder("spool")
  const sql = "SELECT run.id FROM run JOIN task ON task.id = run.task_id WHERE task.root_id = :rootId"
  const runs = new Set(store.all<{ id: string }>(sql, { rootId }).map((run) => run.id))
  return readdirSync(folder)
    .filter((name) => runs.has(name.split(".", 1)[0]!))
    .map((name) => join(folder, name))
}

/** Removed while it is still held: whoever asks for it now gets a new file, of a session that no longer exists. */
function removeLease(store: Store, lease: Lease): void {
  for (const end of ["", ".viewers", ".watch"])
    rmSync(join(store.folder("bell"), `${lease.rootId}${end}`), { force: true })
  rmSync(join(store.folder("lease"), lease.rootId), { force: true })
  lease.release()
}
