// What the real APIs refuse in a request, and a few things that they let pass but that are mistakes of ours. Looks at
// one request alone; what must hold from request to request is in lineage.ts.
import type { Block, Message, ProtocolName } from "./protocol.ts"
import type { RecordedRequest } from "./request.ts"

export type ProblemCode =
  | "unexpected-request"
  | "script-threw"
  | "malformed"
  | "no-messages"
  | "first-not-user"
  | "roles-alternate"
  | "trailing-assistant"
  | "empty-content"
  | "trailing-whitespace"
  | "call-unanswered"
  | "result-unexpected"
  | "result-order"
  | "result-place"
  | "call-id"
  | "call-undeclared"
  | "call-input"
  | "tool-declaration"
  | "cache-marks"
  | "reasoning-unsigned"
  | "reasoning-place"
  | "reasoning-changed"
  | "prefix-changed"

export interface Problem {
  /** The request's number. */
  request: number
  code: ProblemCode
  message: string
}

/** Anthropic allows this many `cache_control` marks in a request, Bedrock this many cache points. */
const MOST_CACHE_MARKS = 4

/** Where the roles of messages must alternate strictly; elsewhere, only what the model said must not be split. */
const ALTERNATING: ReadonlySet<ProtocolName> = new Set(["anthropic", "bedrock"])
/** Where a prefill must not end in white space. */
const TRIMMED_PREFILL = ALTERNATING
/** Characters of a tool's name and of a call's id. Anthropic's ids have no limit that is known. */
const LONGEST_NAME: Record<ProtocolName, number> = {
  anthropic: 128,
  openai: 64,
  "openai-responses": 64,
  google: 64,
  bedrock: 64,
}
const LONGEST_ID: Record<ProtocolName, number> = { ...LONGEST_NAME, anthropic: Number.POSITIVE_INFINITY }

export function check(request: RecordedRequest): Problem[] {
  const found: Problem[] = []
  const add = (code: ProblemCode, message: string) => found.push({ request: request.n, code, message })
  checkRoles(request, add)
  for (const [i, message] of request.messages.entries()) checkContent(message, `messages[${i}]`, { request, add })
  checkTools(request, add)
  checkCalls(request, add)
  checkProtocol(request, add)
  return found
}

type Add = (code: ProblemCode, message: string) => void

function checkRoles({ messages, protocol }: RecordedRequest, add: Add): void {
  const [first] = messages
  if (!first) {
    add("no-messages", "messages is empty")
    return
  }
  if (first.role !== "user") add("first-not-user", `the first message is of role ${first.role}`)
  if (messages.at(-1)?.role === "assistant") add("trailing-assistant", "the last message is the assistant's")
  for (const [i, message] of messages.entries()) {
    const before = messages[i - 1]
    if (message.role === "system") add("roles-alternate", `messages[${i}] is of role system, after the head`)
    if (message.role === before?.role && (ALTERNATING.has(protocol) || message.role === "assistant"))
      add("roles-alternate", `messages[${i - 1}] and messages[${i}] are both of role ${message.role}`)
  }
}

function checkContent(message: Message, place: string, { request, add }: { request: RecordedRequest; add: Add }): void {
  const { content, role } = message
  if (!content.some((block) => block.type !== "reasoning")) add("empty-content", `${place} has no content`)
  for (const [i, block] of content.entries()) checkBlock(block, `${place}.content[${i}]`, role, add)
  const last = content.at(-1)
  // Only of a prefill: earlier texts have to stay as they were said, because signed thoughts are bound to them.
  if (!TRIMMED_PREFILL.has(request.protocol) || message !== request.messages.at(-1) || role !== "assistant") return
  if (last?.type === "text" && /\s$/.test(last.text))
    add("trailing-whitespace", `${place}: the assistant's final text ends in white space`)
}

function checkBlock(block: Block, place: string, role: Message["role"], add: Add): void {
  switch (block.type) {
    case "text":
      // Google puts the signature of what came before on a text that may be empty.
      if (block.text.trim() === "" && !block.signature) add("empty-content", `${place} is an empty text`)
      return
    case "image":
      if (!block.data) add("empty-content", `${place} is an image without data`)
      if (role === "assistant") add("malformed", `${place}: an image in an assistant message`)
      return
    case "call":
      if (role !== "assistant") add("malformed", `${place}: a tool call in a ${role} message`)
      return
    case "result":
      if (role === "assistant") add("malformed", `${place}: a tool result in an assistant message`)
      return
    case "reasoning":
      if (role !== "assistant") add("malformed", `${place}: reasoning in a ${role} message`)
      return
    case "unknown":
      add("malformed", `${place}: a block that this protocol does not have: ${JSON.stringify(block.wire).slice(0, 80)}`)
      return
    default:
      block satisfies never
  }
}

function checkTools({ tools, protocol }: RecordedRequest, add: Add): void {
  const names = new Set<string>()
  for (const [i, tool] of tools.entries()) {
    if (!/^[a-zA-Z0-9_-]+$/.test(tool.name) || tool.name.length > LONGEST_NAME[protocol])
      add("tool-declaration", `tools[${i}]: ${JSON.stringify(tool.name)} is no valid name`)
    if (names.has(tool.name)) add("tool-declaration", `tools[${i}]: ${tool.name} is declared twice`)
    names.add(tool.name)
    const schema = tool.schema as { type?: unknown } | undefined
    if (schema?.type !== "object") add("tool-declaration", `tools[${i}] (${tool.name}): its schema is no object schema`)
  }
}

function checkCalls(request: RecordedRequest, add: Add): void {
  const declared = new Set(request.tools.map((tool) => tool.name))
  const seen = new Set<string>()
  for (const [i, message] of request.messages.entries()) {
    const calls = message.content.filter((block) => block.type === "call")
    for (const call of calls) {
      const what = `messages[${i}]: call ${call.id} of ${call.name}`
      if (!/^[a-zA-Z0-9_-]+$/.test(call.id)) add("call-id", `${what}: its id is not of letters, digits, _ and -`)
      if (call.id.length > LONGEST_ID[request.protocol]) add("call-id", `${what}: its id is too long`)
      if (seen.has(call.id)) add("call-id", `${what}: the id was used before in this conversation`)
      seen.add(call.id)
      if (!declared.has(call.name)) add("call-undeclared", `${what}: no such tool is declared`)
      if (!isObject(call.input)) add("call-input", `${what}: its input is no JSON object`)
    }
    if (message.role === "assistant") checkAnswers(calls, i, { request, add })
  }
  checkStrayResults(request.messages, add)
}

/** The results that follow an assistant message directly: one Anthropic user message, or the run of `tool` messages. */
function answersAfter(messages: Message[], i: number): Block[] {
  const next = messages[i + 1]
  if (next?.role === "user") return next.content
  const end = messages.findIndex((message, j) => j > i && message.role !== "tool")
  return messages.slice(i + 1, end === -1 ? undefined : end).flatMap((message) => message.content)
}

function checkAnswers(
  calls: readonly Extract<Block, { type: "call" }>[],
  i: number,
  { request, add }: { request: RecordedRequest; add: Add },
): void {
  const ids = calls.map((call) => call.id)
  const following = answersAfter(request.messages, i)
  const results = following.filter((block) => block.type === "result")
  const answers = results.map((result) => result.callId)
  for (const id of ids)
    if (!answers.includes(id)) add("call-unanswered", `messages[${i}]: call ${id} has no result after it`)
  for (const [k, { callId, name }] of results.entries()) {
    const call = calls.find(({ id }) => id === callId)
    if (!call) add("result-unexpected", `a result after messages[${i}] answers ${callId}, which was not called there`)
    if (answers.indexOf(callId) !== k)
      add("result-unexpected", `call ${callId} of messages[${i}] is answered more than once`)
    if (call && name !== undefined && name !== call.name)
      add(
        "result-unexpected",
        `the result of ${callId} after messages[${i}] is by ${name}, the call was of ${call.name}`,
      )
  }
  const known = answers.filter((id, k) => ids.includes(id) && answers.indexOf(id) === k)
  if (ids.filter((id) => known.includes(id)).join() !== known.join())
    add("result-order", `the results after messages[${i}] are in the order ${known}, the calls were ${ids}`)
  const firstOther = following.findIndex((block) => block.type !== "result")
  const lastResult = following.findLastIndex((block) => block.type === "result")
  // Google takes the parts of a content in any order: its client puts images right after the result that they are of.
  if (request.protocol !== "google" && firstOther !== -1 && firstOther < lastResult)
    add("result-place", `after messages[${i}], other content comes before a tool result`)
}

/** Results that no assistant message stands right before. */
function checkStrayResults(messages: Message[], add: Add): void {
  for (const [i, message] of messages.entries()) {
    const from = message.role === "tool" ? messages.findLastIndex((m, j) => j < i && m.role !== "tool") : i - 1
    if (messages[from]?.role === "assistant") continue
    for (const block of message.content)
      if (block.type === "result")
        add("result-unexpected", `messages[${i}]: a result for ${block.callId} without a call before it`)
  }
}

/** What only some providers demand. */
function checkProtocol(request: RecordedRequest, add: Add): void {
  switch (request.protocol) {
    case "anthropic":
      if (!(Number(request.body.max_tokens) >= 1)) add("malformed", "max_tokens is required")
      checkMarks(request, add)
      checkSigned(request, add)
      return
    case "bedrock":
      checkMarks(request, add)
      checkSigned(request, add)
      checkFailedResults(request, add)
      return
    case "openai-responses":
      checkReasoningItems(request, add)
      return
    case "openai":
    case "google":
      return
    default:
      request.protocol satisfies never
  }
}

function checkMarks({ parsed, messages }: RecordedRequest, add: Add): void {
  const { tools, systemBlocks } = parsed
  const blocks = messages.flatMap((message) => message.content)
  const marks = [...tools, ...systemBlocks, ...blocks].filter((item) => item.marked).length
  if (marks > MOST_CACHE_MARKS) add("cache-marks", `${marks} cache marks, at most ${MOST_CACHE_MARKS} are allowed`)
  for (const block of [...systemBlocks, ...blocks]) {
    if (block.type === "reasoning" && block.marked) add("cache-marks", "a thinking block carries a cache mark")
    if (block.marked && block.type === "text" && !block.text.trim())
      add("cache-marks", "an empty text carries a cache mark")
  }
  for (const [i, block] of systemBlocks.entries())
    if (block.type === "text" && !block.text.trim()) add("empty-content", `system[${i}] is an empty text`)
}

function checkSigned({ messages }: RecordedRequest, add: Add): void {
  for (const block of messages.flatMap((message) => message.content))
    if (block.type === "reasoning" && !block.signature) add("reasoning-unsigned", "a thinking block has no signature")
}

/** "The content field at … toolResult cannot be empty when status value is error." */
function checkFailedResults({ messages }: RecordedRequest, add: Add): void {
  for (const block of messages.flatMap((message) => message.content))
    if (block.type === "result" && block.isError && block.text === "")
      add("empty-content", `the failed result of ${block.callId} says nothing`)
}

/** OpenAI ties a reasoning item to what it led to, and knows it by its encrypted content when nothing is stored. */
function checkReasoningItems({ messages, body }: RecordedRequest, add: Add): void {
  for (const [i, { content }] of messages.entries()) {
    for (const block of content)
      if (block.type === "reasoning" && !block.signature && body.store === false)
        add(
          "reasoning-unsigned",
          `messages[${i}]: reasoning item ${block.id} is not stored, and has no encrypted_content`,
        )
    const last = content.at(-1)
    if (last?.type === "reasoning")
      add("reasoning-place", `messages[${i}]: reasoning item ${last.id} comes without its required following item`)
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
