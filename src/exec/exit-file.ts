// What a runner has written into its exit file (see runner-script.ts). Only complete lines count: a runner may be in the
// middle of one, and so may a full disk.
import { readFileSync } from "node:fs"

export interface ExitFile {
  /** The command's process group; undefined when the command was never started. */
  group?: number
  /** The command's exit code, or 128 + signal; undefined while it runs. 125 without a group: it was never started. */
  code?: number
  /** The runner stopped the command because it wrote too much while no host was there. */
  overLimit: boolean
}

/** What a runner ends with that was never told to go. */
const NEVER = 125

/**
 * What the file says of the command; with the pid of a runner, also whether that one ended without having started it.
 * Synchronous, because the file has three lines. A missing file says nothing.
 */
export function readExitFile(path: string, runner?: number): ExitFile {
  const found: ExitFile = { overLimit: false }
  for (const line of textOf(path).split("\n").slice(0, -1)) {
    const [word, value] = line.split(" ")
    if (word === "limit") found.overLimit = true
    if (word === "group") found.group = Number(value)
    if (word === "exit") found.code = Number(value)
    if (word === "never" && Number(value) === runner) found.code ??= NEVER
  }
  return found
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return ""
    throw error
  }
}
