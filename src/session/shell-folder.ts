// Where a session's next command begins: where the last one in the foreground ended, as in a terminal. The other tools
// keep to the session's own folder.
import { existsSync } from "node:fs"
import type { SessionRow } from "../store/rows.ts"
import type { Reader, Store } from "../store/store.ts"

export interface ShellFolder {
  get(): string
  set(folder: string): Promise<void>
}

export function shellFolder(store: Store, { id, cwd }: Pick<SessionRow, "id" | "cwd">): ShellFolder {
  return {
    get: () => currentShellFolder(store, { id, cwd }),
    set: async (folder) => {
      await store.write((tx) =>
        tx.run("UPDATE session SET shell_cwd = :folder WHERE id = :id", { id, folder: folder === cwd ? null : folder }),
      )
    },
  }
}

/** The session's own folder when the other one is gone. */
export function currentShellFolder(reader: Reader, { id, cwd }: Pick<SessionRow, "id" | "cwd">): string {
  const row = reader.one<{ shell_cwd: string | null }>("SELECT shell_cwd FROM session WHERE id = :id", { id })
  return row?.shell_cwd && existsSync(row.shell_cwd) ? row.shell_cwd : cwd
}
