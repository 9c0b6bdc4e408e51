// What happened in a conversation, read from its messages: the person's words, the calls with their results, the notices
// of tasks. Notices and reminders of the program are never the person's words, whatever stands in them.
import type { ModelMessage } from "../message.ts"
import { type Brief, briefIn } from "./findings.ts"
import type { Round } from "./search.ts"

/** `at` is always the position of the message. */
export interface Notice {
  at: number
  description: string
  status: string
  /** Empty when there is none. */
  exitCode: string
  body: string
}

/** A message with calls, and where their results are. */
export interface Step {
  at: number
  resultAt: number
  calls: Round
}

/** An explorer that was started, and its final text; `at` is undefined as long as it is out. */
export interface Member {
  brief: Brief
  at: number | undefined
  text: string
  failed: boolean
}

export interface Conversation {
  /** The person's last message; `at` is -1 when there is none. */
  human: { at: number; text: string }
  /** Position of the last message of the assistant, or -1. */
  lastReply: number
  steps: Step[]
  /** Notices by task. */
  notices: ReadonlyMap<string, Notice>
}

const OURS = /^\s*<(?:task-notification|system-reminder|task-ledger)\b/

export function readConversation(messages: readonly ModelMessage[]): Conversation {
  const said = messages.flatMap((message, at) =>
    message.role === "user" ? textsOf(message).map((text) => ({ at, text })) : [],
  )
  const humans = said.filter(({ text }) => text.trim() !== "" && !OURS.test(text))
  const at = humans.at(-1)?.at ?? -1
  const text = humans.filter((one) => one.at === at).map((one) => one.text)
  return {
    human: { at, text: text.join("\n") },
    lastReply: messages.findLastIndex((message) => message.role === "assistant"),
    steps: messages.flatMap((_, index) => stepAt(messages, index)),
    notices: new Map(said.filter((one) => OURS.test(one.text)).flatMap((one) => noticesIn(one.text, one.at))),
  }
}

function stepAt(messages: readonly ModelMessage[], at: number): Step[] {
  const message = messages[at]!
  const calls = message.role === "assistant" ? message.content.filter((part) => part.type === "tool-call") : []
  if (calls.length === 0) return []
  const next = messages[at + 1]
  const results = next?.role === "tool" ? next.content : []
  const answered = calls.map((call) => {
    const result = results.find((one) => one.callId === call.callId)
    const input = typeof call.input === "object" ? { ...call.input } : {}
    return { name: call.name, input, text: result ? textsOf(result).join("\n") : "", failed: result?.isError ?? true }
  })
  return [{ at, resultAt: at + 1, calls: answered }]
}

/** The explorers that a step started; none for steps that did something else. */
export function membersOf({ calls, resultAt }: Step, notices: ReadonlyMap<string, Notice>): Member[] {
  return calls.flatMap((call): Member[] => {
    const brief = call.name === "Agent" ? briefIn(String(call.input.prompt)) : undefined
    if (!brief) return []
    const task = taskIn(call)
    const notice = notices.get(task ?? "")
    if (notice) return [{ brief, at: notice.at, text: notice.body, failed: notice.status !== "completed" }]
    return [{ brief, at: task ? undefined : resultAt, text: call.text, failed: call.failed }]
  })
}

/** The task that a call started or moved to the background. */
export function taskIn({ text, failed }: Round[number]): string | undefined {
  return failed ? undefined : /^(?:Started|Moved to the background)\b.*? as task (\w+)/.exec(text)?.[1]
}

function noticesIn(text: string, at: number): [string, Notice][] {
  return [...text.matchAll(/^<task-notification ([^>]*)>\n([\s\S]*?)\n<\/task-notification>/gm)].map(
    ([, head, body]) => {
      const read = (name: string) => unescapeXml(new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(head!)?.[1] ?? "")
      const [description, status, exitCode] = [read("description"), read("status"), read("exit_code")]
      return [read("task"), { at, description, status, exitCode, body: body! }]
    },
  )
}

function unescapeXml(text: string): string {
  const plain: Record<string, string> = { lt: "<", gt: ">", quot: '"', amp: "&" }
  return text.replace(/&(lt|gt|quot|amp);/g, (_, name: string) => plain[name]!)
}

function textsOf({ content }: { content: readonly { type: string; text?: string }[] }): string[] {
  return content.flatMap((part) => (part.type === "text" && part.text !== undefined ? [part.text] : []))
}
