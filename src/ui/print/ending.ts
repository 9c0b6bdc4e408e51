// How a headless call ended, and its exit code: scripts depend on it, so nothing that was cut off is ever a success.
import { Exit, type ExitCode, messageOf } from "../../base/error.ts"
import { plural } from "../../base/text.ts"
import type { Reader } from "../../store/store.ts"
import { PART, type Part, paramsOf } from "./totals.ts"

export type EndingType = "done" | "failed" | "out-of-steps" | "capped" | "interrupted" | "cut-off" | "not-permitted"

export interface Ending {
  type: EndingType
  exit: ExitCode
  /** For standard error: what happened and what to do; absent when all went well. */
  message?: string
  /** Steps that the root session took. */
  steps: number
}

/** The result line's `subtype`. */
export const subtypes: Record<EndingType, string> = {
  done: "success",
  failed: "error_during_execution",
  "out-of-steps": "error_max_turns",
  capped: "error_budget",
  interrupted: "error_during_execution",
  "cut-off": "error_cut_off",
  "not-permitted": "error_permission",
}

export interface Finished {
  rootId: string
  end:
    | { type: "done" | "nothing" | "out-of-steps" | "interrupted" | "cut-off" }
    | { type: "failed" | "capped"; error: unknown }
  /** Tasks that were alive at the end and were stopped. */
  stopped: readonly { task: { id: string; description: string }; run: { service: number } }[]
  /** The ledger's end before this call, and when it rested last. */
  since: { call: number; rest: number }
  /** Only what came of these turns: for one who shares the session with its host. */
  turns?: readonly string[] | undefined
}

export function endingOf(reader: Reader, { rootId, end, stopped, since, turns }: Finished): Ending {
  const steps = stepsSince(reader, { rootId, since: since.call, turns })
  const cut = stopped.filter((view) => view.run.service === 0)
  if (end.type === "interrupted") {
    const also = cut.length > 0 ? ` ${plural(cut.length, "running task")} stopped with it.` : ""
    return {
      type: "interrupted",
      exit: Exit.interrupted,
      message: `Interrupted.${also} Go on with: ${resume(rootId)}`,
      steps,
    }
  }
  if (end.type === "failed")
    return {
      type: "failed",
      exit: Exit.failed,
      message: `${messageOf(end.error)}\nThe session is stored; go on with: ${resume(rootId)}`,
      steps,
    }
  if (end.type === "capped") {
    const also = cut.length > 0 ? ` ${plural(cut.length, "running task")} stopped with it.` : ""
    return {
      type: "capped",
      exit: Exit.cap,
      message: `Stopped: ${messageOf(end.error)}.${also} Go on with: ${resume(rootId)} (and a higher cap)`,
      steps,
    }
  }
  if (end.type === "out-of-steps")
    return {
      type: "out-of-steps",
      exit: Exit.cap,
      message: `Stopped: the limit of steps is reached. Go on with: ${resume(rootId)} (and a higher --max-turns)`,
      steps,
    }
  if (end.type === "cut-off" || cut.length > 0) {
    const names = cut.map((view) => `  ${view.task.id}  ${view.task.description}`).join("\n")
    return {
      type: "cut-off",
      exit: Exit.cutOff,
      message: `--wait ran out: ${plural(cut.length, "task")} stopped before the end:\n${names}`,
      steps,
    }
  }
  if (!turns && undelivered(reader, rootId))
    return {
      type: "cut-off",
      exit: Exit.cutOff,
      message: `A task's result never reached the model. Go on with: ${resume(rootId)}`,
      steps,
    }
  const denied = lastDenied(reader, { rootId, since: since.rest, turns })
  if (denied)
    return {
      type: "not-permitted",
      exit: Exit.permission,
      message: `${denied} was not permitted, and the model could not finish without it. Allow it with --allowedTools or --permission-mode.`,
      steps,
    }
  return { type: "done", exit: Exit.done, steps }
}

function resume(rootId: string): string {
  return `meanwhile -p --resume ${rootId.slice(0, 8)} "…"`
}

const STEPS = `step.session_id = :rootId AND step.id IN (SELECT step_id FROM ledger WHERE ${PART})`

function stepsSince(reader: Reader, part: Part): number {
  const sql = `SELECT COUNT(*) AS count FROM step WHERE ${STEPS}`
  return reader.one<{ count: number }>(sql, paramsOf(part))?.count ?? 0
}

/** A notice that was to wake somebody in this tree and still waits. */
function undelivered(reader: Reader, rootId: string): boolean {
  const sql = `SELECT 1 FROM inbox JOIN session ON session.id = inbox.session_id
    WHERE session.root_id = :rootId AND inbox.kind = 'notice' AND inbox.wake = 1 LIMIT 1`
  return reader.one(sql, { rootId }) !== undefined
}

/**
 * The tool whose refusal the root's work ended on: refused, and nothing that the model did after it succeeded. (A
 * model that found another way has done something after the refusal.)
 */
function lastDenied(reader: Reader, part: Part): string | undefined {
  const calls = reader.all<{ name: string; denied: number; is_error: number }>(
    `SELECT tool_call.name, tool_call.denied, tool_call.is_error FROM tool_call JOIN step ON step.id = tool_call.step_id
     WHERE ${STEPS} ORDER BY step.n, tool_call.idx`,
    paramsOf(part),
  )
  const lastGood = calls.findLastIndex((call) => !call.is_error)
  return calls.slice(lastGood + 1).find((call) => call.denied)?.name
}
