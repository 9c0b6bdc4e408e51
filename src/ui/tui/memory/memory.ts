// The screen of /memory.
import { tmpdir } from "node:os"
import type { Env } from "../../../base/paths.ts"
import { externalEditor } from "../editor/external-editor.ts"
import type { Stage } from "../pane.ts"
import type { Surface } from "../surface.ts"
import { MemoryPane } from "./memory-pane.ts"

export function memoryPane(parts: {
  stage: Stage
  surface: Surface
  env: Env
  openTask(id: string): void
}): MemoryPane {
  const { stage, surface, env, openTask } = parts
  const edit = externalEditor({
    env,
    tmp: tmpdir(),
    what: { name: "The section", file: "memory.md" },
    suspend: () => surface.hide(),
    resume: () => {
      surface.show()
      surface.redraw()
    },
  })
  return new MemoryPane({ stage, edit, openTask })
}
