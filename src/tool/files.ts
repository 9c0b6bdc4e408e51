// What the file tools share: how a path is read, what the model has seen of a file (its stamp), and writing that either
// happens whole or not at all.
import { createHash } from "node:crypto"
import { constants } from "node:fs"
import { access, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises"
import { basename, dirname, join, relative } from "node:path"
import { realPathOf, resolveFilePath } from "../base/file-path.ts"
import { fileError, missingFile } from "./file-errors.ts"
import { ToolError, type ToolOutput, textOutput } from "./tool.ts"

/** The largest file that is held in memory at once: for Edit, and to compare by content. 64 MB. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024

/** What the model has seen of a file. Files above MAX_FILE_BYTES have no hash: time and size stand for it. */
export interface Stamp {
  sha256: string | null
  mtimeMs: number
  size: number
}

/** A stamp with the real path of its file, as tools store it in their result's `data.seen`. */
export type SeenFile = Stamp & { path: string }

/** A session's stamps, and of which files the content is out of its model's sight since a compaction. */
interface Seen {
  stamps: Map<string, Stamp>
  outOfSight: Set<string>
}

/** What a session has seen according to its rows: oldest first. `inSight`: undefined when all of it still is. */
export interface Recalled {
  files: Iterable<SeenFile>
  inSight?: ReadonlySet<string> | undefined
}

/** What each session has seen of each file (by real path). */
export class FileStamps {
  readonly #bySession = new Map<string, Seen>()
  readonly #recall: (sessionId: string) => Recalled

  constructor(recall: (sessionId: string) => Recalled) {
    this.#recall = recall
  }

  get(sessionId: string, path: string): Stamp | undefined {
    return this.#of(sessionId).stamps.get(path)
  }

  /** `part`: a change of some lines, which shows nothing of the others. */
  set(sessionId: string, path: string, stamp: Stamp, { shows = "whole" }: { shows?: "whole" | "part" } = {}): void {
    const seen = this.#of(sessionId)
    seen.stamps.set(path, stamp)
    if (shows === "whole") seen.outOfSight.delete(path)
  }

  isInSight(sessionId: string, path: string): boolean {
    return !this.#of(sessionId).outOfSight.has(path)
  }

  /** After a compaction: of what was seen before, the model has only these files in sight. */
  compacted(sessionId: string, inSight: ReadonlySet<string>): void {
    const seen = this.#bySession.get(sessionId)
    if (seen) seen.outOfSight = outside(seen.stamps, inSight)
  }

  #of(sessionId: string): Seen {
    let seen = this.#bySession.get(sessionId)
    if (!seen) {
      const { files, inSight } = this.#recall(sessionId)
      const stamps = new Map([...files].map(({ path, ...stamp }) => [path, stamp]))
      seen = { stamps, outOfSight: inSight ? outside(stamps, inSight) : new Set() }
      this.#bySession.set(sessionId, seen)
    }
    return seen
  }

  forget(sessionId: string): void {
    this.#bySession.delete(sessionId)
  }
}

function outside(stamps: ReadonlyMap<string, Stamp>, inSight: ReadonlySet<string>): Set<string> {
  return new Set([...stamps.keys()].filter((path) => !inSight.has(path)))
}

export interface Files {
  /** Absolute path that `~` means. */
  readonly home: string
  readonly stamps: FileStamps
  /** False for absolute paths that a deny rule hides: searches leave them out. */
  mayRead(path: string): boolean
  /** Runs changes of one file one after the other, so that none is made to what another has just replaced. */
  exclusive<T>(path: string, change: () => Promise<T>): Promise<T>
}

export function createFiles({
  home,
  mayRead = () => true,
  recall = () => ({ files: [] }),
}: {
  home: string
  mayRead?: (path: string) => boolean
  recall?: (sessionId: string) => Recalled
}): Files {
  const last = new Map<string, Promise<unknown>>()
  return {
    home,
    stamps: new FileStamps(recall),
    mayRead,
    exclusive: async (path, change) => {
      const before = last.get(path)
      const mine = Promise.withResolvers<void>()
      last.set(path, mine.promise)
      try {
        await before
        return await change()
      } finally {
        mine.resolve()
        if (last.get(path) === mine.promise) last.delete(path)
      }
    },
  }
}

export interface Located {
  /** As it was meant: absolute, links not followed. */
  path: string
  /** Where it leads. */
  real: string
  /** Short and printable, for messages: relative to the working folder when it is inside. */
  shown: string
}

/** The file that a call means. Throws a ToolError for what is no path, or may not be opened by anybody. */
export function locate({ home }: Pick<Files, "home">, cwd: string, given: string): Located {
  if (given === "") throw new ToolError("The path is empty. Give the path of a file.")
  if (given.includes("\0")) throw new ToolError("The path contains a NUL character, which no file name can.")
  const path = resolveFilePath(given, { cwd, home })
  const real = realPathOf(path)
  // The process list of Linux holds our own environment, with the keys of the user's providers.
  if (/^\/(proc|sys|dev)(\/(?!shm\/)|$)/.test(real))
    throw new ToolError(`${path} belongs to the system and cannot be opened with this tool.`)
  return { path, real, shown: showPath(path, cwd) }
}

/** Relative to `cwd` when below it; a name with control characters as a JSON string, which is how to send it back. */
export function showPath(path: string, cwd: string): string {
  const way = relative(cwd, path)
  const short = way === "" || way === ".." || way.startsWith("../") ? path : way
  return /[\p{Cc}\u2028\u2029]/u.test(short) ? JSON.stringify(short) : short
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex")
}

export interface Content {
  bytes: Buffer
  sha256: string
  mtimeMs: number
  ino: number
  mode: number
}

/** A regular file's bytes and what identifies them; undefined when there is none. */
export async function readContent(file: Located): Promise<Content | undefined> {
  try {
    const before = await stat(file.real)
    if (before.isDirectory()) throw new ToolError(`${file.shown} is a folder, not a file.`)
    if (!before.isFile()) throw new ToolError(`${file.shown} is not a regular file. Use Bash.`)
    if (before.size > MAX_FILE_BYTES)
      throw new ToolError(
        `${file.shown} is too large for this tool (${before.size} bytes). Use Bash, for example with sed.`,
      )
    const bytes = await readFile(file.real)
    return { bytes, sha256: sha256(bytes), mtimeMs: before.mtimeMs, ino: before.ino, mode: before.mode & 0o7777 }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw fileError(error, { doing: "read", file: file.shown })
  }
}

/**
 * Throws unless the session has read the file, and what is there is what it saw. `whole`: all of it is to be replaced, so
 * it must be in sight as well; who changes a part shows that he knows it by quoting it.
 */
export function requireSeen(
  files: Files,
  sessionId: string,
  { file, content, change }: { file: Located; content: Content; change: "whole" | "part" },
): void {
  const stamp = files.stamps.get(sessionId, file.real)
  if (!stamp) throw new ToolError(`Read ${file.shown} first: you have not seen what is in it. Nothing was changed.`)
  if (change === "whole" && !files.stamps.isInSight(sessionId, file.real))
    throw new ToolError(
      `Read ${file.shown} again first: you saw it before the conversation was compacted, and what is in it would be lost. Nothing was changed.`,
    )
  const isSame = stamp.sha256
    ? stamp.sha256 === content.sha256
    : stamp.mtimeMs === content.mtimeMs && stamp.size === content.bytes.length
  if (!isSame)
    throw new ToolError(
      `${file.shown} was changed by somebody else since you read it. Read it again, then repeat your change. Nothing was changed.`,
    )
}

export interface Replacement {
  file: Located
  /** What is there now, as it was read; undefined: a new file. */
  before: Content | undefined
  after: Buffer
  /** Names the temporary file: a call that is repeated after a crash replaces its own. */
  callId: string
}

/**
 * Puts `after` in the file's place: readers see the old or the new content, never a part. The mode stays, a link keeps
 * pointing. Throws when the file is no longer what `before` says. Hard links to the old content keep it.
 */
export async function replaceFile({ file, before, after, callId }: Replacement): Promise<void> {
  const folder = dirname(file.real)
  const temporary = join(folder, `.meanwhile-${callId}.tmp`)
  try {
    if (before) await access(file.real, constants.W_OK)
    await mkdir(folder, { recursive: true })
    await rm(temporary, { force: true })
    try {
      await writeWhole(temporary, { bytes: after, mode: before?.mode })
      await requireUnchanged(file, before)
      await rename(temporary, file.real)
    } finally {
      await rm(temporary, { force: true })
    }
  } catch (error) {
    if (isMissing(error) && before) throw missingFile(file)
    throw fileError(error, { doing: "write", file: file.shown })
  }
}

async function writeWhole(path: string, { bytes, mode }: { bytes: Buffer; mode: number | undefined }): Promise<void> {
  const handle = await open(path, "wx", 0o666)
  try {
    await handle.writeFile(bytes)
    if (mode !== undefined) await handle.chmod(mode)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function requireUnchanged(file: Located, before: Content | undefined): Promise<void> {
  const now = await stat(file.real).catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  const isSame =
    before && now
      ? now.ino === before.ino && now.mtimeMs === before.mtimeMs && now.size === before.bytes.length
      : !before && !now
  if (!isSame)
    throw new ToolError(
      `${file.shown} was changed by somebody else at this moment. Read it again. Nothing was changed.`,
    )
}

/** What the session has seen after it wrote the file itself. */
export async function stampWritten(
  files: Files,
  sessionId: string,
  { file, bytes, shows }: { file: Located; bytes: Buffer; shows: "whole" | "part" },
): Promise<SeenFile> {
  const { mtimeMs } = await stat(file.real)
  const stamp = { sha256: sha256(bytes), mtimeMs, size: bytes.length }
  files.stamps.set(sessionId, file.real, stamp, { shows })
  return { path: file.real, ...stamp }
}

/** What a Write or Edit commits before it acts: the real path and the content's hashes. */
export interface WriteIntent {
  path: string
  before: string | null
  after: string
}

/** After a crash: whether the write of this intent happened, or somebody else has written since. */
export async function stateOfWrite({ path, before, after }: WriteIntent): Promise<"done" | "not-done" | "unknown"> {
  const content = await readContent({ path, real: path, shown: basename(path) })
  const now = content?.sha256 ?? null
  if (now === after) return "done"
  return now === before ? "not-done" : "unknown"
}

/** For a Write or Edit whose process died: what became of it. `said`: the result when it happened. */
export async function recoverWrite(
  intent: Record<string, unknown>,
  said: (intent: WriteIntent) => string,
): Promise<{ type: "done"; output: ToolOutput } | { type: "not-done" } | { type: "unknown" }> {
  const write = intent as unknown as WriteIntent
  const state = await stateOfWrite(write)
  if (state !== "done") return { type: state }
  const content = (await readContent({ path: write.path, real: write.path, shown: basename(write.path) }))!
  const { mtimeMs } = await stat(write.path)
  const seen: SeenFile = { path: write.path, sha256: content.sha256, mtimeMs, size: content.bytes.length }
  return { type: "done", output: textOutput(said(write), { data: { path: write.path, seen } }) }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")
}
