// Brings the search up to date with the messages, in transactions of a few milliseconds. A row says up to where it is:
// cut off anywhere, it goes on from there, and two processes that do it at once do nothing twice.
import { createHash } from "node:crypto"
import { setImmediate as turnOfTheLoop } from "node:timers/promises"
import type { Clock } from "../../base/clock.ts"
import type { Log } from "../../base/log.ts"
import type { Reader, Store, Tx } from "../../store/store.ts"
import { searchable } from "./words.ts"

/** What is behind so many characters of a message is not searched. */
export const LONGEST_TEXT = 64 * 1024
/** A part ends with the row after which it has taken so long. */
const PART_MS = 3
const PART_ROWS = 100
/** Pages of the index that one part writes when segments are merged. */
const MERGED_PAGES = 8

export interface Indexing {
  store: Store
  clock: Clock
  signal?: AbortSignal | undefined
  /** Between two parts, in milliseconds; without it, the loop turns once. */
  pauseMs?: number
}

/** Resolves when all messages that there are by then can be searched. */
export async function indexMessages({ store, clock, signal, pauseMs = 0 }: Indexing): Promise<void> {
  const pause = () => (pauseMs > 0 ? clock.sleep(pauseMs, signal) : turnOfTheLoop())
  if (toIndex(store) === 0) return
  for (let isBehind = true; isBehind; ) {
    isBehind = await store.write(addSome)
    // Each part is a segment. Many of them take long to merge, so it is done as they come.
    for (let isMerging = true; isMerging; ) {
      signal?.throwIfAborted()
      await pause()
      isMerging = await store.write(mergeSome)
    }
  }
}

/** How many rows of messages there are that are not in the search yet, as far as row numbers tell. */
export function toIndex(reader: Reader): number {
  const sql = "SELECT COALESCE((SELECT MAX(rowid) FROM message), 0) - (SELECT upto FROM message_search_mark) AS count"
  return Math.max(0, reader.one<{ count: number }>(sql)?.count ?? 0)
}

/** The word that stands for a project in the index. */
export function projectWord(project: string): string {
  return `p${createHash("sha256").update(project).digest("hex").slice(0, 16)}`
}

interface Found {
  row: number
  content: string | null
  project: string
}

/** False when nothing is left. */
function addSome(tx: Tx): boolean {
  const started = performance.now()
  // A notice tells of what an agent says in its own session, and a command in its output.
  const next = tx.one<{ upto: number }>("SELECT upto FROM message_search_mark")!
  let after = next.upto
  for (let n = 0; n < PART_ROWS; n++) {
    const found = tx.one<Found>(
      `SELECT message.rowid AS row, session.project,
         CASE WHEN role = 'assistant' OR COALESCE(origin, 'human') IN ('human', 'peer') THEN content END AS content
       FROM message LEFT JOIN session ON session.id = message.session_id
       WHERE message.rowid > :after ORDER BY message.rowid LIMIT 1`,
      { after },
    )
    if (!found) {
      if (after > next.upto) tx.run("UPDATE message_search_mark SET upto = :after", { after })
      return false
    }
    add(tx, found)
    after = found.row
    if (performance.now() - started > PART_MS) break
  }
  tx.run("UPDATE message_search_mark SET upto = :after", { after })
  return true
}

function add(tx: Tx, { row, content, project }: Found): void {
  const text = content === null ? "" : searchable(textOf(content).slice(0, LONGEST_TEXT))
  if (text.trim() === "") return
  tx.run("INSERT INTO message_search (rowid, text, project) VALUES (:row, :text, :project)", {
    row,
    text,
    project: projectWord(project ?? ""),
  })
}

/** What was said in a message; empty where its content is not as this program writes it. */
export function textOf(content: string): string {
  try {
    const parts: unknown = JSON.parse(content)
    if (!Array.isArray(parts)) return ""
    const texts = parts.flatMap((part: { type?: unknown; text?: unknown } | null) =>
      part?.type === "text" && typeof part.text === "string" ? [part.text] : [],
    )
    return texts.join("\n")
  } catch {
    return ""
  }
}

/** False when there is nothing to merge: SQLite says so by changing less than two rows (sqlite.org/fts5.html, 6.9). */
function mergeSome(tx: Tx): boolean {
  const changes = () => tx.one<{ n: number }>("SELECT total_changes() AS n")!.n
  const before = changes()
  tx.run("INSERT INTO message_search (message_search, rank) VALUES ('merge', :pages)", { pages: MERGED_PAGES })
  return changes() - before >= 2
}

/** Nothing was published for so long: whoever drives the session is at rest. */
const REST_MS = 2000
const PAUSE_MS = 15

/** Keeps the search up to date while a tree is driven, whenever it is at rest, until disposed. */
export function keepSearchable({ store, clock, log }: Indexing & { log: Log }, rootId: string): Disposable {
  const over = new AbortController()
  const { signal } = over
  let rungAt = clock.monotonic()
  let bell = Promise.withResolvers<void>()
  // What an earlier process has left.
  bell.resolve()
  const listening = store.listen(`feed:${rootId}`, () => {
    rungAt = clock.monotonic()
    bell.resolve()
  })
  const keeping = async () => {
    for (;;) {
      await bell.promise
      for (let left = REST_MS; left > 0; left = rungAt + REST_MS - clock.monotonic()) await clock.sleep(left, signal)
      bell = Promise.withResolvers<void>()
      signal.throwIfAborted()
      await indexMessages({ store, clock, signal, pauseMs: PAUSE_MS })
    }
  }
  keeping().catch((error) => {
    if (!signal.aborted) log.warn("the search is no longer kept up to date", { error })
  })
  return {
    [Symbol.dispose]: () => {
      listening[Symbol.dispose]()
      over.abort()
      bell.resolve()
    },
  }
}
