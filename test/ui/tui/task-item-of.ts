// A task as interfaces see it, for tests that look at how it is shown.
import type { TaskItem } from "../../../src/ui/view/task-item.ts"

/** A running agent, but for what is named. */
export function taskItemOf(id: string, more: Partial<TaskItem> = {}): TaskItem {
  return {
    id,
    runId: `run-${id}`,
    kind: "agent",
    agent: "explore",
    title: `title of ${id}`,
    command: undefined,
    ownerId: "root",
    sessionId: `session-${id}`,
    rootId: "root",
    parentId: undefined,
    depth: 0,
    state: "running",
    look: "running",
    isBackground: true,
    isLine: false,
    isService: false,
    doing: "",
    reason: undefined,
    exitCode: undefined,
    result: undefined,
    tokens: 0,
    costNanos: 0,
    isEstimated: false,
    toolUses: 0,
    bytes: 0,
    spool: undefined,
    createdAt: 0,
    startedAt: 0,
    pausedAt: undefined,
    pausedMs: 0,
    endedAt: undefined,
    attempt: 1,
    health: undefined,
    ...more,
  }
}
