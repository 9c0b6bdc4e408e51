// What commands wrote does not stay for ever: some days after its end a long output shrinks to its beginning and end,
// later it goes, and before that when all together are too much. The rows, with each result and the last lines, stay.
// Never touched: what is live, what has an unread notice, and whatever belongs to a tree in which a task is live.
import { opendir, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Clock } from "../base/clock.ts"
import { cutSpool } from "../exec/spool-cap.ts"
import type { RunRow } from "../store/rows.ts"
import type { Reader, Store } from "../store/store.ts"
import { isTerminal, LIVE } from "./task.ts"

export interface OutputPolicy {
  /** Milliseconds since the end of the command; infinite: never. */
  shortenAfterMs: number
  removeAfterMs: number
  /** Bytes on the disk, of all commands together. */
  allBytes: number
}

/** How an output shrinks. */
const SHORT = { head: 64 * 1024, tail: 64 * 1024, ended: true }
/** One that takes no more than this is short. */
const SHORT_ON_DISK = 160 * 1024
/** What lies beside an output is of no use after its end; and nothing that ended just now is taken for its size. */
const SETTLED_MS = 3_600_000
/** A file of no run may belong to one whose row is about to be written. */
const ORPHAN_MS = 24 * 3_600_000
/** What we make in the folder. Anything else is somebody else's and stays. */
const OURS = /^([a-z0-9-]{1,64})\.(?:out|exit|exit\.sh|cwd|gap|(?:out|gap)\.\d{1,20})$/

export interface TidiedOutput {
  /** Outputs. */
  shortened: number
  removed: number
}

export async function tidyOutput(
  { store, clock, signal }: { store: Store; clock: Clock; signal?: AbortSignal | undefined },
  policy: OutputPolicy,
): Promise<TidiedOutput> {
  const folder = store.folder("spool")
  const tidied: TidiedOutput = { shortened: 0, removed: 0 }
  const kept: Kept[] = []
  let all = 0
  for (const [runId, names] of await filesByRun(folder)) {
    signal?.throwIfAborted()
    const paths = names.map((name) => join(folder, name))
    const spool = join(folder, `${runId}.out`)
    const run = ended(store, runId)
    if (run === "live") all += await onDisk(spool)
    if (run === "live") continue
    if (run === undefined) {
      if (await areOlder(paths, clock.now() - ORPHAN_MS)) await removeAll(paths)
      continue
    }
    const age = clock.now() - run.endedAt
    if (age > SETTLED_MS) await removeSideFiles(paths, clock.now() - SETTLED_MS)
    const bytes = await onDisk(spool)
    const isFree = () => ended(store, runId) !== "live" && !isProtected(store, runId)
    if (age > policy.removeAfterMs && names.includes(`${runId}.out`) && isFree()) {
      await removeOutput(spool)
      tidied.removed++
      continue
    }
    const isLong = bytes > SHORT_ON_DISK
    const shortens = age > policy.shortenAfterMs && isLong && isFree()
    if (shortens && (await cutSpool(spool, SHORT))) tidied.shortened++
    const left = shortens ? await onDisk(spool) : bytes
    all += left
    if (age > SETTLED_MS && left > 0) kept.push({ runId, spool, bytes: left, endedAt: run.endedAt })
  }
  await untilSmall({ store, signal }, { kept, all, policy, tidied })
  return tidied
}

interface Kept {
  runId: string
  spool: string
  bytes: number
  endedAt: number
}

/** Oldest first: all long ones shrink before the first one goes. */
async function untilSmall(
  { store, signal }: { store: Store; signal: AbortSignal | undefined },
  { kept, all, policy, tidied }: { kept: Kept[]; all: number; policy: OutputPolicy; tidied: TidiedOutput },
): Promise<void> {
  let left = all
  kept.sort((a, b) => a.endedAt - b.endedAt)
  for (const way of ["shorten", "remove"] as const)
    for (const one of kept) {
      signal?.throwIfAborted()
      if (left <= policy.allBytes) return
      if (isProtected(store, one.runId)) continue
      if (way === "remove") {
        await removeOutput(one.spool)
        left -= one.bytes
        tidied.removed++
      } else if (one.bytes > SHORT_ON_DISK && (await cutSpool(one.spool, SHORT))) {
        const bytes = await onDisk(one.spool)
        left -= one.bytes - bytes
        one.bytes = bytes
        tidied.shortened++
      }
    }
}

async function filesByRun(folder: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for await (const entry of await opendir(folder)) {
    const runId = entry.isFile() ? OURS.exec(entry.name)?.[1] : undefined
    if (runId === undefined) continue
    const names = found.get(runId) ?? []
    names.push(entry.name)
    found.set(runId, names)
  }
  return found
}

/** Undefined when there is no such run. */
function ended(reader: Reader, runId: string): { endedAt: number } | "live" | undefined {
  const run = reader.one<Pick<RunRow, "state" | "ended_at">>("SELECT state, ended_at FROM run WHERE id = :runId", {
    runId,
  })
  if (!run) return undefined
  return isTerminal(run.state) && run.ended_at !== null ? { endedAt: run.ended_at } : "live"
}

function isProtected(reader: Reader, runId: string): boolean {
  const unread = `SELECT 1 FROM run WHERE id = :runId
    AND (notice = 'pending' OR EXISTS (SELECT 1 FROM inbox WHERE run_id = :runId))`
  const live = `SELECT 1 FROM run JOIN task ON task.id = run.task_id WHERE run.state IN ${LIVE}
    AND task.root_id = (SELECT root_id FROM task JOIN run ON run.task_id = task.id WHERE run.id = :runId) LIMIT 1`
  return reader.one(unread, { runId }) !== undefined || reader.one(live, { runId }) !== undefined
}

/** The output goes before what is said of it: the other way round, zero bytes would pass for output. */
async function removeOutput(spool: string): Promise<void> {
  await rm(spool, { force: true })
  await rm(spool.replace(/\.out$/, ".gap"), { force: true })
}

/** What is neither the output nor what is said of it; of unfinished versions, those that nobody is writing just now. */
async function removeSideFiles(paths: readonly string[], before: number): Promise<void> {
  for (const path of paths) {
    const isNeeded = /\.(?:out|gap)$/.test(path)
    const mayBeUnderWay = /\d$/.test(path) && !(await areOlder([path], before))
    if (!isNeeded && !mayBeUnderWay) await rm(path, { force: true })
  }
}

async function removeAll(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { force: true })
}

async function areOlder(paths: readonly string[], than: number): Promise<boolean> {
  for (const path of paths) if (((await statIfThere(path))?.mtimeMs ?? 0) >= than) return false
  return true
}

async function onDisk(path: string): Promise<number> {
  // POSIX: blocks of 512 bytes.
  return ((await statIfThere(path))?.blocks ?? 0) * 512
}

async function statIfThere(path: string) {
  return await stat(path).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  })
}
