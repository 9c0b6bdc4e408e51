// Stopping a task from another process: its host is asked to do it; where nobody drives the tree any more, what is left
// of the task is ended here.
import type { Clock } from "../base/clock.ts"
import type { Ids } from "../base/ids.ts"
import { stopTree } from "../exec/stop.ts"
import type { RunRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import { findTask, listTasks, type TaskView } from "../task/find.ts"
import { settle, settleDependants } from "../task/settle.ts"
import { isTerminal, type Outcome } from "../task/task.ts"
import { request } from "./controls.ts"
import { takeLease } from "./lease.ts"

/** How long to wait for a host: the kill ladder's five seconds, and some. */
const PATIENCE_MS = 15_000

/** Returns the tasks as they are afterwards; one that could not be stopped is still live in them. */
export async function stopFromOutside(
  store: Store,
  views: readonly TaskView[],
  parts: { clock: Clock; ids: Ids },
): Promise<TaskView[]> {
  for (const { task, run } of views)
    if (!isTerminal(run.state)) await stopOne(store, { taskId: task.id, rootId: task.root_id }, parts)
  return views.map((view) => findTask(store, view.task.id))
}

async function stopOne(
  store: Store,
  { taskId, rootId }: { taskId: string; rootId: string },
  { clock, ids }: { clock: Clock; ids: Ids },
): Promise<void> {
  const lease = await takeLease(store, clock, rootId)
  if (lease) {
    try {
      return await endOrphans(store, taskId, clock)
    } finally {
      lease.release()
    }
  }
  await store.writeDurably((tx) => request(tx, { clock, ids }, { rootId, control: { action: "stop_task", taskId } }))
  const end = clock.monotonic() + PATIENCE_MS
  while (!isTerminal(findTask(store, taskId).run.state) && clock.monotonic() < end) await clock.sleep(25)
}

/** The deepest first, so that nothing passes to an owner that is about to end. */
async function endOrphans(store: Store, taskId: string, clock: Clock): Promise<void> {
  for (const view of below(store, findTask(store, taskId)).reverse()) {
    const outcome = await endOrphan(view, clock)
    if (!outcome) continue
    const settled = await store.writeDurably((tx) => {
      tx.run("UPDATE run SET stop_by = 'user' WHERE id = :id", { id: view.run.id })
      return settle(tx, clock, { runId: view.run.id, outcome })
    })
    let rest = settled.type === "settled" ? settled.rest : []
    while (rest.length > 0) rest = (await store.writeDurably((tx) => settleDependants(tx, clock, rest))).rest
  }
}

function below(store: Store, view: TaskView): TaskView[] {
  const children = view.task.session_id ? listTasks(store, { ownerId: view.task.session_id, live: true }) : []
  return [view, ...children.flatMap((child) => below(store, child))]
}

async function endOrphan({ run }: TaskView, clock: Clock): Promise<Outcome | undefined> {
  const common = { state: "stopped", reason: "stopped by the user, after the program that ran it had ended" } as const
  if (!isShell(run)) return common
  const { pid, pid_started: pidStarted, pgid, spool, id: mark } = run
  const { stopped } = await stopTree({ pid, pidStarted, pgid, mark, spool, clock })
  return stopped ? { ...common, result: run.tail } : undefined
}

function isShell(run: RunRow): run is RunRow & { pid: number; pid_started: string; spool: string } {
  return run.pid !== null && run.pid_started !== null && run.spool !== null
}
