// Pausing a task, or letting it go on, from another process: its host is asked to do it; where nobody drives the tree,
// the rows are changed and the commands signalled here, and the next host finds them so.
import type { Clock } from "../base/clock.ts"
import type { Ids } from "../base/ids.ts"
import { readExitFile } from "../exec/exit-file.ts"
import { signalGroup } from "../exec/hold.ts"
import { operatingSystem } from "../exec/os.ts"
import type { RunRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import { findTask, type TaskView } from "../task/find.ts"
import { PAUSED_BY_USER, pauseRuns, resumeRuns } from "../task/pause.ts"
import { isTerminal } from "../task/task.ts"
import { request } from "./controls.ts"
import { takeLease } from "./lease.ts"

/** How long to wait for a host, and how often to look whether it has done it or has gone. */
const PATIENCE_MS = 5_000
const LOOK_MS = 20

export type PauseAction = "pause" | "resume"

export interface Changed extends TaskView {
  /** Whether it is paused now; or goes on, and may have ended since. */
  isDone: boolean
}

/** Returns the tasks as they are afterwards: one may have ended meanwhile. */
export async function pauseFromOutside(
  store: Store,
  { action, views }: { action: PauseAction; views: readonly TaskView[] },
  parts: { clock: Clock; ids: Ids },
): Promise<Changed[]> {
  for (const { task } of views) await changeOne(store, { action, taskId: task.id, rootId: task.root_id }, parts)
  return views.map((before) => {
    const after = findTask(store, before.task.id)
    const goesOn = !isTerminal(before.run.state) && after.run.state !== "paused"
    return { ...after, isDone: action === "pause" ? after.run.state === "paused" : goesOn }
  })
}

interface Change {
  action: PauseAction
  taskId: string
  rootId: string
}

async function changeOne(store: Store, change: Change, { clock, ids }: { clock: Clock; ids: Ids }): Promise<void> {
  const { action, taskId, rootId } = change
  const end = clock.monotonic() + PATIENCE_MS
  for (let asked = false; clock.monotonic() < end; ) {
    const view = findTask(store, taskId)
    if (isTerminal(view.run.state) || (view.run.state === "paused") === (action === "pause")) return
    // Tried again and again: the host may be ending.
    const lease = await takeLease(store, clock, rootId)
    if (lease) {
      try {
        return await changeHere(store, change, clock)
      } finally {
        lease.release()
      }
    }
    const control = { action: `${action}_task`, taskId } as const
    if (!asked) await store.writeDurably((tx) => request(tx, { clock, ids }, { rootId, control }))
    asked = true
    await clock.sleep(LOOK_MS)
  }
}

async function changeHere(store: Store, { action, taskId }: Change, clock: Clock): Promise<void> {
  const changed = await store.writeDurably((tx) => {
    if (action === "resume") return resumeRuns(tx, clock, [taskId])
    const ids = pauseRuns(tx, clock, { taskIds: [taskId], reason: PAUSED_BY_USER })
    return ids.map((id) => tx.one<RunRow>("SELECT * FROM run WHERE id = :id", { id })!)
  })
  for (const run of changed) await signal(run, action === "pause" ? "SIGSTOP" : "SIGCONT")
}

/** Its number is only believed while somebody of the group is in the session that the run's own runner leads. */
async function signal({ pid, spool }: RunRow, name: "SIGSTOP" | "SIGCONT"): Promise<void> {
  if (pid === null || spool === null) return
  const { group } = readExitFile(spool.replace(/\.out$/, ".exit"))
  if (group === undefined) return
  const all = await operatingSystem.processes()
  const isThere = all.some((process) => process.group === group && (process.session === pid || process.session === 0))
  if (isThere) signalGroup(group, name)
}
