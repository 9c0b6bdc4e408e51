// What a file of the project is at one moment, as far as a checkpoint must know: enough to tell whether it is still the
// same, and to put it back. Contents have the name that git gives them, whoever keeps them.
import { createHash } from "node:crypto"
import { type BigIntStats, constants } from "node:fs"
import { lstat, open, readFile, readlink } from "node:fs/promises"

export type FileState =
  | { kind: "absent" }
  /** `oid`: git's name of the content. A change that was only announced has the hash of what was to come alone. */
  | { kind: "file"; oid?: string; sha256?: string; exec?: boolean }
  | { kind: "link"; target: string }
  | { kind: "unknown"; why: string }

/** Larger files are not kept. */
const LARGEST = 20 * 1024 * 1024

export const ABSENT: FileState = { kind: "absent" }

function oidOf(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex")
}

export interface Looked {
  state: FileState
  bytes?: Buffer
  /** Changes whenever the file does; "" when there is none. */
  signature: string
  /** When the file was last touched in any way; undefined when there is none. */
  changedMs?: number
}

export async function signatureOf(path: string): Promise<{ signature: string; stats?: BigIntStats }> {
  const stats = await lstat(path, { bigint: true }).catch(unlessMissing)
  if (!stats) return { signature: "" }
  const { size, mtimeNs, ctimeNs, ino, mode } = stats
  return { signature: `${size} ${mtimeNs} ${ctimeNs} ${ino} ${mode}`, stats }
}

/** A file that is changed again each time that it is read is taken as it was the last time. */
const MOST_READS = 3

/** Looks at a path without following a link; folders and what is no file are unknown. */
export async function look(path: string): Promise<Looked> {
  for (let reads = 1; ; reads++) {
    const looked = await lookOnce(path)
    // What was read may be younger than the times that were read before it, which say whose doing it is.
    if (reads === MOST_READS || (await signatureOf(path)).signature === looked.signature) return looked
  }
}

async function lookOnce(path: string): Promise<Looked> {
  const { signature, stats } = await signatureOf(path)
  if (!stats) return { state: ABSENT, signature }
  const more = { signature, changedMs: Number(stats.ctimeNs / 1_000_000n) }
  if (stats.isSymbolicLink()) return { state: { kind: "link", target: await readlink(path) }, ...more }
  if (!stats.isFile()) return { state: { kind: "unknown", why: "it is not a file" }, ...more }
  if (stats.size > BigInt(LARGEST)) return { state: { kind: "unknown", why: "it is too large to be kept" }, ...more }
  const bytes = await contentOf(path)
  if (bytes === "missing") return { state: ABSENT, signature: "" }
  if (bytes === "forbidden") return { state: { kind: "unknown", why: "it may not be read" }, ...more }
  const sha256 = createHash("sha256").update(bytes).digest("hex")
  const exec = (stats.mode & 0o100n) !== 0n
  return { state: { kind: "file", oid: oidOf(bytes), sha256, exec }, bytes, ...more }
}

/** File systems' times may be that coarse, and that much behind our clock. */
export const SLACK_MS = 15

/** A file that was looked at, for the next look: when it may be changed once more without other times, it is read again. */
export function knownOf({ state, signature, changedMs = 0 }: Looked, now: number): Known {
  return { state, signature: changedMs >= now - SLACK_MS ? `${signature} or later` : signature }
}

export interface Known {
  /** Of the file as long as it is surely the same. */
  signature: string
  state: FileState
}

/** Never waits for what turns out to be a pipe, and follows no link. */
async function contentOf(path: string): Promise<Buffer | "missing" | "forbidden"> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      return await handle.readFile()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (isCode(error, "ENOENT", "ENOTDIR")) return "missing"
    if (isCode(error, "EACCES", "EPERM", "ELOOP", "EISDIR", "ENXIO")) return "forbidden"
    throw error
  }
}

/** Whether both are the same for sure. */
export function isSame(a: FileState, b: FileState): boolean {
  if (a.kind === "absent") return b.kind === "absent"
  if (a.kind === "link") return b.kind === "link" && a.target === b.target
  if (a.kind !== "file" || b.kind !== "file") return false
  const isModeSame = a.exec === undefined || b.exec === undefined || a.exec === b.exec
  if (a.oid !== undefined && b.oid !== undefined) return isModeSame && a.oid === b.oid
  return isModeSame && a.sha256 !== undefined && a.sha256 === b.sha256
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code)
}

function unlessMissing(error: unknown): undefined {
  if (isCode(error, "ENOENT", "ENOTDIR")) return undefined
  throw error
}

/** A file of our own; undefined when there is none. */
export async function readFileOr(path: string): Promise<Buffer | undefined> {
  return await readFile(path).catch((error: unknown) => unlessMissing(error))
}
