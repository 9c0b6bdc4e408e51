// The headless stream: rows of the feed become lines (docs/headless.md, docs/stream.schema.json). Pure: it reads rows and
// returns objects; how often some of them are said is stream.ts.
import type { AssistantPart, UserPart } from "../../model/message.ts"
import type {
  ApprovalRow,
  CompactionRow,
  FeedRow,
  MessageRow,
  RunRow,
  StepRow,
  TaskRow,
  ToolCallRow,
} from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { workedMs } from "../../task/task.ts"
import type { Totals } from "./totals.ts"

export type Line = { type: string; subtype?: string } & Record<string, unknown>

export interface LineParts {
  reader: Reader
  /** Sums of the ledger over a session and everything below it. */
  usageBelow(sessionId: string): { tokens: number; costNanos: number | null }
  /** How a call asks for permission: our own line, or the one that clients of Claude Code know. */
  asks: "permission_request" | "control_request"
  /** The calls that sessions serve, by session, as far as they were looked up: they never change. */
  parentCalls: Map<string, string | null>
}

/** The lines that one row of the feed stands for. */
export function linesOf(parts: LineParts, row: FeedRow): Line[] {
  switch (row.kind) {
    case "message":
      return messageLines(parts, row)
    case "tool_result":
      return [toolResultLine(parts, row)]
    case "task_started":
      return [started(parts, row)]
    case "task_progress":
      return [progress(parts, row)]
    case "task_updated":
      return [updated(parts, row)]
    case "task_settled":
      return settled(parts, row)
    case "retry":
      return [
        system(row, "retry", {
          parent_tool_use_id: parentCall(parts, row.session_id),
          ...JSON.parse(row.data ?? "{}"),
        }),
      ]
    case "approval":
      return approvalLines(parts, row)
    case "compaction":
      return compactionLines(parts, row)
    case "turn":
    case "refused":
      return []
    default:
      return row.kind satisfies never
  }
}

function messageLines(parts: LineParts, row: FeedRow): Line[] {
  const { reader } = parts
  const message = reader.one<MessageRow>("SELECT * FROM message WHERE id = :id", { id: row.ref })
  if (!message) return []
  const common = { parent_tool_use_id: parentCall(parts, row.session_id), session_id: row.root_id, uuid: message.id }
  if (message.role === "user") {
    // What the caller sent is not told back; what entered by itself is.
    if (message.origin === "human" && row.session_id === row.root_id) return []
    const content = (JSON.parse(message.content) as UserPart[]).map(userBlock)
    return [{ type: "user", message: { role: "user", content }, origin: message.origin, ...common }]
  }
  const step = reader.one<StepRow>("SELECT * FROM step WHERE id = :id", { id: message.step_id })
  const usage = reader.one<Totals["usage"]>(
    `SELECT input_tokens, output_tokens, cache_read_tokens AS cache_read_input_tokens, cache_write_tokens AS cache_creation_input_tokens
     FROM ledger WHERE step_id = :id AND state = 'closed'`,
    { id: message.step_id },
  )
  const content = (JSON.parse(message.content) as AssistantPart[]).map(assistantBlock)
  const stop_reason = content.some((block) => block.type === "tool_use")
    ? "tool_use"
    : step?.stop_reason === "length"
      ? "max_tokens"
      : "end_turn"
  const body = { id: message.id, type: "message", role: "assistant", model: step?.model, content, stop_reason, usage }
  return [{ type: "assistant", message: body, ...common }]
}

function assistantBlock(part: AssistantPart) {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text } as const
    case "reasoning":
      return { type: "thinking", thinking: part.text, signature: signatureOf(part) } as const
    case "tool-call":
      return { type: "tool_use", id: part.callId, name: part.name, input: asObject(part.input) } as const
    default:
      return part satisfies never
  }
}

/** Anthropic's clients expect one; other providers have none. */
function signatureOf({ provider }: Extract<AssistantPart, { type: "reasoning" }>): string {
  const signature = provider?.anthropic?.signature
  return typeof signature === "string" ? signature : ""
}

/** What a model sent as arguments can be anything; the format has an object there. */
function asObject(input: unknown): object {
  return typeof input === "object" && input !== null && !Array.isArray(input) ? input : { _invalid: input ?? null }
}

function userBlock(part: UserPart) {
  if (part.type === "text") return { type: "text", text: part.text }
  return { type: "image", source: { type: "base64", media_type: part.mediaType, data: part.data } }
}

function toolResultLine(parts: LineParts, row: FeedRow): Line {
  const call = parts.reader.one<ToolCallRow>("SELECT * FROM tool_call WHERE id = :id", { id: row.ref })!
  const output = JSON.parse(call.result ?? '{"content":[]}') as { content: UserPart[] }
  const block = {
    type: "tool_result",
    tool_use_id: call.call_id,
    content: output.content.map(userBlock),
    is_error: call.is_error === 1,
  }
  return {
    type: "user",
    message: { role: "user", content: [block] },
    origin: "system",
    parent_tool_use_id: parentCall(parts, row.session_id),
    session_id: row.root_id,
    uuid: call.id,
  }
}

function started({ reader }: LineParts, row: FeedRow): Line {
  const { task, run } = taskOf(reader, row.ref)
  const input = JSON.parse(task.input) as { agent?: string; prompt?: string; command?: string }
  return system(row, "task_started", {
    task_id: task.id,
    run_id: run.id,
    tool_use_id: providerCallId(reader, task.call_id),
    parent_task_id: task.parent_task_id,
    task_type: task.kind,
    description: task.description,
    subagent_type: input.agent ?? null,
    is_backgrounded: task.call_id === null || run.backgrounded_at === run.created_at,
    prompt: input.prompt ?? input.command ?? null,
  })
}

function progress(parts: LineParts, row: FeedRow): Line {
  const { task, run } = taskOf(parts.reader, row.ref)
  return system(row, "task_progress", {
    task_id: task.id,
    run_id: run.id,
    tool_use_id: providerCallId(parts.reader, task.call_id),
    description: task.description,
    usage: usageOf(parts, { task, run }, row.at),
    last_tool_name: run.last_tool,
    summary: run.activity ?? lastLine(run.tail),
  })
}

function updated({ reader }: LineParts, row: FeedRow): Line {
  const { task, run } = taskOf(reader, row.ref)
  return system(row, "task_updated", { task_id: task.id, run_id: run.id, patch: JSON.parse(row.data ?? "{}") })
}

function settled(parts: LineParts, row: FeedRow): Line[] {
  const { task, run } = taskOf(parts.reader, row.ref)
  const patch = { status: run.state, error: run.state === "completed" ? null : run.reason, end_time: run.ended_at }
  const lines = [system(row, "task_updated", { task_id: task.id, run_id: run.id, patch })]
  if (!run.background) return lines
  const notification = {
    task_id: task.id,
    run_id: run.id,
    tool_use_id: providerCallId(parts.reader, task.call_id),
    status: run.state,
    summary: task.description,
    result: run.result,
    output_file: run.spool,
    usage: usageOf(parts, { task, run }, run.ended_at ?? row.at),
    quiet: run.quiet === 1,
  }
  return [...lines, { ...system(row, "task_notification", notification), uuid: `feed:${row.seq}:notification` }]
}

/** The live background tasks of a tree, oldest first, as they are now. */
export function backgroundTasks(reader: Reader, rootId: string): Record<string, unknown>[] {
  return reader.all(
    `SELECT task.id AS task_id, run.id AS run_id, task.kind AS task_type, task.description, run.state AS status
     FROM run JOIN task ON task.id = run.task_id
     WHERE run.state IN ('queued', 'running', 'paused') AND run.background = 1 AND task.root_id = :rootId
     ORDER BY task.rowid`,
    { rootId },
  )
}

/** `after`: the feed's number behind which it is said. */
export function backgroundTasksLine(rootId: string, after: number, tasks: readonly object[]): Line {
  const uuid = `feed:${after}:tasks`
  return { type: "system", subtype: "background_tasks_changed", tasks, session_id: rootId, uuid }
}

function approvalLines({ reader, asks }: LineParts, row: FeedRow): Line[] {
  const approval = reader.one<ApprovalRow>("SELECT * FROM approval WHERE id = :id", { id: row.ref })
  if (!approval) return []
  // The row is published again when it is answered or withdrawn; a request is told once.
  const { state } = JSON.parse(row.data ?? "{}") as { state?: ApprovalRow["state"] }
  const input = JSON.parse(approval.input)
  if (asks === "control_request") {
    if (state === "withdrawn") return [{ type: "control_cancel_request", request_id: approval.id }]
    return state === "open" ? [canUseTool(reader, approval)] : []
  }
  if (state !== "open") return []
  return [
    system(row, "permission_request", {
      request_id: approval.id,
      tool_name: approval.tool,
      input,
      task_id: approval.task_id,
      rule: approval.rule,
    }),
  ]
}

/** As in Claude Code, with a few fields more. */
function compactionLines(parts: LineParts, row: FeedRow): Line[] {
  const made = parts.reader.one<CompactionRow>("SELECT * FROM compaction WHERE id = :id", { id: row.ref })
  if (!made) return []
  const compact_metadata = {
    trigger: made.cause === "user" ? "manual" : "auto",
    pre_tokens: made.tokens_before,
    post_tokens: made.tokens_after,
    cause: made.cause,
    focus: made.focus,
    kept_messages: (JSON.parse(made.kept) as { messages: number }).messages,
  }
  return [system(row, "compact_boundary", { parent_tool_use_id: parentCall(parts, row.session_id), compact_metadata })]
}

function canUseTool(reader: Reader, approval: ApprovalRow): Line {
  const request = {
    subtype: "can_use_tool",
    tool_name: approval.tool,
    input: JSON.parse(approval.input),
    tool_use_id: providerCallId(reader, approval.tool_call_id),
    agent_id: approval.task_id,
    permission_suggestions: [],
  }
  return { type: "control_request", request_id: approval.id, request }
}

function usageOf({ usageBelow }: LineParts, { task, run }: { task: TaskRow; run: RunRow }, now: number) {
  const used = task.session_id ? usageBelow(task.session_id) : { tokens: 0, costNanos: 0 }
  return {
    total_tokens: used.tokens,
    tool_uses: run.tool_uses,
    duration_ms: workedMs(run, now),
    cost_usd: used.costNanos === null ? null : used.costNanos / 1e9,
  }
}

function system(row: FeedRow, subtype: string, fields: Record<string, unknown>): Line {
  return { type: "system", subtype, ...fields, session_id: row.root_id, uuid: `feed:${row.seq}` }
}

function taskOf(reader: Reader, runId: string): { task: TaskRow; run: RunRow } {
  const run = reader.one<RunRow>("SELECT * FROM run WHERE id = :runId", { runId })!
  return { run, task: reader.one<TaskRow>("SELECT * FROM task WHERE id = :id", { id: run.task_id })! }
}

/** The id that the model gave to the Agent call which a session serves; null for the root's. */
function parentCall({ reader, parentCalls }: LineParts, sessionId: string): string | null {
  const known = parentCalls.get(sessionId)
  if (known !== undefined) return known
  const served = reader.one<{ call_id: string }>(
    `SELECT tool_call.call_id FROM session JOIN task ON task.id = session.task_id
     JOIN tool_call ON tool_call.id = task.call_id WHERE session.id = :sessionId`,
    { sessionId },
  )
  const call = served?.call_id ?? null
  parentCalls.set(sessionId, call)
  return call
}

function providerCallId(reader: Reader, callId: string | null): string | null {
  if (callId === null) return null
  return (
    reader.one<{ call_id: string }>("SELECT call_id FROM tool_call WHERE id = :callId", { callId })?.call_id ?? null
  )
}

function lastLine(text: string): string | null {
  return text.trimEnd().split("\n").at(-1) || null
}
