// The conversation of one session as entries: the newest messages first from the rows, earlier ones a page at a time, and
// then what is published, row by row. What streams in stands at the end until its message is committed.
import type { AssistantPart, UserPart } from "../../model/message.ts"
import { compactionsBetween } from "../../session/compaction.ts"
import { lastSeq, lineage, messagesAfter, messagesBefore } from "../../session/lineage.ts"
import type { DraftNews } from "../../session/viewer.ts"
import type { CompactionRow, FeedRow, MessageRow, RunRow, TaskRow, ToolCallRow, TurnRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { isShellLine } from "../../task/task.ts"
import type { ToolOutput } from "../../tool/tool.ts"
import { compactionLine } from "./compaction.ts"
import type { CallEntry, CallState, Entry, WakeEntry } from "./entry.ts"
import type { TaskItem } from "./task-item.ts"

/** How many messages are read at a time. */
export const PAGE = 200
/** More of a result than this is not kept: the whole is in its row. */
const MAX_OUTPUT = 48 * 1024

export interface Tasks {
  get(id: string): TaskItem | undefined
}

export class Transcript {
  readonly sessionId: string
  readonly #reader: Reader
  readonly #tasks: Tasks
  #entries: Entry[] = []
  /** By step: what streams in. */
  readonly #drafts = new Map<string, Entry[]>()
  #firstSeq = Number.POSITIVE_INFINITY
  #lastSeq = 0
  #hasEarlier = false
  #version = 0

  constructor(reader: Reader, { sessionId, tasks, page = PAGE }: { sessionId: string; tasks: Tasks; page?: number }) {
    this.#reader = reader
    this.sessionId = sessionId
    this.#tasks = tasks
    this.loadEarlier(page)
    this.#lastSeq = lastSeq(reader, sessionId)
  }

  /** In their order. The array is new whenever something has changed. */
  get entries(): readonly Entry[] {
    if (this.#drafts.size === 0) return this.#entries
    return [...this.#entries, ...[...this.#drafts.values()].flat()]
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version
  }

  get hasEarlier(): boolean {
    return this.#hasEarlier
  }

  /** Whether an answer streams in. */
  get isStreaming(): boolean {
    return this.#drafts.size > 0
  }

  /** Puts a page of earlier messages before those that are there; returns how many entries came. */
  loadEarlier(count = PAGE): number {
    const before = Number.isFinite(this.#firstSeq) ? this.#firstSeq : Number.MAX_SAFE_INTEGER
    const rows = messagesBefore(this.#reader, this.sessionId, { before, limit: count + 1 }).reverse()
    this.#hasEarlier = rows.length > count
    const page = this.#hasEarlier ? rows.slice(rows.length - count) : rows
    const until = this.#entries[0]?.at ?? Number.MAX_SAFE_INTEGER
    if (page.length > 0) this.#firstSeq = page[0]!.seq
    const from = this.#hasEarlier ? page[0]!.created_at : 0
    const entries = this.#withLines(this.#entriesOf(page), { from, until })
    if (entries.length === 0) return 0
    this.#entries = [...entries, ...this.#entries]
    this.#version++
    return entries.length
  }

  /** Reads earlier messages up to that number, unless they are more than `most`; whether it is here now. */
  reach(seq: number, most: number): boolean {
    if (this.#firstSeq - seq > most) return false
    if (seq < this.#firstSeq) this.loadEarlier(this.#firstSeq - seq)
    return seq >= this.#firstSeq
  }

  /**
   * Lets go of the entries above the newest `count` when they have become twice as many: they are read again when
   * somebody goes there. Cut where a message begins.
   */
  trim(count: number): void {
    const { length } = this.#entries
    if (length <= 2 * count) return
    const from = this.#entries.findLastIndex((entry, i) => i <= length - count && beginningOf(entry) !== undefined)
    const first = this.#entries[from]
    if (!first || from === 0) return
    const sql = "SELECT seq FROM message WHERE id = :id"
    const row = this.#reader.one<Pick<MessageRow, "seq">>(sql, { id: beginningOf(first)! })
    if (!row) return
    this.#entries = this.#entries.slice(from)
    this.#firstSeq = row.seq
    this.#hasEarlier = true
    this.#version++
  }

  /** Takes in what was published for this session. */
  apply(rows: readonly FeedRow[]): void {
    const own = rows.filter((row) => row.session_id === this.sessionId)
    for (const { kind, ref } of own) if (kind === "compaction") this.#addCompaction(ref)
    if (own.some(({ kind }) => kind === "message")) this.#append()
    for (const row of own) {
      if (row.kind === "task_started") this.#addLine(row.ref)
      if (row.kind === "tool_result") this.#replaceCall(row.ref)
      if (row.kind === "turn") this.#endTurn(row.ref)
    }
  }

  /** Takes in what streams. */
  stream(news: readonly DraftNews[], now: number): void {
    for (const { sessionId, stepId, restarted, parts } of news) {
      if (sessionId !== this.sessionId || (!this.#drafts.has(stepId) && this.#hasStep(stepId))) continue
      const draft = restarted ? [] : [...(this.#drafts.get(stepId) ?? [])]
      for (const part of parts) {
        const last = draft.at(-1)
        const id = `draft:${stepId}:${draft.length}`
        if ("tool" in part) draft.push(writing({ id, stepId, tool: part.tool, at: now }))
        else if ("text" in part) {
          if (last?.type === "text") draft[draft.length - 1] = { ...last, text: last.text + part.text }
          else draft.push({ type: "text", id, text: part.text, isStreaming: true, at: now })
        } else if (last?.type === "reasoning") draft[draft.length - 1] = { ...last, text: last.text + part.reasoning }
        else draft.push({ type: "reasoning", id, text: part.reasoning, isStreaming: true, at: now })
      }
      this.#drafts.set(stepId, draft)
      this.#version++
    }
  }

  /** Forgets what streamed in of steps that were given up; a message's own draft goes when it is committed. */
  settleDrafts(): void {
    for (const stepId of [...this.#drafts.keys()]) {
      const step = this.#reader.one<{ state: string }>("SELECT state FROM step WHERE id = :stepId", { stepId })
      if (step?.state === "asking") continue
      // Its message may have been committed after the news was read: it is there at once, so that nothing ever shrinks.
      this.#append()
      if (this.#drafts.delete(stepId)) this.#version++
    }
  }

  /** The calls that these tasks belong to show them as they are now. */
  tasksChanged(ids: ReadonlySet<string>): void {
    this.#replace((entry) => {
      if (entry.type !== "call" || !entry.task || !ids.has(entry.task.id)) return entry
      const task = this.#tasks.get(entry.task.id)
      return task && task !== entry.task ? { ...entry, task } : entry
    })
  }

  /** Calls begin without being published: those that are open are looked at again. */
  lookAtOpenCalls(): void {
    this.#replace((entry) => {
      if (entry.type !== "call" || (entry.state !== "pending" && entry.state !== "running")) return entry
      const row = this.#reader.one<ToolCallRow>("SELECT * FROM tool_call WHERE id = :id", { id: entry.id })
      if (!row) return entry
      const state = this.#stateOf(row)
      if (state === entry.state && row.task_id === (entry.task?.id ?? null)) return entry
      return this.#callOf(row, entry.at)
    })
  }

  #replace(change: (entry: Entry) => Entry): void {
    let changed: Entry[] | undefined
    // Only the last turns can change.
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i]!
      const next = change(entry)
      if (next === entry) continue
      changed ??= [...this.#entries]
      changed[i] = next
    }
    if (!changed) return
    this.#entries = changed
    this.#version++
  }

  #append(): void {
    const rows = messagesAfter(this.#reader, this.sessionId, this.#lastSeq)
    if (rows.length === 0) return
    this.#lastSeq = rows.at(-1)!.seq
    this.#firstSeq = Math.min(this.#firstSeq, rows[0]!.seq)
    for (const row of rows) if (row.step_id) this.#drafts.delete(row.step_id)
    this.#entries = joined([...this.#entries, ...this.#entriesOf(rows)])
    this.#version++
  }

  #replaceCall(id: string): void {
    const at = this.#entries.findLastIndex((entry) => entry.id === id)
    const row = this.#reader.one<ToolCallRow>("SELECT * FROM tool_call WHERE id = :id", { id })
    if (at < 0 || !row) return
    this.#entries = this.#entries.with(at, this.#callOf(row, this.#entries[at]!.at))
    this.#version++
  }

  #endTurn(turnId: string): void {
    const turn = this.#reader.one<TurnRow>("SELECT * FROM turn WHERE id = :turnId", { turnId })
    const note = turn && turnNote(turn)
    this.settleDrafts()
    if (!note || this.#entries.some(({ id }) => id === note.id)) return
    this.#entries = [...this.#entries, note]
    this.lookAtOpenCalls()
    this.#version++
  }

  /** A shell line of the user's own stands where it was started. */
  #addLine(runId: string): void {
    const task = this.#reader.one<TaskRow>(
      "SELECT task.* FROM run JOIN task ON task.id = run.task_id WHERE run.id = :runId",
      { runId },
    )
    if (!task || !isShellLine(task) || this.#entries.some(({ id }) => id === task.call_id)) return
    this.#entries = [...this.#entries, this.#lineOf(task)]
    this.#version++
  }

  /** Behind the messages that are there; one behind messages that are yet to come comes with them. */
  #addCompaction(id: string): void {
    const row = this.#reader.one<CompactionRow>("SELECT * FROM compaction WHERE id = :id", { id })
    if (!row || row.seq > this.#lastSeq || this.#entries.some((entry) => entry.id === id)) return
    this.#entries = [...this.#entries, compactionNote(row)]
    this.#version++
  }

  #lineOf(task: TaskRow): CallEntry {
    return {
      type: "call",
      id: task.call_id!,
      tool: "Bash",
      input: JSON.parse(task.input),
      state: "done",
      output: "",
      data: {},
      stepId: "",
      startedAt: task.created_at,
      endedAt: null,
      task: this.#tasks.get(task.id),
      at: task.created_at,
    }
  }

  /** The user's own shell lines of the time of these messages, each before the first message that came after it. */
  #withLines(entries: readonly Entry[], { from, until }: { from: number; until: number }): Entry[] {
    const lines = this.#owners().flatMap(({ owner, before }) =>
      this.#reader.all<TaskRow>(
        `SELECT * FROM task WHERE owner_id = :owner AND call_id LIKE 'line:%' AND created_at >= :from AND created_at < :until
         ORDER BY created_at, rowid`,
        { owner, from, until: Math.min(until, before) },
      ),
    )
    const all = [...entries]
    for (const line of lines) {
      const next = all.findIndex(({ at }) => at > line.created_at)
      all.splice(next < 0 ? all.length : next, 0, this.#lineOf(line))
    }
    return all
  }

  /** Whose lines they are: a fork shares those that were run before its last shared message, too. */
  #owners(): { owner: string; before: number }[] {
    return lineage(this.#reader, this.sessionId).map(({ sessionId: owner, upTo }) => {
      if (owner === this.sessionId) return { owner, before: Number.MAX_SAFE_INTEGER }
      const sql = "SELECT created_at FROM message WHERE session_id = :owner AND seq = :upTo"
      return { owner, before: this.#reader.one<{ created_at: number }>(sql, { owner, upTo })?.created_at ?? 0 }
    })
  }

  #hasStep(stepId: string): boolean {
    const sql = "SELECT 1 FROM step WHERE id = :stepId AND state <> 'asking'"
    return this.#reader.one(sql, { stepId }) !== undefined
  }

  #entriesOf(rows: readonly MessageRow[]): Entry[] {
    const turns = this.#endsOf(rows)
    const numbers = { from: rows[0]?.seq ?? 0, to: rows.at(-1)?.seq ?? -1 }
    const made = compactionsBetween(this.#reader, this.sessionId, numbers)
    const compactions = Map.groupBy(made, ({ seq }) => seq)
    const entries = rows.flatMap((row, i) => {
      const own = row.role === "assistant" ? this.#assistant(row) : this.#user(row)
      const note = rows[i + 1]?.turn_id === row.turn_id ? undefined : turns.get(row.turn_id)
      return [...own, ...(note ? [note] : []), ...(compactions.get(row.seq) ?? []).map(compactionNote)]
    })
    return joined(entries)
  }

  /** What is to be said of the ends of the turns whose last message is among these. */
  #endsOf(rows: readonly MessageRow[]): Map<string, Entry> {
    const ids = JSON.stringify([...new Set(rows.map((row) => row.turn_id))])
    // A turn that was under way at a fork came to its end in the other session.
    const turns = this.#reader.all<TurnRow>(
      `SELECT * FROM turn WHERE id IN (SELECT value FROM json_each(:ids)) AND state IN ('failed', 'interrupted')
         AND (session_id = :own OR ended_at <= (SELECT created_at FROM session WHERE id = :own))`,
      { ids, own: this.sessionId },
    )
    return new Map(turns.flatMap((turn) => [[turn.id, turnNote(turn)!] as const]))
  }

  #user(row: MessageRow): Entry[] {
    const parts = JSON.parse(row.content) as UserPart[]
    const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n")
    const images = parts.filter(({ type }) => type === "image").length
    switch (row.origin) {
      case "task":
        return [this.#wake(row)]
      case "system":
        return []
      case "human":
      case "peer":
      case null:
        return [{ type: "prompt", id: row.id, text, images, from: row.origin ?? "human", at: row.created_at }]
      default:
        return row.origin satisfies never
    }
  }

  #wake(row: MessageRow): WakeEntry {
    const [, runId, kind] = /^notice:(.+):([^:]+)$/.exec(row.id) ?? []
    const run = runId ? this.#reader.one<RunRow>("SELECT * FROM run WHERE id = :runId", { runId }) : undefined
    const task = run && this.#reader.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: run.task_id })
    const state = kind === "settled" ? (run?.state ?? "completed") : (kind ?? "reports")
    const tasks = task ? [{ id: task.id, title: task.description, state }] : []
    return { type: "wake", id: row.id, tasks, at: row.created_at }
  }

  #assistant(row: MessageRow): Entry[] {
    const parts = JSON.parse(row.content) as AssistantPart[]
    const calls = this.#reader.all<ToolCallRow>("SELECT * FROM tool_call WHERE step_id = :step ORDER BY idx", {
      step: row.step_id,
    })
    let next = 0
    return parts.flatMap((part, i): Entry[] => {
      const id = `${row.id}:${i}`
      const at = row.created_at
      switch (part.type) {
        case "text":
          return part.text.trim() ? [{ type: "text", id, text: part.text, isStreaming: false, at }] : []
        case "reasoning":
          return part.text.trim() ? [{ type: "reasoning", id, text: part.text, isStreaming: false, at }] : []
        case "tool-call": {
          const call = calls[next++]
          return call ? [this.#callOf(call, at)] : []
        }
        default:
          return part satisfies never
      }
    })
  }

  #callOf(row: ToolCallRow, at: number): CallEntry {
    const result = row.result === null ? undefined : (JSON.parse(row.result) as ToolOutput)
    const text = result?.content.map((part) => (part.type === "text" ? part.text : `[image, ${part.mediaType}]`))
    return {
      type: "call",
      id: row.id,
      tool: row.name,
      input: JSON.parse(row.input),
      state: this.#stateOf(row),
      output: (text?.join("\n") ?? "").slice(0, MAX_OUTPUT),
      data: result?.data ?? {},
      stepId: row.step_id,
      startedAt: row.started_at,
      endedAt: row.ended_at,
      task: row.task_id === null ? undefined : this.#tasks.get(row.task_id),
      at,
    }
  }

  #stateOf(row: ToolCallRow): CallState {
    if (row.state !== "done") {
      const turn = this.#reader.one<{ state: string }>(
        "SELECT turn.state FROM step JOIN turn ON turn.id = step.turn_id WHERE step.id = :id",
        { id: row.step_id },
      )
      return turn && turn.state !== "open" ? "interrupted" : row.state
    }
    if (row.denied) return "denied"
    return row.is_error ? "failed" : "done"
  }
}

function compactionNote(row: CompactionRow): Entry {
  return { type: "note", id: row.id, tone: "info", text: compactionLine(row), at: row.created_at }
}

/** The id of the message that begins with this entry. */
function beginningOf({ type, id }: Entry): string | undefined {
  if (type === "prompt") return id
  return (type === "text" || type === "reasoning") && id.endsWith(":0") ? id.slice(0, -2) : undefined
}

/** Wake-ups that stand together are one. */
function joined(entries: readonly Entry[]): Entry[] {
  const out: Entry[] = []
  for (const entry of entries) {
    const last = out.at(-1)
    if (entry.type === "wake" && last?.type === "wake")
      out[out.length - 1] = { ...last, tasks: [...last.tasks, ...entry.tasks] }
    else out.push(entry)
  }
  return out
}

function turnNote({ id, state, error, ended_at: at }: TurnRow): Entry | undefined {
  const note = { type: "note", id: `turn:${id}`, at: at ?? 0 } as const
  if (state === "interrupted") return { ...note, tone: "warning", text: "Interrupted." }
  if (state === "failed") return { ...note, tone: "error", text: error ?? "The turn failed." }
  return undefined
}

function writing({ id, stepId, tool, at }: { id: string; stepId: string; tool: string; at: number }): CallEntry {
  const none = { input: {}, output: "", data: {}, startedAt: null, endedAt: null, task: undefined }
  return { type: "call", id, tool, state: "writing", stepId, at, ...none }
}
