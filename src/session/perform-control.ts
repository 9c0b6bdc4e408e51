// What a host does when somebody wants it to: each control, on the tree that it drives. Done twice is done once.
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import type { PermissionMode } from "../base/permission-mode.ts"
import type { SessionRow, TurnRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import { capsOf, hasCaps, type WrittenCaps } from "../task/caps.ts"
import { findTask, listTasks, type TaskView } from "../task/find.ts"
import { PAUSED_BY_USER } from "../task/pause.ts"
import type { TaskRuntime } from "../task/runtime.ts"
import type { Approvals } from "./approvals.ts"
import type { Budget } from "./budget.ts"
import type { Asked, Control } from "./controls.ts"
import type { Interruption } from "./converse.ts"
import { admit } from "./inbox.ts"
import { startShellLine } from "./shell-line.ts"

export interface Performing {
  row: SessionRow
  store: Store
  clock: Clock
  tasks: TaskRuntime
  interruption: Interruption
  approvals: Approvals
  budget: Budget
  updateMemory(): void
  /** For what goes wrong later than here. */
  failed(error: unknown): void
  /** Throws a UserError when there is no such mode or model. */
  change(setting: { permissionMode?: PermissionMode; model?: string }): Promise<void>
  /** Compacts the session if it may be done now; else the turn under way does. */
  compact(): Promise<void>
}

/** Throws a UserError when it can't be done, such as when there is nothing to do it to. */
export async function performControl(control: Control, asked: Asked, parts: Performing): Promise<void> {
  const { row, store, tasks, interruption, approvals } = parts
  const find = (id: string) => findTask(store, id, row.id)
  const idOf = (id: string) => find(id).task.id
  switch (control.action) {
    case "background":
      if (control.taskId === undefined) return void (await tasks.backgroundAll(row.id))
      return void (await tasks.background([find(control.taskId).run.id]))
    case "interrupt":
      return interruption.interrupt({ by: "user" })
    case "stop_task":
      return void (await tasks.stop([idOf(control.taskId)], "user"))
    case "pause_task":
      return void (await tasks.pause([idOf(control.taskId)], PAUSED_BY_USER))
    case "resume_task":
      return void (await tasks.resume([idOf(control.taskId)]))
    case "stop_all":
      return void (await tasks.stop(idsOf(liveBefore(parts, asked).filter(({ run }) => run.background === 1)), "user"))
    case "pause_all":
      return void (await tasks.pause(idsOf(topOf(liveBefore(parts, asked), row)), PAUSED_BY_USER))
    case "resume_all":
      return void (await tasks.resume(idsOf(liveBefore(parts, asked))))
    case "answer":
      return void (await approvals.answer(control.approvalId, control))
    case "change":
      return parts.change(control)
    case "memory":
      return parts.updateMemory()
    case "shell":
      return await startShellLine(parts, { row, command: control.command, controlId: asked.id })
    case "raise":
      return control.taskId === undefined
        ? await raiseSession(parts, { asked, caps: control.caps })
        : await raiseTask(parts, { view: find(control.taskId), caps: control.caps })
    case "compact":
      return parts.compact()
    case "message":
      return await speak(parts, { asked, view: find(control.taskId), text: control.text })
    default:
      control satisfies never
  }
}

/** What was started after the control was asked for, perhaps before it is done a second time, is not meant by it. */
function liveBefore({ store, row }: Performing, { at }: Asked): TaskView[] {
  return listTasks(store, { rootId: row.id, live: true }).filter(({ task }) => task.created_at <= at)
}

/** Those of the root itself: a task is paused with all that it started. */
function topOf(views: readonly TaskView[], row: SessionRow): TaskView[] {
  return views.filter(({ task }) => task.owner_id === row.id)
}

function idsOf(views: readonly TaskView[]): string[] {
  return views.map(({ task }) => task.id)
}

async function raiseTask(
  { store, budget, tasks }: Performing,
  { view, caps }: { view: TaskView; caps: WrittenCaps },
): Promise<void> {
  const { task, run } = view
  if (task.kind !== "agent")
    throw new UserError("no-caps", `${task.id} is a ${task.kind}: only agents, and the session itself, have caps.`)
  const limits = limitsOf(caps)
  await store.write((tx) => budget.set(tx, { taskId: task.id }, limits))
  if (run.state === "paused" && run.reason?.startsWith("cap:")) await tasks.resume([task.id])
}

const CAP_RAISED =
  "<system-reminder>The user has raised the limit at which you were cut off. Go on where you stopped.</system-reminder>"

async function raiseSession(
  { store, clock, row, budget }: Performing,
  { asked, caps }: { asked: Asked; caps: WrittenCaps },
): Promise<void> {
  const limits = limitsOf(caps)
  await store.write((tx) => {
    budget.set(tx, { rootId: row.id }, limits)
    const id = `raised:${asked.id}`
    const last = tx.one<TurnRow>("SELECT * FROM turn WHERE session_id = :id ORDER BY rowid DESC LIMIT 1", {
      id: row.id,
    })
    const wasCut = last?.state === "failed" && last.error?.startsWith("cap:") === true
    if (!wasCut || tx.one("SELECT 1 FROM inbox WHERE id = :id", { id })) return
    const content = [{ type: "text" as const, text: CAP_RAISED }]
    admit(tx, clock, { id, sessionId: row.id, origin: "system", delivery: "steer", content })
  })
}

function limitsOf(written: WrittenCaps) {
  const wrong = Object.values(written).find((value) => value !== undefined && !(Number.isFinite(value) && value > 0))
  const caps = capsOf(written)
  if (wrong !== undefined || !hasCaps(caps))
    throw new UserError("bad-cap", "A cap is a number above zero: of US dollars, tokens, steps or minutes.")
  return caps
}

async function speak(
  { store, clock, tasks }: Performing,
  { asked, view, text }: { asked: Asked; view: TaskView; text: string },
): Promise<void> {
  const { task } = view
  if (task.kind !== "agent")
    throw new UserError("not-an-agent", `${task.id} is a ${task.kind}: only agents can be spoken to.`)
  if (text.trim() === "") throw new UserError("no-message", `The message to ${task.id} is empty.`)
  if (!store.one("SELECT 1 FROM inbox WHERE id = :id", { id: asked.id })) return
  await tasks.message(task.id, { text, origin: "human" }, (tx, { session_id: sessionId }, how) => {
    // The control goes in the transaction in which it takes effect: a second time would say it twice.
    tx.run("DELETE FROM inbox WHERE id = :id", { id: asked.id })
    if (how === "resumed") return
    const content = [{ type: "text" as const, text }]
    admit(tx, clock, { id: asked.id, sessionId: sessionId!, origin: "human", delivery: "steer", content })
  })
}
