// Versions of the tables side by side. A migration only adds, so that older programs keep writing; one that they could
// no longer write without harm raises `min_writer`, and waits until none of them drives a tree. Each write looks again:
// a program that was open before is refused then, not only one that opens.
import { chmodSync } from "node:fs"
import { join } from "node:path"
import { messageOf, UserError } from "../base/error.ts"
import type { Sqlite } from "../runtime/sqlite.ts"
import { isLocked } from "./lock.ts"
import type { Schema } from "./schema.ts"

/** Programs are at work that could not write the database any more. Nothing was changed. */
export class OlderAtWork extends UserError {
  constructor(path: string, pids: readonly number[]) {
    super(
      "older-at-work",
      `The database ${path} must be changed for this version, and an older Meanwhile that could not write it any more is at work (process ${pids.join(", ")}). Wait for its end, or end it, and run this again. Nothing was changed.`,
    )
  }
}

export interface Migrating {
  path: string
  /** Folder of the lease files, each named after its tree's root. */
  leases: string
  schema: Schema
}

/** Throws a UserError, with nothing done, when the database is too new, or (OlderAtWork) others still need it as it is. */
export function migrate(db: Sqlite, { path, leases, schema }: Migrating): void {
  const found = versionOf(db)
  if (found >= schema.version) {
    refuseNewer(db, path, schema)
    return
  }
  // The journal mode is kept in the file: only a new one is asked to change, and that needs no transaction.
  if (found === 0) {
    // So that the file can be made smaller page by page (store/prune.ts). It must be said before anything is in it.
    db.exec("PRAGMA auto_vacuum = INCREMENTAL")
    db.exec("PRAGMA journal_mode = WAL")
  }
  db.exec("BEGIN IMMEDIATE")
  try {
    // Read again inside the transaction: another process may have migrated in between.
    for (let version = versionOf(db); version < schema.version; version++) db.exec(schema.migrations[version]!)
    if (found > 0 && minWriter(db) < schema.minWriter) refuseWhileOlderWork(db, { path, leases, schema })
    db.run(
      `INSERT INTO meta (key, value) VALUES ('min_writer', :v)
       ON CONFLICT (key) DO UPDATE SET value = MAX(CAST(value AS INTEGER), CAST(:v AS INTEGER))`,
      { v: String(schema.minWriter) },
    )
    if (versionOf(db) < schema.version) db.exec(`PRAGMA user_version = ${schema.version}`)
    db.exec("COMMIT")
  } catch (error) {
    rollback(db)
    throw error
  }
  chmodSync(path, 0o600)
}

/** Throws when a newer program has made the database one that this one can't write. Cheap: for each transaction. */
export function refuseNewer(db: Sqlite, path: string, schema: Schema): void {
  const version = versionOf(db)
  if (version <= schema.version || minWriter(db) <= schema.version) return
  throw new UserError(
    "database-newer",
    `The database ${path} was made by a newer version of Meanwhile (schema ${version}; this one writes ${schema.version}). Update Meanwhile, or point MEANWHILE_HOME at another folder. Nothing was changed.`,
  )
}

/** SQLite ends some transactions by itself (a full disk): then there is nothing left to roll back. */
export function rollback(connection: Sqlite): void {
  try {
    connection.exec("ROLLBACK")
  } catch (error) {
    if (!messageOf(error).includes("no transaction is active")) throw error
  }
}

/** In the migrating transaction: who takes a lease writes its row, and so comes before or is refused. */
function refuseWhileOlderWork(db: Sqlite, { path, leases, schema }: Migrating): void {
  const older = db.all<{ root_id: string; pid: number }>("SELECT root_id, pid FROM lease WHERE writer < :minWriter", {
    minWriter: schema.minWriter,
  })
  const atWork = older.filter(({ root_id }) => isLocked(join(leases, root_id)))
  if (atWork.length > 0)
    throw new OlderAtWork(
      path,
      atWork.map(({ pid }) => pid),
    )
}

function minWriter(db: Sqlite): number {
  return Number(db.one<{ value: string }>("SELECT value FROM meta WHERE key = 'min_writer'")?.value ?? 0)
}

function versionOf(db: Sqlite): number {
  return db.one<{ user_version: number }>("PRAGMA user_version")?.user_version ?? 0
}
