// SQLite as the program uses it: strict named parameters, cached statements, immediate transactions.
import { Database as BunDatabase, type SQLQueryBindings, type Statement } from "bun:sqlite"

export type Param = string | number | bigint | Uint8Array | null
export type Params = Record<string, Param>

export class Sqlite {
  readonly #db: BunDatabase
  readonly #statements = new Map<string, Statement>()

  /** Opens or creates the file. Never waits for a lock: a busy database throws at once (see store/store.ts). */
  constructor(path: string, options: { readonly?: boolean } = {}) {
    this.#db = options.readonly
      ? new BunDatabase(path, { readonly: true, strict: true })
      : new BunDatabase(path, { create: true, readwrite: true, strict: true })
    this.#db.run("PRAGMA busy_timeout = 0")
  }

  exec(sql: string): void {
    this.#db.run(sql)
  }

  one<T>(sql: string, params: Params = {}): T | undefined {
    return (this.#statement(sql).get(params as SQLQueryBindings) as T | null) ?? undefined
  }

  all<T>(sql: string, params: Params = {}): T[] {
    return this.#statement(sql).all(params as SQLQueryBindings) as T[]
  }

  /** Runs a statement; returns how many rows it changed. */
  run(sql: string, params: Params = {}): number {
    return this.#statement(sql).run(params as SQLQueryBindings).changes
  }

  close(): void {
    for (const statement of this.#statements.values()) statement.finalize()
    this.#statements.clear()
    this.#db.close()
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

/** The SQLite result code's name (`SQLITE_BUSY`, `SQLITE_FULL`, …) of a thrown error, if it is one of SQLite's. */
export function sqliteCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : undefined
}
