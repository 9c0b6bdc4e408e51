// Failures of the file system as a model can use them: what happened to which file, and what to try instead.
import { opendir } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { nearest } from "../base/text.ts"
import { ToolError } from "./tool.ts"

const REASONS: Record<string, string> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of the path is a file, not a folder",
  EEXIST: "a file is where a folder is needed",
  EISDIR: "it is a folder",
  ELOOP: "its symbolic links form a loop",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many files are open; try again",
  EIO: "the disk reported an error",
}

/** The failure as a ToolError; what is not the file system's is returned as it is. */
export function fileError(
  error: unknown,
  { doing, file }: { doing: "read" | "write" | "search"; file: string },
): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  const reason = REASONS[code]
  return reason ? new ToolError(`Cannot ${doing} ${file}: ${reason} (${code}).`) : error
}

/** For a file that vanished between two looks at it. */
export function missingFile({ shown }: { shown: string }): ToolError {
  return new ToolError(`${shown} does not exist (any more).`)
}

/** More names than this in a folder are not looked at for a suggestion. */
const NAMES_READ = 5000

/** For a path where nothing is: with names that may have been meant, or the part of the path that does exist. */
export async function noSuchFile({ path, shown }: { path: string; shown: string }): Promise<ToolError> {
  const folder = dirname(path)
  const names = await namesIn(folder)
  if (!names)
    return new ToolError(`${shown} does not exist, and neither does its folder. ${await existingFolder(folder)}`)
  const name = basename(path)
  if (names.includes(name)) return new ToolError(`${shown} is a symbolic link to a file that does not exist.`)
  const similar = [...new Set([...nearest(name, names), ...sameStem(name, names)])].slice(0, 3)
  if (similar.length === 0) return new ToolError(`${shown} does not exist. Find files with Glob.`)
  return new ToolError(
    `${shown} does not exist. Did you mean ${similar.map((known) => JSON.stringify(join(dirname(shown), known))).join(" or ")}?`,
  )
}

/** `config.js` for `config.ts`: too far by letters, and yet the usual slip. */
function sameStem(name: string, names: readonly string[]): string[] {
  const stem = (text: string) => text.replace(/(?<=.)\..*$/, "").toLowerCase()
  return names.filter((known) => stem(known) === stem(name)).sort()
}

async function existingFolder(folder: string): Promise<string> {
  for (let up = dirname(folder); up !== dirname(up); up = dirname(up)) if (await namesIn(up)) return `${up} exists.`
  return "Find files with Glob."
}

async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    const names: string[] = []
    for await (const entry of await opendir(folder)) {
      names.push(entry.name)
      if (names.length >= NAMES_READ) break
    }
    return names.sort()
  } catch {
    return undefined // no folder that we can read: then there is nothing to suggest from it
  }
}
