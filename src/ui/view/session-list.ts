// The sessions with the user as a list: the newest first, forks below the session that they come from. One look reads
// what a list of ten thousand needs; what only a visible row shows is read for that row.
import { oneLine } from "../../base/text.ts"
import { firstPrompt, listRoots } from "../../session/find.ts"
import type { Reader } from "../../store/store.ts"
import { LIVE } from "../../task/task.ts"

export interface SessionItem {
  id: string
  /** The user's word for it, or else the program's; empty where neither has one yet. */
  name: string
  hasName: boolean
  project: string
  cwd: string
  branch: string | null
  model: string
  agent: string
  createdAt: number
  usedAt: number
  forkedFrom: string | null
  /** The number of the last message that it shares with the session that it comes from. */
  forkSeq: number | null
}

/** A session in its place: below how many of those that are listed. */
export interface ListedSession extends SessionItem {
  depth: number
}

/** The newest first; those in which nothing was ever said are left out, unless they have a name. Without a project: all. */
export function readSessions(reader: Reader, { project }: { project?: string | undefined } = {}): SessionItem[] {
  return listRoots(reader, project).map((row) => ({
    id: row.id,
    name: row.name ?? row.title ?? "",
    hasName: row.name !== null,
    project: row.project,
    cwd: row.cwd,
    branch: row.branch,
    model: row.model,
    agent: row.agent,
    createdAt: row.created_at,
    usedAt: row.updated_at,
    forkedFrom: row.forked_from,
    forkSeq: row.fork_seq,
  }))
}

/** Forks below the session that they come from; such a group stands where the newest of it would stand alone. */
export function grouped(items: readonly SessionItem[]): ListedSession[] {
  const ids = new Set(items.map(({ id }) => id))
  const originOf = ({ id, forkedFrom }: SessionItem) =>
    forkedFrom !== null && forkedFrom !== id && ids.has(forkedFrom) ? forkedFrom : undefined
  const below = Map.groupBy(items, originOf)
  const newest = new Map<string, number>()
  const listed: ListedSession[] = []
  const passed = new Set<string>()
  const latest = (item: SessionItem): number => {
    const known = newest.get(item.id)
    if (known !== undefined) return known
    // Before those below it are asked: rows that come from each other in a ring would ask for ever.
    newest.set(item.id, item.usedAt)
    const found = Math.max(item.usedAt, ...(below.get(item.id) ?? []).map(latest))
    newest.set(item.id, found)
    return found
  }
  const walk = (level: readonly SessionItem[], depth: number) => {
    // They come in their order, and only what has forks may stand elsewhere.
    const ranked = level.map((item) => ({ item, at: below.has(item.id) ? latest(item) : item.usedAt }))
    if (below.size > 1) ranked.sort((a, b) => b.at - a.at)
    for (const { item } of ranked) {
      if (passed.has(item.id)) continue
      passed.add(item.id)
      listed.push({ ...item, depth })
      const forks = below.get(item.id)
      if (forks) walk(forks, depth + 1)
    }
  }
  walk(below.get(undefined) ?? [], 0)
  // What is left comes from itself in a ring: broken rows, which are shown all the same.
  if (passed.size < items.length) walk(items, 0)
  return listed
}

/** The session with all that it comes from and all that come from it, as far as they are in the list. */
export function familyOf(items: readonly ListedSession[], id: string): ListedSession[] {
  const at = items.findIndex((item) => item.id === id)
  if (at < 0) return []
  let from = at
  while (from > 0 && items[from]!.depth > 0) from--
  let to = at + 1
  while (to < items.length && items[to]!.depth > 0) to++
  return items.slice(from, to)
}

/** What goes on in a tree. */
export interface Going {
  /** Live runs. */
  running: number
  /** Open requests for permission, and questions. */
  asking: number
}

/** By root; trees in which nothing goes on are not in it. */
export function goingOn(reader: Reader): Map<string, Going> {
  const live = reader.all<{ id: string; n: number }>(
    `SELECT task.root_id AS id, COUNT(*) AS n FROM run JOIN task ON task.id = run.task_id
     WHERE run.state IN ${LIVE} GROUP BY task.root_id`,
  )
  const asks = reader.all<{ id: string; n: number }>(
    "SELECT root_id AS id, COUNT(*) AS n FROM approval WHERE state = 'open' GROUP BY root_id",
  )
  const going = new Map(live.map(({ id, n }) => [id, { running: n, asking: 0 }]))
  for (const { id, n } of asks) going.set(id, { running: going.get(id)?.running ?? 0, asking: n })
  return going
}

/** What a visible row shows of its session besides. */
export interface SessionSize {
  turns: number
  tokens: number
  /** Nano-dollars; null while a price is not known. */
  costNanos: number | null
  isEstimated: boolean
  /** Its own turn is under way, as far as the rows know. */
  isTurnOpen: boolean
}

export function sizeOf(reader: Reader, id: string): SessionSize {
  const turns = reader.one<{ n: number }>("SELECT COUNT(*) AS n FROM turn WHERE session_id = :id", { id })?.n ?? 0
  const used = reader.one<{ tokens: number | null; cost: number | null; unpriced: number; estimated: number }>(
    `SELECT SUM(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens) AS tokens, SUM(cost_nanos) AS cost,
       COALESCE(SUM(cost_nanos IS NULL), 0) AS unpriced, COALESCE(SUM(state = 'estimated'), 0) AS estimated
     FROM ledger WHERE root_id = :id AND state <> 'open'`,
    { id },
  )
  return {
    turns,
    tokens: used?.tokens ?? 0,
    costNanos: used?.unpriced ? null : (used?.cost ?? 0),
    isEstimated: (used?.estimated ?? 0) > 0,
    isTurnOpen: isTurnOpen(reader, id),
  }
}

/** Whether its own turn is under way, as far as the rows know. */
export function isTurnOpen(reader: Reader, id: string): boolean {
  const sql = "SELECT state FROM turn WHERE session_id = :id ORDER BY started_at DESC, rowid DESC LIMIT 1"
  return reader.one<{ state: string }>(sql, { id })?.state === "open"
}

/** What a session is called that has neither a name nor a title: by its first prompt. */
export function callOf(reader: Reader, { id, name }: Pick<SessionItem, "id" | "name">): string {
  if (name !== "") return name
  return oneLine(firstPrompt(reader, id) ?? "", 80) || "(nothing said yet)"
}

/** How it stands with a session, the most urgent first. */
export type Standing = "asks" | "works" | "left-behind" | "rests"

export function standingOf(
  going: Going | undefined,
  { isTurnOpen, isDriven }: { isTurnOpen: boolean; isDriven: boolean },
): Standing {
  if (going && going.asking > 0) return "asks"
  if (!isTurnOpen && !going?.running) return "rests"
  return isDriven ? "works" : "left-behind"
}

/** How long ago, in a few characters: "now", "5 min", "3 h", "12 d"; after two weeks the day, in local time. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - at) / 1000))
  if (seconds < 60) return "now"
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  if (seconds < 14 * 86_400) return `${Math.floor(seconds / 86_400)} d`
  const day = new Date(at)
  const two = (n: number) => String(n).padStart(2, "0")
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`
}
