// Who drives a tree: an operating-system lock, free the moment its holder dies. A row shows who holds it; the generation
// in it is looked at by every write of the host, which so can never write into a tree that somebody else has taken.
import { chmodSync } from "node:fs"
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import type { Sqlite } from "../runtime/sqlite.ts"
import { isLocked, tryLock } from "../store/lock.ts"
import { SCHEMA_VERSION } from "../store/schema.ts"
import type { Reader, Store, Tx } from "../store/store.ts"

export interface Lease {
  readonly rootId: string
  readonly generation: number
  /** Aborted with a LeaseLost when another process has taken the tree, though this one had not let go. */
  readonly lost: AbortSignal
  /** Looks whether it is still ours: for a host that has nothing to write. */
  look(): void
  release(): void
}

/** The tree is somebody else's now: a file system whose locks can't be trusted, or a lease file that was removed. */
export class LeaseLost extends UserError {
  constructor(rootId: string) {
    super(
      "lease-lost",
      `Another process has taken over the session ${rootId.slice(0, 8)} and goes on with it, so this one ended; nothing more was written by it. See: meanwhile tasks`,
    )
  }
}

/** Live handles: the collector would close an unreferenced one, and so free its lock. */
const held = new Map<string, Sqlite>()

/**
 * Somebody who only asks (`isHeld`) is in the way for some microseconds, or a time slice when it is put aside just then:
 * so often we try, each pause twice as long as the one before.
 */
const TRIES = 5
const TRY_AGAIN_MS = 5

/** Takes the lease of a tree, or returns undefined when another process (or this one) holds it. */
export async function takeLease(store: Store, clock: Clock, rootId: string): Promise<Lease | undefined> {
  const path = pathOf(store, rootId)
  for (let tries = 1; !held.has(path); tries++) {
    const lock = tryLock(path)
    if (lock) return granted(store, clock, { rootId, path, lock })
    if (tries === TRIES) return undefined
    await clock.sleep(TRY_AGAIN_MS * 2 ** (tries - 1))
  }
  return undefined
}

/** Whether a process holds the lease of a tree, asked without taking it. */
export function isHeld(store: Store, rootId: string): boolean {
  const path = pathOf(store, rootId)
  return held.has(path) || isLocked(path)
}

function pathOf(store: Store, rootId: string): string {
  return join(store.folder("lease"), rootId)
}

async function granted(
  store: Store,
  clock: Clock,
  { rootId, path, lock }: { rootId: string; path: string; lock: Sqlite },
): Promise<Lease> {
  held.set(path, lock)
  const letGo = () => {
    held.delete(path)
    lock.close()
  }
  try {
    chmodSync(path, 0o600)
    const generation = await enter(store, clock, rootId)
    const lost = new AbortController()
    const isOurs = (reader: Reader) => generationOf(reader, rootId) === generation
    const lose = () => {
      const error = new LeaseLost(rootId)
      // Not within the transaction that found it: who hears of it may write.
      queueMicrotask(() => lost.abort(error))
      return error
    }
    const fence = store.fence((reader) => {
      if (!isOurs(reader)) throw lose()
    })
    return {
      rootId,
      generation,
      lost: lost.signal,
      look: () => {
        if (!isOurs(store)) lose()
      },
      release: () => {
        // What this process had begun before it lost the tree must not write into it for as long as it lives.
        if (!lost.signal.aborted) fence[Symbol.dispose]()
        letGo()
      },
    }
  } catch (error) {
    letGo()
    throw error
  }
}

function enter(store: Store, clock: Clock, rootId: string): Promise<number> {
  return store.write((tx) => {
    forgetNamesake(store, tx)
    return tx.one<{ generation: number }>(
      `INSERT INTO lease (root_id, generation, pid, taken_at, writer) VALUES (:rootId, 1, :pid, :now, :writer)
       ON CONFLICT (root_id) DO UPDATE SET generation = generation + 1, pid = :pid, taken_at = :now, writer = :writer
       RETURNING generation`,
      { rootId, pid: process.pid, now: clock.now(), writer: SCHEMA_VERSION },
    )!.generation
  })
}

/** An earlier process may have had our id: what it drove must not be taken for ours when we die (abandoned.ts). */
function forgetNamesake(store: Store, tx: Tx): void {
  const rows = tx.all<{ root_id: string }>("SELECT root_id FROM lease WHERE pid = :pid", { pid: process.pid })
  for (const { root_id: rootId } of rows)
    if (!isHeld(store, rootId)) tx.run("UPDATE lease SET pid = 0 WHERE root_id = :rootId", { rootId })
}

function generationOf(reader: Reader, rootId: string): number | undefined {
  return reader.one<{ generation: number }>("SELECT generation FROM lease WHERE root_id = :rootId", { rootId })
    ?.generation
}
