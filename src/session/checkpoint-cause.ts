// Whose doing a change is: told by the file's change time and the rows of the commands that were at work then. What no
// command can have done is somebody else's; and a change is surely a command's alone only where the file was looked at
// just before that began. For in between somebody else may have changed it too, and that must not be taken back unasked.
import { isReadOnlyCommand } from "../permission/read-only.ts"
import type { Flag, RunRow, TaskRow } from "../store/rows.ts"
import type { Reader } from "../store/store.ts"
import type { ShellInput } from "../task/shell.ts"
import { LINE_PREFIX } from "../task/task.ts"
import type { Change } from "./checkpoint-scan.ts"
import { type FileState, SLACK_MS } from "./checkpoint-state.ts"

/** What a file was before a change. */
export type Before = FileState & {
  /** As it was last seen: somebody else may have changed it after that, before the command did. */
  isDoubtful?: true
}

/** Of shells and monitors. */
export type CommandRun = Pick<RunRow, "id" | "created_at" | "ended_at"> &
  Pick<TaskRow, "owner_id" | "call_id"> & {
    started_at: number
    /** It goes on beside the user's own work, and is not expected to change files. */
    lasts: Flag
  }

export const COMMANDS = "('shell', 'monitor')"

/**
 * Commands of the tree that were at work since then, in the order in which they began. Lines of the user's own are the
 * user's doing; those that only read have changed nothing, and nobody looks before they begin.
 */
export function commandsSince(reader: Reader, rootId: string, since: number): CommandRun[] {
  return reader
    .all<CommandRun & Pick<TaskRow, "kind" | "input">>(
      `SELECT run.id, run.created_at, run.started_at, run.ended_at, task.owner_id, task.call_id, task.kind, task.input,
         run.service OR task.kind = 'monitor' AS lasts
       FROM run JOIN task ON task.id = run.task_id
       WHERE task.root_id = :rootId AND task.kind IN ${COMMANDS} AND run.started_at IS NOT NULL
         AND COALESCE(task.call_id, '') NOT LIKE '${LINE_PREFIX}%'
         AND (run.ended_at IS NULL OR run.ended_at >= :since) ORDER BY run.started_at`,
      { rootId, since },
    )
    .filter(mayChangeFiles)
}

/** False for commands that only read. */
export function mayChangeFiles({ kind, input }: Pick<TaskRow, "kind" | "input">): boolean {
  if (kind !== "shell") return true
  const { command, cwd } = JSON.parse(input) as Partial<ShellInput>
  return command === undefined || cwd === undefined || !isReadOnlyCommand(command, { cwd })
}

/** The commands that can have done it: not those that had ended before, or began after it. */
export function suspectsOf({ changedMs }: Change, runs: readonly CommandRun[]): CommandRun[] {
  if (changedMs === undefined) return [...runs]
  return runs.filter(
    ({ started_at: from, ended_at: to }) => changedMs >= from - SLACK_MS && (to === null || changedMs <= to),
  )
}

/**
 * `seen`: whether the file was looked at just before that command began, or since. What lies in the milliseconds between
 * a look and the command's own beginning can't be told from it, file systems' times being as coarse.
 */
export function isSurelyOf({
  suspects,
  seen,
}: {
  suspects: readonly CommandRun[]
  seen(run: CommandRun): boolean
}): boolean {
  return suspects.some((run) => run.lasts === 0 && seen(run))
}
