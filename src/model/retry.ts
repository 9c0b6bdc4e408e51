// The one policy for requests that fail: what may succeed later is sent again after a pause, with backoff and jitter; a
// half answer is thrown away (`restart` tells whoever drew it); silence is cut off by a watchdog; an abort passes at
// once. No client library retries by itself.
import type { Clock } from "../base/clock.ts"
import { sleepPart } from "../base/patience.ts"
import { type Model, ModelError, type ModelEvent, type ModelRequest, type Usage } from "./model.ts"
import type { Permit } from "./permits.ts"
import { Waiting } from "./waiting.ts"

export interface RetryOptions {
  clock: Clock
  signal: AbortSignal
  /** 0 to 1, for the jitter. */
  random: () => number
  /** Silence after which a request is given up and sent again, in ms. Default: two minutes. */
  idleMs?: number | undefined
  /** What a rate limit is worth: `waited-out` when nobody else can answer, `brief` when another model will be asked. */
  patience?: "waited-out" | "brief"
  /** Called after each failed attempt that is followed by another, before the pause; awaited. */
  onRetry?: (retry: Retry) => void | Promise<void>
  /** Acquired for each attempt and released before a pause. */
  permit?: (signal: AbortSignal) => Promise<Permit>
}

export interface Retry {
  /** The attempt that failed; the first is 1. */
  attempt: number
  error: ModelError
  waitMs: number
  /** What the failed attempt cost, when the provider told. */
  usage?: Usage
}

/** `restart`: what came since the start, or since the last restart, is void. */
export type RetriedEvent = ModelEvent | { type: "restart"; retry: Retry }

const IDLE_MS = 120_000
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000
/** The most that a server's Retry-After can make us wait at a time. */
const LONGEST_ASKED_MS = 60_000
/** With these waits, half a minute of trouble. */
const TRIES = 6
/** No agent fails by a rate limit that ends: this is a quarter of an hour and more. */
const RATE_LIMIT_TRIES = 40

/** Ends after `finish`, throws a ModelError that will not go away, or the signal's reason. */
export async function* streamWithRetry(
  model: Model,
  request: ModelRequest,
  options: RetryOptions,
): AsyncGenerator<RetriedEvent, void, undefined> {
  const failures = { limited: 0, other: 0 }
  for (let attempt = 1; ; attempt++) {
    const failed = yield* tryOnce(model, request, options)
    if (!failed) return
    const { error } = failed
    const limited = error.kind === "rate-limit" && options.patience !== "brief"
    const count = limited ? ++failures.limited : ++failures.other
    if (!error.retry) throw error
    if (count >= (limited ? RATE_LIMIT_TRIES : TRIES))
      throw new ModelError(error.kind, `${error.message} Gave up after ${attempt} tries.`, error.options)
    const waitMs = waitFor(error, count, options.random())
    const { usage } = error.options
    const retry: Retry = { attempt, error, waitMs, ...(usage && { usage }) }
    await options.onRetry?.(retry)
    yield { type: "restart", retry }
    await options.clock.sleep(waitMs, options.signal)
  }
}

/**
 * Doubles from one second to thirty, between half and all of it by chance. What the server asks for is the least, and
 * chance adds up to a tenth: everybody who was told the same second would come back together.
 */
function waitFor(error: ModelError, failures: number, chance: number): number {
  const { afterMs } = error.options
  if (afterMs !== undefined) return Math.round(Math.min(afterMs, LONGEST_ASKED_MS) * (1 + chance / 10))
  const full = Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS)
  return Math.round((full * (1 + chance)) / 2)
}

async function* tryOnce(
  model: Model,
  request: ModelRequest,
  options: RetryOptions,
): AsyncGenerator<ModelEvent, { error: ModelError } | undefined, undefined> {
  const { signal, clock, idleMs = IDLE_MS } = options
  signal.throwIfAborted()
  using permit = await options.permit?.(signal)
  const attempt = new AbortController()
  using waiting = new Waiting(signal, () => attempt.abort(signal.reason))
  const silence: Silence = { since: undefined }
  const watch = watchSilence(silence, { clock, idleMs, signal: attempt.signal })
  // Rejects when the attempt is over.
  watch.then(() => waiting.fail(new ModelError("idle", idleMessage(model, idleMs)))).catch(() => undefined)
  const events = model.stream(request, attempt.signal)[Symbol.asyncIterator]()
  let usage: Usage | undefined
  let finished = false
  try {
    signal.throwIfAborted()
    for (;;) {
      silence.since = clock.monotonic()
      const next = await waiting.for(events.next())
      silence.since = undefined
      if (next.done) break
      if (next.value.type === "progress") usage = next.value.usage ?? usage
      if (next.value.type === "finish") {
        finished = true
        permit?.report("ok")
      }
      yield next.value
    }
    if (!finished) throw new ModelError("cut", `${model.id} stopped in the middle of an answer. Try again.`)
    return undefined
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (!(error instanceof ModelError) || finished) throw error
    if (error.kind === "rate-limit") permit?.report("limited")
    const spent = error.options.usage ?? usage
    return { error: spent ? new ModelError(error.kind, error.message, { ...error.options, usage: spent }) : error }
  } finally {
    attempt.abort()
    // Not awaited: a stream that hangs must not hold up the next attempt, and its outcome is decided.
    events.return?.().catch(() => undefined)
  }
}

function idleMessage(model: Model, idleMs: number): string {
  return `${model.id} sent nothing for ${Math.round(idleMs / 1000)} s. Try again, raise idleTimeoutSeconds in settings.json if it is only slow, or choose another model with --model.`
}

/** Since when the model is waited for; undefined while somebody else is, who takes in what it sent. */
interface Silence {
  since: number | undefined
}

/**
 * Resolves when the model was waited for that long. One timer, looked after when it ends: events come by thousands. Time
 * in which this process was stopped is not counted: what came meanwhile has yet to be read.
 */
async function watchSilence(
  silence: Silence,
  { clock, idleMs, signal }: { clock: Clock; idleMs: number; signal: AbortSignal },
): Promise<void> {
  for (let left = idleMs; left > 0; ) {
    const began = clock.monotonic()
    const ran = await sleepPart(clock, left, signal)
    const now = clock.monotonic()
    const missed = now - began - ran
    if (silence.since !== undefined) silence.since = Math.min(now, silence.since + missed)
    left = silence.since === undefined ? idleMs : silence.since + idleMs - now
  }
}
