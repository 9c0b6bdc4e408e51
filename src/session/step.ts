// One model request: the step's row and its ledger entry are written before it is sent; the reply, its tool calls and
// what it used are committed together, before any of the calls acts.
import { breathe } from "../base/breathe.ts"
import { messageOf } from "../base/error.ts"
import { oneLine } from "../base/text.ts"
import type { Fallback } from "../model/fallback.ts"
import type { AssistantPart, ToolCallPart } from "../model/message.ts"
import { ModelError, type ModelEvent, type ModelRequest, type StopReason, type Usage } from "../model/model.ts"
import type { Retry } from "../model/retry.ts"
import { publish } from "../store/feed.ts"
import type { StepRow, ToolCallRow } from "../store/rows.ts"
import { insertRow, type Tx } from "../store/store.ts"
import { toolSpecs } from "../tool/registry.ts"
import type { Draft } from "./draft.ts"
import { insertMessage } from "./inbox.ts"
import { closeEntry, entryOf, openEntry } from "./ledger.ts"
import { messagesBefore, nextSeq, originsOf } from "./lineage.ts"
import { openStep } from "./open-step.ts"
import type { Session, SessionParts } from "./session.ts"

export interface Reply {
  step: StepRow
  stop: StopReason
  /** Those that are yet to be done. */
  calls: ToolCallRow[]
  /** It called tools, so it must be asked again: also when all of them are done, after a crash. */
  called: boolean
}

/** Asks the model once. Throws CapReached, with nothing asked, a ModelError, or the signal's reason; the step is then closed as failed or aborted. */
export async function ask(
  session: Session,
  parts: SessionParts,
  turn: { id: string; signal: AbortSignal; raise?: boolean },
): Promise<Reply> {
  const { store, clock, ids } = parts
  const who = session.row.parent_id === null ? "user" : "agent"
  await breathe(who)
  const asked: ModelRequest = {
    system: session.row.system,
    messages: session.history.messages(),
    tools: toolSpecs([...session.tools.values()]),
    // A fork's requests begin as those of the session that it comes from.
    cacheKey: originsOf(store, session.row.id).at(-1) ?? session.row.id,
  }
  const { step, ledgerId, maxOutputTokens } = await openStep(session, parts, {
    request: asked,
    signal: turn.signal,
    raise: turn.raise ?? false,
    row: (tx) =>
      newStep(session, {
        id: ids.uuid(),
        messageId: ids.uuid(),
        turnId: turn.id,
        n: nextStep(tx, session),
        now: clock.now(),
      }),
  })
  const request = { ...asked, ...(maxOutputTokens !== undefined && { maxOutputTokens }) }
  const heard: Heard = { characters: 0, text: "", ledgerId }
  const draft = parts.draft(session.row, step.id)
  try {
    const finish = await listen(parts, { session, step, request, signal: turn.signal, heard, draft })
    const costNanos = await parts.models.price(step.model, finish.usage)
    await breathe(who)
    return await store.write((tx) => {
      closeEntry(tx, clock, { id: heard.ledgerId, state: "closed", usage: finish.usage, costNanos })
      return commitReply(tx, { session, parts, step, finish })
    })
  } catch (error) {
    const aborted = turn.signal.aborted
    const usage = (error instanceof ModelError ? error.options.usage : undefined) ?? heard.usage
    const spent = usage ?? (aborted ? guess(request, heard.characters) : NOTHING)
    const costNanos = await parts.models.price(step.model, spent)
    const state = usage || aborted ? "estimated" : "closed"
    await store.write((tx) => {
      closeEntry(tx, clock, { id: heard.ledgerId, state, usage: spent, costNanos })
      tx.run("UPDATE step SET state = :state, error = :error, ended_at = :now WHERE id = :id", {
        id: step.id,
        state: aborted ? "aborted" : "failed",
        error: messageOf(error),
        now: clock.now(),
      })
      if (aborted) keepHalf(tx, { session, parts, step, text: heard.text })
    })
    throw error
  } finally {
    draft.end()
  }
}

/** What the user has read of an answer that they interrupted stays in their conversation, and the model knows of it. */
function keepHalf(
  tx: Tx,
  { session, parts, step, text }: { session: Session; parts: SessionParts; step: StepRow; text: string },
): void {
  const half = text.trimEnd()
  if (session.row.parent_id !== null || half.trim() === "") return
  const said: AssistantPart[] = [{ type: "text", text: half }]
  const message = assistantMessage(tx, { session, step, parts: said, now: parts.clock.now() })
  insertMessage(tx, parts.clock, session.row.root_id, message)
}

/** What came of an answer so far: all that is known of its cost when it is cut off. */
interface Heard {
  characters: number
  /** What was said, without what was thought. */
  text: string
  usage?: Usage | undefined
  /** The open entry that it is counted on: a new one when another model takes over. */
  ledgerId: string
}

interface Listening {
  session: Session
  step: StepRow
  request: ModelRequest
  signal: AbortSignal
  heard: Heard
  draft: Draft
}

/** Takes in the stream to its last event. */
async function listen(parts: SessionParts, listening: Listening): Promise<Extract<ModelEvent, { type: "finish" }>> {
  const { session, step, request, signal, heard, draft } = listening
  const events = parts.models.ask({
    model: session.row.model,
    request,
    rootId: session.row.root_id,
    isRoot: session.row.parent_id === null,
    signal,
    onRetry: (retry) => noteRetry(parts, { session, step, retry }),
    onFallback: (fallback) => noteFallback(parts, { session, step, heard, request, fallback }),
  })
  for await (const event of events) {
    if (event.type === "restart" || event.type === "fallback") {
      Object.assign(heard, { characters: 0, text: "", usage: undefined })
      draft.restart()
    }
    if (event.type === "text" || event.type === "reasoning") heard.characters += event.delta.length
    if (event.type === "text") draft.add({ text: event.delta })
    if (event.type === "reasoning") draft.add({ reasoning: event.delta })
    if (event.type === "tool-start") draft.add({ tool: event.name })
    if (event.type === "text") heard.text += event.delta
    if (event.type === "progress") heard.usage = event.usage ?? heard.usage
    if (event.type === "finish") return event
  }
  throw new ModelError("cut", `${step.model} ended its answer without finishing it.`)
}

/** Each failed attempt that cost something is a ledger row of its own; whoever watches is told of the pause. */
async function noteRetry(
  parts: SessionParts,
  { session, step, retry }: { session: Session; step: StepRow; retry: Retry },
): Promise<void> {
  const { store, clock, ids, models } = parts
  const costNanos = retry.usage ? await models.price(step.model, retry.usage) : null
  await store.write((tx) => {
    if (retry.usage) {
      const id = ids.uuid()
      openEntry(tx, clock, { ...entryOf(session, step), id, most: UNKNOWN })
      closeEntry(tx, clock, { id, state: "estimated", usage: retry.usage, costNanos })
    }
    const data = { attempt: retry.attempt, wait_ms: retry.waitMs, reason: retry.error.message }
    publish(tx, clock, { rootId: session.row.root_id, sessionId: session.row.id, kind: "retry", ref: step.id, data })
  })
}

/** The step, and an entry of its own, are the next model's before it is asked: a crash then blames the right one. */
async function noteFallback(
  parts: SessionParts,
  { session, step, heard, request, fallback }: Omit<Listening, "signal" | "draft"> & { fallback: Fallback },
): Promise<void> {
  const { store, clock, ids, models, budget } = parts
  const { from, to, error } = fallback
  const most = await budget.most(store, session.row, request, to)
  const usage = error.options.usage ?? heard.usage ?? NOTHING
  const costNanos = await models.price(from, usage)
  const ledgerId = ids.uuid()
  await store.write((tx) => {
    closeEntry(tx, clock, { id: heard.ledgerId, state: "estimated", usage, costNanos })
    tx.run("UPDATE step SET model = :to WHERE id = :id", { id: step.id, to })
    openEntry(tx, clock, { ...entryOf(session, step), id: ledgerId, model: to, most })
    const data = { attempt: 1, wait_ms: 0, reason: error.message, model: to }
    publish(tx, clock, { rootId: session.row.root_id, sessionId: session.row.id, kind: "retry", ref: step.id, data })
  })
  step.model = to
  heard.ledgerId = ledgerId
}

function commitReply(
  tx: Tx,
  {
    session,
    parts,
    step,
    finish,
  }: { session: Session; parts: SessionParts; step: StepRow; finish: Extract<ModelEvent, { type: "finish" }> },
): Reply {
  const { clock, ids } = parts
  const now = clock.now()
  const calls = finish.parts
    .filter((part) => part.type === "tool-call")
    .map((part, idx) => newCall(session, { step, part, idx, id: ids.uuid() }))
  const state = calls.length > 0 ? "calling" : "done"
  tx.run("UPDATE step SET state = :state, stop_reason = :stop, ended_at = :endedAt WHERE id = :id", {
    id: step.id,
    state,
    stop: finish.stop,
    endedAt: state === "done" ? now : null,
  })
  for (const call of calls) insertRow(tx, "tool_call", call)
  // A reply without any part is no message: providers refuse an empty one when it is sent back.
  if (finish.parts.length > 0)
    insertMessage(tx, clock, session.row.root_id, assistantMessage(tx, { session, step, parts: finish.parts, now }))
  const last = calls.at(-1)
  if (session.runId && last) noteProgress(tx, parts, { session, runId: session.runId, uses: calls.length, last })
  return { step: { ...step, state, stop_reason: finish.stop }, stop: finish.stop, calls, called: calls.length > 0 }
}

function assistantMessage(tx: Tx, made: { session: Session; step: StepRow; parts: AssistantPart[]; now: number }) {
  return {
    id: made.step.message_id,
    session_id: made.session.row.id,
    seq: nextSeq(tx, made.session.row.id),
    role: "assistant",
    origin: null,
    content: JSON.stringify(made.parts),
    turn_id: made.step.turn_id,
    step_id: made.step.id,
    created_at: made.now,
  } as const
}

/** What an agent is doing now, for those who watch its task. */
function noteProgress(
  tx: Tx,
  { clock }: SessionParts,
  { session, runId, uses, last }: { session: Session; runId: string; uses: number; last: ToolCallRow },
): void {
  tx.run(
    "UPDATE run SET tool_uses = tool_uses + :uses, last_tool = :tool, activity = :activity, event_at = :now WHERE id = :runId",
    { runId, uses, tool: last.name, activity: activityOf(last), now: clock.now() },
  )
  publish(tx, clock, { rootId: session.row.root_id, sessionId: session.row.id, kind: "task_progress", ref: runId })
}

/** A tool call in a few words: its name and the argument that says most; what is looked for is in quotes. */
function activityOf(call: ToolCallRow): string {
  const input = JSON.parse(call.input) as Record<string, unknown> | null
  const key = ["file_path", "pattern", "command", "description", "path", "task_id"].find(
    (name) => typeof input?.[name] === "string",
  )
  if (!key) return call.name
  const detail = oneLine(input![key] as string, 80)
  return `${call.name} ${call.name === "Grep" && key === "pattern" ? `"${detail}"` : detail}`
}

function newStep(
  session: Session,
  made: { id: string; messageId: string; turnId: string; n: number; now: number },
): StepRow {
  return {
    id: made.id,
    session_id: session.row.id,
    turn_id: made.turnId,
    n: made.n,
    state: "asking",
    model: session.row.model,
    message_id: made.messageId,
    stop_reason: null,
    error: null,
    started_at: made.now,
    ended_at: null,
  }
}

/** A fork's steps are numbered behind those that it shares: they may become its own (hand-over.ts). */
function nextStep(tx: Tx, { row }: Session): number {
  const last = tx.one<{ n: number | null }>("SELECT MAX(n) AS n FROM step WHERE session_id = :id", { id: row.id })?.n
  if (last) return last + 1
  const [shared] = messagesBefore(tx, row.id, { limit: 1, only: "role = 'assistant'" })
  const sql = "SELECT n FROM step WHERE id = :id"
  return 1 + (shared ? (tx.one<{ n: number }>(sql, { id: shared.step_id })?.n ?? 0) : 0)
}

function newCall(session: Session, made: { step: StepRow; part: ToolCallPart; idx: number; id: string }): ToolCallRow {
  return {
    id: made.id,
    call_id: made.part.callId,
    session_id: session.row.id,
    step_id: made.step.id,
    idx: made.idx,
    name: made.part.name,
    input: JSON.stringify(made.part.input ?? {}),
    state: "pending",
    replay: session.tools.get(made.part.name)?.replay ?? "safe",
    intent: null,
    task_id: null,
    result: null,
    is_error: 0,
    denied: 0,
    started_at: null,
    ended_at: null,
  }
}

/** Of an entry that is closed in the same transaction. */
const UNKNOWN = { inputTokens: 0, outputTokens: 0, cost: undefined }
const NOTHING: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }

/** What an aborted request may have used: four characters a token, the rule of thumb of the providers' own pages. */
function guess(request: ModelRequest, heard: number): Usage {
  const asked = request.system.length + JSON.stringify(request.messages).length + JSON.stringify(request.tools).length
  return { ...NOTHING, inputTokens: Math.ceil(asked / 4), outputTokens: Math.ceil(heard / 4) }
}
