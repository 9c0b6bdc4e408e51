// Puts files back: the plan is a row before the first file is touched, each file is replaced whole or not at all, and a
// plan that a crash has left open is finished by the next process. Taking back is itself a change that can be taken back.
import { constants } from "node:fs"
import { lstat, mkdir, open, realpath, rename, rm, rmdir, symlink } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { Clock } from "../base/clock.ts"
import { messageOf } from "../base/error.ts"
import type { Env } from "../base/paths.ts"
import type { RewindRow, SessionRow } from "../store/rows.ts"
import { insertRow, type Store, type Tx } from "../store/store.ts"
import { insertChange } from "./checkpoint.ts"
import { insidePath, type ProjectFiles, projectFiles, vaultOf } from "./checkpoint-place.ts"
import { type FileState, isCode, isSame, look } from "./checkpoint-state.ts"
import { contentOf, type Step } from "./rewind.ts"

export interface Restoring {
  store: Store
  clock: Clock
  files: ProjectFiles
}

export interface Restored {
  done: string[]
  /** With the reason. */
  left: { path: string; why: string }[]
}

/**
 * What is there now is kept, then the plan is committed together with what `also` adds. Returns the plan's id. From then
 * on it will be done, by `finishRewind` or by the next process.
 */
export async function beginRewind(
  { store, clock, files }: Restoring,
  {
    id,
    rootId,
    afterSeq,
    steps,
    also,
  }: { id: string; rootId: string; afterSeq: number; steps: readonly Step[]; also?(tx: Tx): void },
): Promise<void> {
  const vault = vaultOf(store, rootId, files)
  const wanted: Step[] = []
  for (const step of steps) {
    const { state, bytes } = await look(join(files.root, step.path))
    // Somebody was quicker: it is no longer what was shown.
    if (!isSame(state, step.now)) continue
    if (state.kind === "file" && state.oid !== undefined && bytes) {
      const there = await vault.keep([{ path: step.path, oid: state.oid, bytes }])
      // What could not be brought back is not taken away.
      if (!there.has(state.oid)) continue
    }
    wanted.push(step)
  }
  await vault.hold(wanted.flatMap(({ now }) => (now.kind === "file" && now.oid !== undefined ? [now.oid] : [])))
  const now = clock.now()
  await store.writeFreely((tx) => {
    also?.(tx)
    const row: RewindRow = {
      id,
      root_id: rootId,
      state: "open",
      plan: JSON.stringify(wanted),
      created_at: now,
      ended_at: null,
    }
    insertRow(tx, "rewind", row)
    for (const { path, target, now: before } of wanted)
      insertChange(
        tx,
        { rootId, now },
        { path, sessionId: rootId, afterSeq, cause: "rewind", ref: id, before, after: target, kept: vault.kind },
      )
  })
}

/** Does what is left of a plan. Again and again is the same as once. */
export async function finishRewind({ store, clock, files }: Restoring, id: string): Promise<Restored> {
  const row = store.one<RewindRow>("SELECT * FROM rewind WHERE id = :id AND state = 'open'", { id })
  const restored: Restored = { done: [], left: [] }
  if (!row) return restored
  const steps = JSON.parse(row.plan) as Step[]
  // Files come after what stands in the place of their folders has gone.
  const ordered = [...steps].sort((a, b) => rank(a.target) - rank(b.target))
  for (const [index, step] of ordered.entries()) {
    try {
      const why = await putBack({ store, files }, { step, temporary: `.meanwhile-${id}-${index}.tmp` })
      if (why === undefined) restored.done.push(step.path)
      else restored.left.push({ path: step.path, why })
    } catch (error) {
      restored.left.push({ path: step.path, why: messageOf(error) })
    }
  }
  await store.writeFreely((tx) =>
    tx.run("UPDATE rewind SET state = 'done', ended_at = :now WHERE id = :id", { id, now: clock.now() }),
  )
  return restored
}

function rank({ kind }: FileState): number {
  return kind === "absent" ? 0 : 1
}

/** Finishes what a process that died had begun to take back. */
export async function finishRewinds(
  { store, clock, env }: Omit<Restoring, "files"> & { env: Env },
  row: Pick<SessionRow, "id" | "project">,
): Promise<Restored> {
  const all: Restored = { done: [], left: [] }
  const sql = "SELECT id FROM rewind WHERE root_id = :id AND state = 'open' ORDER BY rowid"
  const open = store.all<{ id: string }>(sql, { id: row.id })
  if (open.length === 0) return all
  const files = await projectFiles(row.project, env)
  for (const { id } of open) {
    const { done, left } = await finishRewind({ store, clock, files }, id)
    all.done.push(...done)
    all.left.push(...left)
  }
  return all
}

interface Putting {
  step: Step
  /** The name of the file that becomes it; the same again after a crash. */
  temporary: string
}

/** Undefined when the file is what it was; else why it is not. */
async function putBack(
  { store, files }: Pick<Restoring, "store" | "files">,
  { step, temporary }: Putting,
): Promise<string | undefined> {
  const { path, target, now } = step
  const absolute = join(files.root, path)
  const folder = dirname(absolute)
  if (target.kind !== "absent") await mkdir(folder, { recursive: true })
  const real = await realpath(folder).catch((error: unknown) => {
    if (isCode(error, "ENOENT", "ENOTDIR")) return undefined
    throw error
  })
  // Its folder is gone, and so is the file.
  if (real === undefined) return undefined
  // A link on the way may have come to lead out of the project.
  if (real !== files.root && insidePath(files.root, real) === undefined) return "its folder leads out of the project"
  const place = join(real, temporary)
  await rm(place, { force: true })
  const { state } = await look(absolute)
  if (isSame(state, target)) return undefined
  if (!isSame(state, now)) return "it was changed at this moment"
  switch (target.kind) {
    case "absent":
      await rm(absolute)
      await removeEmpty(folder, files.root)
      return undefined
    case "link":
      await symlink(target.target, place)
      break
    case "file": {
      const bytes = await contentOf({ store, files }, step)
      if (!bytes) return "what it held is not kept any more"
      await writeWhole(place, { bytes, mode: await modeOf(absolute, target) })
      break
    }
    case "unknown":
      return target.why
    default:
      return target satisfies never
  }
  // The last look, as near to the replacing as can be.
  if (!isSame((await look(absolute)).state, now)) {
    await rm(place, { force: true })
    return "it was changed at this moment"
  }
  await rename(place, absolute)
  return undefined
}

/** What others may do with it stays, where it is there; whether it can be run is as it was. */
async function modeOf(path: string, { exec }: Extract<FileState, { kind: "file" }>): Promise<number> {
  const there = await lstat(path).catch(() => undefined)
  const mode = there?.isFile() ? there.mode & 0o777 : 0o666 & ~process.umask()
  const readers = (mode & 0o444) >> 2
  return exec === undefined ? mode : exec ? mode | readers : mode & ~0o111
}

async function writeWhole(path: string, { bytes, mode }: { bytes: Buffer; mode: number }): Promise<void> {
  const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.chmod(mode)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Folders that were made for it. */
async function removeEmpty(folder: string, root: string): Promise<void> {
  for (let at = folder; at !== root && at.startsWith(`${root}/`); at = dirname(at)) {
    try {
      await rmdir(at)
    } catch {
      // There is something in it.
      return
    }
  }
}
