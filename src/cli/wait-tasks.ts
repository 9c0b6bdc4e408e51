// `meanwhile tasks wait ID…`: a line for each task as it ends. A task that nobody drives would never end: it is said.
import { systemClock } from "../base/clock.ts"
import { Exit, type ExitCode } from "../base/error.ts"
import { oneLine } from "../base/text.ts"
import { writeErr, writeOut } from "../runtime/standard.ts"
import { Absence } from "../session/driven.ts"
import { changes } from "../store/changes.ts"
import type { RunRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import type { TaskView } from "../task/find.ts"
import { isTerminal as isSettled } from "../task/task.ts"
import { timeOf, whatOf } from "./task-view.ts"

/** A host that dies rings no bell. */
const LOOK_AT_HOSTS_MS = 500

/** 0 when all of them completed, else 1; it waits for the runs that are the newest now. */
export async function waitForTasks(store: Store, views: readonly TaskView[], signal: AbortSignal): Promise<ExitCode> {
  const left = new Map(views.map((view) => [view.run.id, view]))
  const absence = new Absence(store, systemClock)
  let allCompleted = true
  for await (const _ of changes(store, systemClock, { signal, atLeastMs: LOOK_AT_HOSTS_MS })) {
    for (const [runId, view] of left) {
      const isAlone = absence.lasts(view.task.root_id)
      const run = store.one<RunRow>("SELECT * FROM run WHERE id = :runId", { runId })
      if (run && !isSettled(run.state) && !isAlone) continue
      left.delete(runId)
      allCompleted &&= run?.state === "completed"
      await tell({ ...view, run: run ?? view.run }, run)
    }
    if (left.size === 0) return allCompleted ? Exit.done : Exit.failed
  }
  return Exit.interrupted
}

async function tell(view: TaskView, run: RunRow | undefined): Promise<void> {
  const { task } = view
  if (run && !isSettled(run.state))
    await writeErr(
      `meanwhile: nobody drives ${task.id} any more, so it would never end. End it: meanwhile tasks stop ${task.id}\n`,
    )
  await writeOut(`${task.id}  ${oneLine(`${endOf(run)}  ${whatOf(view)}  ${timeOf(view, systemClock.now())}`, 300)}\n`)
}

function endOf(run: RunRow | undefined): string {
  if (!run) return "deleted"
  if (!isSettled(run.state)) return `${run.state} (nobody drives it)`
  return run.reason && run.state !== "completed" ? `${run.state}: ${oneLine(run.reason, 120)}` : run.state
}
