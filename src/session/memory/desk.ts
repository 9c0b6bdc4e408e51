// What a person does to a memory: edits a section, goes back to a version. Rows are written by whoever has the screen,
// also where another process drives the session; updates take them in.
import type { Clock } from "../../base/clock.ts"
import type { Store } from "../../store/store.ts"
import type { KeptSection } from "./sections.ts"
import { editSection, restoreVersion, type Version } from "./versions.ts"

export interface MemoryDesk {
  /** `base`: the version that the text was made from. */
  edit(sessionId: string, edit: { name: KeptSection; base: Version; text: string }): Promise<void>
  /** Throws a UserError when the version is gone. */
  restore(sessionId: string, version: number): Promise<void>
}

export function memoryDesk({ store, clock }: { store: Store; clock: Clock }): MemoryDesk {
  return {
    edit: (sessionId, edit) => store.writeFreely((tx) => editSection(tx, { sessionId, ...edit, now: clock.now() })),
    restore: (sessionId, version) =>
      store.writeFreely((tx) => restoreVersion(tx, { sessionId, version, now: clock.now() })),
  }
}
