// How tasks are, from their rows and leases; and a word to the owner of one that has been silent for long.
import type { Clock } from "../base/clock.ts"
import { duration } from "../base/text.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"
import { insertRow, type Reader, type Store, type Tx } from "../store/store.ts"
import type { TaskView } from "../task/find.ts"
import { type Health, healthOf, SILENCE_MS } from "../task/health.ts"
import { renderWord } from "../task/notice.ts"
import { LIVE } from "../task/task.ts"
import { isHeld } from "./lease.ts"

/** By task id; those that are well are not in it. */
export function healthOfTasks(store: Store, views: readonly TaskView[], now: number): ReadonlyMap<string, Health> {
  const held = new Map<string, boolean>()
  const isDriven = (rootId: string) => {
    const known = held.get(rootId) ?? isHeld(store, rootId)
    held.set(rootId, known)
    return known
  }
  return new Map(
    views.flatMap(({ task, run }) => {
      const health = healthOf({ ...signsOf(store, { task, run }), isDriven: isDriven(task.root_id), now })
      return health ? [[task.id, health] as const] : []
    }),
  )
}

const LOOK_MS = 30_000

/**
 * Tells, once a run, the owners of tasks of this tree that have gone silent; until disposed. `excuse`: takes out what
 * passed while this process did not run, before it judges.
 */
export function tellStalls(
  { store, clock }: { store: Store; clock: Clock },
  { rootId, excuse, failed }: { rootId: string; excuse(): Promise<void>; failed(error: unknown): void },
): Disposable {
  const look = async () => {
    await excuse()
    await tellOnce(store, clock, rootId)
  }
  const timer = setInterval(() => look().catch(failed), LOOK_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

export async function tellOnce(store: Store, clock: Clock, rootId: string): Promise<void> {
  const now = clock.now()
  const silent = (reader: Reader) =>
    reader
      .all<RunRow>(
        `SELECT run.* FROM run JOIN task ON task.id = run.task_id
         WHERE run.state IN ${LIVE} AND run.state = 'running' AND task.root_id = :rootId AND run.event_at <= :before
           AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.id = 'notice:' || run.id || ':stalled')
           AND NOT EXISTS (SELECT 1 FROM message WHERE message.id = 'notice:' || run.id || ':stalled')`,
        { rootId, before: now - SILENCE_MS },
      )
      .map((run) => ({ run, task: reader.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: run.task_id })! }))
      .filter((one) => healthOf({ ...signsOf(reader, one), isDriven: true, now }) === "stalled")
  if (silent(store).length === 0) return
  await store.write((tx) => {
    for (const one of silent(tx)) tell(tx, one, now)
  })
}

/** Quiet: it wakes nobody, and keeps no turn from its end. */
function tell(tx: Tx, { task, run }: { task: TaskRow; run: RunRow }, now: number): void {
  const text = `(stalled: nothing came from it for ${duration(now - run.event_at)}; it still runs)`
  insertRow(tx, "inbox", {
    id: `notice:${run.id}:stalled`,
    session_id: task.owner_id,
    kind: "notice",
    delivery: "queue",
    wake: 0,
    origin: "task",
    content: JSON.stringify([{ type: "text", text: renderWord(task, { status: run.state, text }) }]),
    run_id: null,
    created_at: now,
  })
}

function signsOf(reader: Reader, { task, run }: { task: TaskRow; run: RunRow }) {
  const asked = "SELECT 1 FROM approval WHERE root_id = :root AND state = 'open' AND task_id = :task LIMIT 1"
  const live = `SELECT 1 FROM task JOIN run ON run.task_id = task.id
    WHERE task.owner_id = :session AND run.state IN ${LIVE} LIMIT 1`
  return {
    kind: task.kind,
    run,
    asks: reader.one(asked, { root: task.root_id, task: task.id }) !== undefined,
    hasLiveTasks: task.session_id !== null && reader.one(live, { session: task.session_id }) !== undefined,
  }
}
