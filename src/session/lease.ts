// Who drives a tree: an operating-system lock, free the moment its holder dies. SQLite holds it for us, as an open
// exclusive transaction on a file of its own; a row shows who holds it.
import { chmodSync, existsSync } from "node:fs"
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

/** Somebody who only asks (`isHeld`) is in the way for some microseconds: so often, and so far apart, we try. */
const TRIES = 3
const TRY_AGAIN_MS = 5

/** Takes the lease of a tree, or returns undefined when another process (or this one) holds it. */
export async function takeLease(store: Store, clock: Clock, rootId: string): Promise<Lease | undefined> {
  const path = join(store.folder("lease"), rootId)
  for (let tries = 1; !held.has(rootId); tries++) {
    const lock = lockFile(path)
    if (lock) return granted(store, clock, { rootId, path, lock })
    if (tries === TRIES) return undefined
    await clock.sleep(TRY_AGAIN_MS)
  }
  return undefined
}

/** Whether a process holds the lease of a tree, asked without taking it. */
export function isHeld(store: Store, rootId: string): boolean {
  if (held.has(rootId)) return true
  const path = join(store.folder("lease"), rootId)
  let file: Sqlite | undefined
  try {
    file = new Sqlite(path, { readonly: true })
    // Reading needs a shared lock, which the holder's exclusive one refuses.
    file.one("SELECT 1 FROM sqlite_master")
    return false
  } catch (error) {
    if (sqliteCode(error)?.startsWith("SQLITE_BUSY")) return true
    if (!existsSync(path)) return false
    throw error
  } finally {
    file?.close()
  }
}

function lockFile(path: string): Sqlite | undefined {
  const lock = new Sqlite(path)
  try {
    lock.exec("BEGIN EXCLUSIVE")
    return lock
  } catch (error) {
    lock.close()
    if (sqliteCode(error)?.startsWith("SQLITE_BUSY")) return undefined
    throw error
  }
}

async function granted(
  store: Store,
  clock: Clock,
  { rootId, path, lock }: { rootId: string; path: string; lock: Sqlite },
): Promise<Lease> {
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
