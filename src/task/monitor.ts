// The monitor kind of task: a command whose lines of output are events. They reach the owner in batches, less often the
// longer they keep coming, so that a chatty command can neither flood the conversation nor run up a bill.
import type { Clock } from "../base/clock.ts"
import { readNew } from "../exec/spool.ts"
import { gapNote } from "../exec/spool-gap.ts"
import { publish } from "../store/feed.ts"
import type { RunRow, TaskRow } from "../store/rows.ts"
import { insertRow, type Store } from "../store/store.ts"
import { renderEvent } from "./notice.ts"
import { type OutputWatcher, ShellKind, type ShellParts } from "./shell.ts"
import { LIVE } from "./task.ts"

const LOOK_MS = 200
/** Between two batches at first; it doubles with each batch, up to the longest, and starts anew after a quiet time. */
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000
const QUIET_MS = 120_000
/** Of one batch. What is more is counted, and can be read with TaskOutput. */
const BATCH_LINES = 40
const BATCH_CHARS = 6_000
/** Of the output that is looked at for one batch. */
const READ_BYTES = 256 * 1024

export function monitorKind(parts: ShellParts): ShellKind {
  return new ShellKind(parts, { kind: "monitor", watch: (task, run) => new LineEvents(parts, task, run) })
}

class LineEvents implements OutputWatcher {
  readonly everyMs = LOOK_MS
  readonly #store: Store
  readonly #clock: Clock
  readonly #task: TaskRow
  readonly #runId: string
  #offset: number
  #pauseMs = FIRST_PAUSE_MS
  #toldAt = Number.NEGATIVE_INFINITY

  constructor({ store, clock }: { store: Store; clock: Clock }, task: TaskRow, run: RunRow) {
    this.#store = store
    this.#clock = clock
    this.#task = task
    this.#runId = run.id
    this.#offset = run.told_bytes
  }

  async look(spool: string): Promise<void> {
    const now = this.#clock.monotonic()
    if (now < this.#toldAt + this.#pauseMs) return
    const news = await readNew(spool, { offset: this.#offset, length: READ_BYTES, lines: true })
    const whole = news.gap ? `${gapNote(news.gap)}\n${news.text}` : news.text
    if (!whole) return
    const quiet = now - this.#toldAt > QUIET_MS
    await this.#tell(whole, news.next)
    this.#offset = news.next
    this.#pauseMs = quiet ? FIRST_PAUSE_MS : Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
    this.#toldAt = now
  }

  /** How far it told and the notice are one transaction: after a crash no line is told twice, and none is left out. */
  async #tell(whole: string, told: number): Promise<void> {
    const runId = this.#runId
    await this.#store.writeDurably((tx) => {
      const run = tx.one<RunRow>(
        `UPDATE run SET notice_count = notice_count + 1, told_bytes = :told, event_at = :now
         WHERE id = :runId AND state IN ${LIVE} RETURNING *`,
        { runId, told, now: this.#clock.now() },
      )
      if (!run) return
      const owner = tx.one<{ owner_id: string }>("SELECT owner_id FROM task WHERE id = :id", {
        id: this.#task.id,
      })!.owner_id
      const text = renderEvent(this.#task, { n: run.notice_count, lines: batch(whole) })
      insertRow(tx, "inbox", {
        id: `notice:${runId}:${run.notice_count}`,
        session_id: owner,
        kind: "notice",
        delivery: "steer",
        wake: this.#task.wake === "none" ? 0 : 1,
        origin: "task",
        content: JSON.stringify([{ type: "text", text }]),
        run_id: null,
        created_at: this.#clock.now(),
      })
      publish(tx, this.#clock, { rootId: this.#task.root_id, sessionId: owner, kind: "task_progress", ref: runId })
      tx.ring(`inbox:${owner}`)
    })
  }
}

/** The newest lines: of much that came at once, the end says most. */
function batch(whole: string): string {
  const lines = whole.trimEnd().split("\n")
  const shown = lines.slice(-BATCH_LINES).join("\n")
  const cut = shown.length > BATCH_CHARS ? `…${shown.slice(-BATCH_CHARS)}` : shown
  const left = lines.length - Math.min(lines.length, BATCH_LINES)
  return left > 0 ? `(${left} lines before these: TaskOutput shows them)\n${cut}` : cut
}
