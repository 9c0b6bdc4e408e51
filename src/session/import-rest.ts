// An imported session is at rest: what ran where it was exported does not run here, so it has ended; nothing of it starts
// by itself; and it may do no more without asking than a new one.
import { basename, join } from "node:path"
import type { Tx } from "../store/store.ts"
import { LIVE } from "../task/task.ts"
import { textOutput } from "../tool/tool.ts"

export interface AtRest {
  /** Tasks that ran. */
  lost: number
  /** It was in the mode that asks for nothing, and no longer is. */
  asksAgain: boolean
}

const LOST = "it ran when its session was exported"
const INTERRUPTED =
  "Interrupted: the session was exported during this call, and goes on elsewhere. It may have taken effect; check before you repeat it."

/** `spools`: our own folder for what commands print. */
export function putToRest(tx: Tx, { spools }: { spools: string }): AtRest {
  const lost = tx.run(
    `UPDATE run SET state = 'lost', reason = :reason, ended_at = event_at, pid = NULL, pid_started = NULL, pgid = NULL
     WHERE state IN ${LIVE}`,
    { reason: LOST },
  )
  // Its result is missing: without one the conversation could not be gone on with.
  tx.run(
    `UPDATE tool_call SET state = 'done', is_error = 1, result = :result, ended_at = COALESCE(ended_at, started_at)
     WHERE state <> 'done'`,
    { result: JSON.stringify(textOutput(INTERRUPTED, { isError: true })) },
  )
  tx.run("UPDATE step SET state = 'done', ended_at = COALESCE(ended_at, started_at) WHERE state = 'calling'")
  tx.run("UPDATE step SET state = 'aborted', error = :error, ended_at = started_at WHERE state = 'asking'", {
    error: "its session was exported",
  })
  tx.run("UPDATE turn SET state = 'interrupted', ended_at = COALESCE(ended_at, started_at) WHERE state = 'open'")
  tx.run("UPDATE approval SET state = 'withdrawn' WHERE state = 'open'")
  // Files that were to be taken back are not here, or others.
  tx.run("UPDATE rewind SET state = 'done', ended_at = COALESCE(ended_at, created_at) WHERE state = 'open'")
  // What it used will not be known: all that it could have.
  tx.run("UPDATE ledger SET state = 'estimated', closed_at = opened_at WHERE state = 'open'")
  // What waits goes along with the next prompt. Orders were for the process that drove it.
  tx.run("DELETE FROM inbox WHERE kind IN ('control', 'answer')")
  tx.run("UPDATE inbox SET wake = 0 WHERE wake <> 0")
  const asksAgain = tx.run("UPDATE session SET permission_mode = 'default' WHERE permission_mode = 'bypassPermissions'")
  ownSpools(tx, spools)
  return { lost, asksAgain: asksAgain > 0 }
}

/** Names of output files are those of their runs in our own folder; a file may name no other. */
function ownSpools(tx: Tx, folder: string): void {
  for (const { id, spool } of tx.all<{ id: string; spool: string }>(
    "SELECT id, spool FROM run WHERE spool IS NOT NULL",
  )) {
    const name = basename(spool)
    const isIts = /^[\w.-]+$/.test(name) && name.split(".", 1)[0] === id
    tx.run("UPDATE run SET spool = :spool WHERE id = :id", { id, spool: isIts ? join(folder, name) : null })
  }
}
