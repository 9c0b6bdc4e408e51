// What a line of input asks for is done, and answered where the line wants an answer.
import { isDeepStrictEqual } from "node:util"
import { Exit, messageOf, UserError } from "../../base/error.ts"
import { quoted } from "../../base/text.ts"
import type { UserPart } from "../../model/message.ts"
import type { Hosted, Program } from "../../program.ts"
import type { ApprovalRow } from "../../store/rows.ts"
import { orGivenBack } from "./given-back.ts"
import type { ClientAnswer, ControlRequest, Request } from "./input.ts"
import type { Output } from "./output.ts"

export interface Obeying {
  program: Program
  hosted: Hosted
  out: Output
  /** Whether requests for permission are sent as control requests (--permission-prompt-tool stdio). */
  permissionPrompts: "own" | "control-requests"
}

/** Throws UserError when it cannot be done. */
export async function obeyLine(parts: Obeying, request: Request | undefined): Promise<void> {
  const { hosted } = parts
  switch (request?.type) {
    case undefined:
      return
    case "prompt":
      return orGivenBack(hosted.prompt(request.content), textOf(request.content))
    case "answer":
      return answer(hosted, request.id, request)
    case "client-answer":
      return answerOfClient(parts, request)
    case "control-request":
      return answerControl(parts, request)
    case "interrupt":
      return hosted.interrupt()
    case "background":
      await hosted.background()
      return
    case "compact":
      await parts.program
        .view(hosted.row)
        .control({ action: "compact", ...(request.focus && { focus: request.focus }) })
      return
    case "stop_task":
      return hosted.stopTask(request.taskId)
    case "pause_task":
      return hosted.pauseTask(request.taskId)
    case "resume_task":
      return hosted.resumeTask(request.taskId)
    default:
      request satisfies never
  }
}

async function answer(
  hosted: Hosted,
  id: string,
  given: { behavior: "allow" | "deny" | "nobody"; text?: string },
): Promise<void> {
  if (await hosted.approvals.answer(id, given)) return
  throw new UserError(
    "no-such-request",
    `There is no open request ${quoted(id)}: it was answered before, or withdrawn.`,
  )
}

/** A client of Claude Code may answer with other arguments than it was asked about; what was asked is all that can run. */
async function answerOfClient({ program, hosted }: Obeying, { id, given }: ClientAnswer): Promise<void> {
  if (given.behavior === "error") return answer(hosted, id, { behavior: "nobody" })
  const asked = program.store.one<Pick<ApprovalRow, "input">>("SELECT input FROM approval WHERE id = :id", { id })
  const changed =
    given.behavior === "allow" && given.input !== undefined && !isDeepStrictEqual(given.input, parsed(asked?.input))
  if (changed) {
    const text = `it wants other arguments; make the call again with these: ${JSON.stringify(given.input)}`
    return answer(hosted, id, { behavior: "deny", text })
  }
  await answer(hosted, id, given)
  if (given.behavior === "deny" && given.interrupt) hosted.interrupt()
}

function parsed(json: string | undefined): unknown {
  return json === undefined ? undefined : JSON.parse(json)
}

/** Every control request gets its response, also when it fails: the client waits for it. */
async function answerControl(parts: Obeying, { id, request }: ControlRequest): Promise<void> {
  if (!parts.out.takesLines)
    throw new UserError(
      "no-stream",
      "A control_request is answered in the stream: run with --output-format stream-json.",
      Exit.usage,
    )
  const response = await perform(parts, request).then(
    (done) => ({ subtype: "success", request_id: id, response: done }),
    (error) => {
      if (!(error instanceof UserError)) parts.program.log.error("a control request failed", { error })
      return { subtype: "error", request_id: id, error: messageOf(error) }
    },
  )
  await parts.out.say([{ type: "control_response", response }])
}

async function perform(parts: Obeying, request: ControlRequest["request"]): Promise<object> {
  const { hosted } = parts
  switch (request.subtype) {
    case "initialize":
      return initialize(parts)
    case "interrupt":
      hosted.interrupt()
      return {}
    case "stop_task":
      await hosted.stopTask(request.taskId)
      return {}
    case "set_permission_mode":
      await hosted.change({ permissionMode: request.mode })
      return { mode: request.mode }
    case "set_model":
      await hosted.change({ model: request.model })
      return {}
    case "unknown":
      throw new UserError("unknown-control", request.message, Exit.usage)
    default:
      return request satisfies never
  }
}

async function initialize({ program, hosted, permissionPrompts }: Obeying): Promise<object> {
  // A client that begins so, and has not asked for control requests, knows no other way to be asked: nobody answers.
  if (permissionPrompts === "own") await hosted.approvals.close()
  const { model } = hosted.row
  return {
    commands: [],
    agents: program.agents.agents.map(({ name, description }) => ({ name, description })),
    models: [{ value: model, displayName: model, description: "" }],
  }
}

function textOf(content: readonly UserPart[]): string {
  return content.map((part) => (part.type === "text" ? part.text : "(an image)")).join("\n")
}
