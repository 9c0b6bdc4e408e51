// What tests of the runtime start when it does not matter what it is.
import type { StartSpec } from "../src/task/task.ts"

/** Work in the background of the session `root`: a shell, unless the test says otherwise. */
export function taskSpec(more: Partial<StartSpec> = {}): StartSpec {
  return {
    kind: "shell",
    ownerId: "root",
    rootId: "root",
    parentTaskId: null,
    callId: null,
    description: "work",
    input: {},
    background: true,
    ...more,
  }
}
