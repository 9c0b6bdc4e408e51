// What a client library or the network threw, read into one form, and which kind of failure that is.
import type { ModelErrorKind } from "./model.ts"

/** `request`: before the first piece of the answer; `stream`: after it. */
export type Phase = "request" | "stream"

export interface Fault {
  message: string
  /** Class of the error (`AI_APICallError`), or undefined for a plain object out of a stream. */
  name?: string
  /** The provider's own words for it (`overloaded_error`, `insufficient_quota`, `RESOURCE_EXHAUSTED`). */
  type: string
  status?: number
  headers?: Record<string, string>
  /** Of the network (`ConnectionRefused`, `ECONNRESET`), from the error or its causes. */
  network?: { code: string; message: string }
  /** How long to wait, in ms, where it is said in the body. */
  afterMs?: number
}

export function faultOf(error: unknown): Fault {
  const thrown = record(error)
  if (!thrown) return { message: String(error), type: "" }
  const body = json(thrown.responseBody)
  const said =
    record(record(body)?.error) ?? record(record(array(body)?.[0])?.error) ?? record(thrown.data) ?? record(body) ?? {}
  const headers = record(thrown.responseHeaders) as Record<string, string> | undefined
  const details = (array(said.details) ?? []).flatMap((detail): Record<string, unknown>[] =>
    record(detail) ? [record(detail)!] : [],
  )
  const status = typeof thrown.statusCode === "number" ? thrown.statusCode : number(said.code ?? thrown.code)
  const network = networkFault(error)
  // Bedrock names the exception in a header, with an address after it.
  const exception = headers?.["x-amzn-errortype"]?.split(":")[0]
  const words = [said.type, said.code, said.status, said.__type, thrown.type, thrown.code, exception]
  for (const detail of details) words.push(detail.reason, JSON.stringify(detail.violations))
  const afterMs = seconds(details.find((detail) => detail.retryDelay !== undefined)?.retryDelay)
  return {
    message: String(text(said.message) ?? text(record(body)?.error) ?? text(thrown.message) ?? ""),
    ...(error instanceof Error && { name: error.name }),
    type: words.filter((word) => typeof word === "string").join(" "),
    ...(status !== undefined && { status }),
    ...(headers && { headers }),
    ...(network && { network }),
    ...(afterMs !== undefined && { afterMs }),
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
  /prompt is too long|context[_ -]?length|context window|maximum context|max(imum)? (input|prompt) (tokens|length)|too many (input |prompt )?tokens(?! per)|(input|request|prompt) (is )?too (long|large)|exceed(s|ed)? .{0,40}(context|number of tokens)|request_too_large/i
const NO_CREDIT =
  /insufficient_quota|credit balance|credits (are|is) (depleted|exhausted)|insufficient credits|billing|exceeded your current quota|payment required/i
const REFUSED = /content_policy|content_filter|content management policy|safety system/i
const BAD_KEY =
  /authentication_error|permission_error|invalid_api_key|API_KEY_INVALID|API key (not valid|expired)|InvalidSignature|IncompleteSignature|signature we calculated|UnrecognizedClient|InvalidClientTokenId|ExpiredToken|security token included/i
const NO_MODEL =
  /not_found_error|model_not_found|model identifier is invalid|not a valid model|invalid model (id|identifier|name)|with on-demand throughput|model .{0,80}(does not exist|not found|is not available)/i
/** Used up until tomorrow: to wait for it within a turn is pointless. */
const DAILY = /per ?day|daily/i

/** Whether a limit of requests is one that ends only with the day. */
export function isDaily({ type, message }: Fault): boolean {
  return DAILY.test(`${type} ${message}`)
}

export function isUnpaid({ status, type, message, afterMs }: Fault): boolean {
  if (status === 402) return true
  // Google says of every limit that plan and billing should be looked at; then it says how long to wait.
  if (afterMs !== undefined || (/RESOURCE_EXHAUSTED/.test(type) && isDaily({ type, message }))) return false
  return (!status || status < 500) && NO_CREDIT.test(`${type} ${message}`)
}

export function kindOf(fault: Fault, phase: Phase): ModelErrorKind {
  const { status } = fault
  const said = `${fault.type} ${fault.message}`
  if (status === 413 || ((!status || (status >= 400 && status < 500)) && TOO_LONG.test(said))) return "too-long"
  if (isUnpaid(fault)) return "auth"
  // Some gateways answer 429 to a history whose reasoning signatures they cannot verify; it will never succeed.
  if (/invalid .?signature.? in .?thinking/i.test(said)) return "bad-request"
  if (status === 401 || status === 403 || ((!status || status < 500) && BAD_KEY.test(said))) return "auth"
  if (status === 404 || ((!status || status === 400) && NO_MODEL.test(said))) return "not-found"
  if (status === 429 || /rate_limit/.test(said)) return "rate-limit"
  if (status === 529 || status === 503 || /overloaded/i.test(said)) return "overloaded"
  if (REFUSED.test(said)) return "refused"
  // 424: Bedrock, when the model behind it failed.
  if (status === 408 || status === 409 || status === 424 || (status && status >= 500)) return "server"
  if (!status && /api_error|server_error|timeout/.test(said)) return "server"
  // A redirect is not followed (it could take the key elsewhere): the address is wrong.
  if (status && status >= 300 && status < 400) return "not-found"
  if (status && status >= 400) return "bad-request"
  if (fault.network) return phase === "request" && status === undefined ? "network" : "cut"
  if (/without a finish reason|empty response|incomplete .* frame/i.test(said)) return "cut"
  if (/^AI_(InvalidPrompt|InvalidArgument|UnsupportedFunctionality|LoadAPIKey)/.test(fault.name ?? ""))
    return "bad-request"
  if (fault.name === undefined) return "server"
  return "garbled"
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

function array(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined
}

export function json(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[{[]/.test(value)) return undefined
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}

/** Google's durations: "34.07s". */
function seconds(value: unknown): number | undefined {
  const found = typeof value === "string" ? number(/^([\d.]+)s$/.exec(value)?.[1]) : undefined
  return found === undefined ? undefined : Math.round(found * 1000)
}

export function number(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "") return undefined
  const parsed = Number(value)
  return Number.isFinite(parsed) && parsed >= 0 ? parsed : undefined
}
