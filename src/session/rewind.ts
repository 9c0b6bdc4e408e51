// Going back: the places that a conversation can go back to, what has been done to files since each, and what taking
// that back would mean for the files as they are now. Only reads; rewind-files.ts acts.
import { join } from "node:path"
import type { UserPart } from "../model/message.ts"
import type { FileChangeRow, MessageRow, RewindRow, SessionRow } from "../store/rows.ts"
import type { Reader, Store } from "../store/store.ts"
import { changeOf } from "../tool/change.ts"
import type { Before } from "./checkpoint-cause.ts"
import { copiesFolder, insidePath, type ProjectFiles } from "./checkpoint-place.ts"
import { type FileState, isSame, look } from "./checkpoint-state.ts"
import { contentFrom } from "./checkpoint-vault.ts"
import { messagesBefore, sessionsBack } from "./lineage.ts"

/** Before a prompt of the user's, or before files were taken back. */
export type Point =
  | { type: "prompt"; seq: number; content: UserPart[]; at: number; since: Since }
  | { type: "rewind"; id: string; at: number; since: Since }

/** What was done to files from there on. */
export interface Since {
  files: string[]
  /** Lines, as far as they were counted: by Write and Edit. */
  added: number
  removed: number
  /** Some of it is not known in detail: why. */
  gaps: string[]
}

/** One file, and what it was. */
export interface Step {
  path: string
  /** What it is to be again, and where its content is. */
  target: FileState
  /** Whose session keeps it, and how. */
  rootId: string
  kept: FileChangeRow["kept"]
  /** What it is now. */
  now: FileState
  added: number
  removed: number
}

export interface Other extends Step {
  /** False: nobody can tell, for a command had begun before the look at what it would change was over. */
  isSure: boolean
}

export interface Plan {
  /** As our last change left them. */
  takes: Step[]
  /** Changed by somebody else as well, since or in between: taken back only when that is wanted. */
  others: Other[]
  /** What they were is not known. */
  lost: { path: string; why: string }[]
}

/** So many prompts are offered. */
const MOST_POINTS = 200

/** The newest first. */
export function pointsOf(reader: Reader, row: Pick<SessionRow, "id">): Point[] {
  const prompts = messagesBefore(reader, row.id, { limit: MOST_POINTS, only: "role = 'user' AND origin = 'human'" })
  const changes = changesOf(reader, row.id)
  const rewinds = reader.all<RewindRow>("SELECT * FROM rewind WHERE root_id = :id AND state = 'done'", { id: row.id })
  const points = [
    ...prompts.map((message): Point => promptPoint(changes, message)),
    ...rewinds.flatMap(({ id, created_at: at }): Point[] => {
      const since = sinceOf(from(changes, { type: "rewind", id }))
      return since.files.length > 0 ? [{ type: "rewind", id, at, since }] : []
    }),
  ]
  return points.sort((a, b) => b.at - a.at)
}

function promptPoint(changes: readonly Scoped[], { seq, content, created_at: at }: MessageRow): Point {
  const since = sinceOf(from(changes, { type: "prompt", seq }))
  return { type: "prompt", seq, content: JSON.parse(content) as UserPart[], at, since }
}

type CountedChange = FileChangeRow & { added: number | null; removed: number | null }

/** A change with the highest number of a message that its place in the conversation may be compared with. */
interface Scoped {
  row: CountedChange
  upTo: number
}

/**
 * Of the session and, up to the time at which it was split off, of those that it comes from, in the order of time. What
 * an origin did behind the place of the split is on the disk as well.
 */
function changesOf(reader: Reader, rootId: string): Scoped[] {
  const found: Scoped[] = []
  let before = Number.MAX_SAFE_INTEGER
  for (const { sessionId, upTo } of sessionsBack(reader, rootId)) {
    const rows = reader.all<CountedChange>(
      `SELECT file_change.*, json_extract(result, '$.data.added') AS added, json_extract(result, '$.data.removed') AS removed
       FROM file_change LEFT JOIN tool_call ON tool_call.id = file_change.ref
       WHERE root_id = :sessionId AND file_change.created_at <= :before ORDER BY seq`,
      { sessionId, before },
    )
    found.push(...rows.map((row) => ({ row, upTo })))
    const made = reader.one<Pick<SessionRow, "created_at">>("SELECT created_at FROM session WHERE id = :sessionId", {
      sessionId,
    })
    before = Math.min(before, made?.created_at ?? 0)
  }
  return found.sort((a, b) => a.row.seq - b.row.seq)
}

type Place = { type: "prompt"; seq: number } | { type: "rewind"; id: string }

function from(changes: readonly Scoped[], place: Place): CountedChange[] {
  if (place.type === "rewind") {
    const first = changes.findIndex(({ row }) => row.ref === place.id)
    return first < 0 ? [] : changes.slice(first).map(({ row }) => row)
  }
  // An origin's numbers behind the split mean other messages than this session's.
  return changes.filter(({ row, upTo }) => place.seq <= upTo && row.after_seq >= place.seq).map(({ row }) => row)
}

function sinceOf(rows: readonly CountedChange[]): Since {
  const files = new Set(rows.flatMap(({ path }) => (path === "" ? [] : [path])))
  const gaps = rows.flatMap(({ path, before }) => (path === "" ? [whyOf(before)] : []))
  const sum = (count: "added" | "removed") => rows.reduce((all, row) => all + (row[count] ?? 0), 0)
  return { files: [...files].sort(), added: sum("added"), removed: sum("removed"), gaps: [...new Set(gaps)] }
}

function whyOf(state: string): string {
  const parsed = JSON.parse(state) as FileState
  return parsed.kind === "unknown" ? parsed.why : ""
}

export interface Planning {
  store: Reader & Pick<Store, "folder">
  files: ProjectFiles
  row: Pick<SessionRow, "id">
  point: Place
}

export async function planOf({ store, files, row, point }: Planning): Promise<Plan> {
  const byPath = new Map<string, FileChangeRow[]>()
  for (const change of from(changesOf(store, row.id), point)) {
    // A row that somebody else has made, such as one in an imported file, names nothing outside.
    if (insidePath(files.root, join(files.root, change.path)) !== change.path) continue
    const known = byPath.get(change.path)
    if (known) known.push(change)
    else byPath.set(change.path, [change])
  }
  const plan: Plan = { takes: [], others: [], lost: [] }
  for (const [path, rows] of [...byPath].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const first = rows[0]!
    const target = JSON.parse(first.before) as FileState
    const { state: now, bytes } = await look(join(files.root, path))
    if (target.kind === "unknown") {
      plan.lost.push({ path, why: target.why })
      continue
    }
    if (isSame(target, now)) continue
    const from = { rootId: first.root_id, kept: first.kept }
    const content = target.kind === "file" ? await contentOf({ store, files }, { ...from, target }) : undefined
    if (target.kind === "file" && content === undefined) {
      plan.lost.push({ path, why: "what it held is not kept any more" })
      continue
    }
    if (now.kind === "unknown") {
      plan.lost.push({ path, why: now.why })
      continue
    }
    const step: Step = { path, target, now, ...from, ...lineCounts(bytes, content) }
    const by = authorsOf(rows, now)
    if (by === "us") plan.takes.push(step)
    else plan.others.push({ ...step, isSure: by === "others too" })
  }
  return plan
}

/**
 * "us": each of our changes began with what the one before it had left, and nobody has touched the file since the last.
 * "nobody knows": as far as it was looked at, that is so.
 */
function authorsOf(rows: readonly FileChangeRow[], now: FileState): "us" | "others too" | "nobody knows" {
  const states = rows.map(({ before, after }) => ({
    before: JSON.parse(before) as Before,
    after: JSON.parse(after) as FileState,
  }))
  const isUnbroken = states.every(({ after }, i) => {
    const next = states[i + 1]
    // A write that was announced and never happened leaves what there was.
    const later = next?.before ?? now
    return isSame(after, later) || isSame(states[i]!.before, later)
  })
  if (!isUnbroken) return "others too"
  return states.some(({ before }) => before.isDoubtful) ? "nobody knows" : "us"
}

/** Undefined when it is not kept any more. */
export async function contentOf(
  { store, files }: { store: Pick<Store, "folder">; files: ProjectFiles },
  { rootId, kept, target }: Pick<Step, "rootId" | "kept" | "target">,
): Promise<Buffer | undefined> {
  if (target.kind !== "file" || target.oid === undefined) return undefined
  if (kept === "copy") return await contentFrom({ folder: copiesFolder(store, rootId) }, target.oid)
  return files.git ? await contentFrom({ git: files.git }, target.oid) : undefined
}

/** Longer files are not counted. */
const MOST_COUNTED = 1024 * 1024

/** What going back adds and removes. */
function lineCounts(now: Buffer | undefined, target: Buffer | undefined): { added: number; removed: number } {
  const isText = (bytes: Buffer | undefined) =>
    bytes === undefined || (bytes.length <= MOST_COUNTED && !bytes.subarray(0, 8000).includes(0))
  if (!isText(now) || !isText(target)) return { added: 0, removed: 0 }
  const { added, removed } = changeOf("", now?.toString("utf8") ?? "", target?.toString("utf8") ?? "")
  return { added, removed }
}
