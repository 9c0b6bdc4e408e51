// Opens the user's one database: folder and file permissions, its transactions, and errors that say what to do.
import { existsSync, mkdirSync, statfsSync } from "node:fs"
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import { messageOf, UserError } from "../base/error.ts"
import { sleepPart } from "../base/patience.ts"
import { Sqlite, sqliteCode } from "../runtime/sqlite.ts"
import { Bells } from "./bells.ts"
import { migrate, OlderAtWork, refuseNewer, rollback } from "./migrate.ts"
import { schema as ownSchema, type Schema } from "./schema.ts"
import type { InsideKind, OutsideTopic, Reader, Store, Topic, Tx } from "./store.ts"

/** How long a write waits for another process's lock before it becomes an error. */
const BUSY_LIMIT_MS = 10_000
/** Of the write-ahead log, once its content is in the database. */
const LOG_BYTES = 8 * 1024 * 1024
/** How often to look whether older programs have ended. */
const OLDER_LOOK_MS = 100

export interface OpenOptions {
  /** The data folder; made, with mode 0700, when it does not exist. */
  folder: string
  clock: Clock
  /** What this program knows of the tables; its own, but for tests of other versions. */
  schema?: Schema
  /** How long to wait for older programs that are at work, when the database must become one that they can't write. */
  patienceMs?: number
}

/** Opens the database in `folder`, creating or migrating it. Throws UserError when it cannot be used. */
export async function openStore(options: OpenOptions): Promise<Store> {
  const { folder, clock, schema = ownSchema } = options
  const path = join(folder, "meanwhile.db")
  preparePlace(folder)
  // Another process may be creating it just now.
  const connection = await retryBusy(clock, path, () => {
    const opened = guarded(path, () => connect(path, "NORMAL"))
    return () => opened
  })
  try {
    await migrated(connection, path, { ...options, schema })
  } catch (error) {
    connection.close()
    throw error
  }
  return new SqliteStore({ folder, path, clock, schema, normal: connection })
}

/** Migrates the database where it is older; waits for those at work who could not write it any more. */
async function migrated(
  connection: Sqlite,
  path: string,
  { folder, clock, schema, patienceMs = BUSY_LIMIT_MS }: OpenOptions & { schema: Schema },
): Promise<void> {
  const end = clock.monotonic() + patienceMs
  for (;;) {
    try {
      return await retryBusy(clock, path, () => {
        guarded(path, () => migrate(connection, { path, leases: join(folder, "lease"), schema }))
        return () => undefined
      })
    } catch (error) {
      if (!(error instanceof OlderAtWork) || clock.monotonic() >= end) throw error
      await clock.sleep(OLDER_LOOK_MS)
    }
  }
}

class SqliteStore implements Store {
  readonly #folder: string
  readonly #path: string
  readonly #clock: Clock
  readonly #normal: Sqlite
  readonly #schema: Schema
  readonly #bells = new Bells(() => this.folder("bell"))
  readonly #fences = new Set<(reader: Reader) => void>()
  #full: Sqlite | undefined

  constructor(made: { folder: string; path: string; clock: Clock; schema: Schema; normal: Sqlite }) {
    this.#folder = made.folder
    this.#path = made.path
    this.#clock = made.clock
    this.#schema = made.schema
    this.#normal = made.normal
  }

  one<T>(sql: string, params = {}): T | undefined {
    return guarded(this.#path, () => this.#normal.one<T>(sql, params))
  }

  all<T>(sql: string, params = {}): T[] {
    return guarded(this.#path, () => this.#normal.all<T>(sql, params))
  }

  write<T>(change: (tx: Tx) => T): Promise<T> {
    return this.#transact(this.#normal, (tx) => {
      this.#checkFences(tx)
      return change(tx)
    })
  }

  writeDurably<T>(change: (tx: Tx) => T): Promise<T> {
    return this.writeFreely((tx) => {
      this.#checkFences(tx)
      return change(tx)
    })
  }

  writeFreely<T>(change: (tx: Tx) => T): Promise<T> {
    this.#full ??= guarded(this.#path, () => connect(this.#path, "FULL"))
    return this.#transact(this.#full, change)
  }

  listen(topic: Topic, listener: () => void): Disposable {
    return this.#bells.listen(topic, listener)
  }

  ring(topic: OutsideTopic): void {
    this.#bells.ring(topic)
  }

  stir(kind: InsideKind): void {
    this.#bells.stir(kind)
  }

  fence(check: (reader: Reader) => void): Disposable {
    this.#fences.add(check)
    return { [Symbol.dispose]: () => void this.#fences.delete(check) }
  }

  #checkFences(tx: Tx): void {
    for (const check of this.#fences) check(tx)
  }

  snapshot(): Reader & Disposable {
    const connection = guarded(this.#path, () => new Sqlite(this.#path, { readonly: true }))
    connection.exec("BEGIN")
    const reader: Reader = {
      one: (sql, params) => guarded(this.#path, () => connection.one(sql, params)),
      all: (sql, params) => guarded(this.#path, () => connection.all(sql, params)),
    }
    // What is seen is fixed by the first read, not by BEGIN.
    reader.one("SELECT 1 FROM meta")
    return { ...reader, [Symbol.dispose]: () => connection.close() }
  }

  folder(name: "spool" | "draft" | "lease" | "bell" | "log" | "checkpoint"): string {
    const path = join(this.#folder, name)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  }

  close(): void {
    this.#bells.close()
    this.#full?.close()
    this.#normal.close()
  }

  async #transact<T>(connection: Sqlite, change: (tx: Tx) => T): Promise<T> {
    const rung = new Set<Topic>()
    const tx: Tx = {
      one: (sql, params) => connection.one(sql, params),
      all: (sql, params) => connection.all(sql, params),
      run: (sql, params) => connection.run(sql, params),
      ring: (topic) => rung.add(topic),
    }
    const result = await retryBusy(this.#clock, this.#path, () => {
      guarded(this.#path, () => connection.exec("BEGIN IMMEDIATE"))
      return () =>
        this.#finish(connection, () => {
          refuseNewer(connection, this.#path, this.#schema)
          return change(tx)
        })
    })
    for (const topic of rung) this.#bells.ring(topic)
    return result
  }

  #finish<T>(connection: Sqlite, change: () => T): T {
    try {
      const result = change()
      connection.exec("COMMIT")
      return result
    } catch (error) {
      rollback(connection)
      throw described(this.#path, error)
    }
  }
}

/**
 * Takes the lock by `lock`, again and again while another process has it, and then does what that returned, with no
 * await in between: a transaction is never open while other code runs.
 */
async function retryBusy<T>(clock: Clock, path: string, lock: () => () => T): Promise<T> {
  let waited = 0
  for (let delay = 1; ; delay = Math.min(delay * 2, 50)) {
    const locked = tryLock(lock)
    if (locked) return locked()
    if (waited > BUSY_LIMIT_MS)
      throw new UserError(
        "database-busy",
        `The database ${path} has been locked by another program for ${BUSY_LIMIT_MS / 1000} s. Nothing was written. Close the program that holds it (try: fuser ${path}) and run this again.`,
      )
    waited += await sleepPart(clock, delay)
  }
}

function tryLock<T>(lock: () => () => T): (() => T) | undefined {
  try {
    return lock()
  } catch (error) {
    if (sqliteCode(error)?.startsWith("SQLITE_BUSY")) return undefined
    throw error
  }
}

function connect(path: string, synchronous: "NORMAL" | "FULL"): Sqlite {
  const connection = new Sqlite(path)
  try {
    connection.exec(`PRAGMA synchronous = ${synchronous}`)
    // A long reader makes the write-ahead log grow; without this it would stay as large for ever.
    connection.exec(`PRAGMA journal_size_limit = ${LOG_BYTES}`)
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

// Magic numbers of file systems over which SQLite's locks cannot be trusted: statfs(2), linux/magic.h.
const UNSAFE_FILE_SYSTEMS = new Map([
  [0x6969, "NFS"],
  [0x65735546, "FUSE or virtiofs"],
  [0x01021997, "9p"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
])

function preparePlace(folder: string): void {
  try {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new UserError(
      "home-unusable",
      `The folder ${folder} can't be made: ${messageOf(error)}. Make it writable, or set MEANWHILE_HOME to a folder that is.`,
    )
  }
  const kind = process.platform === "linux" ? UNSAFE_FILE_SYSTEMS.get(statfsSync(folder).type) : undefined
  if (kind)
    throw new UserError(
      "home-on-network",
      `The folder ${folder} is on a ${kind} file system, where file locks can't be trusted and work could be lost. Set MEANWHILE_HOME to a folder on a local disk.`,
    )
}

function guarded<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw described(path, error)
  }
}

/** Gives the conditions that a person can mend a message that says how; leaves the rest, and busy, as it is. */
function described(path: string, error: unknown): unknown {
  const code = sqliteCode(error)
  if (!code || code.startsWith("SQLITE_BUSY")) return error
  // SHMSIZE: the index of the write-ahead log could not grow, which has no other cause in practice.
  if (code.startsWith("SQLITE_FULL") || code === "SQLITE_IOERR_SHMSIZE")
    return new UserError(
      "disk-full",
      `The disk that holds ${path} is full. What was stored before is intact. Free some space and try again.`,
    )
  if (code.startsWith("SQLITE_READONLY") || code.startsWith("SQLITE_CANTOPEN") || code.startsWith("SQLITE_PERM"))
    return new UserError(
      "database-read-only",
      `The database ${path} can't be written (${messageOf(error)}). Check the owner and permissions of its folder, or set MEANWHILE_HOME to a folder that is yours.`,
    )
  if (code.startsWith("SQLITE_NOTADB") || code.startsWith("SQLITE_CORRUPT"))
    return new UserError(
      "database-damaged",
      `The database ${path} is damaged (${messageOf(error)}). Nothing was changed. Keep a copy and try: sqlite3 ${path} .recover | sqlite3 recovered.db. To start afresh, move it away together with its -wal and -shm files.`,
    )
  if (code.startsWith("SQLITE_IOERR"))
    return new UserError(
      "disk-error",
      `Reading or writing ${path} failed (${code}: ${messageOf(error)}). What was stored before is intact. Check the disk (space, mount, permissions) and run this again.`,
    )
  return error
}
