// What somebody can do to a task from the panel and from the inspector, and what is said when it can't be done.
import { plural } from "../../../base/text.ts"
import type { Control } from "../../../program.ts"
import { isLive, type TaskItem } from "../../view/task-item.ts"
import type { Stage } from "../pane.ts"
import { tokensOf } from "./task-columns.ts"

export interface Acting {
  stage: Stage
  /** Into the inbox of the task's own conversation. */
  control(control: Control): void
}

export function pauseOrResume({ stage, control }: Acting, item: TaskItem): void {
  if (item.state === "paused") control({ action: "resume_task", taskId: item.id })
  else if (isLive(item)) control({ action: "pause_task", taskId: item.id })
  else stage.say(`${shortOf(item)} has ended: there is nothing to pause.`)
}

export function stop({ stage, control }: Acting, item: TaskItem): void {
  if (isLive(item)) control({ action: "stop_task", taskId: item.id })
  else stage.say(`${shortOf(item)} has ended.`)
}

/** `follow`: shows it, and stays with it. The turn of a conversation is not made to wait for what it did not wait for. */
export function toForeground({ stage }: Acting, item: TaskItem, follow: () => void): void {
  if (!isLive(item)) {
    stage.say(`${shortOf(item)} has ended.`)
    return
  }
  follow()
  stage.say(item.isBackground ? "You follow it here; esc leaves it running." : "The turn waits for it already.")
}

/** Ctrl+B, wherever one is: what the turn waits for moves to the background. */
export function unblock(stage: Stage): void {
  if (stage.view.blockers().length > 0) stage.control({ action: "background" })
  else stage.say("Nothing blocks the turn: there is nothing to move to the background.")
}

export function copyId(stage: Stage, item: TaskItem): void {
  stage.copy(item.id)
  stage.say(`Copied ${item.id}`)
}

/** What would end with it: all live tasks below it. */
export function liveBelow(items: readonly TaskItem[], { id }: TaskItem): TaskItem[] {
  const below = Map.groupBy(items, ({ parentId }) => parentId)
  const walk = (parent: string): TaskItem[] => (below.get(parent) ?? []).flatMap((item) => [item, ...walk(item.id)])
  return walk(id).filter(isLive)
}

/** "Stop explore 7f2a, and 3 tasks below it?" */
export function stopQuestion(item: TaskItem, below: readonly TaskItem[]): string {
  const used = item.kind === "agent" && item.tokens > 0 ? ` (${tokensOf(item)} tokens so far)` : ""
  return `Stop ${shortOf(item)}${used} with ${plural(below.length, "task")} below it?`
}

export function shortOf(item: TaskItem): string {
  return `${item.kind === "agent" ? (item.agent ?? "agent") : item.kind} ${item.id.slice(0, 4)}`
}
