// Files that decide what will run: whoever may edit them could permit themselves anything. Accepting edits does not
// include them.
import { dirname, relative } from "node:path"

const FOLDERS: ReadonlySet<string> = new Set([
  ".git",
  ".meanwhile",
  ".claude",
  ".vscode",
  ".idea",
  ".husky",
  ".devcontainer",
])
const FILES: ReadonlySet<string> = new Set([
  ".mcp.json",
  ".envrc",
  ".gitconfig",
  ".gitmodules",
  ".npmrc",
  ".yarnrc.yml",
  ".bashrc",
  ".zshrc",
  ".profile",
])

/** `path` and the working folder are real, absolute paths. Names count in any case: some file systems ignore it. */
export function isProtected(path: string, { folder, home }: { folder: string; home: string }): boolean {
  const names = relative(folder, path).toLowerCase().split("/")
  if (names.some((name) => FOLDERS.has(name)) || FILES.has(names.at(-1)!)) return true
  // In the home folder itself the dot files belong to all programs of the user.
  return folder === home && names[0]!.startsWith(".") && (names.length > 1 || dirname(path) === home)
}
