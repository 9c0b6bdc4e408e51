// Where things are. Nothing here starts a program or creates a file.
import { existsSync, realpathSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, isAbsolute, join, relative, resolve } from "node:path"
import { Exit, UserError } from "./error.ts"
import { visible } from "./escape.ts"

export type Env = Readonly<Record<string, string | undefined>>

/** Absolute paths. `home` is the person's own folder: other programs' files for agents and settings are below it. */
export interface HomePaths {
  home: string
  config: string
  data: string
}

/**
 * `$MEANWHILE_HOME` is one folder for both; otherwise the XDG base directories, whose empty and relative values are
 * ignored as their specification says (version 0.8). A relative `$MEANWHILE_HOME` is refused: it would be another
 * database in each working folder.
 */
export function homePaths(env: Env): HomePaths {
  const home = absolute(env.HOME) ?? absolute(homedir())
  if (!home) throw new UserError("no-home", "Your home folder is not known. Set HOME to an absolute path.", Exit.usage)
  const own = env.MEANWHILE_HOME
  if (own) {
    if (isAbsolute(own)) return { home, config: resolve(own), data: resolve(own) }
    const message = `MEANWHILE_HOME is "${visible(own)}", which is not an absolute path. Set it to one that begins with "/".`
    throw new UserError("bad-home", message, Exit.usage)
  }
  return {
    home,
    config: join(absolute(env.XDG_CONFIG_HOME) ?? join(home, ".config"), "meanwhile"),
    data: join(absolute(env.XDG_DATA_HOME) ?? join(home, ".local/share"), "meanwhile"),
  }
}

/**
 * The nearest folder from `cwd` upwards that has a `.git` (a folder, or the file of a worktree or submodule), else
 * `cwd`. The home folder and what is above it are nobody's project: somebody who keeps dotfiles in git does not make
 * one project of everything.
 */
export function projectRoot(cwd: string, home: string = homedir()): string {
  const ceiling = new Set([home, realPath(home)])
  for (const folder of foldersUp(cwd)) {
    if (ceiling.has(folder)) return cwd
    if (isRepository(folder)) return folder
  }
  return cwd
}

export function isRepository(folder: string): boolean {
  return existsSync(join(folder, ".git"))
}

/** `from` and the folders above it, nearest first, up to and with `to`; only `from` when it is not below `to`. */
export function foldersUp(from: string, to = "/"): string[] {
  const way = relative(to, from)
  if (way === ".." || way.startsWith("../")) return [from]
  const folders = [from]
  for (let folder = from; folder !== to && folder !== dirname(folder); ) {
    folder = dirname(folder)
    folders.push(folder)
  }
  return folders
}

/** The path without symbolic links; as it is when it does not exist or cannot be followed. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** `~/shop` for `/home/ada/shop`. */
export function tildify(path: string, home: string = homedir()): string {
  if (path === home) return "~"
  return home !== "/" && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
}

/** A path as it is shown: short, and harmless to a terminal whatever the folder is called. */
export function displayPath(path: string, home: string = homedir()): string {
  return visible(tildify(path, home))
}

function absolute(path: string | undefined): string | undefined {
  return path && isAbsolute(path) ? resolve(path) : undefined
}
