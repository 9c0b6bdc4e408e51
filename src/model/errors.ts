// What went wrong with a request, as a ModelError with a kind that says whether to try again and a message for a
// person. Keys never appear in it: what a server says is cut, cleaned and searched for them first.
import { oneLine } from "../base/text.ts"
import { AWS_KEY_VARIABLES } from "./aws.ts"
import { type Fault, faultOf, isDaily, isUnpaid, json, kindOf, number, type Phase } from "./faults.ts"
import type { LocalServer } from "./local-server.ts"
import { ModelError, type ModelErrorKind } from "./model.ts"

export type { Phase } from "./faults.ts"

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
  /** What such an address usually has and this one has not: "it usually ends in /v1". */
  addressHint?: string
  /** What is likely to be there, when it is an address of this machine. */
  server?: LocalServer
  /** The variable that sends such requests through a proxy, when one is set. */
  proxy?: string
  /** Keys and header values: replaced wherever they appear. */
  secrets: readonly string[]
}

/** Anything that a client library or the network threw. `now`: for a Retry-After that is a date. */
export function toModelError(error: unknown, at: Endpoint, when: { phase: Phase; now: number }): ModelError {
  const own = ownErrorIn(error)
  if (own) return own
  const fault = faultOf(error)
  const kind = kindOf(fault, when.phase)
  const status = fault.status !== undefined && fault.status >= 300 ? fault.status : undefined
  const afterMs = retryAfter(fault.headers, when.now) ?? fault.afterMs
  const final = (kind === "rate-limit" && isDaily(fault)) || certificateWords(fault) !== undefined || isDown(fault, at)
  return new ModelError(kind, messageFor(kind, { fault, at, status, afterMs, final }), {
    ...(status !== undefined && { status }),
    ...(afterMs !== undefined && { afterMs }),
    ...(final && { final }),
  })
}

/** What model/fetch.ts threw, also from within a body, where the libraries wrap it. */
function ownErrorIn(error: unknown): ModelError | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 6; current = current.cause, depth++)
    if (current instanceof ModelError) return current
  return undefined
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

interface Facts {
  fault: Fault
  at: Endpoint
  status: number | undefined
  afterMs: number | undefined
  final: boolean
}

const OTHER = "choose another model with --model"

function messageFor(kind: ModelErrorKind, facts: Facts): string {
  const { fault, at, status, afterMs, final } = facts
  const because = told([status, wordsFor(fault)].filter(Boolean).join(": "), at)
  const wait = afterMs === undefined ? "Try again later" : `Try again in ${Math.ceil(afterMs / 1000)} s`
  const soon = final ? "Try again tomorrow" : wait
  switch (kind) {
    case "auth":
      return authMessage(facts, because)
    case "not-found":
      return notFoundMessage(facts, because)
    case "too-long":
      return `The conversation is too long for ${at.provider}/${at.model}${because}. Shorten it with /compact, or start a new session.`
    case "refused":
      return `${at.provider} refused to answer${because}. Word the request differently, or ${OTHER}.`
    case "rate-limit":
      return `${at.provider} limits the requests to ${at.model}${because}. ${soon}, or ${OTHER}.`
    case "overloaded":
      return `${at.provider} is overloaded${because}. ${soon}, or ${OTHER}.`
    case "server":
      return `${at.provider} failed to answer${because}. ${soon}, or ${OTHER}.`
    case "network":
      return networkMessage(facts, because)
    case "cut":
      return `The connection to ${at.provider} was cut in the middle of an answer${because}. Check the network, or try again.`
    case "idle":
      return `${at.provider} stopped sending${because}. Try again, or ${OTHER}.`
    case "garbled":
      return `${at.provider} at ${at.address} sent an answer that cannot be read${because}. Check that ${at.addressSetting} is the address of a model's API.`
    case "bad-request":
      return `${at.provider} refused the request to ${at.model}${because}. If it happens again, start a new session or ${OTHER}.`
    default:
      return kind satisfies never
  }
}

function authMessage({ fault, at, status }: Facts, because: string): string {
  if (isUnpaid(fault))
    return `${at.provider} says that the account cannot pay for requests${because}. Add credit there, or ${OTHER}.`
  if (!at.keySetting)
    return `${at.provider} at ${at.address} wants a key${because}. Set ${at.addressSetting.replace(/baseURL$/, "apiKeyEnv")} to the name of the variable that holds it.`
  const said = at.keySetting === AWS_KEY_VARIABLES ? `${fault.type} ${fault.message}` : ""
  if (/ExpiredToken|token .{0,40}expired/i.test(said))
    return `The AWS credentials have expired${because}. Get new ones and set ${at.keySetting} and AWS_SESSION_TOKEN again.`
  if (/Signature/.test(said))
    return `AWS refused the signature of the request${because}. Check ${at.keySetting}, AWS_REGION, and that this machine's clock is right.`
  if (/UnrecognizedClient|security token included/.test(said))
    return `AWS does not know these credentials${because}. Check ${at.keySetting}, and AWS_SESSION_TOKEN for temporary ones.`
  if (status === 403)
    return `${at.provider} does not let this API key use ${at.model}${because}. Check what the key in ${at.keySetting} may do, or ${OTHER}.`
  return `${at.provider} refused the API key${because}. Check ${at.keySetting}, or ${OTHER}.`
}

function notFoundMessage({ fault, at, status = 0 }: Facts, because: string): string {
  if (status >= 300 && status < 400)
    return `${at.address} sends requests elsewhere${told(fault.headers?.location ?? "", at)}, which is not followed: the key would go there. Set ${at.addressSetting} to the address itself.`
  const said = `${fault.type} ${fault.message}`
  if (/on-demand throughput/.test(said))
    return `${at.provider} has ${at.model} only by an inference profile${because}. Put the region's group before its name: us.${at.model}, eu.${at.model} or global.${at.model}.`
  // A server that knows the path but not the model says so; one that does not know the path has other words.
  const isPath = fault.status === 404 && !/model|endpoints found/i.test(said) && !said.includes(at.model)
  if (isPath)
    return `There is no such API at ${at.address}${because}. Check ${at.addressSetting}${at.addressHint ? `: ${at.addressHint}` : ""}, and the model's name (--model).`
  const get = at.server?.get?.(at.model)
  if (get)
    return `The server at ${at.address} does not have the model ${at.model}${because}. Get it with \`${get}\`, or check its name (--model).`
  return `${at.provider} at ${at.address} does not know the model ${at.model}${because}. Check the model's name (--model) and the address (${at.addressSetting}).`
}

function networkMessage({ fault, at }: Facts, because: string): string {
  const certificate = certificateWords(fault)
  if (certificate) return `${at.provider} at ${at.address}: ${certificate}${because}. ${certificateAdvice(fault, at)}`
  const proxy = at.proxy ? ` Requests go through the proxy in ${at.proxy}.` : ""
  const code = fault.network?.code ?? ""
  if (at.server && isDown(fault, at)) {
    const past = at.proxy ? ` A proxy is set in ${at.proxy}: NO_PROXY=localhost,127.0.0.1 goes past it.` : ""
    return `Nothing answers at ${at.address}${because}. ${at.server.start}, or check ${at.addressSetting}.${past}`
  }
  if (code === "ERR_PROXY_TUNNEL")
    return `The proxy in ${at.proxy ?? "HTTPS_PROXY"} does not let requests through to ${at.address}${because}. Check its settings, or name the host in NO_PROXY.`
  return `Cannot reach ${at.provider} at ${at.address}${because}. Check the network and ${at.addressSetting}.${proxy}`
}

/** A server of this machine that does not run: the person starts it, and should hear of it at once. */
function isDown({ network }: Fault, { server }: Endpoint): boolean {
  return server !== undefined && (network?.code === "ECONNREFUSED" || network?.code === "ConnectionRefused")
}

/** Undefined when it is not the other side's certificate, or its lack of one, that stands in the way. */
function certificateWords({ network }: Fault): string | undefined {
  const code = network?.code ?? ""
  if (code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER") return "nothing there speaks TLS"
  if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code)) return "this machine does not trust the certificate"
  if (/CERT_(HAS_EXPIRED|NOT_YET_VALID)/.test(code)) return "the certificate is not valid now"
  if (/ALTNAME_INVALID|HOSTNAME_MISMATCH/.test(code)) return "the certificate is for another name"
  return undefined
}

function certificateAdvice({ network }: Fault, at: Endpoint): string {
  const code = network?.code ?? ""
  if (code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER")
    return `Does ${at.addressSetting} have to begin with http:// instead of https://?`
  if (/CERT_(HAS_EXPIRED|NOT_YET_VALID)/.test(code))
    return "Check this machine's clock, or have the certificate renewed."
  if (/ALTNAME_INVALID|HOSTNAME_MISMATCH/.test(code))
    return `Write the host in ${at.addressSetting} as the certificate does.`
  return "If it is your own server's or your company's proxy, set NODE_EXTRA_CA_CERTS to the file with its authority's certificate (PEM) and start again."
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
  if (network) return NETWORK_WORDS[network.code] ?? (cleanedNetwork(network) || "no network")
  if (message.startsWith("JSON parsing failed")) return "an event is not JSON"
  if (/^Type validation failed|^Expected a normalized/.test(message)) return "an event is not of this protocol"
  return message
}

function cleanedNetwork({ code, message }: { code: string; message: string }): string {
  const words = message.replace(/ ?For more information, pass.*$/, "")
  return words.includes(code) ? words : `${code}: ${words}`
}

/** What a server said, in brackets; empty when it said nothing. */
function told(words: string, { secrets }: Endpoint): string {
  const detail = clean(words, secrets)
  return detail === "" ? "" : ` (${detail})`
}

/** The words of an error that came as JSON, in brackets. */
export function saidBy(body: string, at: Endpoint): string {
  const parsed = json(body)
  return parsed === undefined ? "" : told(faultOf({ responseBody: body }).message, at)
}

/** One line of at most 300 characters without control characters and keys. */
function clean(text: string, secrets: readonly string[]): string {
  let line = text
  for (const secret of secrets) if (secret.length >= 6) line = line.replaceAll(secret, "***")
  line = line.replace(/\b(sk|key|pk)-[\w*-]{8,}/gi, "***").replace(/\bBearer\s+\S+/gi, "Bearer ***")
  return oneLine(line, 300)
}
