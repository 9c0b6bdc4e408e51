// What stands unsent in the prompt of a session, stored as it is typed: it is there again for whoever comes after the
// process that died, or whose terminal went, in the middle of it.
import { operatingSystem } from "../exec/os.ts"
import type { UserPart } from "../model/message.ts"
import type { Reader, Store, Tx } from "../store/store.ts"

/** As an editor can take it up again. */
export interface Unsent {
  parts: readonly UserPart[]
  /** `shell`: a command, without its `!`. */
  mode: "prompt" | "shell"
}

interface Stored extends Unsent {
  /** The process in whose editor it stands: its pid, and its start time. */
  writer: readonly [number, string]
}

/** True in SQL, of a row of `session`, when something unsent is stored for it. */
export const HAS_UNSENT = "EXISTS (SELECT 1 FROM meta WHERE key = 'unsent:' || session.id)"

/** Stores it, or forgets what this process has stored when nothing stands there any more. */
export async function keepUnsent(store: Store, rootId: string, unsent: Unsent | undefined): Promise<void> {
  const writer = [process.pid, (await operatingSystem.startTime(process.pid)) ?? ""] as const
  await store.write((tx) => {
    if (unsent) {
      const stored: Stored = { ...unsent, writer }
      tx.run(
        "INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        { key: keyOf(rootId), value: JSON.stringify(stored) },
      )
    } else if (storedFor(tx, rootId)?.writer[0] === writer[0]) removeUnsent(tx, rootId)
  })
}

/** What somebody left there; undefined also while it stands in an editor of a process that lives. */
export async function leftUnsent(reader: Reader, rootId: string): Promise<Unsent | undefined> {
  const stored = storedFor(reader, rootId)
  if (!stored) return undefined
  const [pid, started] = stored.writer
  const isOthers = pid !== process.pid && (await operatingSystem.startTime(pid)) === started
  return isOthers ? undefined : stored
}

export function removeUnsent(tx: Tx, rootId: string): void {
  tx.run("DELETE FROM meta WHERE key = :key", { key: keyOf(rootId) })
}

function storedFor(reader: Reader, rootId: string): Stored | undefined {
  const row = reader.one<{ value: string }>("SELECT value FROM meta WHERE key = :key", { key: keyOf(rootId) })
  return row && (JSON.parse(row.value) as Stored)
}

function keyOf(rootId: string): string {
  return `unsent:${rootId}`
}
