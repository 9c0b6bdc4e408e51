// The database as the program uses it. Reads are synchronous. Writes are short immediate transactions on one of two
// connections: `write` survives a crash of the program, `writeDurably` also one of the machine. A lock that another
// process holds is waited for asynchronously, because a synchronous wait would freeze the prompt.
import type { Params } from "../runtime/sqlite.ts"

export interface Reader {
  one<T>(sql: string, params?: Params): T | undefined
  all<T>(sql: string, params?: Params): T[]
}

/** A transaction under way. Never kept over an `await`. */
export interface Tx extends Reader {
  /** Returns how many rows changed. */
  run(sql: string, params?: Params): number
  /** Rings the topic's doorbell after the commit (and not at all when the transaction is rolled back). */
  ring(topic: Topic): void
}

/** `inbox:<session>`, `run:<run>`, `feed:<root>`, `approval:<approval>`, `ledger:<root>`: heard in this process. */
type InsideTopic = `${InsideKind}:${string}`
export type InsideKind = "inbox" | "run" | "feed" | "approval" | "ledger"

/**
 * Heard in every process. `host:<root>`: something for whoever drives the tree. `watch:<root>`: something for those who
 * look at it; rung only while somebody does (session/audience.ts).
 */
export type OutsideTopic = `host:${string}` | `watch:${string}`

export type Topic = InsideTopic | OutsideTopic

export interface Store extends Reader {
  write<T>(change: (tx: Tx) => T): Promise<T>
  writeDurably<T>(change: (tx: Tx) => T): Promise<T>
  /** As `writeDurably`, for what everybody may write, whoever drives a tree: no fence is asked. */
  writeFreely<T>(change: (tx: Tx) => T): Promise<T>
  /** Calls `listener` after each commit that rang the topic, until disposed. A bell carries nothing and may be merged. */
  listen(topic: Topic, listener: () => void): Disposable
  /** Rings a bell for what is no commit, such as a file that has grown. */
  ring(topic: OutsideTopic): void
  /** Rings all bells of a kind in this process: what their listeners wait for may have been written by another one. */
  stir(kind: InsideKind): void
  /**
   * From now on until disposed, `check` looks at the beginning of each write, inside its transaction; when it throws,
   * nothing is written.
   */
  fence(check: (reader: Reader) => void): Disposable
  /**
   * Reads that all see the database as it is now, whatever is written meanwhile. As long as it is open nothing can be
   * cleared from the write-ahead log: only for a job that ends.
   */
  snapshot(): Reader & Disposable
  /** Folder for a root's files: spools, drafts. Made on first use, 0700. */
  folder(name: "spool" | "draft" | "lease" | "bell" | "log" | "checkpoint"): string
  close(): void
}

/** Inserts a whole row; its keys are the columns. */
export function insertRow(tx: Tx, table: string, row: object): void {
  const names = Object.keys(row)
  const sql = `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map((name) => `:${name}`).join(", ")})`
  tx.run(sql, row as Params)
}
