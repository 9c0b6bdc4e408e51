// The project's files as ripgrep lists them: what git ignores is left out, and so are git's own files.
import type { Env } from "../../../base/paths.ts"
import type { FileIndexOptions } from "./file-index.ts"

export interface ListFilesOptions {
  /** From `ripgrepLocator`. */
  ripgrep: () => Promise<string>
  cwd: string
  env: Env
  signal: AbortSignal
}

export function listFiles({ ripgrep, cwd, env, signal }: ListFilesOptions): FileIndexOptions["list"] {
  return async (add) => {
    const [{ runRipgrep }, { RecordReader }] = await Promise.all([
      import("../../../tool/ripgrep.ts"),
      import("../../../tool/search.ts"),
    ])
    const reader = new RecordReader("paths", ({ path }) => add(path))
    const args = ["--files", "--null", "--hidden", "--glob=!.git", "--no-messages"]
    await runRipgrep({ program: await ripgrep(), args, cwd, env, signal, take: (chunk) => reader.take(chunk) })
  }
}
