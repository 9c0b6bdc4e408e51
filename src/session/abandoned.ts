// What a process that has died leaves behind: the trees that it drove, where something is still to be done.
import { uptime } from "node:os"
import type { Clock } from "../base/clock.ts"
import type { Reader } from "../store/store.ts"

/** Clocks and uptimes are not that exact. */
const ABOUT_MS = 60_000

/**
 * Roots that the process of that id was the last to drive, with a turn under way, a task that runs or is queued, or
 * something that waits. What is paused waits for somebody, services need nobody. Before the machine was started the id
 * was another process's; one that had it since has its leases forgotten by the next (lease.ts).
 */
export function abandonedBy(reader: Reader, clock: Clock, pid: number): string[] {
  const sql = `SELECT root_id FROM lease WHERE pid = :pid AND taken_at > :boot AND (
      EXISTS (SELECT 1 FROM session JOIN turn ON turn.session_id = session.id
        WHERE session.root_id = lease.root_id AND turn.state = 'open')
      OR EXISTS (SELECT 1 FROM session JOIN inbox ON inbox.session_id = session.id
        WHERE session.root_id = lease.root_id AND (inbox.wake = 1 OR inbox.kind = 'control'))
      OR EXISTS (SELECT 1 FROM task JOIN run ON run.task_id = task.id
        WHERE task.root_id = lease.root_id AND run.state IN ('queued', 'running') AND run.service = 0))
    ORDER BY root_id`
  const boot = clock.now() - uptime() * 1000 - ABOUT_MS
  return reader.all<{ root_id: string }>(sql, { pid, boot }).map((row) => row.root_id)
}
