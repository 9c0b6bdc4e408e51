// The keys in force for this person: the defaults with their own file on top, also for what the terminal library does.
import { join } from "node:path"
import { type Env, homePaths } from "../../../base/paths.ts"
import { readKeybindings } from "./keybindings-file.ts"
import { createKeys, type Keys } from "./keys.ts"
import { bindLibraryKeys } from "./pi-keys.ts"

export interface OwnKeys {
  keys: Keys
  /** Of the person's file. */
  path: string
  /** What in it could not be done as it was asked for. */
  notes: readonly string[]
}

export function ownKeys(env: Env): OwnKeys {
  const path = join(homePaths(env).config, "keybindings.json")
  const { config, notes } = readKeybindings(path)
  const keys = createKeys(config)
  bindLibraryKeys(keys)
  return { keys, path, notes: [...notes, ...keys.notes] }
}
