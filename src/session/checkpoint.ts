// Keeps what would be needed to take back the changes of a session's tree: a row for each file that Write or Edit is
// about to change, in the transaction that says so, and rows for what commands are seen to have changed. A command is
// held up by it for a moment at most; what that is not enough for is found out behind it.
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import { messageOf } from "../base/error.ts"
import type { Log } from "../base/log.ts"
import type { Env } from "../base/paths.ts"
import { feedAfter, feedEnd } from "../store/feed.ts"
import type { FileChangeRow, SessionRow, TaskRow } from "../store/rows.ts"
import { insertRow, type Reader, type Store, type Tx } from "../store/store.ts"
import {
  type Before,
  COMMANDS,
  type CommandRun,
  commandsSince,
  isSurelyOf,
  mayChangeFiles,
  suspectsOf,
} from "./checkpoint-cause.ts"
import { checkpointFolder, insidePath, type ProjectFiles, projectFiles, vaultOf } from "./checkpoint-place.ts"
import {
  type Baseline,
  type Change,
  NotScanned,
  type Place,
  scan,
  storeBaseline,
  storedBaseline,
} from "./checkpoint-scan.ts"
import { type FileState, isSame, knownOf, look, SLACK_MS } from "./checkpoint-state.ts"
import { heldKey, type Vault } from "./checkpoint-vault.ts"
import { lastSeq } from "./lineage.ts"

export interface CheckpointParts {
  store: Store
  clock: Clock
  log: Log
  env: Env
}

/** What a call of a tool needs of it. */
export interface Checkpoints extends Disposable {
  /** Before the command of a call begins: that what it may change is known. Takes a moment at most. */
  beforeCommand(callId: string): Promise<void>
  /** Before a file is changed: its content is kept. What is returned adds the change to the transaction that announces it. */
  beforeWrite(change: { sessionId: string; callId: string; path: string; sha256: string }): Promise<(tx: Tx) => void>
  /** The call is over: what it wrote is the file's content now, if it wrote one. */
  wrote(callId: string): void
  /** Resolves when nothing is under way any more, or after so many milliseconds. */
  settled(patienceMs: number): Promise<void>
}

/** The longest that a command waits for it. */
const PATIENCE_MS = 1000

/**
 * `eager`: from the beginning, and again before each turn; else when a command is about to change something.
 * `patienceMs`: the longest that a command waits.
 */
export function keepCheckpoints(
  parts: CheckpointParts,
  row: Pick<SessionRow, "id" | "project">,
  { eager, patienceMs = PATIENCE_MS }: { eager: boolean; patienceMs?: number | undefined },
): Checkpoints {
  const keeper = new Keeper(parts, row, patienceMs)
  keeper.begin(eager)
  return keeper
}

interface Opened {
  files: ProjectFiles
  vault: Vault
  place: Place
}

class Keeper implements Checkpoints {
  readonly #parts: CheckpointParts
  readonly #row: Pick<SessionRow, "id" | "project">
  readonly #patienceMs: number
  #opened: Promise<Opened> | undefined
  /** One thing at a time, in the order in which it was asked for. */
  #working: Promise<void> = Promise.resolve()
  #planned: Promise<void> | undefined
  #baseline: Baseline | undefined
  #isLoaded = false
  #problem: string | undefined
  #bell: Disposable | undefined
  #read = 0
  #isOver = false
  #begunAt = 0
  /** By call: the file that it is about to change. */
  readonly #announced = new Map<string, string>()
  /** By call: since when its command has been waiting for a look, or has begun. */
  readonly #asked = new Map<string, number>()

  constructor(parts: CheckpointParts, row: Pick<SessionRow, "id" | "project">, patienceMs: number) {
    this.#parts = parts
    this.#row = row
    this.#patienceMs = patienceMs
  }

  begin(eager: boolean): void {
    const { store, clock } = this.#parts
    this.#begunAt = clock.now()
    this.#read = feedEnd(store)
    this.#bell = store.listen(`feed:${this.#row.id}`, () => this.#heard(eager))
    if (eager) this.#later()
  }

  async beforeCommand(callId: string): Promise<void> {
    const { clock } = this.#parts
    const over = new AbortController()
    this.#asked.set(callId, clock.now())
    await Promise.race([this.#later(), clock.sleep(this.#patienceMs, over.signal).catch(() => undefined)])
    over.abort()
  }

  async beforeWrite({
    sessionId,
    callId,
    path,
    sha256,
  }: {
    sessionId: string
    callId: string
    path: string
    sha256: string
  }): Promise<(tx: Tx) => void> {
    try {
      const { files, vault } = await this.#open()
      const inside = insidePath(files.root, path)
      if (inside === undefined) return () => {}
      const { state, bytes } = await look(path)
      const before = await kept(vault, { path: inside, state, bytes })
      const mode = state.kind === "file" && state.exec !== undefined ? { exec: state.exec } : {}
      const after: FileState = { kind: "file", sha256, ...mode }
      this.#announced.set(callId, inside)
      return (tx) => {
        // A call that is done again after a crash announces the same.
        const isKnown = tx.one("SELECT 1 FROM file_change WHERE root_id = :root AND ref = :callId", {
          root: this.#row.id,
          callId,
        })
        if (isKnown) return
        const place = { path: inside, sessionId, afterSeq: lastSeq(tx, this.#row.id) }
        this.#insert(tx, { ...place, cause: "write", ref: callId, before, after, kept: vault.kind })
      }
    } catch (error) {
      // A change is not refused because it could not be taken back; that it can't is said.
      this.#failed(error)
      return (tx) => this.#unknown(tx, { sessionId, cause: "write", ref: callId, why: messageOf(error) })
    }
  }

  wrote(callId: string): void {
    const path = this.#announced.get(callId)
    this.#announced.delete(callId)
    if (path === undefined) return
    void this.#do(async () => {
      const { files, vault } = await this.#open()
      const lookedAt = this.#parts.clock.now()
      const looked = await look(join(files.root, path))
      const { state, bytes, signature } = looked
      // What comes next may change it again: then this is what it was.
      const now = await kept(vault, { path, state, bytes })
      if (this.#baseline && signature !== "") this.#baseline.files[path] = knownOf({ ...looked, state: now }, lookedAt)
      await this.#hold(vault)
    })
  }

  async settled(patienceMs: number): Promise<void> {
    const over = new AbortController()
    const all = async () => {
      for (let last: Promise<void> | undefined; last !== this.#working; ) {
        last = this.#working
        await last
      }
    }
    await Promise.race([all(), this.#parts.clock.sleep(patienceMs, over.signal).catch(() => undefined)])
    over.abort()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#bell?.[Symbol.dispose]()
  }

  /** Commands end, also in the background and of agents; and turns begin. */
  #heard(eager: boolean): void {
    const news = feedAfter(this.#parts.store, this.#row.id, this.#read)
    this.#read = news.at(-1)?.seq ?? this.#read
    const isEnd = news.some(({ kind, ref }) => kind === "task_settled" && this.#mayHaveChanged(ref))
    const isTurn = eager && news.some(({ kind, session_id: id }) => kind === "turn" && id === this.#row.id)
    if (isEnd || isTurn) void this.#later()
  }

  #mayHaveChanged(runId: string): boolean {
    const sql = `SELECT task.kind, task.input FROM run JOIN task ON task.id = run.task_id
      WHERE run.id = :runId AND task.kind IN ${COMMANDS}`
    const task = this.#parts.store.one<Pick<TaskRow, "kind" | "input">>(sql, { runId })
    return task !== undefined && mayChangeFiles(task)
  }

  /** A look that begins after this was asked for. */
  #later(): Promise<void> {
    this.#planned ??= this.#do(async () => {
      this.#planned = undefined
      await this.#look()
    })
    return this.#planned
  }

  #do(action: () => Promise<void>): Promise<void> {
    const done = this.#working.then(async () => {
      if (this.#isOver) return
      await action().catch((error: unknown) => this.#failed(error))
    })
    this.#working = done
    return done
  }

  #failed(error: unknown): void {
    if (this.#isOver) return
    this.#parts.log.warn("a checkpoint failed", { error, session: this.#row.id })
  }

  async #open(): Promise<Opened> {
    this.#opened ??= this.#openNow()
    return await this.#opened
  }

  async #openNow(): Promise<Opened> {
    const { store, clock, env } = this.#parts
    const files = await projectFiles(this.#row.project, env)
    const vault = vaultOf(store, this.#row.id, files)
    const folder = checkpointFolder(store, this.#row.id)
    return { files, vault, place: { ...files, vault, folder, now: () => clock.now() } }
  }

  async #look(): Promise<void> {
    const { store } = this.#parts
    const { place, vault } = await this.#open()
    if (!this.#isLoaded) this.#baseline = await storedBaseline(place.folder)
    this.#isLoaded = true
    const since = this.#baseline?.at ?? this.#begunAt
    try {
      const { changes, baseline } = await scan(place, this.#baseline)
      // Whoever drives the session next finds the same; by now what is kept of it may have been removed.
      if (this.#isOver) return
      const runs = commandsSince(store, this.#row.id, since)
      const ours = changes.flatMap((change) => {
        const suspects = suspectsOf(change, runs)
        return suspects.length > 0 ? [{ change, suspects }] : []
      })
      const unseen = this.#baseline || this.#problem !== undefined ? undefined : runs.at(-1)
      if (ours.length > 0 || unseen)
        await store.write((tx) => {
          this.#record(tx, { ours, since, vault })
          if (unseen) this.#unknown(tx, { sessionId: unseen.owner_id, cause: "shell", ref: unseen.id, why: UNSEEN })
        })
      if (this.#isOver) return
      await storeBaseline(place.folder, baseline)
      this.#baseline = baseline
      this.#problem = undefined
      // What they changed is recorded.
      for (const { call_id: call, ended_at: ended } of runs)
        if (call !== null && ended !== null && ended < baseline.at) this.#asked.delete(call)
      await this.#hold(vault)
    } catch (error) {
      if (!(error instanceof NotScanned)) throw error
      const run = commandsSince(store, this.#row.id, since).at(-1)
      const { message } = error
      // Said once, whatever git says each time, and again after it has gone well.
      if (run && this.#problem === undefined) {
        this.#problem = message
        await store.write((tx) =>
          this.#unknown(tx, { sessionId: run.owner_id, cause: "shell", ref: run.id, why: message }),
        )
      }
    }
  }

  #record(tx: Tx, { ours, since, vault }: { ours: readonly Ours[]; since: number; vault: Vault }): void {
    const { id: rootId } = this.#row
    const newest = `SELECT * FROM file_change WHERE root_id = :rootId AND path = :path AND created_at >= :since
      ORDER BY seq DESC LIMIT 1`
    const seen = (run: CommandRun) => this.#wasSeen(run)
    for (const { change, suspects } of ours) {
      const { path, before, after, changedMs } = change
      // What Write or Edit, or a look that was not finished, has recorded already.
      const known = tx.one<FileChangeRow>(newest, { rootId, path, since })
      if (known && isSame(JSON.parse(known.after) as FileState, after)) continue
      const run = suspects.at(-1)
      const isSure = isSurelyOf({ suspects, seen })
      this.#insert(tx, {
        path,
        sessionId: run?.owner_id ?? rootId,
        afterSeq: changedMs === undefined ? lastSeq(tx, rootId) : seqAt(tx, rootId, changedMs + SLACK_MS),
        cause: "shell",
        ref: run?.id ?? null,
        before: isSure ? before : { ...before, isDoubtful: true },
        after,
        kept: vault.kind,
      })
    }
  }

  /** Whether the last look that was finished was one for it, or a later one. */
  #wasSeen({ call_id: call, created_at: made, started_at: from }: CommandRun): boolean {
    // One that had to wait for its turn, or was begun by another process, was not looked at when it was asked for.
    const asked = call !== null && made === from ? this.#asked.get(call) : undefined
    return (this.#baseline?.at ?? 0) >= (asked ?? from - this.#patienceMs)
  }

  #unknown(tx: Tx, { why, ...row }: Pick<NewChange, "sessionId" | "cause" | "ref"> & { why: string }): void {
    const state: FileState = { kind: "unknown", why }
    this.#insert(tx, {
      ...row,
      path: "",
      afterSeq: lastSeq(tx, this.#row.id),
      before: state,
      after: state,
      kept: "copy",
    })
  }

  #insert(tx: Tx, change: NewChange): void {
    insertChange(tx, { rootId: this.#row.id, now: this.#parts.clock.now() }, change)
  }

  /** What the rows name, and no ref holds yet. Which that is, is known from the rows: a crash in between loses nothing. */
  async #hold(vault: Vault): Promise<void> {
    const { store } = this.#parts
    if (vault.kind !== "git") return
    const key = heldKey(this.#row.id)
    const upTo = Number(store.one<{ value: string }>("SELECT value FROM meta WHERE key = :key", { key })?.value ?? 0)
    const rows = store.all<Pick<FileChangeRow, "seq" | "before">>(
      "SELECT seq, before FROM file_change WHERE root_id = :root AND seq > :upTo ORDER BY seq",
      { root: this.#row.id, upTo },
    )
    const last = rows.at(-1)
    if (!last) return
    await vault.hold(rows.flatMap(({ before }) => oidIn(JSON.parse(before) as FileState)))
    await store.write((tx) =>
      tx.run(
        "INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        {
          key,
          value: String(last.seq),
        },
      ),
    )
  }
}

const UNSEEN = "a command began before the first look at the project was over"

interface Ours {
  change: Change
  suspects: readonly CommandRun[]
}

export interface NewChange {
  path: string
  sessionId: string
  afterSeq: number
  cause: FileChangeRow["cause"]
  ref: string | null
  before: Before
  after: FileState
  kept: FileChangeRow["kept"]
}

export function insertChange(tx: Tx, { rootId, now }: { rootId: string; now: number }, change: NewChange): void {
  const row: Omit<FileChangeRow, "seq"> = {
    root_id: rootId,
    session_id: change.sessionId,
    after_seq: change.afterSeq,
    path: change.path,
    cause: change.cause,
    ref: change.ref,
    before: JSON.stringify(change.before),
    after: JSON.stringify(change.after),
    kept: change.kept,
    created_at: now,
  }
  insertRow(tx, "file_change", row)
}

async function kept(
  vault: Vault,
  { path, state, bytes }: { path: string; state: FileState; bytes: Buffer | undefined },
): Promise<FileState> {
  if (state.kind !== "file" || state.oid === undefined || bytes === undefined) return state
  const there = await vault.keep([{ path, oid: state.oid, bytes }])
  return there.has(state.oid) ? state : { kind: "unknown", why: "there was no room to keep it" }
}

function oidIn(state: FileState): string[] {
  return state.kind === "file" && state.oid !== undefined ? [state.oid] : []
}

/** The number of the newest message that there was at that time. */
function seqAt(reader: Reader, rootId: string, ms: number): number {
  const sql = "SELECT MAX(seq) AS seq FROM message WHERE session_id = :rootId AND created_at <= :ms"
  const seq = reader.one<{ seq: number | null }>(sql, { rootId, ms })?.seq
  if (seq) return seq
  return (
    reader.one<{ seq: number | null }>("SELECT fork_seq AS seq FROM session WHERE id = :rootId", { rootId })?.seq ?? 0
  )
}
