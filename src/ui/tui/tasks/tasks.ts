// The public face of this folder: the panel with all tasks, and the inspector of one.
import type { Pane, Stage } from "../pane.ts"
import { TasksPane } from "./tasks-pane.ts"

export { type InspectorOptions, inspectorPane } from "./inspector-pane.ts"

/** `chosen`: the task that is chosen when it opens; otherwise the first live one. */
export function tasksPane(stage: Stage, { chosen }: { chosen?: string } = {}): Pane {
  const pane = new TasksPane(stage)
  if (chosen !== undefined) pane.choose(chosen)
  return pane
}
