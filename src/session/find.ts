// Finding sessions: the last one of a folder, or one by its name or the beginning of its id.
import { UserError } from "../base/error.ts"
import { visible } from "../base/escape.ts"
import { oneLine, quoted } from "../base/text.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { IS_EMPTY } from "./empty.ts"
import { firstMessage } from "./lineage.ts"

/** The session with the user that was used last in this project. */
export function lastSession(reader: Reader, project: string): SessionRow {
  const row = reader.one<SessionRow>(
    `SELECT * FROM session WHERE project = :project AND parent_id IS NULL AND NOT (${IS_EMPTY})
     ORDER BY updated_at DESC LIMIT 1`,
    { project },
  )
  if (!row)
    throw new UserError(
      "no-session",
      `There is no session to continue in ${visible(project)}. Start one: meanwhile -p "…"`,
    )
  return row
}

/** By exact name (this project's first), else by the beginning of the id. Throws UserError unless there is just one. */
export function findSession(reader: Reader, wanted: string, project: string): SessionRow {
  const named = reader.all<SessionRow>(
    `SELECT * FROM session WHERE parent_id IS NULL AND name = :wanted ORDER BY (project = :project) DESC, updated_at DESC LIMIT 1`,
    { wanted, project },
  )
  const found = named.length > 0 ? named : byId(reader, wanted)
  if (found.length === 1) return found[0]!
  if (found.length === 0)
    throw new UserError("no-session", `There is no session ${quoted(wanted)}. List them: meanwhile sessions`)
  const names = found.map(
    (row) => `  ${row.id}  ${oneLine(row.name ?? row.title ?? firstPrompt(reader, row.id) ?? "", 60)}`,
  )
  throw new UserError(
    "ambiguous-session",
    `${quoted(wanted)} is the beginning of several sessions:\n${names.join("\n")}`,
  )
}

function byId(reader: Reader, prefix: string): SessionRow[] {
  return reader.all<SessionRow>(
    `SELECT * FROM session WHERE parent_id IS NULL AND substr(id, 1, length(:prefix)) = :prefix ORDER BY updated_at DESC LIMIT 10`,
    { prefix: prefix.toLowerCase() },
  )
}

/** What a list needs of a session; a whole row is long, for its prompt. */
export type RootRow = Pick<SessionRow, (typeof ROOT_COLUMNS)[number]>

const ROOT_COLUMNS = [
  "id",
  "name",
  "title",
  "project",
  "cwd",
  "branch",
  "model",
  "agent",
  "created_at",
  "updated_at",
  "forked_from",
  "fork_seq",
] as const satisfies readonly (keyof SessionRow)[]

/**
 * The sessions with the user, of one project or of all, the one used last first; without those in which nothing was ever
 * said, unless they have a name. All of it is in the index: ten thousand take some milliseconds.
 */
export function listRoots(reader: Reader, project?: string): RootRow[] {
  return reader.all<RootRow>(
    `SELECT ${ROOT_COLUMNS.join(", ")} FROM session INDEXED BY session_list
     WHERE parent_id IS NULL ${project === undefined ? "" : "AND project = :project"}
       AND (name IS NOT NULL OR title IS NOT NULL OR forked_from IS NOT NULL OR NOT (${IS_EMPTY}))
     ORDER BY updated_at DESC`,
    project === undefined ? {} : { project },
  )
}

/** What the user asked first: what a session without a name is known by. */
export function firstPrompt(reader: Reader, sessionId: string): string | undefined {
  const row = firstMessage(reader, sessionId, "role = 'user' AND origin = 'human'")
  const parts = row ? (JSON.parse(row.content) as { type: string; text?: string }[]) : []
  return parts.find((part) => part.type === "text")?.text
}
