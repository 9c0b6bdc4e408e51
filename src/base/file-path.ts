// Paths as models and people write them. Tools and permissions must read a path in the same way, else a rule could be
// asked about one file and the tool open another; so both use these two functions.
import { lstatSync, readlinkSync, realpathSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"

/** As many links as Linux follows before it gives up (path_resolution(7)). */
const MAX_LINKS = 40

/** The absolute path that is meant: `~` is the home folder, a relative path starts in `cwd`. */
export function resolveFilePath(path: string, from: { cwd: string; home: string }): string {
  if (path === "~") return from.home
  if (path.startsWith("~/")) return join(from.home, path.slice(2))
  return resolve(from.cwd, path)
}

/**
 * Where an absolute path leads once links are followed, also when the file, its folder or a link's target does not
 * exist yet: what is missing is appended to the real path of what is there.
 */
export function realPathOf(path: string): string {
  return follow(path, MAX_LINKS)
}

function follow(path: string, linksLeft: number): string {
  try {
    return realpathSync(path)
  } catch {
    // Missing, unreadable or a loop: find out step by step.
  }
  const parent = dirname(path)
  if (parent === path) return path
  const link = linkTarget(path)
  if (link !== undefined && linksLeft > 0) return follow(resolve(follow(parent, linksLeft - 1), link), linksLeft - 1)
  return join(follow(parent, linksLeft), basename(path))
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined
  } catch {
    return undefined // not there, or its folder may not be read: then it is no link that we could follow
  }
}
