// The branch that a folder's repository is on, read from git's files: asking git costs more than a header is worth.
import { readFileSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"

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
    const stat = statSync(git, { throwIfNoEntry: false })
    if (!stat) return undefined
    const folder = stat.isDirectory()
      ? git
      : resolve(dirname(git), /^gitdir: (.+)/.exec(readFileSync(git, "utf8"))![1]!)
    const head = readFileSync(join(folder, "HEAD"), "utf8").trim()
    return /^ref: refs\/heads\/(.+)$/.exec(head)?.[1] ?? head.slice(0, 8)
  } catch {
    // Whatever it is, it is no repository that we can read.
    return undefined
  }
}
