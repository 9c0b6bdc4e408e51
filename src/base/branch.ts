// The branch that a folder's repository is on, read from git's files: asking git costs more than a header is worth.
import { readFileSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"

/** Such a file holds a name, or a path. */
const MOST_BYTES = 16 * 1024

/** The branch's name, or the beginning of the commit's id when there is none; undefined outside a repository. */
export function branchOf(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const found = headOf(join(at, ".git"))
    if (found !== undefined) return found
    if (dirname(at) === at) return undefined
  }
}

/** `.git` is a folder, or, of a worktree and a submodule, a file that names one (gitrepository-layout(5)). */
function headOf(git: string): string | undefined {
  try {
    const isFolder = statSync(git, { throwIfNoEntry: false })?.isDirectory()
    if (isFolder === undefined) return undefined
    const folder = isFolder ? git : resolve(dirname(git), /^gitdir: (.+)/.exec(plainFile(git))![1]!)
    const head = plainFile(join(folder, "HEAD")).trim()
    return /^ref: refs\/heads\/(.+)$/.exec(head)?.[1] ?? head.slice(0, 8)
  } catch {
    // Whatever it is, it is no repository that we can read.
    return undefined
  }
}

/** A stranger's folder may have a pipe in its place, on which reading would wait for ever. */
function plainFile(path: string): string {
  const stat = statSync(path)
  if (!stat.isFile() || stat.size > MOST_BYTES) throw new Error(`${path} is no file of git's`)
  return readFileSync(path, "utf8")
}
