// A shell line of the user's own (`! npm test`): a foreground task of the root that no call of the model's owns. The
// model hears of it with the next words of the user, and is not woken by it; moved to the background, it is a task like
// any other and leaves its notice.
import type { Clock } from "../base/clock.ts"
import { oneLine } from "../base/text.ts"
import type { RunRow, SessionRow, TaskRow } from "../store/rows.ts"
import { insertRow, type Reader, type Store, type Tx } from "../store/store.ts"
import { defuse } from "../task/defuse.ts"
import type { TaskRuntime } from "../task/runtime.ts"
import { isTerminal, LINE_PREFIX } from "../task/task.ts"
import { currentShellFolder } from "./shell-folder.ts"

export interface ShellLineParts {
  store: Store
  clock: Clock
  tasks: TaskRuntime
  failed(error: unknown): void
}

/** Starts it, once for each control. */
export async function startShellLine(
  parts: ShellLineParts,
  { row, command, controlId }: { row: SessionRow; command: string; controlId: string },
): Promise<void> {
  const { store, tasks } = parts
  const callId = `${LINE_PREFIX}${controlId}`
  if (store.one("SELECT 1 FROM task WHERE owner_id = :owner AND call_id = :callId", { owner: row.id, callId })) return
  const { run } = await tasks.start({
    kind: "shell",
    ownerId: row.id,
    rootId: row.root_id,
    parentTaskId: null,
    callId,
    description: command,
    input: { command, cwd: currentShellFolder(store, row) },
    background: false,
  })
  void follow(parts, run.id)
}

/** Goes on with those of a process that died. */
export async function resumeShellLines(parts: ShellLineParts, row: SessionRow): Promise<void> {
  for (const { id } of untold(parts.store, row.id)) void follow(parts, id)
}

async function follow(parts: ShellLineParts, runId: string): Promise<void> {
  const { store, clock, tasks, failed } = parts
  try {
    const { type } = await tasks.block(runId)
    if (type === "settled") await store.write((tx) => tell(tx, clock, runId))
  } catch (error) {
    failed(error)
  }
}

/** Foreground runs of the session's lines that the model has yet to be told of. */
function untold(reader: Reader, ownerId: string): Pick<RunRow, "id">[] {
  return reader.all(
    `SELECT run.id FROM task JOIN run ON run.task_id = task.id
     WHERE task.owner_id = :ownerId AND task.call_id LIKE '${LINE_PREFIX}%' AND run.background = 0
       AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.id = '${LINE_PREFIX}' || run.id)
       AND NOT EXISTS (SELECT 1 FROM message WHERE message.id = '${LINE_PREFIX}' || run.id)`,
    { ownerId },
  )
}

/** Into the inbox, where it starts no turn: the user's next words do. */
function tell(tx: Tx, clock: Clock, runId: string): void {
  const run = tx.one<RunRow>("SELECT * FROM run WHERE id = :runId", { runId })
  const task = run && tx.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: run.task_id })
  const id = `${LINE_PREFIX}${runId}`
  if (!run || !task || run.background || !isTerminal(run.state)) return
  if (tx.one("SELECT 1 FROM inbox WHERE id = :id UNION SELECT 1 FROM message WHERE id = :id", { id })) return
  insertRow(tx, "inbox", {
    id,
    session_id: task.owner_id,
    kind: "prompt",
    delivery: "steer",
    wake: 0,
    origin: "system",
    content: JSON.stringify([{ type: "text", text: wordsFor(task, run) }]),
    run_id: null,
    created_at: clock.now(),
  })
}

function wordsFor(task: TaskRow, run: RunRow): string {
  const how = run.exit_code === null ? run.state : `exit code ${run.exit_code}`
  const all = Buffer.byteLength(run.result ?? "") < run.bytes ? `; all output: ${run.spool}` : ""
  const head = `The user ran this themselves, it needs no answer: ${defuse(oneLine(task.description, 2000))}`
  return `<system-reminder>\n${head}\n${defuse(run.result ?? "")}\n(${how}${all})\n</system-reminder>`
}
