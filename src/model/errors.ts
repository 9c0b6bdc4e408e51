// What went wrong with a request, as a ModelError with a kind that says whether to try again and a message for a
// person. Keys never appear in it: what a server says is cut, cleaned and searched for them first.
import { ModelError, type ModelErrorKind } from "./model.ts"

/** Whom a request was sent to, for messages. */
export interface Endpoint {
  provider: string
  model: string
  /** The address without credentials or query. */
  address: string
  /** The setting that holds the key (`ANTHROPIC_API_KEY`), when there is one. */
  keySetting?: string
  /** The setting that changes the address (`ANTHROPIC_BASE_URL`, `providers.local.baseURL`). */
  addressSetting: string
  /** Keys and header values: replaced wherever they appear. */
  secrets: readonly string[]
}

/** `request`: before the first piece of the answer; `stream`: after it. */
export type Phase = "request" | "stream"

/** Anything that a client library or the network threw. `now`: for a Retry-After that is a date. */
export function toModelError(error: unknown, at: Endpoint, when: { phase: Phase; now: number }): ModelError {
  if (error instanceof ModelError) return error
  const fault = faultOf(error)
  const kind = kindOf(fault, when.phase)
  const status = fault.status !== undefined && fault.status >= 300 ? fault.status : undefined
  const afterMs = retryAfter(fault.headers, when.now)
  return new ModelError(kind, messageFor(kind, { fault, at, status, afterMs }), {
    ...(status !== undefined && { status }),
    ...(afterMs !== undefined && { afterMs }),
  })
}

/**
 * How long a server asks to wait, in ms: `retry-after-ms`, or `retry-after` in seconds or as an HTTP date (RFC 9110
 * 10.2.3), which is measured against the server's own `date` where it sends one, since clocks differ.
 */
export function retryAfter(headers: Record<string, string> | undefined, now: number): number | undefined {
  const exact = number(headers?.["retry-after-ms"])
  if (exact !== undefined) return exact
  const value = headers?.["retry-after"]
  const seconds = number(value)
  if (seconds !== undefined) return Math.round(seconds * 1000)
  // A date has the name of a month; Date.parse takes "-5" for one.
  const until = /[a-z]{3}/i.test(value ?? "") ? Date.parse(value ?? "") : Number.NaN
  if (Number.isNaN(until)) return undefined
  const serverNow = Date.parse(headers?.date ?? "")
  return Math.max(0, until - (Number.isNaN(serverNow) ? now : serverNow))
}

interface Fault {
  message: string
  /** Class of the error (`AI_APICallError`), or undefined for a plain object out of a stream. */
  name?: string
  /** The provider's own word for it (`overloaded_error`, `insufficient_quota`). */
  type: string
  status?: number
  headers?: Record<string, string>
  /** Of the network (`ConnectionRefused`, `ECONNRESET`), from the error or its causes. */
  network?: { code: string; message: string }
}

function faultOf(error: unknown): Fault {
  const thrown = record(error)
  if (!thrown) return { message: String(error), type: "" }
  const said = record(record(json(thrown.responseBody))?.error) ?? record(thrown.data) ?? {}
  const status = typeof thrown.statusCode === "number" ? thrown.statusCode : number(said.code ?? thrown.code)
  const headers = record(thrown.responseHeaders) as Record<string, string> | undefined
  const network = networkFault(error)
  return {
    message: String(said.message ?? thrown.message ?? ""),
    ...(error instanceof Error && { name: error.name }),
    type: [said.type, said.code, thrown.type, thrown.code].filter((word) => typeof word === "string").join(" "),
    ...(status !== undefined && { status }),
    ...(headers && { headers }),
    ...(network && { network }),
  }
}

function networkFault(error: unknown): Fault["network"] {
  for (let current = error, depth = 0; current instanceof Error && depth < 6; current = current.cause, depth++) {
    const { code } = current as { code?: unknown }
    if (typeof code === "string") return { code, message: current.message }
    if (/fetch failed|socket|connection/i.test(current.message)) return { code: "", message: current.message }
  }
  return undefined
}

const TOO_LONG =
  /prompt is too long|context[_ -]?length|context window|maximum context|max(imum)? (input|prompt) (tokens|length)|too many (input |prompt )?tokens|(input|request|prompt) (is )?too (long|large)|exceed(s|ed)? .{0,40}(context|number of tokens)|request_too_large/i
const NO_CREDIT = /insufficient_quota|credit balance|billing|exceeded your current quota|payment required/i
const REFUSED = /content_policy|content_filter|content management policy|safety system/i

function kindOf(fault: Fault, phase: Phase): ModelErrorKind {
  const { status } = fault
  const said = `${fault.type} ${fault.message}`
  if (status === 413 || ((!status || (status >= 400 && status < 500)) && TOO_LONG.test(said))) return "too-long"
  if (status === 402 || ((!status || status < 500) && NO_CREDIT.test(said))) return "auth"
  // Some gateways answer 429 to a history whose reasoning signatures they cannot verify; it will never succeed.
  if (/invalid .?signature.? in .?thinking/i.test(said)) return "bad-request"
  if (status === 401 || status === 403 || /authentication_error|permission_error|invalid_api_key/.test(said))
    return "auth"
  if (status === 404 || /not_found_error|model_not_found/.test(said)) return "not-found"
  if (status === 429 || /rate_limit/.test(said)) return "rate-limit"
  if (status === 529 || status === 503 || /overloaded/i.test(said)) return "overloaded"
  if (REFUSED.test(said)) return "refused"
  if (status === 408 || status === 409 || (status && status >= 500) || /api_error|server_error|timeout/.test(said))
    return "server"
  // A redirect is not followed (it could take the key elsewhere): the address is wrong.
  if (status && status >= 300 && status < 400) return "not-found"
  if (status && status >= 400) return "bad-request"
  if (fault.network) return phase === "request" && status === undefined ? "network" : "cut"
  if (/without a finish reason|empty response/i.test(said)) return "cut"
  if (/^AI_(InvalidPrompt|InvalidArgument|UnsupportedFunctionality|LoadAPIKey)/.test(fault.name ?? ""))
    return "bad-request"
  if (fault.name === undefined) return "server"
  return "garbled"
}

interface Facts {
  fault: Fault
  at: Endpoint
  status: number | undefined
  afterMs: number | undefined
}

function messageFor(kind: ModelErrorKind, { fault, at, status, afterMs }: Facts): string {
  const detail = clean([status, wordsFor(fault)].filter(Boolean).join(": "), at.secrets)
  const because = detail === "" ? "" : ` (${detail})`
  const other = "choose another model with --model"
  const soon = afterMs === undefined ? "Try again later" : `Try again in ${Math.ceil(afterMs / 1000)} s`
  switch (kind) {
    case "auth":
      if (NO_CREDIT.test(`${fault.type} ${fault.message}`) || status === 402)
        return `${at.provider} says that the account cannot pay for requests${because}. Add credit there, or ${other}.`
      if (!at.keySetting)
        return `${at.provider} at ${at.address} wants a key${because}. Set ${at.addressSetting.replace(/baseURL$/, "apiKeyEnv")} to the name of the variable that holds it.`
      if (status === 403)
        return `${at.provider} does not let this API key use ${at.model}${because}. Check what the key in ${at.keySetting} may do, or ${other}.`
      return `${at.provider} refused the API key${because}. Check ${at.keySetting}, or ${other}.`
    case "not-found":
      return `${at.provider} at ${at.address} does not know the model ${at.model}${because}. Check the model's name (--model) and the address (${at.addressSetting}).`
    case "too-long":
      return `The conversation is too long for ${at.provider}/${at.model}${because}. Shorten it with /compact, or start a new session.`
    case "refused":
      return `${at.provider} refused to answer${because}. Word the request differently, or ${other}.`
    case "rate-limit":
      return `${at.provider} limits the requests to ${at.model}${because}. ${soon}, or ${other}.`
    case "overloaded":
      return `${at.provider} is overloaded${because}. ${soon}, or ${other}.`
    case "server":
      return `${at.provider} failed to answer${because}. ${soon}, or ${other}.`
    case "network":
      return `Cannot reach ${at.provider} at ${at.address}${because}. Check the network and ${at.addressSetting}.`
    case "cut":
      return `The connection to ${at.provider} was cut in the middle of an answer${because}. Check the network, or try again.`
    case "idle":
      return `${at.provider} stopped sending${because}. Try again, or ${other}.`
    case "garbled":
      return `${at.provider} at ${at.address} sent an answer that cannot be read${because}. Check that ${at.addressSetting} is the address of a model's API.`
    case "bad-request":
      return `${at.provider} refused the request to ${at.model}${because}. If it happens again, start a new session or ${other}.`
    default:
      return kind satisfies never
  }
}

/** Of Bun, Node and the system. */
const NETWORK_WORDS: Readonly<Record<string, string>> = {
  ConnectionRefused: "connection refused",
  ECONNREFUSED: "connection refused",
  ConnectionClosed: "the connection was closed",
  ECONNRESET: "the connection was closed",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the host's name could not be looked up",
  ETIMEDOUT: "no answer in time",
}

/** What happened, without the libraries' advice to programmers and dumps of their schemas. */
function wordsFor({ network, message }: Fault): string {
  if (network)
    return NETWORK_WORDS[network.code] ?? ([network.code, network.message].filter(Boolean).join(": ") || "no network")
  if (message.startsWith("JSON parsing failed")) return "an event is not JSON"
  if (/^Type validation failed|^Expected a normalized/.test(message)) return "an event is not of this protocol"
  return message
}

/** One line of at most 300 characters without control characters and keys. */
function clean(text: string, secrets: readonly string[]): string {
  let line = text
  for (const secret of secrets) if (secret.length >= 6) line = line.replaceAll(secret, "***")
  line = line
    .replace(/\b(sk|key|pk)-[\w*-]{8,}/gi, "***")
    .replace(/\bBearer\s+\S+/gi, "Bearer ***")
    .replace(/[\x00-\x1f\x7f-\x9f\s]+/g, " ")
    .trim()
  return line.length > 300 ? `${line.slice(0, 299)}…` : line
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined
}

function json(text: unknown): unknown {
  if (typeof text !== "string" || !text.startsWith("{")) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function number(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") return undefined
  const parsed = Number(value)
  return Number.isFinite(parsed) && parsed >= 0 ? parsed : undefined
}
