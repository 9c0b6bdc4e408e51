// What a host does when somebody in another process wants it to: each control, on the tree that it drives.
import type { SessionRow } from "../store/rows.ts"
import { PAUSED_BY_USER } from "../task/pause.ts"
import type { TaskRuntime } from "../task/runtime.ts"
import type { Approvals } from "./approvals.ts"
import type { Control } from "./controls.ts"
import type { Interruption } from "./converse.ts"

interface Performing {
  row: SessionRow
  tasks: TaskRuntime
  interruption: Interruption
  approvals: Approvals
}

/** Throws a UserError when there is nothing to do it to. */
export async function performControl(
  control: Control,
  { row, tasks, interruption, approvals }: Performing,
): Promise<void> {
  switch (control.action) {
    case "background":
      return void (await tasks.backgroundAll(row.id))
    case "interrupt":
      return interruption.interrupt({ by: "user" })
    case "stop_task":
      return void (await tasks.stop([control.taskId], "user"))
    case "pause_task":
      return void (await tasks.pause([control.taskId], PAUSED_BY_USER))
    case "resume_task":
      return void (await tasks.resume([control.taskId]))
    case "answer":
      return void (await approvals.answer(control.approvalId, control))
    default:
      control satisfies never
  }
}
