// Whether the person trusts a project, for commands that only look at its files. Without a database nobody was asked,
// and looking makes none.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { type Env, homePaths } from "../base/paths.ts"

export async function isTrustedFolder(env: Env, project: string): Promise<boolean> {
  if (!existsSync(join(homePaths(env).data, "meanwhile.db"))) return false
  const { openData } = await import("../program.ts")
  const { trustAnswer } = await import("../session/trust.ts")
  const { store } = await openData(env)
  try {
    return trustAnswer(store, project) === "trusted"
  } finally {
    store.close()
  }
}
