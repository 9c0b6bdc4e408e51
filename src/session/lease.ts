// Who drives a tree: an operating-system lock, free the moment its holder dies. SQLite holds it for us, as an open
// exclusive transaction on a file of its own; a row shows who holds it.
import { chmodSync } from "node:fs"
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import { Sqlite, sqliteCode } from "../runtime/sqlite.ts"
import type { Store } from "../store/store.ts"

export interface Lease {
  readonly rootId: string
  readonly generation: number
  release(): void
}

/** Live handles: the collector would close an unreferenced one, and so free its lock. */
const held = new Map<string, Sqlite>()

/** Takes the lease of a tree, or returns undefined when another process (or this one) holds it. */
export async function takeLease(store: Store, clock: Clock, rootId: string): Promise<Lease | undefined> {
  if (held.has(rootId)) return undefined
  const path = join(store.folder("lease"), rootId)
  const lock = new Sqlite(path)
  try {
    lock.exec("BEGIN EXCLUSIVE")
  } catch (error) {
    lock.close()
    if (sqliteCode(error)?.startsWith("SQLITE_BUSY")) return undefined
    throw error
  }
  held.set(rootId, lock)
  chmodSync(path, 0o600)
  const generation = await store.write(
    (tx) =>
      tx.one<{ generation: number }>(
        `INSERT INTO lease VALUES (:rootId, 1, :pid, :now)
         ON CONFLICT (root_id) DO UPDATE SET generation = generation + 1, pid = :pid, taken_at = :now RETURNING generation`,
        { rootId, pid: process.pid, now: clock.now() },
      )!.generation,
  )
  return {
    rootId,
    generation,
    release: () => {
      held.delete(rootId)
      lock.close()
    },
  }
}
