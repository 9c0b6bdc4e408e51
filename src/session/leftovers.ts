// Small files that outlive what they were for: drafts of steps that are over, bells and leases of sessions that were
// deleted. Only names that we give are looked at, and only what is older than a day goes.
import { opendir, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import type { Reader, Store } from "../store/store.ts"
import { isHeld } from "./lease.ts"

/** A file may be there a little before its row is. */
const LEFT_MS = 24 * 3_600_000
/** A session's or step's id, and for bells what is rung. */
const OURS = /^([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})(?:\.viewers|\.watch)?$/

/** Returns how many files went. */
export async function removeLeftovers({
  store,
  clock,
  signal,
}: {
  store: Store
  clock: Clock
  signal?: AbortSignal | undefined
}): Promise<number> {
  const isThere = (id: string) => store.one("SELECT 1 FROM session WHERE id = :id", { id }) !== undefined
  const isUseless = {
    draft: (id: string) => !isAsking(store, id),
    bell: (id: string) => !isThere(id),
    lease: (id: string) => !isThere(id) && !isHeld(store, id),
  }
  let removed = 0
  for (const kind of ["draft", "bell", "lease"] as const) {
    const folder = store.folder(kind)
    for await (const entry of await opendir(folder)) {
      signal?.throwIfAborted()
      const id = entry.isFile() ? OURS.exec(entry.name)?.[1] : undefined
      if (id === undefined) continue
      const path = join(folder, entry.name)
      const changedAt = (await stat(path).catch(() => undefined))?.mtimeMs
      signal?.throwIfAborted()
      if (changedAt === undefined || changedAt > clock.now() - LEFT_MS || !isUseless[kind](id)) continue
      await rm(path, { force: true })
      removed++
    }
  }
  return removed
}

/** A step that waits for its answer: its draft is read. */
function isAsking(reader: Reader, stepId: string): boolean {
  return reader.one("SELECT 1 FROM step WHERE id = :stepId AND state = 'asking'", { stepId }) !== undefined
}
