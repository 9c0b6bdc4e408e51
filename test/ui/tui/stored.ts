// What a workbench's program has stored, read from outside.
import { join } from "node:path"
import { Sqlite } from "../../../src/runtime/sqlite.ts"
import type { Workbench } from "../../../testing/headless.ts"

export function storedAll<T>(bench: Workbench, sql: string): T[] {
  const db = new Sqlite(join(bench.home, "meanwhile.db"), { readonly: true })
  try {
    return db.all<T>(sql)
  } finally {
    db.close()
  }
}

export function oneStored<T>(bench: Workbench, sql: string): T | undefined {
  return storedAll<T>(bench, sql)[0]
}
