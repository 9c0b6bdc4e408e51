import { describe, expect, test } from "bun:test"
import { parseLine } from "../../../src/ui/print/input.ts"
import { lineMistake, type StreamLine } from "../../../testing/stream-check.ts"

const control = (request: object) => ({ type: "control_request", request_id: "r", request })
const response = (answer: object) => ({ type: "control_response", response: { request_id: "r", ...answer } })
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } }

const good: StreamLine[] = [
  { type: "user", message: { role: "user", content: "Hi" } },
  { type: "user", message: { content: [{ type: "text", text: "Look" }, image] }, session_id: "default", extra: 1 },
  { type: "permission_response", request_id: "r", behavior: "allow" },
  { type: "permission_response", request_id: "r", behavior: "deny", message: "not now" },
  { type: "control", action: "background" },
  { type: "control", action: "interrupt" },
  { type: "control", action: "stop_task", task_id: "abc" },
  { type: "control", action: "pause_task", task_id: "abc" },
  { type: "control", action: "resume_task", task_id: "abc" },
  control({ subtype: "initialize", hooks: null }),
  control({ subtype: "interrupt" }),
  control({ subtype: "set_permission_mode", mode: "plan" }),
  control({ subtype: "set_model", model: "scout" }),
  control({ subtype: "stop_task", task_id: "abc" }),
  response({ subtype: "success", response: { behavior: "allow", updatedInput: {} } }),
  response({ subtype: "success", response: { behavior: "deny", message: "no", interrupt: true } }),
  response({ subtype: "error", error: "nobody" }),
]

const bad: StreamLine[] = [
  { type: "nonsense" },
  { type: "user" },
  { type: "user", message: { role: "assistant", content: "Hi" } },
  { type: "user", message: { role: "user", content: " " } },
  { type: "user", message: { role: "user", content: [] } },
  { type: "user", message: { role: "user", content: [{ type: "video" }] } },
  { type: "user", message: { role: "user", content: [{ type: "text", text: "" }] } },
  { type: "permission_response", behavior: "allow" },
  { type: "permission_response", request_id: "r", behavior: "maybe" },
  { type: "control", action: "explode" },
  { type: "control", action: "stop_task" },
  { type: "control", action: "resume_task" },
  { type: "control_request", request: { subtype: "interrupt" } },
  { type: "control_request", request_id: "r" },
  { type: "control_response" },
  response({ subtype: "success", response: { behavior: "perhaps" } }),
  response({ subtype: "success" }),
]

describe("the schema and the program take the same lines", () => {
  test.each(good.map((line) => [JSON.stringify(line), line] as const))("%s", (text, line) => {
    expect(lineMistake(line, "input")).toBeUndefined()
    expect(parseLine(text, 1)).toBeDefined()
  })

  test.each(bad.map((line) => [JSON.stringify(line), line] as const))("not %s", (text, line) => {
    expect(lineMistake(line, "input")).toBeDefined()
    expect(() => parseLine(text, 7)).toThrow(/^Line 7 of standard input was left out: /)
  })
})

test("a control request that cannot be done is understood, because its sender waits for an answer", () => {
  for (const request of [
    { subtype: "dance" },
    {},
    { subtype: "set_permission_mode", mode: "dontAsk" },
    { subtype: "set_model" },
    { subtype: "stop_task" },
    { subtype: "initialize", hooks: { PreToolUse: [{ matcher: null, hookCallbackIds: ["h"] }] } },
    { subtype: "initialize", agents: { a: {} } },
  ])
    expect(parseLine(JSON.stringify(control(request)), 1)).toMatchObject({
      type: "control-request",
      request: { subtype: "unknown" },
    })
})
