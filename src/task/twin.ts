// Starts that ask for the same work. One of them is enough: while a task is live, whoever starts its twin gets it.
import { createHash } from "node:crypto"
import type { TaskRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import { LIVE, type StartSpec } from "./task.ts"

/** Equal for starts of one owner with the same input. */
export function twinOf({ ownerId, kind, input }: Pick<StartSpec, "ownerId" | "kind" | "input">): string {
  return createHash("sha256")
    .update(JSON.stringify([ownerId, kind, input]))
    .digest("base64url")
}

/** The id of a live task that does what this one would. */
export function liveTwin(reader: Reader, { twin }: Pick<TaskRow, "twin">): string | undefined {
  if (twin === null) return undefined
  const sql = `SELECT task.id FROM task JOIN run ON run.task_id = task.id
    WHERE task.twin = :twin AND run.state IN ${LIVE} LIMIT 1`
  return reader.one<{ id: string }>(sql, { twin })?.id
}
