// Everything that an interface shows of one conversation and its tasks: read once, then kept up to date by what is
// published. Nothing here knows of a screen; each part is replaced when it changes, so a look at its identity tells.
import type { UserPart } from "../../model/message.ts"
import type { DraftNews } from "../../session/viewer.ts"
import type { FeedRow, InboxRow, SessionRow, StepRow, ToolCallRow, TurnRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { usageBelow } from "../../task/find.ts"
import { TaskBoard } from "./board.ts"
import { openRequests, type Request, wants } from "./requests.ts"
import { isLive, type TaskItem } from "./task-item.ts"
import { Transcript } from "./transcript.ts"

/** What a session does at this moment. */
export type Activity =
  | { type: "idle" }
  /** The model was asked, and has said nothing yet. */
  | { type: "thinking"; since: number }
  | { type: "speaking"; since: number }
  | { type: "tools"; since: number; tools: readonly string[] }
  /** The turn waits for these: Ctrl+B frees it. */
  | { type: "blocked"; since: number; on: readonly TaskItem[] }
  /** The turn waits for the user's word. */
  | { type: "asking"; since: number }
  | { type: "retrying"; since: number; until: number; reason: string }
  /** It was at work when its process died, and nobody goes on with it. */
  | { type: "abandoned" }

/** A prompt that waits to enter the conversation. */
export interface QueuedPrompt {
  id: string
  text: string
  images: number
  delivery: "steer" | "queue"
}

/** Sums of the ledger over the whole tree. */
export interface Totals {
  tokens: number
  /** Nano-dollars; null while a price is not known. */
  costNanos: number | null
  isEstimated: boolean
}

export interface TreeParts {
  reader: Reader
  rootId: string
  isDriven(): boolean
  now(): number
  /** Told whose answers are of interest while they stream in, beside the root's. */
  looksAt?(sessionIds: ReadonlySet<string>): void
}

/** Sums are read again after so long. */
const TOTALS_MS = 500

export class TreeView {
  readonly #parts: TreeParts
  readonly board: TaskBoard
  readonly root: Transcript
  #session: SessionRow
  #requests: readonly Request[] = []
  #queue: readonly QueuedPrompt[] = []
  #totals: Totals
  #totalsAt: number
  #retry: { stepId: string; until: number; reason: string } | undefined
  /** By session, until something changes. */
  readonly #activities = new Map<string, Activity>()
  /** Transcripts of agents that somebody looks at. */
  readonly #open = new Map<string, Transcript>()

  constructor(parts: TreeParts) {
    const { reader, rootId } = parts
    this.#parts = parts
    this.#session = sessionOf(reader, rootId)
    this.#requests = openRequests(reader, rootId)
    this.board = new TaskBoard(
      { reader, rootId, isDriven: parts.isDriven, asks: (taskId) => this.#askedBy(taskId) },
      parts.now(),
    )
    this.root = new Transcript(reader, { sessionId: rootId, tasks: this.board })
    this.#queue = queueOf(reader, rootId)
    this.#totals = usageBelow(reader, rootId)
    this.#totalsAt = parts.now()
  }

  get session(): SessionRow {
    return this.#session
  }

  /** Open requests for the user's word, oldest first. */
  get requests(): readonly Request[] {
    return this.#requests
  }

  get queue(): readonly QueuedPrompt[] {
    return this.#queue
  }

  get totals(): Totals {
    return this.#totals
  }

  /** The transcript of a session of this tree; kept up to date until it is let go of. */
  open(sessionId: string): Transcript {
    if (sessionId === this.root.sessionId) return this.root
    const known = this.#open.get(sessionId)
    if (known) return known
    const transcript = new Transcript(this.#parts.reader, { sessionId, tasks: this.board })
    this.#open.set(sessionId, transcript)
    this.#parts.looksAt?.(new Set(this.#open.keys()))
    return transcript
  }

  letGo(sessionId: string): void {
    this.#open.delete(sessionId)
    this.#parts.looksAt?.(new Set(this.#open.keys()))
  }

  /** Takes in what was published, what streams, and what nobody publishes: the inbox, and calls that begin. */
  refresh(feed: readonly FeedRow[], drafts: readonly DraftNews[]): void {
    const { reader, rootId } = this.#parts
    const now = this.#parts.now()
    this.#activities.clear()
    this.#session = sessionOf(reader, rootId)
    this.#queue = kept(this.#queue, queueOf(reader, rootId))
    const touched = new Set<string>()
    if (feed.some(({ kind }) => kind === "approval")) {
      const before = this.#requests
      this.#requests = openRequests(reader, rootId)
      for (const { taskId } of [...before, ...this.#requests]) if (taskId) touched.add(taskId)
    }
    const runs = new Set(feed.flatMap(({ kind, ref }) => (kind.startsWith("task_") ? [ref] : [])))
    const changed = this.board.refresh(runs, now)
    for (const id of this.board.update(touched, now)) changed.add(id)
    for (const id of this.board.updateShared(now)) changed.add(id)
    for (const row of feed) this.#noteRetry(row, now)
    for (const transcript of [this.root, ...this.#open.values()]) {
      transcript.apply(feed)
      transcript.stream(drafts, now)
      transcript.settleDrafts()
      transcript.lookAtOpenCalls()
      if (changed.size > 0) transcript.tasksChanged(changed)
    }
    if (feed.length > 0 && now - this.#totalsAt >= TOTALS_MS) this.#sum(now)
  }

  /** Takes in what streams when no row has changed since the last look: of a step that is known, nothing is read. */
  stream(drafts: readonly DraftNews[]): void {
    const now = this.#parts.now()
    for (const transcript of [this.root, ...this.#open.values()]) transcript.stream(drafts, now)
    // Who was asked begins to speak.
    for (const [id, { type }] of this.#activities)
      if (type === "thinking" || type === "retrying") this.#activities.delete(id)
  }

  /** What only time changes: to be called about once a second. */
  tick(): void {
    const now = this.#parts.now()
    this.#activities.clear()
    const changed = this.board.update(new Set(this.board.live().map(({ id }) => id)), now)
    for (const id of this.board.updateShared(now)) changed.add(id)
    if (changed.size > 0) for (const transcript of [this.root, ...this.#open.values()]) transcript.tasksChanged(changed)
    if (now - this.#totalsAt >= TOTALS_MS) this.#sum(now)
  }

  /** What a session of this tree does now. */
  activity(sessionId = this.root.sessionId): Activity {
    const known = this.#activities.get(sessionId)
    if (known) return known
    const activity = this.#look(sessionId)
    this.#activities.set(sessionId, activity)
    return activity
  }

  #look(sessionId: string): Activity {
    const { reader } = this.#parts
    const turn = reader.one<TurnRow>(
      "SELECT * FROM turn WHERE session_id = :sessionId ORDER BY started_at DESC, rowid DESC LIMIT 1",
      { sessionId },
    )
    if (turn?.state !== "open") return { type: "idle" }
    if (!this.#parts.isDriven()) return { type: "abandoned" }
    const since = turn.started_at
    if (this.#requests.some((request) => request.sessionId === sessionId)) return { type: "asking", since }
    const step = reader.one<StepRow>("SELECT * FROM step WHERE turn_id = :id ORDER BY n DESC LIMIT 1", { id: turn.id })
    if (!step || step.state === "asking") return this.#asked(sessionId, { step, since })
    const on = this.blockers(sessionId)
    if (on.length > 0) return { type: "blocked", since, on }
    const open = reader.all<Pick<ToolCallRow, "name">>(
      "SELECT name FROM tool_call WHERE step_id = :id AND state <> 'done' ORDER BY idx",
      { id: step.id },
    )
    return { type: "tools", since, tools: open.map(({ name }) => name) }
  }

  /** The foreground tasks that a session's turn waits for. */
  blockers(sessionId = this.root.sessionId): readonly TaskItem[] {
    return this.foreground(sessionId).filter((item) => !item.isLine)
  }

  /** What Ctrl+B moves: those, and the user's own shell lines. */
  foreground(sessionId = this.root.sessionId): readonly TaskItem[] {
    return this.board.items.filter((item) => item.ownerId === sessionId && !item.isBackground && isLive(item))
  }

  #asked(sessionId: string, { step, since }: { step: StepRow | undefined; since: number }): Activity {
    const retry = this.#retry
    if (retry && retry.stepId === step?.id && retry.until > this.#parts.now())
      return { type: "retrying", since, until: retry.until, reason: retry.reason }
    const transcript = sessionId === this.root.sessionId ? this.root : this.#open.get(sessionId)
    return { type: transcript?.isStreaming ? "speaking" : "thinking", since }
  }

  #noteRetry(row: FeedRow, now: number): void {
    if (row.kind !== "retry") return
    const { wait_ms: wait, reason } = JSON.parse(row.data ?? "{}") as { wait_ms: number; reason: string }
    this.#retry = { stepId: row.ref, until: now + wait, reason }
  }

  #askedBy(taskId: string): string | undefined {
    const request = this.#requests.find((one) => one.taskId === taskId)
    return request && wants(request)
  }

  #sum(now: number): void {
    const sum = usageBelow(this.#parts.reader, this.#parts.rootId)
    this.#totalsAt = now
    const { tokens, costNanos, isEstimated } = this.#totals
    if (sum.tokens === tokens && sum.costNanos === costNanos && sum.isEstimated === isEstimated) return
    this.#totals = sum
  }
}

function sessionOf(reader: Reader, id: string): SessionRow {
  const row = reader.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id })
  if (!row) throw new Error(`the session ${id} was removed`)
  return row
}

function queueOf(reader: Reader, sessionId: string): QueuedPrompt[] {
  return reader
    .all<InboxRow>(
      "SELECT * FROM inbox WHERE session_id = :sessionId AND kind = 'prompt' AND origin = 'human' ORDER BY seq",
      { sessionId },
    )
    .map(({ id, content, delivery }) => {
      const parts = JSON.parse(content) as UserPart[]
      const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n")
      return { id, text, images: parts.filter(({ type }) => type === "image").length, delivery }
    })
}

function kept(before: readonly QueuedPrompt[], after: readonly QueuedPrompt[]): readonly QueuedPrompt[] {
  const isSame = before.length === after.length && before.every(({ id }, i) => id === after[i]!.id)
  return isSame ? before : after
}
