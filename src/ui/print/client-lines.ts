// Input lines as clients of Claude Code send them: requests to the program, each with an id under which it is answered,
// and answers to the program's own requests for permission. Which of them work, and why: docs/decisions/
// 0009-claude-code-clients.md. Source of the format: claude-agent-sdk-python (MIT), _internal/query.py.
import { type PermissionMode, permissionModes } from "../../base/permission-mode.ts"
import { quoted } from "../../base/text.ts"

export interface ControlRequest {
  type: "control-request"
  id: string
  request:
    | { subtype: "initialize" | "interrupt" }
    | { subtype: "set_permission_mode"; mode: PermissionMode }
    | { subtype: "set_model"; model: string }
    | { subtype: "stop_task"; taskId: string }
    /** What we don't know, or not with what it asks for: answered with an error, because the client waits. */
    | { subtype: "unknown"; message: string }
}

export interface ClientAnswer {
  type: "client-answer"
  id: string
  given:
    | { behavior: "allow"; input?: Fields }
    | { behavior: "deny"; text?: string; interrupt: boolean }
    /** The client could not ask anybody. */
    | { behavior: "error" }
}

type Fields = Record<string, unknown>
type Complain = (what: string) => Error

/** Throws what `complain` makes when it cannot even be answered. */
export function controlRequestOf({ request_id: id, request }: Fields, complain: Complain): ControlRequest {
  if (typeof id !== "string") throw complain("request_id is missing")
  if (!isFields(request)) throw complain("request is missing")
  return { type: "control-request", id, request: requestOf(request) }
}

function requestOf(request: Fields): ControlRequest["request"] {
  const { subtype } = request
  switch (subtype) {
    case "initialize":
      return initializeOf(request)
    case "interrupt":
      return { subtype }
    case "set_permission_mode": {
      const mode = permissionModes.find((known) => known === request.mode)
      return mode ? { subtype, mode } : unknown(`mode is one of ${permissionModes.join(", ")}`)
    }
    case "set_model":
      return typeof request.model === "string" && request.model
        ? { subtype, model: request.model }
        : unknown("model is missing")
    case "stop_task":
      return typeof request.task_id === "string" ? { subtype, taskId: request.task_id } : unknown("task_id is missing")
    default:
      return unknown(
        `There is no control request ${typeof subtype === "string" ? quoted(subtype) : "without a subtype"}; known are initialize, interrupt, set_permission_mode, set_model and stop_task.`,
      )
  }
}

/** What would silently have no effect is refused. */
function initializeOf({ hooks, agents, sdkMcpServers }: Fields): ControlRequest["request"] {
  if (isFields(hooks) && Object.keys(hooks).length > 0) return unknown("Hooks of a client are not available.")
  if (isFields(agents) && Object.keys(agents).length > 0) return unknown("Give agents by --agents JSON instead.")
  if (Array.isArray(sdkMcpServers) && sdkMcpServers.length > 0)
    return unknown("MCP servers inside a client are not available.")
  return { subtype: "initialize" }
}

function unknown(message: string): ControlRequest["request"] {
  return { subtype: "unknown", message }
}

/** Throws what `complain` makes. */
export function clientAnswerOf({ response }: Fields, complain: Complain): ClientAnswer {
  const { request_id: id, subtype, response: answer } = isFields(response) ? response : {}
  if (typeof id !== "string") throw complain("response.request_id is missing")
  if (subtype === "error") return { type: "client-answer", id, given: { behavior: "error" } }
  if (!isFields(answer)) throw complain("response.response is missing")
  const { behavior, updatedInput: input, message: text, interrupt } = answer
  if (behavior === "allow")
    return { type: "client-answer", id, given: { behavior, ...(isFields(input) ? { input } : {}) } }
  if (behavior !== "deny") throw complain("behavior must be allow or deny")
  const given = { behavior, ...(typeof text === "string" ? { text } : {}), interrupt: interrupt === true } as const
  return { type: "client-answer", id, given }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
