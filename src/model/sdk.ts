// A Model over a client library's `doStream`: its stream parts become our events, its errors ModelErrors. One request
// per call: nothing is retried here, and leaving the loop early closes the connection.
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from "@ai-sdk/provider"
import { breathe } from "../base/breathe.ts"
import type { Clock } from "../base/clock.ts"
import { Answer } from "./answer.ts"
import type { Connection } from "./connection.ts"
import { type Endpoint, type Phase, toModelError } from "./errors.ts"
import { type Model, ModelError, type ModelEvent, type ModelRequest } from "./model.ts"
import { type Dialect, hasImages, promptOf, toolsOf, withoutImages } from "./prompt.ts"
import { Waiting } from "./waiting.ts"

export interface SdkModel {
  connection: Connection
  dialect: Dialect
  /** Imports the client library; called once, at the first request. */
  load(): Promise<LanguageModelV4>
  /** What goes with every request, beside the prompt and the tools. */
  options(request: ModelRequest): Partial<LanguageModelV4CallOptions>
}

/** How long the connection may take to end after the answer has, so that it can be used again. */
const CLOSING_MS = 250

export function sdkModel(spec: SdkModel): Model {
  let loaded: Promise<LanguageModelV4> | undefined
  const load = () => {
    loaded ??= spec.load()
    return loaded
  }
  return {
    id: `${spec.connection.provider}/${spec.connection.model}`,
    provider: spec.connection.provider,
    stream: (request, signal) => stream({ spec, load, request, signal }),
  }
}

interface Call {
  spec: SdkModel
  load(): Promise<LanguageModelV4>
  request: ModelRequest
  signal: AbortSignal
}

async function* stream({ spec, load, request, signal }: Call): AsyncGenerator<ModelEvent> {
  signal.throwIfAborted()
  const { clock, endpoint, override } = spec.connection
  const stop = new AbortController()
  // A library that is slow to notice the abort must not hold up the user.
  using waiting = new Waiting(signal, () => stop.abort(signal.reason))
  const answer = new Answer(spec.dialect)
  /** Until the library is asked, a failure is a mistake of ours. */
  let phase: Phase | undefined
  try {
    const sdk = await load()
    // All who waited for the library, or for an answer to begin, go on at the same moment.
    await breathe("agent")
    const tools = override.tools === false ? [] : request.tools
    const options: LanguageModelV4CallOptions = {
      prompt: promptOf(await seen(request, spec.connection), spec.dialect),
      ...(tools.length > 0 && { tools: toolsOf(tools, spec.dialect) }),
      ...(request.effort && override.reasoning !== false && { reasoning: request.effort }),
      ...spec.options(request),
      abortSignal: stop.signal,
    }
    phase = "request"
    const result = await waiting.for(Promise.resolve(sdk.doStream(options)))
    phase = "stream"
    const reader = result.stream.getReader()
    for (;;) {
      const { done, value } = await waiting.for(reader.read())
      if (done) throw new ModelError("cut", cutMessage(endpoint))
      if (value.type === "error") throw value.error
      if (value.type === "finish") {
        yield finish(value, answer, endpoint)
        await ended(reader, { clock, stop })
        return
      }
      for (const event of answer.add(value)) yield event
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (!phase) throw error
    throw withUsage(toModelError(error, endpoint, { phase, now: clock.now() }), answer)
  } finally {
    stop.abort()
  }
}

/** The request as the model can see it. */
async function seen(request: ModelRequest, { facts }: Connection): Promise<ModelRequest> {
  if (!hasImages(request.messages) || (await facts()).images) return request
  return { ...request, messages: withoutImages(request.messages) }
}

function finish(
  part: Extract<LanguageModelV4StreamPart, { type: "finish" }>,
  answer: Answer,
  at: Endpoint,
): ModelEvent {
  const { unified, raw } = part.finishReason
  // Bedrock's library says "other" without a reason when the stream ended before its end.
  const ended = unified !== "interrupted" && unified !== "error" && (unified !== "other" || raw !== undefined)
  if (!ended) throw new ModelError("cut", cutMessage(at))
  return answer.finish(unified, part.usage)
}

function cutMessage(at: Endpoint): string {
  return `The connection to ${at.provider} ended in the middle of an answer. Check the network, or try again.`
}

function withUsage(error: ModelError, answer: Answer): ModelError {
  const usage = answer.usageSoFar()
  return usage ? new ModelError(error.kind, error.message, { ...error.options, usage }) : error
}

/** Reads what is left, so that the connection can be used again; gives up when the server does not end it. */
async function ended(
  reader: { read(): Promise<{ done: boolean }> },
  { clock, stop }: { clock: Clock; stop: AbortController },
): Promise<void> {
  const late = clock.sleep(CLOSING_MS, stop.signal).then(() => "late")
  const rest = (async () => {
    while (!(await reader.read()).done);
  })()
  // The answer is complete: how its connection ends is nobody's concern.
  await Promise.race([late, rest]).catch(() => undefined)
  stop.abort()
  await late.catch(() => undefined)
}
