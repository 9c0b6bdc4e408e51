// Where a program is. The current folder never decides: relative entries of PATH are skipped.
import { accessSync, constants, statSync } from "node:fs"
import { isAbsolute, join } from "node:path"

/** Where systems keep programs, for an environment whose PATH is empty or odd. */
const USUAL_FOLDERS = ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/run/current-system/sw/bin"]

const found = new Map<string, string>()

/** The absolute path of a program, found as a shell would find it by `path` (the variable PATH). */
export function findProgram(name: string, path: string | undefined): string | undefined {
  const key = `${name}:${path}`
  const known = found.get(key)
  // Looked at again, because a program may go away while we run.
  if (known && isExecutable(known)) return known
  const program = search(name, path)
  if (program) found.set(key, program)
  return program
}

function search(name: string, path: string | undefined): string | undefined {
  const folders = [...(path ?? "").split(":").filter(isAbsolute), ...USUAL_FOLDERS]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    // Missing or forbidden: not this one.
    return false
  }
}
