// Rewinding as the interfaces ask for it. Going back in the conversation is a fork before the prompt, which takes over
// the name: what came after stays in the session that it was said in. Files are taken back by their checkpoints.
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import type { Ids } from "../base/ids.ts"
import type { Env } from "../base/paths.ts"
import { plural } from "../base/text.ts"
import type { SessionRow } from "../store/rows.ts"
import { insertRow, type Reader, type Store, type Tx } from "../store/store.ts"
import { defuse } from "../task/defuse.ts"
import { listTasks } from "../task/find.ts"
import { projectFiles } from "./checkpoint-place.ts"
import { forkSession } from "./fork.ts"
import { lastSeq } from "./lineage.ts"
import { freeName } from "./name.ts"
import { openTurn } from "./recover.ts"
import { type Plan, type Point, planOf, pointsOf, type Step } from "./rewind.ts"
import { beginRewind, finishRewind, type Restored } from "./rewind-files.ts"

export interface RewindDesk {
  /** Where one can go back to, the newest first. */
  points(row: SessionRow): Point[]
  /** What would become of the files. */
  plan(row: SessionRow, point: Point): Promise<Plan>
  /** Why it can't be done now; undefined when it can. */
  obstacle(row: SessionRow, what: What): string | undefined
  /**
   * Goes back. `steps`: the files that are taken back. Throws a UserError when it can't be done now; then nothing is.
   */
  go(row: SessionRow, wanted: { point: Point; what: What; steps: readonly Step[] }): Promise<Rewound>
}

export type What = "conversation" | "files" | "both"

export interface Rewound extends Restored {
  /** The session that goes on from there; the same one when only files were taken back. */
  row: SessionRow
}

export interface RewindParts {
  store: Store
  clock: Clock
  ids: Ids
  env: Env
  /** Resolves when what commands have just changed is known, or a moment later. */
  settled(rootId: string): Promise<void>
}

export function rewindDesk(parts: RewindParts): RewindDesk {
  const { store, env } = parts
  return {
    points: (row) => pointsOf(store, row),
    plan: async (row, point) => {
      await parts.settled(row.id)
      return planOf({ store, files: await projectFiles(row.project, env), row, point })
    },
    obstacle: (row, what) => obstacleOf(store, row, what),
    go: (row, wanted) => go(parts, row, wanted),
  }
}

function obstacleOf(reader: Reader, row: SessionRow, what: What): string | undefined {
  if (openTurn(reader, row.id)) return "A turn is under way: interrupt it first."
  if (what === "conversation") return undefined
  const live = listTasks(reader, { rootId: row.id, live: true }).filter(({ run }) => run.service === 0)
  if (live.length === 0) return undefined
  return `${plural(live.length, "task")} ${live.length === 1 ? "is" : "are"} at work, and may change files: wait, or stop them first.`
}

async function go(
  parts: RewindParts,
  row: SessionRow,
  { point, what, steps }: { point: Point; what: What; steps: readonly Step[] },
): Promise<Rewound> {
  const { store, clock, ids, env } = parts
  const id = ids.uuid()
  let after = row
  const also = (tx: Tx) => {
    const obstacle = obstacleOf(tx, row, what)
    if (obstacle) throw new UserError("rewind-busy", obstacle)
    if (what !== "files" && point.type === "prompt") after = branchOff(tx, parts, { row, seq: point.seq })
    if (after.id !== row.id && what === "conversation" && point.since.files.length > 0)
      tell(tx, clock, { id, row: after, text: stayed(point.since.files) })
    if (what === "files" && steps.length > 0) tell(tx, clock, { id, row, text: tookBack(steps) })
  }
  if (what === "conversation" || steps.length === 0) {
    await store.writeFreely(also)
    return { row: after, done: [], left: [] }
  }
  const obstacle = obstacleOf(store, row, what)
  if (obstacle) throw new UserError("rewind-busy", obstacle)
  const files = await projectFiles(row.project, env)
  const rootId = what === "files" ? row.id : ids.uuid()
  const restoring = { store, clock, files }
  const afterSeq = what === "files" || point.type !== "prompt" ? lastSeq(store, row.id) : point.seq - 1
  // The new session's id is known before its row is: contents are held for it first.
  const branched = { ...parts, ids: { ...ids, uuid: () => rootId } }
  const alsoThere = (tx: Tx) => {
    const late = obstacleOf(tx, row, what)
    if (late) throw new UserError("rewind-busy", late)
    if (what === "both" && point.type === "prompt") after = branchOff(tx, branched, { row, seq: point.seq })
    else also(tx)
  }
  await beginRewind(restoring, { id, rootId, afterSeq, steps, also: alsoThere })
  const restored = await finishRewind(restoring, id)
  const begun = new Set([...restored.done, ...restored.left.map(({ path }) => path)])
  const late = steps
    .filter(({ path }) => !begun.has(path))
    .map(({ path }) => ({ path, why: "it was changed at this moment" }))
  return { row: after, done: restored.done, left: [...restored.left, ...late] }
}

/** The session that goes on, in the place of this one. */
function branchOff(
  tx: Tx,
  { clock, ids }: Pick<RewindParts, "clock" | "ids">,
  { row, seq }: { row: SessionRow; seq: number },
): SessionRow {
  const now = tx.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id: row.id }) ?? row
  const { row: fork } = forkSession(tx, { clock, ids }, { originId: row.id, at: seq - 1 })
  const { name, title, title_by } = now
  if (name !== null) {
    const left = freeName(tx, { project: row.project, name: `${name} (before rewind)`.slice(0, 200), id: row.id })
    tx.run("UPDATE session SET name = :left WHERE id = :id", { id: row.id, left })
  }
  tx.run("UPDATE session SET name = :name, title = :title, title_by = :titleBy WHERE id = :id", {
    id: fork.id,
    name,
    title,
    titleBy: title_by,
  })
  return { ...fork, name, title, title_by }
}

/** More of them are only counted. */
const MOST_NAMED = 30

function named(paths: readonly string[]): string {
  const shown = paths.slice(0, MOST_NAMED).map((path) => JSON.stringify(defuse(path)))
  return [...shown, ...(paths.length > shown.length ? [`and ${paths.length - shown.length} more`] : [])].join(", ")
}

function stayed(paths: readonly string[]): string {
  return `<system-reminder>The user went back to an earlier place in this conversation. Files stayed as they were made after it: ${named(paths)}. Read them before you rely on them.</system-reminder>`
}

function tookBack(steps: readonly Step[]): string {
  const paths = named(steps.map(({ path }) => path))
  return `<system-reminder>The user has taken back changes to files: ${paths} are as they were before. Read them before you rely on them.</system-reminder>`
}

/** The model hears of it with the next prompt. */
function tell(tx: Tx, clock: Clock, { id, row, text }: { id: string; row: SessionRow; text: string }): void {
  insertRow(tx, "inbox", {
    id: `rewind:${id}`,
    session_id: row.id,
    kind: "notice",
    delivery: "queue",
    wake: 0,
    origin: "system",
    content: JSON.stringify([{ type: "text", text }]),
    run_id: null,
    created_at: clock.now(),
  })
}
