// Lines of `--input-format stream-json` (docs/headless.md): JSON from a stranger becomes one of a few requests, or an
// error that says what is wrong with the line.
import { Exit, messageOf, UserError } from "../../base/error.ts"
import { visible } from "../../base/escape.ts"
import { quoted } from "../../base/text.ts"
import type { UserPart } from "../../model/message.ts"
import { type ClientAnswer, type ControlRequest, clientAnswerOf, controlRequestOf } from "./client-lines.ts"

export type { ClientAnswer, ControlRequest } from "./client-lines.ts"

const taskActions = ["stop_task", "pause_task", "resume_task"] as const
type TaskAction = (typeof taskActions)[number]

export type Request =
  | { type: "prompt"; content: UserPart[] }
  | { type: "answer"; id: string; behavior: "allow" | "deny"; text?: string }
  | { type: "interrupt" | "background" }
  | { type: "compact"; focus?: string }
  | { type: TaskAction; taskId: string }
  | ControlRequest
  | ClientAnswer

/** A line of more than this is refused: images are at most a few MB. */
export const MAX_LINE_BYTES = 32 * 1024 * 1024

/** Undefined for an empty line. Throws UserError. */
export function parseLine(line: string, number: number): Request | undefined {
  if (line.trim() === "") return undefined
  if (line.length > MAX_LINE_BYTES) throw bad(number, `it is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB`)
  const value = parseJson(line, number)
  if (!isObject(value))
    throw bad(number, 'it is no object; send for example {"type":"user","message":{"role":"user","content":"Hi"}}')
  switch (value.type) {
    case "user":
      return { type: "prompt", content: contentOf(value.message, number) }
    case "permission_response":
      return answerOf(value, number)
    case "control":
      return controlOf(value, number)
    case "control_request":
      return controlRequestOf(value, (what) => bad(number, what))
    case "control_response":
      return clientAnswerOf(value, (what) => bad(number, what))
    default:
      throw bad(
        number,
        `its type is ${said(value.type)}; known are user, permission_response, control, control_request and control_response`,
      )
  }
}

function parseJson(line: string, number: number): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw bad(number, `it is not JSON (${visible(messageOf(error))})`)
  }
}

function contentOf(message: unknown, number: number): UserPart[] {
  if (!isObject(message) || (message.role !== undefined && message.role !== "user"))
    throw bad(number, 'message must be {"role":"user","content":…}')
  const { content } = message
  if (typeof content === "string" && content.trim()) return [{ type: "text", text: content }]
  if (!Array.isArray(content) || content.length === 0)
    throw bad(number, "message.content must be a text or a list of blocks, and not empty")
  return content.map((block) => partOf(block, number))
}

function partOf(block: unknown, number: number): UserPart {
  if (isObject(block) && block.type === "text" && typeof block.text === "string" && block.text.trim())
    return { type: "text", text: block.text }
  const source = isObject(block) && block.type === "image" && isObject(block.source) ? block.source : undefined
  if (source?.type === "base64" && typeof source.media_type === "string" && typeof source.data === "string")
    return { type: "image", mediaType: source.media_type, data: source.data }
  throw bad(number, "a block of message.content must be a text that is not empty, or an image with a base64 source")
}

function answerOf(value: Record<string, unknown>, number: number): Request {
  const { request_id: id, behavior, message } = value
  if (typeof id !== "string") throw bad(number, "request_id is missing")
  if (behavior !== "allow" && behavior !== "deny") throw bad(number, "behavior must be allow or deny")
  return { type: "answer", id, behavior, ...(typeof message === "string" ? { text: message } : {}) }
}

function controlOf({ action, task_id: taskId, focus }: Record<string, unknown>, number: number): Request {
  if (action === "interrupt" || action === "background") return { type: action }
  if (action === "compact" && (focus === undefined || typeof focus === "string"))
    return { type: "compact", ...(focus && { focus }) }
  if (action === "compact") throw bad(number, "focus must be a text")
  const taskAction = taskActions.find((known) => known === action)
  if (taskAction && typeof taskId === "string") return { type: taskAction, taskId }
  if (taskAction) throw bad(number, "task_id is missing")
  throw bad(
    number,
    `action is ${said(action)}; known are background, interrupt, compact, stop_task, pause_task and resume_task`,
  )
}

function said(value: unknown): string {
  if (value === undefined) return "missing"
  return typeof value === "string" ? quoted(value) : "no text"
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function bad(number: number, what: string): UserError {
  return new UserError("bad-input-line", `Line ${number} of standard input was left out: ${what}.`, Exit.usage)
}
