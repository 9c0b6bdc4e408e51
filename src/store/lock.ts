// Locks of the operating system, free the moment their holder dies: SQLite holds one for us, as an open exclusive
// transaction on a file of its own.
import { existsSync } from "node:fs"
import { Sqlite, sqliteCode } from "../runtime/sqlite.ts"

/** Takes the lock, which lasts until the returned handle is closed or collected; undefined when somebody has it. */
export function tryLock(path: string): Sqlite | undefined {
  const lock = new Sqlite(path)
  try {
    lock.exec("BEGIN EXCLUSIVE")
    return lock
  } catch (error) {
    lock.close()
    if (isBusy(error)) return undefined
    throw error
  }
}

/** Whether a process has the lock, asked without taking it. Asking makes no file. */
export function isLocked(path: string): boolean {
  let file: Sqlite | undefined
  try {
    file = new Sqlite(path, { readonly: true })
    // Reading needs a shared lock, which the holder's exclusive one refuses.
    file.one("SELECT 1 FROM sqlite_master")
    return false
  } catch (error) {
    if (isBusy(error)) return true
    if (!existsSync(path)) return false
    throw error
  } finally {
    file?.close()
  }
}

function isBusy(error: unknown): boolean {
  return sqliteCode(error)?.startsWith("SQLITE_BUSY") ?? false
}
