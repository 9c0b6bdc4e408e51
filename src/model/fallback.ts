// What happens when a model fails for good though the request is right: the next one of the chain is asked. A model that
// failed so rests for a while, so that not every step of a turn waits for it again.
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import { ModelError, type ModelErrorKind } from "./model.ts"
import type { RetriedEvent } from "./retry.ts"

export interface Fallback {
  /** As in `provider/model`. */
  from: string
  to: string
  /** Why `from` does not answer; with what its last try cost, when the provider told. */
  error: ModelError
}

/** `fallback`: what came since the start, or since the last restart, is void; another model answers from here on. */
export type AskedEvent = RetriedEvent | { type: "fallback"; fallback: Fallback }

/** Another model may do better. A wrong key, a conversation that is too long and a refusal are for the person to see. */
const TAKEN_OVER: ReadonlySet<ModelErrorKind> = new Set(["overloaded", "rate-limit", "not-found", "server"])
const REST_MS = 5 * 60_000

export interface FallbackOptions {
  clock: Clock
  /** Models that failed, and until when they are not asked; kept by the caller from request to request. */
  resting: Map<string, { until: number; error: ModelError }>
  /** Throws a UserError when the model cannot be asked at all. */
  open(id: string): Promise<unknown>
  ask(id: string, at: { last: boolean }): AsyncIterable<RetriedEvent>
  /** Awaited before the next model is asked. */
  onFallback(fallback: Fallback): void | Promise<void>
}

/** Asks the models of the chain in turn; throws what the last one threw. */
export async function* askInTurn(
  chain: readonly string[],
  { clock, resting, open, ask, onFallback }: FallbackOptions,
): AsyncGenerator<AskedEvent, void, undefined> {
  let current = chain[0]!
  const rests = (id: string) => (resting.get(id)?.until ?? Number.NEGATIVE_INFINITY) > clock.monotonic()
  if (rests(current)) {
    const next = chain.find((id) => !rests(id))
    if (next && !(await mistakeOf(next, open))) {
      const fallback = { from: current, to: next, error: withoutUsage(resting.get(current)!.error) }
      await onFallback(fallback)
      yield { type: "fallback", fallback }
      current = next
    }
  }
  for (;;) {
    const later = chain.slice(chain.indexOf(current) + 1)
    try {
      yield* ask(current, { last: later.length === 0 })
      resting.delete(current)
      return
    } catch (error) {
      if (!(error instanceof ModelError) || !TAKEN_OVER.has(error.kind)) throw error
      resting.set(current, { until: clock.monotonic() + REST_MS, error })
      const next = await firstUsable(later, { open, error })
      if (!next) throw chain.length === 1 ? withAdvice(error) : error
      const fallback = { from: current, to: next, error }
      await onFallback(fallback)
      yield { type: "fallback", fallback }
      current = next
    }
  }
}

/** Undefined when the chain is at its end. When it only has models that cannot be asked, that is said with the error. */
async function firstUsable(
  ids: readonly string[],
  { open, error }: { open(id: string): Promise<unknown>; error: ModelError },
): Promise<string | undefined> {
  const mistakes: string[] = []
  for (const id of ids) {
    const mistake = await mistakeOf(id, open)
    if (!mistake) return id
    mistakes.push(mistake.message)
  }
  if (mistakes.length === 0) return undefined
  throw new ModelError(error.kind, `${error.message} No fallback can be used: ${mistakes.join(" ")}`, error.options)
}

async function mistakeOf(id: string, open: (id: string) => Promise<unknown>): Promise<UserError | undefined> {
  try {
    await open(id)
    return undefined
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}

/** A name that nobody knows is a mistake to mend; for the others, somebody else could have answered. */
function withAdvice(error: ModelError): ModelError {
  if (error.kind === "not-found") return error
  const advice = 'A model under "modelFallback" in settings.json would take over.'
  return new ModelError(error.kind, `${error.message} ${advice}`, error.options)
}

/** What it cost was counted when it happened. */
function withoutUsage({ kind, message, options: { usage: _usage, ...options } }: ModelError): ModelError {
  return new ModelError(kind, message, options)
}
