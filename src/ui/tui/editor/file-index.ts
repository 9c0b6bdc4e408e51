// The project's files, for completion: listed when they are first asked for, again in the background when the list has
// aged, and searched in slices between which keys are answered, so that 100,000 of them never hold up typing.

export interface FileIndex {
  /** The best matches, best first; folders end with "/". An aborted search rejects with the signal's reason. */
  search(query: string, limit: number, signal: AbortSignal): Promise<string[]>
}

export interface FileIndexOptions {
  /** Gives each path to `add`, relative and with forward slashes, until `add` says that there are enough. */
  list(add: (path: string) => "more" | "enough"): Promise<void>
  now(): number
  /** How old a list may get before it is read again. */
  maxAgeMs?: number
}

const MOST_FILES = 300_000
const MAX_AGE_MS = 10_000
/** Targets searched in one go: about a millisecond, the first time a few. */
const SLICE = 2000

interface Listed {
  /** Sorted so that what is near the top comes first. */
  top: string[]
  slices: readonly Slice[]
  at: number
}

type Slice = import("fuzzysort").Snapshot

export function createFileIndex({ list, now, maxAgeMs = MAX_AGE_MS }: FileIndexOptions): FileIndex {
  let listed: Listed | undefined
  let listing: Promise<Listed> | undefined

  const read = (): Promise<Listed> => {
    listing ??= readList(list, now).then(
      (fresh) => {
        listing = undefined
        listed = fresh
        return fresh
      },
      (error: unknown) => {
        listing = undefined
        throw error
      },
    )
    return listing
  }
  const current = async (): Promise<Listed> => {
    if (!listed) return read()
    // The old list serves until the new one is there; when that fails, so much longer.
    if (now() - listed.at > maxAgeMs) void read().catch(() => undefined)
    return listed
  }

  return {
    search: async (query, limit, signal) => {
      const { top, slices } = await current()
      signal.throwIfAborted()
      return query === "" ? top.slice(0, limit) : searchSlices(slices, { query, limit, signal })
    },
  }
}

async function readList(list: FileIndexOptions["list"], now: () => number): Promise<Listed> {
  const [fuzzysort, paths, folders] = [await import("fuzzysort"), [] as string[], new Set<string>()]
  await list((path) => {
    paths.push(path)
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end + 1)
      if (folders.has(folder)) break
      folders.add(folder)
    }
    return paths.length < MOST_FILES ? "more" : "enough"
  })
  const all = [...folders, ...paths]
  const slices: Slice[] = []
  for (let from = 0; from < all.length; from += SLICE) {
    slices.push(fuzzysort.snapshot(all.slice(from, from + SLICE)))
    await nextTurn()
  }
  const top = all.filter((path) => !path.slice(0, -1).includes("/")).sort(folderFirst)
  return { top, slices, at: now() }
}

async function searchSlices(
  slices: readonly Slice[],
  { query, limit, signal }: { query: string; limit: number; signal: AbortSignal },
): Promise<string[]> {
  const { go } = await import("fuzzysort")
  let best: { target: string; score: number }[] = []
  for (const slice of slices) {
    signal.throwIfAborted()
    const found = go(query, slice, { limit, threshold: 0.2 })
    if (found.length > 0) {
      best = [...best, ...found.map(({ target, score }) => ({ target, score }))]
      best.sort((a, b) => b.score - a.score || a.target.length - b.target.length)
      best.length = Math.min(best.length, limit)
    }
    await nextTurn()
  }
  signal.throwIfAborted()
  return best.map(({ target }) => target)
}

function folderFirst(a: string, b: string): number {
  return Number(b.endsWith("/")) - Number(a.endsWith("/")) || (a < b ? -1 : 1)
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
