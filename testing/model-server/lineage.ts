// Which request continues which. A request is a chain of blocks (tools, system, messages: the order in which providers
// cache); each block's hash covers all before it, so "extends an earlier request" is a look-up. From it follow the
// conversations, also of agents with the same prompt, the cache figures, and whether a prefix stayed byte-identical.
//
// A request continues an earlier one when it begins with that one's blocks (its last user message may have grown at its
// end) and goes on with exactly what was answered to it. Branches are fine: forks, and side questions on the same
// prefix. A history that was never sent and answered so is a changed prefix, and is told with the first difference.
import type { Problem } from "./check.ts"
import { excerpt } from "./excerpt.ts"
import { type Block, type Protocol, parsedJson, type ReplyUsage } from "./protocol.ts"
import { changedReasoning } from "./reasoning.ts"
import type { RecordedRequest, SaidMessage } from "./request.ts"

interface Link {
  /** Where it is in the request: `tools[3]`, `messages[2].content[0]`. */
  place: string
  text: string
  marked: boolean
  role: "tools" | "system" | "user" | "assistant"
  /** Index in `messages`, or -1. */
  message: number
}

interface Known {
  request: RecordedRequest
  links: Link[]
  continued: boolean
  repeated: boolean
}

export class Lineage {
  /** All requests that ended with these blocks. */
  readonly #ends = new Map<bigint, Known[]>()
  /** Requests by what was answered to them. */
  readonly #answers = new Map<bigint, Known>()
  /** By model: prefixes that are in its cache. */
  readonly #cached = new Map<string, Set<bigint>>()
  readonly #known = new Map<RecordedRequest, Known>()
  /** The last request of each client key. */
  readonly #clients = new Map<string, Known>()
  readonly #keep: "all" | "summary"
  #conversations = 0

  /** `summary`: without the content of earlier requests; where a prefix changed can't be told then. */
  constructor(keep: "all" | "summary") {
    this.#keep = keep
  }

  /**
   * Places a request that just arrived: sets its conversation, parent and what it repeats.
   * `restarts`: it is allowed to begin a new prefix (a compaction).
   */
  place(
    request: RecordedRequest,
    protocol: Protocol,
    { restarts }: { restarts: boolean },
  ): { problems: Problem[]; counted: Pick<ReplyUsage, "input" | "cacheRead" | "cacheWrite"> } {
    const links = linksOf(request)
    const chain = chainOf(links)
    const counted = this.#count(request, protocol, { links, chain })
    const known: Known = { request, links: this.#keep === "all" ? links : [], continued: false, repeated: false }
    const end = chain.at(-1)!
    const twins = this.#ends.get(end) ?? []
    const repeated = twins.findLast((twin) => isAbandoned(twin) && sameClient(twin.request, request))
    const { parent, nearest } = this.#findParent(request, links, chain)
    const problems: Problem[] = []
    let before = repeated?.request.parent ? this.#known.get(repeated.request.parent) : parent
    if (!before && restarts) before = this.#whoSaid(request) ?? this.#lastOf(request)
    else if (!before && links.some((link) => link.role === "assistant")) {
      before = longer(this.#whoSaid(request), nearest)
      if (before) problems.push(changedPrefix(request, links, before))
    }
    if (parent && !repeated) problems.push(...changedReasoning(request, parent.request))
    request.conversation = this.#conversationOf(request, { repeated, before, twin: twins.at(-1) })
    request.parent = before?.request
    request.repeats = repeated?.request
    if (before) before.continued = true
    if (repeated) repeated.repeated = true
    this.#known.set(request, known)
    this.#ends.set(end, [...twins, known])
    if (request.parsed.clientKey) this.#clients.set(request.parsed.clientKey, known)
    return { problems, counted }
  }

  #conversationOf(
    request: RecordedRequest,
    kin: { repeated: Known | undefined; before: Known | undefined; twin: Known | undefined },
  ): string {
    if (kin.repeated) return kin.repeated.request.conversation
    const { before, twin } = kin
    if (before && (!before.continued || isNamed(before.request, request))) return before.request.conversation
    if (twin && isNamed(twin.request, request)) return twin.request.conversation
    return `c${++this.#conversations}`
  }

  #lastOf(request: RecordedRequest): Known | undefined {
    return request.parsed.clientKey ? this.#clients.get(request.parsed.clientKey) : undefined
  }

  /** Learns what was answered, once a reply was streamed whole. */
  answered(request: RecordedRequest): void {
    const known = this.#known.get(request)
    if (known && request.said && !isEmpty(request.said)) this.#answers.set(fingerprint(request.said), known)
  }

  /** The longest earlier request that this one goes on from; `nearest` is where it turned off when there is none. */
  #findParent(
    request: RecordedRequest,
    links: Link[],
    chain: bigint[],
  ): { parent: Known | undefined; nearest: Known | undefined } {
    let nearest: Known | undefined
    for (let i = links.length - 2; i >= 0; i--) {
      const candidates = this.#ends.get(chain[i]!)
      if (!candidates) continue
      const parent = best(candidates, (candidate) => {
        const fit = fitOf(request, links.slice(i + 1), candidate.request)
        if (fit === "none") return 0
        const [exact, same, fresh] = [fit === "exact", sameClient(candidate.request, request), !candidate.continued]
        return 1 + (exact ? 4 : 0) + (same ? 2 : 0) + (fresh ? 1 : 0)
      })
      if (parent) return { parent, nearest: undefined }
      nearest ??= candidates.at(-1)
    }
    return { parent: undefined, nearest }
  }

  #whoSaid(request: RecordedRequest): Known | undefined {
    const said = request.messages.filter((message) => message.role === "assistant")
    for (const message of said.reverse()) {
      const known = this.#answers.get(fingerprint(sentBack(message.content)))
      if (known) return known
    }
    return undefined
  }

  #count(request: RecordedRequest, protocol: Protocol, { links, chain }: { links: Link[]; chain: bigint[] }) {
    const cache = this.#cached.get(request.model) ?? new Set<bigint>()
    this.#cached.set(request.model, cache)
    const tokens = (list: Link[]) => Math.ceil(list.reduce((sum, link) => sum + link.text.length, 0) / 4)
    const automatic = protocol.caching === "automatic"
    const reach = automatic ? links.length : links.findLastIndex((link) => link.marked) + 1
    const hit = chain.slice(0, reach).findLastIndex((hash) => cache.has(hash)) + 1
    for (let i = 0; i < reach; i++) if (automatic || links[i]!.marked) cache.add(chain[i]!)
    const [read, marked, all] = [tokens(links.slice(0, hit)), tokens(links.slice(0, reach)), tokens(links)]
    if (automatic) return { input: all - read, cacheRead: read, cacheWrite: 0 }
    return { input: all - marked, cacheRead: read, cacheWrite: marked - read }
  }
}

function linksOf(request: RecordedRequest): Link[] {
  const { tools, systemBlocks, messages } = request.parsed
  const links: Link[] = tools.map((tool, i) => ({
    place: `tools[${i}]`,
    text: JSON.stringify(tool.wire),
    marked: tool.marked,
    role: "tools",
    message: -1,
  }))
  for (const [i, block] of systemBlocks.entries())
    links.push({
      place: `system[${i}]`,
      text: JSON.stringify(block.wire),
      marked: block.marked,
      role: "system",
      message: -1,
    })
  for (const [m, message] of messages.entries())
    for (const [i, block] of message.content.entries())
      links.push({
        place: `messages[${m}].content[${i}]`,
        text: JSON.stringify(block.wire),
        marked: block.marked,
        role: message.role === "assistant" ? "assistant" : "user",
        message: m,
      })
  return links.length > 0 ? links : [{ place: "messages", text: "", marked: false, role: "user", message: -1 }]
}

/** A block that begins a message hashes differently from one that goes on with it. */
function chainOf(links: Link[]): bigint[] {
  let hash = 0n
  let message = -1
  return links.map((link) => {
    const border = link.message === message ? "+" : `${link.role}:`
    message = link.message
    hash = BigInt(Bun.hash(border + link.text, hash))
    return hash
  })
}

/** Whether the rest of a request fits what was answered to the earlier one whose blocks it begins with. */
function fitOf(request: RecordedRequest, rest: Link[], earlier: RecordedRequest): "exact" | "partial" | "none" {
  const replies = new Set(rest.filter((link) => link.role === "assistant").map((link) => link.message))
  if (replies.size > 1) return "none"
  const [reply] = replies
  const { said } = earlier
  const whole = earlier.outcome === "completed" && said !== undefined && !isEmpty(said)
  if (reply === undefined) return whole ? "none" : "partial"
  const back = sentBack(request.messages[reply]!.content)
  if (whole) return isSame(back, said) ? "exact" : "none"
  // A reply that broke off or is still under way may have been dropped, or kept as far as it came.
  const ids = new Set(said?.calls.map((call) => call.id))
  return back.calls.every((call) => ids.has(call.id)) ? "partial" : "none"
}

/** The element of the highest score above 0; the first of equals. */
function best<T>(list: readonly T[], score: (item: T) => number): T | undefined {
  let found: { item: T; score: number } | undefined
  for (const item of list) {
    const scored = score(item)
    if (scored > (found?.score ?? 0)) found = { item, score: scored }
  }
  return found?.item
}

function isEmpty(said: SaidMessage): boolean {
  return said.calls.length === 0 && said.text.trim() === ""
}

function isAbandoned(known: Known): boolean {
  return !known.repeated && !known.continued && ["failed", "aborted"].includes(known.request.outcome)
}

/** The client itself says that both are of one conversation. */
function isNamed(a: RecordedRequest, b: RecordedRequest): boolean {
  return a.parsed.clientKey !== undefined && sameClient(a, b)
}

function sameClient(a: RecordedRequest, b: RecordedRequest): boolean {
  return a.parsed.clientKey === b.parsed.clientKey
}

/** What an answer is found by: its text without white space (clients trim, and providers want it), and its calls. */
function fingerprint(said: Pick<SaidMessage, "text" | "calls">): bigint {
  const calls = said.calls.map((call) => `${call.id} ${call.name}`)
  return BigInt(Bun.hash([said.text.replace(/\s+/g, ""), ...calls].join("\n")))
}

/**
 * Whether an answer came back as it was given. For arguments that were no JSON object, clients may send anything: the
 * providers want an object, and so each client wraps or drops them in its own way.
 */
function isSame(back: Pick<SaidMessage, "text" | "calls">, said: SaidMessage): boolean {
  if (fingerprint(back) !== fingerprint(said)) return false
  return said.calls.every((call, i) => {
    const given = canonical(call.json)
    return given === undefined || given === canonical(back.calls[i]!.json)
  })
}

/** The object, always written in the same way; undefined for anything else. */
function canonical(json: string): string | undefined {
  const value = parsedJson(json)
  return typeof value === "object" && value !== null && !Array.isArray(value) ? JSON.stringify(value) : undefined
}

function longer(a: Known | undefined, b: Known | undefined): Known | undefined {
  return (a?.links.length ?? 0) >= (b?.links.length ?? 0) ? a : b
}

function sentBack(content: readonly Block[]): Pick<SaidMessage, "text" | "calls"> {
  return {
    text: content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join(""),
    calls: content.flatMap((block) =>
      block.type === "call" ? [{ id: block.id, name: block.name, json: JSON.stringify(block.input) ?? "" }] : [],
    ),
  }
}

function changedPrefix(request: RecordedRequest, links: Link[], before: Known): Problem {
  const told = (message: string): Problem => ({ request: request.n, code: "prefix-changed", message })
  if (before.links.length === 0) return told(`the prefix changed since request ${before.request.n}`)
  const at = before.links.findIndex((link, i) => links[i]?.text !== link.text || links[i]?.role !== link.role)
  const since = `since request ${before.request.n} (${before.request.conversation})`
  if (at === -1) {
    const replied = links.slice(before.links.length).find((link) => link.role === "assistant")
    const { text = "", calls = [] } = before.request.said ?? {}
    const said = excerpt(JSON.stringify([text, ...calls]))
    const now = replied ? `${replied.place} is ${excerpt(replied.text)}` : "nothing came back"
    return told(`what the model answered to request ${before.request.n} came back changed: it said ${said}, ${now}`)
  }
  const [was, now] = [before.links[at]!, links[at]]
  if (!now) return told(`the prefix got shorter ${since}: ${was.place} is gone`)
  let offset = 0
  while (offset < was.text.length && was.text[offset] === now.text[offset]) offset++
  const place = was.place === now.place ? was.place : `${was.place} (now ${now.place})`
  return told(
    `the prefix changed ${since} at ${place}, character ${offset}: ` +
      `was ${excerpt(was.text, offset)}, is ${excerpt(now.text, offset)}`,
  )
}
