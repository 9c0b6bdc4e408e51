// Plays a scripted reply into a response: headers, pieces at their pace, gates, and the ways in which a reply breaks.
// What is ready is written at once and together; only a wait, a pace or the end flushes.
import type { ServerResponse } from "node:http"
import type { Clock } from "../../src/base/clock.ts"
import type { Bytes, Protocol, ReplyUsage, ReplyWriter, StopKind } from "./protocol.ts"
import type { Pace, Place, Reply, ReplyPart } from "./reply.ts"
import type { RecordedRequest, SaidMessage } from "./request.ts"

export interface Stage {
  protocol: Protocol
  response: ServerResponse
  clock: Clock
  /** Aborted when the client goes away or the server closes. */
  signal: AbortSignal
  /** Input tokens and cache figures of the request, from its bytes. */
  counted: Pick<ReplyUsage, "input" | "cacheRead" | "cacheWrite">
}

/** Resolves to how it ended; rejects only when the signal was aborted. */
export async function play(reply: Reply, request: RecordedRequest, stage: Stage): Promise<"completed" | "failed"> {
  const { answer, cutAfter } = reply.state
  const sink = new Sink(stage, cutAfter)
  try {
    await hold("before-headers")
    if (answer.type === "error") {
      const { protocol } = stage
      const headers = { "content-type": "application/json", ...protocol.errorHeaders?.(answer.status, answer.error) }
      const body = protocol.errorBody(answer.status, answer.error)
      await sink.whole(answer.status, { ...headers, ...answer.headers }, body)
      return "failed"
    }
    if (answer.type === "body") {
      await sink.whole(answer.status, answer.headers, answer.body)
      return "failed"
    }
    await sink.head(request.n)
    await hold("after-headers")
    return await streamParts(answer.parts)
  } catch (error) {
    if (error === CUT) return "failed"
    throw error
  }

  async function hold(place: Place): Promise<void> {
    for (const held of reply.state.holds) if (held.place === place) await waitFor(held.part, sink, stage)
  }

  async function streamParts(parts: readonly ReplyPart[]): Promise<"completed" | "failed"> {
    const message = wireMessage(parts, request.n, stage.protocol)
    const usage = { ...stage.counted, ...outputTokens(message), ...reply.state.usage }
    request.usage = usage
    request.said = message
    const writer = stage.protocol.writer({ n: request.n, model: request.model, usage, body: request.body })
    const pen = new Pen(writer, sink, reply.state.pace, message)
    sink.write(writer.head())
    for (const part of parts) {
      switch (part.type) {
        case "text":
        case "reasoning":
        case "call":
          await pen.content(part)
          break
        case "ping":
          sink.write(writer.ping())
          break
        case "raw":
          sink.write(part.text)
          break
        case "error":
          sink.write(writer.error(part.error, part.message, part.form ?? "event"))
          await sink.end()
          return "failed"
        case "truncate":
          await sink.end()
          return "failed"
        case "gate":
        case "delay":
        case "stall":
        case "cut":
          await waitFor(part, sink, stage)
          break
        default:
          part satisfies never
      }
    }
    sink.write(pen.close())
    await hold("before-end")
    sink.write(writer.end(reply.state.stop ?? defaultStop(message), usage))
    await sink.end()
    return reply.broken ? "failed" : "completed"
  }
}

async function waitFor(
  part: Extract<ReplyPart, { type: "gate" | "delay" | "stall" | "cut" }>,
  sink: Sink,
  { signal, clock }: Stage,
): Promise<void> {
  await sink.flush()
  if (part.type === "cut") return sink.cut()
  if (part.type === "gate") return part.gate.wait(signal)
  if (part.type === "delay") return clock.sleep(part.ms, signal)
  await new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  })
}

/** Writes content parts in pieces, and knows which reasoning block is open and has to be signed. */
class Pen {
  #reasoning = -1
  #calls = -1
  #signing: string | undefined

  constructor(
    readonly writer: ReplyWriter,
    readonly sink: Sink,
    readonly pace: Pace,
    readonly message: SaidMessage,
  ) {}

  async content(part: Extract<ReplyPart, { type: "text" | "reasoning" | "call" }>): Promise<void> {
    if (part.type === "reasoning") {
      if (this.#signing === undefined) this.#signing = this.message.reasoning[++this.#reasoning]?.signature ?? ""
      else this.sink.write(this.writer.reasoningBreak?.() ?? "")
      return this.#pieces(part.text, this.pace.chars, (piece) => this.writer.reasoning(piece))
    }
    this.sink.write(this.close())
    if (part.type === "text") return this.#pieces(part.text, this.pace.chars, (piece) => this.writer.text(piece))
    const call = this.message.calls[++this.#calls]!
    this.sink.write(this.writer.call(call))
    // Also short arguments come in pieces: no client may rely on getting them whole.
    const chars = Math.min(this.pace.chars, Math.ceil(call.json.length / 3))
    return this.#pieces(call.json, chars, (piece) => this.writer.callInput(piece))
  }

  /** The signature of the open reasoning block, if one is open. */
  close(): Bytes {
    if (this.#signing === undefined) return ""
    const signed = this.writer.signature(this.#signing)
    this.#signing = undefined
    return signed
  }

  async #pieces(text: string, chars: number, write: (piece: string) => Bytes): Promise<void> {
    for (let at = 0; at < text.length; ) {
      const end = pieceEnd(text, at + chars)
      this.sink.write(write(text.slice(at, end)))
      at = end
      if (this.pace.everyMs > 0) await this.sink.pause(this.pace.everyMs)
    }
  }
}

/** Never between the two halves of a character beyond the basic plane: JSON would carry lone surrogates. */
function pieceEnd(text: string, end: number): number {
  const code = text.charCodeAt(end)
  return code >= 0xdc00 && code <= 0xdfff ? end + 1 : end
}

/** The whole assistant message, with ids and signatures made up where the script gave none. Neighbours are merged. */
function wireMessage(parts: readonly ReplyPart[], n: number, protocol: Protocol): SaidMessage {
  const said: SaidMessage = { reasoning: [], text: "", calls: [], kinds: [] }
  let open: "reasoning" | "other" = "other"
  let riding: string | undefined
  for (const part of parts) {
    switch (part.type) {
      case "text":
        said.text += part.text
        if (part.text.trim() !== "" && said.kinds.at(-1) !== "text") said.kinds.push("text")
        open = "other"
        break
      case "reasoning":
        if (open === "reasoning") {
          said.reasoning.at(-1)!.text += part.text
          break
        }
        riding = part.signature ?? `sig-r${n}-${said.reasoning.length + 1}`
        said.reasoning.push({ id: `rs_r${n}_${said.reasoning.length + 1}`, text: part.text, signature: riding })
        said.kinds.push("reasoning")
        open = "reasoning"
        break
      case "call": {
        const id = part.id ?? `${protocol.callPrefix}r${n}_${said.calls.length + 1}`
        const signature = riding ?? (said.calls.length === 0 ? `sig-r${n}-call` : undefined)
        const signed = protocol.signs === "calls" && signature !== undefined && { signature }
        said.calls.push({ id, name: part.name, json: part.json ?? JSON.stringify(part.input ?? {}), ...signed })
        said.kinds.push("call")
        riding = undefined
        open = "other"
        break
      }
      default:
        break
    }
  }
  return said
}

function defaultStop(message: SaidMessage): StopKind {
  return message.calls.length > 0 ? "calls" : "end"
}

function outputTokens(message: SaidMessage): Pick<ReplyUsage, "output" | "reasoning"> {
  const reasoning = Math.ceil(message.reasoning.reduce((sum, block) => sum + block.text.length, 0) / 4)
  const calls = message.calls.reduce((sum, call) => sum + call.name.length + call.json.length, 0)
  return { output: reasoning + Math.ceil((message.text.length + calls) / 4), reasoning }
}

const READING_MS = 15

const CUT = Symbol("the connection was cut by the script")

/** The response's body: collects, flushes, and cuts after a number of bytes. */
class Sink {
  #waiting: Bytes[] = []
  #sent = 0

  constructor(
    readonly stage: Stage,
    readonly cutAfter: number | undefined,
  ) {}

  async head(n: number): Promise<void> {
    this.stage.response.writeHead(200, this.stage.protocol.streamHeaders(n))
    this.stage.response.flushHeaders()
    if (this.cutAfter === 0) await this.cut()
  }

  async whole(status: number, headers: Record<string, string>, body: Bytes): Promise<void> {
    this.stage.response.writeHead(status, headers)
    this.write(body)
    await this.end()
  }

  write(bytes: Bytes): void {
    if (bytes.length > 0) this.#waiting.push(bytes)
  }

  async pause(ms: number): Promise<void> {
    await this.flush()
    await this.stage.clock.sleep(ms, this.stage.signal)
  }

  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return
    const all = this.#take()
    if (this.cutAfter === undefined) return this.#send(all)
    const bytes = Buffer.from(all)
    const left = this.cutAfter - this.#sent
    this.#sent += bytes.length
    if (bytes.length < left) return this.#send(bytes)
    await this.#send(bytes.subarray(0, left))
    await this.cut()
  }

  /** The last bytes and the end go together: a client may stop reading at the last event, and has the whole reply then. */
  async end(): Promise<void> {
    if (this.cutAfter !== undefined) await this.flush()
    this.stage.response.end(this.#take())
  }

  #take(): Bytes {
    const all = this.#waiting
    this.#waiting = []
    if (all.every((bytes) => typeof bytes === "string")) return all.join("")
    return Buffer.concat(all.map((bytes) => (typeof bytes === "string" ? Buffer.from(bytes) : bytes)))
  }

  /**
   * Ends by the connection's death: the client must not be able to take it for a whole reply. A client that is told of
   * the death at once throws away what it had not read yet, so the bytes get a moment to be read. Who needs to be sure
   * that they were, puts a gate before the cut.
   */
  async cut(): Promise<never> {
    const { promise: read, resolve } = Promise.withResolvers<void>()
    setTimeout(resolve, this.stage.response.headersSent ? READING_MS : 0)
    await read
    this.stage.response.socket?.destroy()
    throw CUT
  }

  async #send(data: Bytes): Promise<void> {
    const { response, signal } = this.stage
    signal.throwIfAborted()
    if (data.length === 0 || response.write(data)) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = () => reject(signal.reason)
    response.once("drain", resolve)
    signal.addEventListener("abort", onAbort, { once: true })
    try {
      await promise
    } finally {
      response.off("drain", resolve)
      signal.removeEventListener("abort", onAbort)
    }
  }
}
