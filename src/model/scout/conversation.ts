// What happened in a conversation, read from its messages: the person's words, the calls with their results, the notices
// of tasks. Notices and reminders of the program are never the person's words, whatever stands in them.
import type { ModelMessage } from "../message.ts"
import type { Round } from "./search.ts"

/** What became of a task: `how` is its status, with the exit code when there is one; `at` is the message that says so. */
export type Notice = { at: number; text: string; failed: boolean; description: string; how: string }

/** The calls of the message at `at`; their results are in the next one. */
export type Step = { at: number; calls: Round }

export interface Conversation {
  /** The person's last words, and the position of their message, or -1. */
  question: string
  askedAt: number
  /** Position of the last message of the assistant, or -1. */
  lastReply: number
  steps: Step[]
  /** Notices by task. */
  notices: ReadonlyMap<string, Notice>
}

const OURS = /^\s*<(?:task-notification|system-reminder|task-ledger)\b/

export function readConversation(messages: readonly ModelMessage[]): Conversation {
  const said = messages.map((message) => (message.role === "user" ? textsOf(message) : []))
  const asked = said.map((texts) => texts.filter((text) => text.trim() !== "" && !OURS.test(text)).join("\n"))
  const askedAt = asked.findLastIndex((text) => text !== "")
  return {
    question: asked[askedAt] ?? "",
    askedAt,
    lastReply: messages.findLastIndex((message) => message.role === "assistant"),
    steps: messages.map((_, at) => ({ at, calls: callsAt(messages, at) })).filter((step) => step.calls.length > 0),
    notices: new Map(said.flatMap((texts, at) => texts.flatMap((text) => noticesIn(text, at)))),
  }
}

function callsAt(messages: readonly ModelMessage[], at: number): Round {
  const [message, next] = [messages[at]!, messages[at + 1]]
  const results = next?.role === "tool" ? next.content : []
  const calls = message.role === "assistant" ? message.content.filter((part) => part.type === "tool-call") : []
  return calls.map((call) => {
    const result = results.find((one) => one.callId === call.callId)
    const input = typeof call.input === "object" ? { ...call.input } : {}
    return { name: call.name, input, text: result ? textsOf(result).join("\n") : "", failed: result?.isError ?? true }
  })
}

/** The task that a call started or moved to the background. */
export function taskIn({ text, failed }: Round[number]): string | undefined {
  return failed ? undefined : /^(?:Started|Moved to the background)\b.*? as task (\w+)/.exec(text)?.[1]
}

/** The notices in a text that is one of ours, by task. */
function noticesIn(said: string, at: number): [string, Notice][] {
  if (!OURS.test(said)) return []
  const found = said.matchAll(/^<task-notification ([^>]*)>\n([\s\S]*?)\n<\/task-notification>/gm)
  return [...found].map(([, head = "", text = ""]) => {
    const attributes = [...head.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, unescapeXml(value!)])
    const { task = "", description = "", status = "", exit_code: code } = Object.fromEntries(attributes)
    const how = code ? `${status}, exit code ${code}` : status
    return [task, { at, text, failed: status !== "completed", description, how }]
  })
}

function unescapeXml(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&")
}

function textsOf({ content }: { content: readonly { type: string; text?: string }[] }): string[] {
  return content.flatMap((part) => (part.type === "text" && part.text !== undefined ? [part.text] : []))
}
