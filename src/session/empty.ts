// A conversation that was opened and left without a word: it is nobody's, and must not stand in lists or be gone on with.
import type { Store } from "../store/store.ts"
import { HAS_UNSENT } from "./unsent.ts"

/** True in SQL, of a row of `session`, when nothing was ever said or started in it, nor stands unsent in its prompt. */
export const IS_EMPTY = `NOT EXISTS (SELECT 1 FROM message WHERE message.session_id = session.id)
  AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.session_id = session.id)
  AND NOT EXISTS (SELECT 1 FROM task WHERE task.owner_id = session.id)
  AND session.forked_from IS NULL AND NOT ${HAS_UNSENT}`

/** Forgets the session if it is empty and has no name; true when it did. */
export async function forgetIfEmpty(store: Store, rootId: string): Promise<boolean> {
  const sql = `DELETE FROM session WHERE id = :rootId AND name IS NULL AND ${IS_EMPTY}`
  return (await store.write((tx) => tx.run(sql, { rootId }))) > 0
}
