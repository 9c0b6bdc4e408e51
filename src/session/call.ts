// One tool call, from its row to its result: permitted, marked as running, done, stored. Whatever goes wrong becomes a
// result that the model can read; the call's row is always closed.
import { breathe } from "../base/breathe.ts"
import { messageOf, UserError } from "../base/error.ts"
import type { PermissionMode } from "../base/permission-mode.ts"
import { isReadOnlyCommand } from "../permission/read-only.ts"
import { publish } from "../store/feed.ts"
import type { SessionRow, ToolCallRow } from "../store/rows.ts"
import type { Store, Tx } from "../store/store.ts"
import { settledNoticeId } from "../task/notice.ts"
import { parseInput } from "../tool/registry.ts"
import { type Tool, type ToolContext, ToolError, type ToolOutput, textOutput } from "../tool/tool.ts"
import { untilHeard } from "./consent.ts"
import type { Session, SessionParts } from "./session.ts"
import { currentShellFolder } from "./shell-folder.ts"

type Ending = { type: "answered"; output: ToolOutput } | { type: "denied"; output: ToolOutput }

export async function runCall(
  session: Session,
  parts: SessionParts,
  { call, signal }: { call: ToolCallRow; signal: AbortSignal },
): Promise<void> {
  const who = session.row.parent_id === null ? "user" : "agent"
  await breathe(who)
  const ending = await perform(session, parts, { call, signal })
  await breathe(who)
  await parts.store.write((tx) => close(tx, session, parts, { call, ending }))
}

async function perform(
  session: Session,
  parts: SessionParts,
  { call, signal }: { call: ToolCallRow; signal: AbortSignal },
): Promise<Ending> {
  if (signal.aborted) return failed(NOT_RUN)
  const tool = session.tools.get(call.name)
  if (!tool)
    return failed(
      `There is no tool named ${JSON.stringify(call.name)} here. Use one of: ${[...session.tools.keys()].join(", ")}.`,
    )
  let hasBegun = call.state === "running"
  try {
    const input = parseInput(tool, JSON.parse(call.input))
    const context = contextOf(session, parts, { call, signal })
    const known = await recovered({ call, tool, input, context })
    if (known) return { type: "answered", output: known }
    const refusal = await permit(session, parts, { call, tool, input, signal })
    if (refusal) return refusal
    // A permission may be given long after it was asked for, and at the moment at which the work is stopped.
    if (signal.aborted) return failed(NOT_RUN)
    hasBegun = true
    // A tool that starts a task marks its call in the transaction that starts it (task/runtime.ts).
    if (!tool.join) await begin(parts, call)
    const checkpoints = parts.checkpoints?.(session.row.root_id)
    const isCommand = tool.name === "Bash" || tool.name === "Monitor"
    if (checkpoints && isCommand && changesSomething(parts.store, session.row, { tool, input }))
      await checkpoints.beforeCommand(call.id)
    const output = await tool.run(input, context)
    checkpoints?.wrote(call.id)
    return { type: "answered", output }
  } catch (error) {
    if (signal.aborted) return failed(hasBegun ? "Interrupted by the user. It may have taken effect in part." : NOT_RUN)
    if (error instanceof ToolError || error instanceof UserError) return failed(error.message)
    parts.log.error(`tool ${call.name} failed inside`, { error, session: session.row.id })
    return failed(
      `${call.name} failed inside Meanwhile: ${messageOf(error)}. This is not your mistake; try another way.`,
    )
  }
}

const NOT_RUN = "Not run: the turn was interrupted before this call began."

const INTERRUPTED =
  "Interrupted: the program ended during this call. It may have taken effect; check before you repeat it."

/**
 * The result of a call that had begun when its process died, as far as that is known: a task that it started is joined,
 * an intent that it stored is looked at. Undefined when the call has yet to run, or may safely run again.
 */
async function recovered({
  call,
  tool,
  input,
  context,
}: {
  call: ToolCallRow
  tool: Tool
  input: unknown
  context: ToolContext
}): Promise<ToolOutput | undefined> {
  if (call.state !== "running") return undefined
  if (call.task_id && tool.join) return tool.join(call.task_id, input, context)
  if (call.replay === "safe") return undefined
  if (tool.happened) {
    // Such a tool stores its intent before it acts: without one, it has not acted.
    if (!call.intent) return undefined
    const found = await tool.happened(JSON.parse(call.intent), input)
    if (found.type === "done") return found.output
    if (found.type === "not-done") return undefined
  }
  return textOutput(INTERRUPTED, { isError: true })
}

interface Permission {
  call: ToolCallRow
  tool: Tool
  input: unknown
  signal: AbortSignal
}

/** How the call ends when it may not happen; undefined when it may. */
async function permit(
  { row }: Session,
  parts: SessionParts,
  { call, tool, input, signal }: Permission,
): Promise<Ending | undefined> {
  if (parts.approvals.answerable && changesSomething(parts.store, row, { tool, input }))
    await untilHeard(parts.store, row, { call, signal })
  const mode = row.permission_mode as PermissionMode
  const decision = parts.decide(row, { tool: tool.name, input, readOnly: tool.readOnly, cwd: row.cwd, mode })
  switch (decision.type) {
    case "allow":
      return undefined
    case "deny":
      return denied(`Permission denied: ${decision.reason}`)
    case "ask":
      return askUser(row, parts, { call, input, rule: decision.rule, signal })
    default:
      return decision satisfies never
  }
}

function changesSomething(store: Store, row: SessionRow, { tool, input }: { tool: Tool; input: unknown }): boolean {
  if (tool.name !== "Bash") return !tool.readOnly
  return !isReadOnlyCommand((input as { command: string }).command, { cwd: currentShellFolder(store, row) })
}

async function askUser(
  row: SessionRow,
  { approvals }: SessionParts,
  asked: { call: ToolCallRow; input: unknown; rule: string; signal: AbortSignal },
): Promise<Ending | undefined> {
  const { call, input, rule, signal } = asked
  const answer = await approvals.ask({ session: row, toolCallId: call.id, tool: call.name, input, rule }, signal)
  switch (answer.behavior) {
    case "allow":
      return undefined
    case "deny":
      return failed(
        `The user said no to this ${call.name} call${answer.text ? `: ${answer.text.replace(/[.!?\s]*$/, ".")}` : "."} Do not try the same in another way; ask, or go on without it.`,
      )
    case "nobody":
      return denied(
        `Permission denied: ${call.name} needs the user's permission, and nobody is here to give it. The user can allow it with --allowedTools ${JSON.stringify(rule)}. Go on without it if you can; otherwise say what you needed and why.`,
      )
    default:
      return answer.behavior satisfies never
  }
}

function denied(text: string): Ending {
  return { type: "denied", output: textOutput(text, { isError: true }) }
}

async function begin({ store, clock }: SessionParts, call: ToolCallRow): Promise<void> {
  const mark = (tx: Tx) =>
    tx.run("UPDATE tool_call SET state = 'running', started_at = :now WHERE id = :id", {
      id: call.id,
      now: clock.now(),
    })
  await (call.replay === "never" ? store.writeDurably(mark) : store.write(mark))
}

function contextOf(
  { row }: Session,
  { store, checkpoints }: SessionParts,
  { call, signal }: { call: ToolCallRow; signal: AbortSignal },
): ToolContext {
  return {
    id: call.id,
    sessionId: row.id,
    rootId: row.root_id,
    cwd: row.cwd,
    signal,
    intend: async (intent) => {
      const { path, after: sha256 } = intent
      const isWrite = typeof path === "string" && typeof sha256 === "string"
      const change = isWrite && { sessionId: row.id, callId: call.id, path, sha256 }
      const checkpoint = change ? await checkpoints?.(row.root_id)?.beforeWrite(change) : undefined
      await store.writeDurably((tx) => {
        checkpoint?.(tx)
        tx.run("UPDATE tool_call SET intent = :intent WHERE id = :id", { id: call.id, intent: JSON.stringify(intent) })
      })
    },
  }
}

function close(
  tx: Tx,
  { row }: Session,
  { clock }: SessionParts,
  { call, ending }: { call: ToolCallRow; ending: Ending },
): void {
  const { consumes, ...result } = ending.output
  tx.run(
    `UPDATE tool_call SET state = 'done', result = :result, is_error = :isError, denied = :denied, ended_at = :now
     WHERE id = :id AND state <> 'done'`,
    {
      id: call.id,
      result: JSON.stringify(result),
      isError: result.isError ? 1 : 0,
      denied: ending.type === "denied" ? 1 : 0,
      now: clock.now(),
    },
  )
  for (const runId of consumes ?? []) consume(tx, runId)
  publish(tx, clock, { rootId: row.root_id, sessionId: row.id, kind: "tool_result", ref: call.id })
}

/** The result told the model of the run's end: its notice, if it still waits, must not tell it again. */
function consume(tx: Tx, runId: string): void {
  const waited = tx.run("DELETE FROM inbox WHERE id = :id", { id: settledNoticeId(runId) })
  if (waited) tx.run("UPDATE run SET notice = 'consumed' WHERE id = :runId", { runId })
}

function failed(text: string): Ending {
  return { type: "answered", output: textOutput(text, { isError: true }) }
}
