// The markdown files below an `agents` folder, nested ones too. Links are followed, a loop of them once; what is
// beyond the limits is reported instead of read, because a repository may hold anything.
import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs"
import { join } from "node:path"
import { messageOf } from "../base/error.ts"

export interface FoundFiles {
  /** Absolute paths: a folder's own files before those of its folders, each by name. */
  files: string[]
  problems: { path: string; message: string }[]
}

const MOST_FILES = 500
/** A link may lead to the root of the disk. */
const MOST_FOLDERS = 200
const DEEPEST = 8

export function agentFiles(folder: string): FoundFiles {
  const found: FoundFiles = { files: [], problems: [] }
  walk(folder, { found, seen: new Set(), depth: 0 })
  if (found.files.length <= MOST_FILES) return found
  const message = `has more than ${MOST_FILES} agent files: only the first ones are read`
  return { files: found.files.slice(0, MOST_FILES), problems: [...found.problems, { path: folder, message }] }
}

function walk(folder: string, walked: { found: FoundFiles; seen: Set<string>; depth: number }): void {
  const { found, seen, depth } = walked
  if (found.files.length > MOST_FILES) return
  const folders: string[] = []
  try {
    const real = realpathSync(folder)
    if (seen.has(real)) return
    if (seen.size >= MOST_FOLDERS) {
      if (seen.size === MOST_FOLDERS)
        found.problems.push({
          path: folder,
          message: `comes after ${MOST_FOLDERS} folders: not read, nor what follows`,
        })
      seen.add(real)
      return
    }
    seen.add(real)
    const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      const path = join(folder, entry.name)
      const kind = kindOf(entry, path)
      if (kind === "folder" && !entry.name.startsWith(".")) folders.push(path)
      // Anything else than a file is left to the reader, which says what is wrong with it.
      if (kind !== "folder" && entry.name.toLowerCase().endsWith(".md")) found.files.push(path)
    }
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")
    if (!isMissing) found.problems.push({ path: folder, message: `cannot be read: ${messageOf(error)}` })
    return
  }
  if (folders.length > 0 && depth + 1 > DEEPEST) {
    found.problems.push({ path: folders[0]!, message: `is more than ${DEEPEST} folders deep: not read` })
    return
  }
  for (const inner of folders) walk(inner, { found, seen, depth: depth + 1 })
}

function kindOf(entry: Dirent, path: string): "folder" | "other" {
  if (!entry.isSymbolicLink()) return entry.isDirectory() ? "folder" : "other"
  try {
    return statSync(path).isDirectory() ? "folder" : "other"
  } catch {
    // It leads nowhere, or to itself.
    return "other"
  }
}
