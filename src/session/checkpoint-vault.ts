// Where the contents of files are kept, by git's name of them: in the repository itself, held by a private ref of the
// session's, or, where there is none, as copies in the data folder. The user's index, branch, stash and reflog are never
// touched. Contents go with the session.
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import type { QuietGit } from "../exec/quiet-git.ts"
import { readFileOr } from "./checkpoint-state.ts"

export interface Kept {
  /** Relative to the project's root. */
  path: string
  oid: string
  bytes: Buffer
}

export interface Vault {
  readonly kind: "git" | "copy"
  /** Keeps contents; returns the names of those that are kept now. */
  keep(files: readonly Kept[]): Promise<ReadonlySet<string>>
  /** Makes sure that what is kept, or is in the repository anyway, stays for as long as the session. */
  hold(oids: readonly string[]): Promise<void>
}

export function heldRef(rootId: string): string {
  return `refs/meanwhile/${rootId}`
}

/** The key in `meta` of how far a session's changes are held by its ref. */
export function heldKey(rootId: string): string {
  return `held:${rootId}`
}

export function gitVault(git: QuietGit, rootId: string): Vault {
  return {
    kind: "git",
    keep: async (files) => {
      if (files.length === 0) return new Set()
      const written = files.length === 1 ? new Set<string>() : await writeTogether(git, files)
      for (const { oid, bytes } of files) {
        if (written.has(oid)) continue
        // As it was looked at, whatever has become of the file since.
        const { out } = await git(["hash-object", "-w", "--no-filters", "--stdin"], { input: bytes })
        if (out?.toString("utf8").trim() === oid) written.add(oid)
      }
      return written
    },
    hold: async (oids) => {
      if (oids.length === 0) return
      const ref = heldRef(rootId)
      const entries = [...new Set(oids)].sort().map((oid) => `100644 blob ${oid}\t${oid}\0`)
      const tree = (await git(["mktree", "-z", "--missing"], { input: entries.join("") })).out?.toString("utf8").trim()
      if (!tree) throw new Error("git could not make a tree")
      for (let tries = 1; ; tries++) {
        const before = (await git(["rev-parse", "--verify", "--quiet", ref])).out?.toString("utf8").trim()
        const parents = before ? ["-p", before] : []
        const made = await git(["commit-tree", tree, ...parents, "-m", "What Meanwhile may take back"], { env: AUTHOR })
        const commit = made.out?.toString("utf8").trim()
        if (!commit) throw new Error(`git could not make a commit: ${made.problem}`)
        const done = await git(["update-ref", "--no-deref", ref, commit, before ?? NONE])
        if (done.out) return
        // Somebody else may have been quicker, such as a rewind in this process.
        if (tries === TRIES) throw new Error(`git could not keep ${ref}: ${done.problem}`)
      }
    },
  }
}

const TRIES = 5
/** For git: that there is no such ref yet. */
const NONE = "0".repeat(40)

const AUTHOR = {
  GIT_AUTHOR_NAME: "Meanwhile",
  GIT_AUTHOR_EMAIL: "meanwhile@localhost",
  GIT_COMMITTER_NAME: "Meanwhile",
  GIT_COMMITTER_EMAIL: "meanwhile@localhost",
}

/** One process for all of them; what has changed since it was looked at is left out. */
async function writeTogether(git: QuietGit, files: readonly Kept[]): Promise<Set<string>> {
  const input = files.map(({ path }) => `${quoted(path)}\n`).join("")
  const { out } = await git(["hash-object", "-w", "--no-filters", "--stdin-paths"], { input })
  const names = new Set(out?.toString("utf8").split("\n") ?? [])
  return new Set(files.flatMap(({ oid }) => (names.has(oid) ? [oid] : [])))
}

/** As git reads a path in a line. */
function quoted(path: string): string {
  return `"${path.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`
}

/** Bytes of all copies of a session together; what comes later is not kept. */
const MOST_COPIES = 200 * 1024 * 1024

export function copyVault(folder: string): Vault {
  let size: number | undefined
  return {
    kind: "copy",
    keep: async (files) => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      size ??= await sizeOf(folder)
      const kept = new Set<string>()
      for (const { oid, bytes } of files) {
        const path = join(folder, oid)
        if (kept.has(oid)) continue
        if (!(await stat(path).catch(() => undefined))) {
          if (size + bytes.length > MOST_COPIES) continue
          await writeWhole(path, bytes)
          size += bytes.length
        }
        kept.add(oid)
      }
      return kept
    },
    hold: async () => {},
  }
}

let copies = 0

async function writeWhole(path: string, bytes: Buffer): Promise<void> {
  // Two may keep the same content at once.
  const temporary = `${path}.${process.pid}.${++copies}`
  await rm(temporary, { force: true })
  const handle = await open(temporary, "wx", 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, path)
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0
  return bytes
}

/** Undefined when it is not there any more. */
export async function contentFrom(
  from: { git: QuietGit } | { folder: string },
  oid: string,
): Promise<Buffer | undefined> {
  // Rows may have been imported: a name of a content is never a path.
  if (!/^[0-9a-f]{40}$/.test(oid)) return undefined
  if ("git" in from) return (await from.git(["cat-file", "blob", oid], { maxBytes: 64 * 1024 * 1024 })).out
  return await readFileOr(join(from.folder, oid))
}
