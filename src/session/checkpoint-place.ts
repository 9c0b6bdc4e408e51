// Where the checkpoints of a session's project are: its root, the git that may be asked there, and the folder of ours.
import { rmSync } from "node:fs"
import { join, relative } from "node:path"
import { type Env, isRepository, realPath } from "../base/paths.ts"
import { type QuietGit, quietGit } from "../exec/quiet-git.ts"
import type { Store } from "../store/store.ts"
import { copyVault, gitVault, heldRef, type Vault } from "./checkpoint-vault.ts"

export interface ProjectFiles {
  /** Without links in it. */
  root: string
  git: QuietGit | undefined
}

/** Repositories whose objects have other names than ours are treated as if there were no git. */
export async function projectFiles(project: string, env: Env): Promise<ProjectFiles> {
  const root = realPath(project)
  const git = isRepository(root) ? await quietGit({ root, env }) : undefined
  const asked = await git?.(["rev-parse", "--is-inside-work-tree", "--show-object-format"])
  const isUsable = asked?.out?.toString("utf8").trim() === "true\nsha1"
  return { root, git: isUsable ? git : undefined }
}

export function checkpointFolder(store: Pick<Store, "folder">, rootId: string): string {
  return join(store.folder("checkpoint"), rootId)
}

export function copiesFolder(store: Pick<Store, "folder">, rootId: string): string {
  return join(checkpointFolder(store, rootId), "copies")
}

export function vaultOf(store: Pick<Store, "folder">, rootId: string, { git }: ProjectFiles): Vault {
  return git ? gitVault(git, rootId) : copyVault(copiesFolder(store, rootId))
}

/** Relative to the root; undefined for what is not in it, or is git's own. */
export function insidePath(root: string, path: string): string | undefined {
  const way = relative(root, path)
  if (way === "" || way === ".." || way.startsWith("../") || way.split("/").includes(".git")) return undefined
  return way
}

/** What a session's checkpoints hold, in the repository and in our folder. A repository that is gone is no error. */
export async function removeCheckpoints(
  store: Pick<Store, "folder">,
  { rootId, project, env }: { rootId: string; project: string; env: Env },
): Promise<void> {
  const { git } = await projectFiles(project, env)
  if (git) await git(["update-ref", "--no-deref", "-d", heldRef(rootId)])
  rmSync(checkpointFolder(store, rootId), { recursive: true, force: true })
}
