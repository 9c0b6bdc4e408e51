// What has changed in a project since it was looked at last, without reading what has not: in a repository git compares
// the files with a copy of the index (its own one is not touched, and may be changed by anybody meanwhile), elsewhere a
// small folder is walked. Ignored files, submodules and repositories within are left out.
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Captured, capture } from "../exec/capture.ts"
import type { QuietGit } from "../exec/quiet-git.ts"
import {
  ABSENT,
  type FileState,
  isSame,
  type Known,
  knownOf,
  look,
  readFileOr,
  signatureOf,
} from "./checkpoint-state.ts"
import type { Kept, Vault } from "./checkpoint-vault.ts"

/** A project as it was at a moment: what differs from the index, or, without git, all files. */
export interface Baseline {
  /** When the look at it began, by the wall clock. */
  at: number
  /** The copy's name; null without git, or before the first commit. */
  index: string | null
  /** Of the index that was copied. */
  indexSignature: string
  files: Record<string, Known>
}

export interface Change {
  /** Relative to the project's root. */
  path: string
  before: FileState
  after: FileState
  /** When it was touched last; undefined when it is gone. */
  changedMs: number | undefined
}

export interface Scanned {
  changes: Change[]
  baseline: Baseline
}

/** Nothing can be compared: why, for a person. */
export class NotScanned extends Error {
  override readonly name = "NotScanned"
}

export interface Place {
  /** The project's root, without links in it. */
  root: string
  git: QuietGit | undefined
  vault: Vault
  /** For the baseline and the copy of the index. */
  folder: string
  now(): number
}

/** Files that may differ from the index, or, without git, that may be there at all. */
const MOST_FILES = 5000
const MOST_FILES_COPIED = 2000
/** Bytes of them that are held at once, and that are kept in one look. */
const BATCH = 32 * 1024 * 1024
const MOST_BYTES = 400 * 1024 * 1024
/** Never copied where there is no git that knows what is ignored. */
const LEFT_OUT = new Set([".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".meanwhile"])

/** Compares with the baseline, if there is one, and makes a new one. Throws NotScanned. */
export async function scan(place: Place, before: Baseline | undefined): Promise<Scanned> {
  const at = place.now()
  if (!place.git) return await scanFolder(place, { before, at })
  const found = before ? await differing(place.git, join(place.folder, before.index ?? "none")) : undefined
  const compared = before && found ? await compare(place, { before, found }) : undefined
  const indexSignature = await indexOf(place.git)
  if (before && compared && indexSignature.signature === before.indexSignature)
    return { changes: compared.changes, baseline: { ...before, at, files: compared.files } }
  // The index is another one now: what differs from it is found anew.
  const copied = await copyIndex(place, indexSignature)
  const now = await differing(place.git, join(place.folder, copied ?? "none"))
  const known: Baseline = { at, index: copied, indexSignature: indexSignature.signature, files: compared?.files ?? {} }
  const { files } = await compare(place, { before: known, found: now, isNew: true })
  return { changes: compared?.changes ?? [], baseline: { ...known, files } }
}

/** By path: what the index says of it; null when it says nothing. */
type Found = ReadonlyMap<string, FileState | null>

async function differing(git: QuietGit, index: string): Promise<Found> {
  const env = { GIT_INDEX_FILE: index }
  const [tracked, others] = await Promise.all([
    git(["diff-files", "--raw", "-z", "--no-abbrev", "--no-renames", "--ignore-submodules=all"], { env }),
    git(["ls-files", "--others", "--exclude-standard", "-z"], { env }),
  ])
  if (!tracked.out || !others.out) throw new NotScanned(tracked.problem || others.problem)
  const found = new Map<string, FileState | null>()
  const words = tracked.out.toString("utf8").split("\0")
  for (let i = 0; i + 1 < words.length; i += 2) {
    const [, mode, oid, status] = /^:(\d+) \d+ ([0-9a-f]+) [0-9a-f]+ ([A-Z])/.exec(words[i]!) ?? []
    if (mode === undefined || mode === "160000") continue
    found.set(words[i + 1]!, status === "U" ? UNMERGED : indexed(mode, oid!))
  }
  // A name that ends so is a repository within this one.
  for (const path of others.out.toString("utf8").split("\0")) if (path && !path.endsWith("/")) found.set(path, null)
  if (found.size > MOST_FILES)
    throw new NotScanned(`${found.size} files differ from the index, ${MOST_FILES} is the most`)
  return found
}

const UNMERGED: FileState = { kind: "unknown", why: "it was in the middle of a merge" }

/** As the index has it. A link's target is told from its content when it is needed. */
function indexed(mode: string, oid: string): FileState {
  return { kind: "file", oid, ...(mode === "120000" ? {} : { exec: mode === "100755" }) }
}

interface Comparing {
  before: Baseline
  found: Found
  /** Only what is there now is wanted: nothing is known of what was. */
  isNew?: boolean
}

async function compare(
  place: Place,
  { before, found, isNew = false }: Comparing,
): Promise<Omit<Scanned, "baseline"> & { files: Baseline["files"] }> {
  const files: Baseline["files"] = {}
  const changes: Change[] = []
  let batch: Kept[] = []
  let bytes = 0
  let all = 0
  const flush = async () => {
    const kept = await place.vault.keep(batch)
    for (const { path, oid } of batch) {
      const known = files[path]
      if (known && !kept.has(oid))
        files[path] = { ...known, state: { kind: "unknown", why: "there was no room to keep it" } }
    }
    batch = []
    bytes = 0
  }
  const paths = isNew ? found.keys() : new Set([...found.keys(), ...Object.keys(before.files)])
  for (const path of paths) {
    const was = before.files[path]
    const absolute = join(place.root, path)
    if (was && was.signature === (await signatureOf(absolute)).signature) {
      if (was.signature !== "") files[path] = was
      continue
    }
    const lookedAt = place.now()
    const looked = await look(absolute)
    const { state, bytes: content, signature, changedMs } = looked
    const earlier = was?.state ?? found.get(path) ?? ABSENT
    if (!isNew && !isSame(earlier, state)) changes.push({ path, before: earlier, after: state, changedMs })
    if (signature !== "") files[path] = knownOf(looked, lookedAt)
    if (state.kind !== "file" || !content || state.oid === undefined) continue
    all += content.length
    // What is not kept can't be put back, but is still seen to have changed.
    if (all > MOST_BYTES) {
      files[path] = { signature, state: { kind: "unknown", why: "too much was changed at once" } }
      continue
    }
    batch.push({ path, oid: state.oid, bytes: content })
    bytes += content.length
    if (bytes > BATCH) await flush()
  }
  await flush()
  const checked = isNew ? changes : await withoutFilters(place, { before, changes })
  return { changes: checked, files }
}

/**
 * What the index names is what the file held only where nothing is converted on the way (line ends, filters). That is
 * so when the file was as long as its content in the repository.
 */
async function withoutFilters(
  place: Place,
  { before, changes }: { before: Baseline; changes: Change[] },
): Promise<Change[]> {
  const { git } = place
  const asked = changes.filter(({ path, before: { kind } }) => kind === "file" && !before.files[path])
  if (!git || asked.length === 0) return changes
  const env = { GIT_INDEX_FILE: join(place.folder, before.index ?? "none") }
  const oids = asked.flatMap(({ before: state }) => (state.kind === "file" ? `${state.oid}\n` : []))
  const lengths = await git(["cat-file", "--batch-check=%(objectname) %(objectsize)"], { input: oids.join("") })
  const lengthOf = new Map(
    (lengths.out?.toString("utf8") ?? "").split("\n").map((line) => line.split(" ", 2) as [string, string]),
  )
  const sizeOf = new Map<string, string>()
  for (let i = 0; i < asked.length; i += 500) {
    const paths = asked.slice(i, i + 500).map(({ path }) => path)
    const { out } = await git(["ls-files", "--debug", "-z", "--", ...paths], { env })
    for (const [, path, size] of (out?.toString("utf8") ?? "").matchAll(/([^\0]*)\0[^\0]*?size: (\d+)\tflags: \w+\n/g))
      sizeOf.set(path!, size!)
  }
  const links = new Map<string, string>()
  for (const { before: state, path } of asked) {
    if (state.kind !== "file" || state.exec !== undefined) continue
    const target = (await git(["cat-file", "blob", state.oid!])).out?.toString("utf8")
    if (target !== undefined) links.set(path, target)
  }
  return changes.flatMap((change): Change[] => {
    const { path, before: state, after } = change
    if (state.kind !== "file" || before.files[path]) return [change]
    const target = links.get(path)
    const link: FileState | undefined = target === undefined ? undefined : { kind: "link", target }
    if (link) return isSame(link, after) ? [] : [{ ...change, before: link }]
    const size = sizeOf.get(path)
    // 0: git itself was not sure of it when it wrote the index.
    const isAsIs = size !== undefined && (size === "0" || size === lengthOf.get(state.oid!))
    return isAsIs ? [change] : [{ ...change, before: { kind: "unknown", why: "git converts it on the way" } }]
  })
}

async function indexOf(git: QuietGit): Promise<{ path: string; signature: string }> {
  let path = indexPaths.get(git)
  if (path === undefined) {
    const { out, problem } = await git(["rev-parse", "--path-format=absolute", "--git-path", "index"])
    if (!out) throw new NotScanned(problem)
    path = out.toString("utf8").replace(/\n$/, "")
    indexPaths.set(git, path)
  }
  return { path, signature: (await signatureOf(path)).signature }
}

/** It stays where it is. */
const indexPaths = new WeakMap<QuietGit, string>()

/** With its times to the nanosecond: by them git knows which entries it must not trust. */
async function copyIndex({ folder, now }: Place, index: { path: string; signature: string }): Promise<string | null> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (index.signature === "") return null
  const name = `index-${now()}`
  const args = ["-p", "--", index.path, join(folder, name)]
  const env = { PATH: "/usr/bin:/bin", LC_ALL: "C" }
  const copied: Captured = await capture({ program: "/bin/cp", args, cwd: "/", env, timeoutMs: 5000, maxBytes: 1024 })
  if (copied.end !== "exited" || copied.code !== 0)
    throw new NotScanned(`the index could not be copied: ${copied.stderr}`)
  return name
}

async function scanFolder(
  place: Place,
  { before, at }: { before: Baseline | undefined; at: number },
): Promise<Scanned> {
  const found = new Map<string, FileState | null>()
  await walk(place.root, "", found)
  const known: Baseline = before ?? { at, index: null, indexSignature: "", files: {} }
  const { changes, files } = await compare(place, { before: known, found, isNew: before === undefined })
  return { changes, baseline: { ...known, at, files } }
}

async function walk(root: string, below: string, found: Map<string, FileState | null>): Promise<void> {
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (LEFT_OUT.has(entry.name)) continue
    const path = below === "" ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) await walk(root, path, found)
    else if (entry.isFile() || entry.isSymbolicLink()) found.set(path, null)
    if (found.size > MOST_FILES_COPIED)
      throw new NotScanned(`without git, ${MOST_FILES_COPIED} files is the most that can be watched`)
  }
}

const FILE = "baseline.json"

/** What the last process knew; undefined when there is none, or it can't be read. */
export async function storedBaseline(folder: string): Promise<Baseline | undefined> {
  const text = await readFileOr(join(folder, FILE))
  try {
    return text === undefined ? undefined : (JSON.parse(text.toString("utf8")) as Baseline)
  } catch {
    // Somebody has been at it: as if there were none.
    return undefined
  }
}

/** The new one is whole before the old copy of the index goes. */
export async function storeBaseline(folder: string, baseline: Baseline): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const temporary = join(folder, `${FILE}.new`)
  await writeFile(temporary, JSON.stringify(baseline), { mode: 0o600 })
  await rename(temporary, join(folder, FILE))
  for (const name of await readdir(folder))
    if (/^index-\d+$/.test(name) && name !== baseline.index) await rm(join(folder, name), { force: true })
}
