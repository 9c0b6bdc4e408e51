// The scripted model server: a real HTTP server that speaks the providers' streaming protocols, answers as a script
// says, records every request, and checks that the conversations are ones that the real APIs would take.
//
//   await using server = await startModelServer({ script: script.inOrder([reply.text("hello")]) })
//   … run the program with server.env("anthropic") …
//   server.check()
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { type Clock, systemClock } from "../src/base/clock.ts"
import { messageOf } from "../src/base/error.ts"
import { anthropic } from "./model-server/anthropic.ts"
import { type AsidePurpose, asidePurpose, silence } from "./model-server/aside.ts"
import { bedrock } from "./model-server/bedrock.ts"
import { check, type Problem, type ProblemCode } from "./model-server/check.ts"
import { google } from "./model-server/google.ts"
import { Lineage } from "./model-server/lineage.ts"
import { openaiChat } from "./model-server/openai-chat.ts"
import { openaiResponses } from "./model-server/openai-responses.ts"
import { play, type Stage } from "./model-server/play.ts"
import { asObject, Malformed, type Protocol, type ProtocolName, type WireRequest } from "./model-server/protocol.ts"
import { Reply, reply } from "./model-server/reply.ts"
import { RecordedRequest } from "./model-server/request.ts"
import { type Script, UnexpectedRequest } from "./model-server/script.ts"

export { awsEvent } from "./model-server/aws-events.ts"
export type { Problem, ProblemCode } from "./model-server/check.ts"
export type { ProtocolName } from "./model-server/protocol.ts"
export { type Place, type Reply, type ReplyPart, reply } from "./model-server/reply.ts"
export type { Outcome, RecordedRequest } from "./model-server/request.ts"
export { type Route, type Script, type Step, script } from "./model-server/script.ts"

const PROTOCOLS: readonly Protocol[] = [anthropic, openaiChat, openaiResponses, google, bedrock]

export interface ModelServerOptions {
  script?: Script
  /** `off`: requests are not checked (benchmarks). Default `on`. */
  check?: "on" | "off"
  /** `summary`: the content of a request is let go when its reply is over (benchmarks). Default `all`. */
  keep?: "all" | "summary"
  /** Requests that may begin a new prefix though their conversation is known: the first one after a compaction. */
  restarts?: (request: RecordedRequest) => boolean
  /** Bytes of a body above which it is refused with 413, as Anthropic does. Default 32 MiB. */
  maxBytes?: number
  clock?: Clock
}

/** Starts on a free port of 127.0.0.1. */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const http = createServer()
  // Nothing here may time out by itself: stalls are scripted, and an idle connection that is closed by us just when the
  // client uses it again would look like a network error.
  http.keepAliveTimeout = 0
  http.requestTimeout = 0
  http.timeout = 0
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  http.once("error", reject)
  http.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, resolve)
  await promise
  return new ModelServer(http, options)
}

export class ModelServer implements AsyncDisposable {
  /** In the order of arrival. */
  readonly requests: RecordedRequest[] = []
  readonly problems: Problem[] = []
  /** What the program asked for itself, such as a title, in the order of arrival. */
  readonly asides: RecordedRequest[] = []
  /** Answers those; without it, and where it returns nothing, the answer says nothing. */
  aside: ((request: RecordedRequest, purpose: AsidePurpose) => Reply | undefined) | undefined
  /** The most requests that were open at once. */
  maxConcurrent = 0
  openRequests = 0
  /** May be replaced at any time; holds for requests that arrive from then on. */
  script: Script | undefined
  readonly #http: Server
  readonly #options: ModelServerOptions
  readonly #clock: Clock
  readonly #lineage: Lineage
  readonly #closing = new AbortController()
  readonly #waiting = new Set<() => void>()

  constructor(http: Server, options: ModelServerOptions) {
    this.#http = http
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#lineage = new Lineage(options.keep ?? "all")
    this.script = options.script
    http.on("request", (message, response) => void this.#serve(message, response))
  }

  /** Without `/v1`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`
  }

  /**
   * Environment variables that make a program talk to this server. OpenAI's two protocols have the same ones: which of
   * them a program spoke is `protocol` of its requests.
   */
  env(protocol: ProtocolName): Record<string, string> {
    switch (protocol) {
      case "anthropic":
        return { ANTHROPIC_API_KEY: "test-key", ANTHROPIC_BASE_URL: this.url }
      case "openai":
      case "openai-responses":
        return { OPENAI_API_KEY: "test-key", OPENAI_BASE_URL: `${this.url}/v1` }
      case "google":
        return { GEMINI_API_KEY: "test-key", GOOGLE_GEMINI_BASE_URL: this.url }
      case "bedrock":
        return {
          AWS_REGION: "us-east-1",
          AWS_ACCESS_KEY_ID: "test-key",
          AWS_SECRET_ACCESS_KEY: "test-secret",
          AWS_ENDPOINT_URL_BEDROCK_RUNTIME: this.url,
        }
      default:
        return protocol satisfies never
    }
  }

  /** Resolves to the n-th request (from 1) once it arrived. */
  received(n: number, timeoutMs?: number): Promise<RecordedRequest> {
    return this.#when(`request ${n}`, () => this.requests[n - 1], timeoutMs)
  }

  /** Resolves to the first request that matches, which may have arrived before. */
  receivedWhere(matches: (request: RecordedRequest) => boolean, timeoutMs?: number): Promise<RecordedRequest> {
    return this.#when("a matching request", () => this.requests.find(matches), timeoutMs)
  }

  /** Resolves to the n-th (from 1) of the requests beside the conversations. */
  askedAside(n: number, timeoutMs?: number): Promise<RecordedRequest> {
    return this.#when(`request ${n} beside the conversations`, () => this.asides[n - 1], timeoutMs)
  }

  /** The requests of each conversation, in order. */
  conversations(): Map<string, RecordedRequest[]> {
    return Map.groupBy(this.requests, (request) => request.conversation)
  }

  /** Throws when a request was not as the real APIs want it, or not as the script expects. */
  check(): void {
    if (this.problems.length === 0) return
    const lines = this.problems.map(({ request, code, message }) => `  request ${request}: ${code}: ${message}`)
    throw new Error(`${this.problems.length} problem(s) at the model server:\n${lines.join("\n")}`)
  }

  /** Breaks all connections and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error("the model server is closing"))
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#http.close(() => resolve())
    this.#http.closeAllConnections()
    await promise
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    const onClosing = () => gone.abort(this.#closing.signal.reason)
    this.#closing.signal.addEventListener("abort", onClosing, { once: true })
    response.once("close", () => {
      if (!response.writableFinished) gone.abort(new Error("the client went away"))
    })
    try {
      await this.#answer(message, response, gone.signal)
    } catch (error) {
      if (!gone.signal.aborted)
        this.#problem(this.requests.length, "malformed", `the server failed: ${messageOf(error)}`)
      response.destroy()
    } finally {
      this.#closing.signal.removeEventListener("abort", onClosing)
    }
  }

  async #answer(message: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const url = new URL(message.url ?? "/", "http://server")
    const protocol = PROTOCOLS.find((each) => each.path.test(url.pathname))
    const headers = new Headers(message.headers as Record<string, string>)
    const text = await bodyOf(message)
    const bytes = Buffer.byteLength(text)
    const n = this.requests.length + 1
    const refuse = (by: Protocol, status: number, error: { type?: string; message: string }) => {
      const named = { "content-type": "application/json", ...by.errorHeaders?.(status, error) }
      response.writeHead(status, { ...named, "x-should-retry": "false" })
      response.end(by.errorBody(status, error))
    }
    if (!protocol || message.method !== "POST") {
      this.#problem(n, "unexpected-request", `${message.method} ${url.pathname} is not served`)
      return refuse(protocol ?? anthropic, 404, { message: `no such endpoint: ${message.method} ${url.pathname}` })
    }
    const wire: WireRequest = { headers, url, model: modelIn(protocol, url) }
    const refused = protocol.refuse(wire)
    if (refused) {
      this.#problem(n, "malformed", refused.message)
      return refuse(protocol, refused.status, refused)
    }
    if (bytes > (this.#options.maxBytes ?? 32 * 1024 * 1024))
      return refuse(protocol, 413, { message: "Request exceeds the maximum allowed number of bytes" })
    try {
      const body = asObject(JSON.parse(text), "the body")
      const parsed = protocol.parse(body, wire)
      if (!parsed.stream) throw new Malformed("only streaming requests are served (stream: true)")
      const recorded = new RecordedRequest(n, protocol.name, headers, bytes, this.#clock.now(), { parsed, body })
      await this.#reply(recorded, { protocol, response, clock: this.#clock, signal })
    } catch (error) {
      if (!(error instanceof Malformed) && !(error instanceof SyntaxError)) throw error
      this.#problem(n, "malformed", messageOf(error))
      return refuse(protocol, 400, { message: messageOf(error) })
    }
  }

  async #reply(request: RecordedRequest, stage: Omit<Stage, "counted">): Promise<void> {
    const purpose = asidePurpose(request)
    if (purpose !== undefined) return this.#replyAside(request, purpose, stage)
    const { problems, counted } = this.#lineage.place(request, stage.protocol, {
      restarts: this.#options.restarts?.(request) ?? false,
    })
    if (this.#options.check !== "off") this.problems.push(...check(request), ...problems)
    this.requests.push(request)
    this.openRequests++
    this.maxConcurrent = Math.max(this.maxConcurrent, this.openRequests)
    for (const look of this.#waiting) look()
    let outcome: "completed" | "failed" | "aborted" = "aborted"
    try {
      const scripted = await this.#ask(request)
      request.broken = scripted.broken
      outcome = await play(scripted, request, { ...stage, counted })
      if (outcome === "completed") this.#lineage.answered(request)
    } finally {
      this.openRequests--
      request.end(outcome, this.#clock.now())
      if (this.#options.keep === "summary") request.forget()
    }
  }

  /** Beside the conversations: in none of their lists, and no script's business. */
  async #replyAside(request: RecordedRequest, purpose: AsidePurpose, stage: Omit<Stage, "counted">): Promise<void> {
    this.asides.push(request)
    for (const look of this.#waiting) look()
    const answer = (await this.aside?.(request, purpose)) ?? silence
    const outcome = await play(answer, request, { ...stage, counted: { input: 0, cacheRead: 0, cacheWrite: 0 } })
    request.end(outcome, this.#clock.now())
  }

  async #ask(request: RecordedRequest): Promise<Reply> {
    try {
      const scripted = await this.script?.(request)
      if (scripted instanceof Reply) return scripted
      throw new UnexpectedRequest(this.script ? "the script returned no reply" : "there is no script")
    } catch (error) {
      const code = error instanceof UnexpectedRequest ? "unexpected-request" : "script-threw"
      const told = `${messageOf(error)}; request ${request.n} (${request.conversation}) asks: ${describe(request)}`
      this.#problem(request.n, code, told)
      // As Anthropic's own header says: trying again would not help.
      return reply.error(500, { message: `unscripted: ${told}`, headers: { "x-should-retry": "false" } })
    }
  }

  #problem(request: number, code: ProblemCode, message: string): void {
    this.problems.push({ request, code, message })
  }

  #when(what: string, find: () => RecordedRequest | undefined, timeoutMs = 30_000): Promise<RecordedRequest> {
    const { promise, resolve, reject } = Promise.withResolvers<RecordedRequest>()
    const look = () => {
      const found = find()
      if (!found) return
      clearTimeout(timer)
      this.#waiting.delete(look)
      resolve(found)
    }
    const timer = setTimeout(() => {
      this.#waiting.delete(look)
      const list = this.requests.map((request) => `  ${request.n} (${request.conversation}): ${describe(request)}`)
      reject(new Error(`${what} did not arrive within ${timeoutMs} ms; arrived were:\n${list.join("\n") || "  none"}`))
    }, timeoutMs)
    this.#waiting.add(look)
    look()
    return promise
  }
}

/** The model that the path names, as it was before it was made fit for a path. */
function modelIn(protocol: Protocol, url: URL): string | undefined {
  const model = protocol.path.exec(url.pathname)?.groups?.model
  if (model === undefined) return undefined
  try {
    return decodeURIComponent(model)
  } catch {
    return model // not encoded as it should be: no model that anybody knows
  }
}

function describe(request: RecordedRequest): string {
  const results = request.results.map((result) => `[result ${result.callId}: ${result.text.slice(0, 40)}]`)
  return [request.news.slice(0, 200), ...results].join(" ").trim() || "(nothing new)"
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString("utf8")
}
