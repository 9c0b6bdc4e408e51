// The names of sessions: what may be one, and that no two of a project have the same.
import { Exit, UserError } from "../base/error.ts"
import { visible } from "../base/escape.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Reader, Tx } from "../store/store.ts"

const LONGEST = 200

/** The name without white space around it. Throws a UserError when it could not be shown or typed. */
export function checkedName(name: string): string {
  const trimmed = name.trim()
  const refuse = (why: string): never => {
    throw new UserError("bad-name", `That is no name for a session: ${why}.`, Exit.usage)
  }
  if (trimmed === "") return refuse("it is empty")
  if (trimmed.length > LONGEST) return refuse(`it has ${trimmed.length} characters, ${LONGEST} is the most`)
  // An emoji may hold an invisible joiner; what reorders text or acts on a terminal may not be there.
  if (visible(trimmed.replace(/\u200d/g, "")) !== trimmed.replace(/\u200d/g, ""))
    return refuse(`"${visible(trimmed)}" has control characters`)
  return trimmed
}

/** The name, with " (2)", " (3)", … when another session of the project has it. */
export function freeName(
  reader: Reader,
  { project, name, id }: { project: string; name: string; id?: string },
): string {
  const sql =
    "SELECT 1 FROM session WHERE project = :project AND name = :name AND parent_id IS NULL AND id IS NOT :id LIMIT 1"
  const isTaken = (wanted: string) => reader.one(sql, { project, name: wanted, id: id ?? null }) !== undefined
  let free = name
  for (let n = 2; isTaken(free); n++) free = `${name} (${n})`
  return free
}

/** Names a session, and returns the name that it got. Throws a UserError when it may not be one, or the session is gone. */
export function rename(tx: Tx, id: string, name: string): string {
  const row = tx.one<Pick<SessionRow, "project">>("SELECT project FROM session WHERE id = :id", { id })
  if (!row) throw new UserError("no-session", `The session ${id.slice(0, 8)} was deleted.`)
  const free = freeName(tx, { project: row.project, name: checkedName(name), id })
  tx.run("UPDATE session SET name = :name WHERE id = :id", { id, name: free })
  // Whoever looks at the session sees it at once.
  tx.ring(`feed:${id}`)
  tx.ring(`watch:${id}`)
  return free
}
