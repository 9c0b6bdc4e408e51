// What a script says: a reply as neutral parts, with the places where it waits, breaks or lies. Replies are immutable;
// every method returns a new one, so that a script may share and vary them.
import type { Gate } from "../gate.ts"
import type { Bytes, ReplyUsage, StopKind, StreamErrorForm } from "./protocol.ts"

export type ReplyPart =
  | { type: "text"; text: string }
  /**
   * `signature`: what the provider wants back with it (Anthropic's signature, OpenAI's encrypted content, Google's
   * thought signature); made up when left out. Two parts in a row are one block, with OpenAI two parts of its summary.
   */
  | { type: "reasoning"; text: string; signature?: string }
  /** `json` overrides `input` with the literal text of the arguments, valid or not. */
  | { type: "call"; name: string; input?: unknown; json?: string; id?: string }
  /** Sent so far, then held until the gate opens. */
  | { type: "gate"; gate: Gate }
  | { type: "delay"; ms: number }
  | { type: "ping" }
  /** Literally in the body, between events: garbage, or an event that only this provider has. */
  | { type: "raw"; text: Bytes }
  /**
   * An error in mid-stream, after a 200; the body ends with it. `error` is the provider's own word; Anthropic's
   * `overloaded_error` and `rate_limit_error` are understood by all.
   */
  | { type: "error"; error: string; message: string; form?: StreamErrorForm }
  /** The connection breaks here. */
  | { type: "cut" }
  /** The body ends here as if it were whole, without its closing events. */
  | { type: "truncate" }
  /** Nothing more comes until the client goes away or the server closes. */
  | { type: "stall" }

/**
 * `before-headers`: nothing at all was answered yet · `after-headers`: status 200 was, the body is empty · `before-end`:
 * all parts were sent, the closing events (stop reason, usage) were not.
 */
export type Place = "before-headers" | "after-headers" | "before-end"

type Hold = { place: Place; part: Extract<ReplyPart, { type: "gate" | "delay" | "stall" | "cut" }> }

export type Answer =
  | { type: "stream"; parts: readonly ReplyPart[] }
  | { type: "body"; status: number; body: Bytes; headers: Record<string, string> }
  | { type: "error"; status: number; error: ErrorOptions; headers: Record<string, string> }

export interface ErrorOptions {
  /** The provider's name of the error; by default the one that goes with the status. */
  type?: string
  message?: string
  headers?: Record<string, string>
  /** Seconds, for the `retry-after` header (and Google's RetryInfo in the body). */
  retryAfter?: number
}

export interface Pace {
  /** Characters of one delta. */
  chars: number
  /** Milliseconds between deltas; 0 sends all that is ready in one write. */
  everyMs: number
}

interface ReplyState {
  answer: Answer
  holds: readonly Hold[]
  cutAfter?: number
  usage: Partial<ReplyUsage>
  stop?: StopKind
  pace: Pace
}

/** Calls' arguments and longer texts come in several pieces by default, as from a provider. */
const DEFAULT_PACE: Pace = { chars: 24, everyMs: 0 }

export class Reply {
  constructor(readonly state: ReplyState) {}

  /** Waits `ms` milliseconds at a place. */
  delay(ms: number, place: Place = "before-headers"): Reply {
    return this.#hold({ place, part: { type: "delay", ms } })
  }

  /** Is held at a place until the gate opens. To hold between parts, put `{type: "gate", gate}` among them. */
  gate(gate: Gate, place: Place = "before-headers"): Reply {
    return this.#hold({ place, part: { type: "gate", gate } })
  }

  /** Goes silent at a place until the client goes away. */
  stall(place: Place = "before-end"): Reply {
    return this.#hold({ place, part: { type: "stall" } })
  }

  /** Breaks the connection: at a place, or after so many bytes of the body (0: the headers came, nothing else). */
  cut(at: { afterBytes: number } | Place): Reply {
    if (typeof at === "string") return this.#hold({ place: at, part: { type: "cut" } })
    return new Reply({ ...this.state, cutAfter: at.afterBytes })
  }

  /** Token counts to report; what is left out is reckoned from the bytes. */
  usage(usage: Partial<ReplyUsage>): Reply {
    return new Reply({ ...this.state, usage: { ...this.state.usage, ...usage } })
  }

  /** The stop reason; by default `calls` when there are calls, else `end`. */
  stop(stop: StopKind): Reply {
    return new Reply({ ...this.state, stop })
  }

  /** Streaming speed. */
  chunk(pace: Partial<Pace>): Reply {
    return new Reply({ ...this.state, pace: { ...this.state.pace, ...pace } })
  }

  /** Whether it ends otherwise than a good reply, by the script's will: a repeat of its request is a retry. */
  get broken(): boolean {
    const { answer, holds, cutAfter } = this.state
    if (answer.type !== "stream" || cutAfter !== undefined) return true
    return holds.some((hold) => breaks(hold.part)) || answer.parts.some(breaks)
  }

  #hold(hold: Hold): Reply {
    return new Reply({ ...this.state, holds: [...this.state.holds, hold] })
  }
}

const BREAKING: ReadonlySet<ReplyPart["type"]> = new Set(["raw", "error", "cut", "truncate", "stall"])

function breaks(part: ReplyPart): boolean {
  return BREAKING.has(part.type)
}

function replyOf(answer: Answer): Reply {
  return new Reply({ answer, holds: [], usage: {}, pace: DEFAULT_PACE })
}

export interface CallSpec {
  name: string
  input?: unknown
  json?: string
  id?: string
}

export const reply = {
  text: (text: string): Reply => replyOf({ type: "stream", parts: [{ type: "text", text }] }),

  /** Parallel tool calls, optionally after a text or reasoning. Ids are made up (and unique) where left out. */
  calls: (calls: readonly CallSpec[], before: { text?: string; reasoning?: string } = {}): Reply => {
    const parts: ReplyPart[] = []
    if (before.reasoning) parts.push({ type: "reasoning", text: before.reasoning })
    if (before.text) parts.push({ type: "text", text: before.text })
    for (const call of calls) parts.push({ type: "call", ...call })
    return replyOf({ type: "stream", parts })
  },

  /** Anything in any order. Texts that follow each other, also across a gate or delay, are one block. */
  parts: (parts: readonly ReplyPart[]): Reply => replyOf({ type: "stream", parts }),

  /** An error instead of a stream, in the provider's own shape. */
  error: (status: number, error: ErrorOptions = {}): Reply => {
    const headers = { ...error.headers }
    if (error.retryAfter !== undefined) headers["retry-after"] = String(error.retryAfter)
    return replyOf({ type: "error", status, error, headers })
  },

  /** A literal body: a proxy's page, garbage, half an event. By default it claims to be an event stream. */
  raw: (body: Bytes, options: { status?: number; headers?: Record<string, string> } = {}): Reply =>
    replyOf({
      type: "body",
      status: options.status ?? 200,
      body,
      headers: { "content-type": "text/event-stream", ...options.headers },
    }),
}
