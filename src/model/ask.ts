// What a session asks its model through: models opened once, one policy for failures, permits, and what it cost.
import type { Clock } from "../base/clock.ts"
import type { Model, ModelRequest, Usage } from "./model.ts"
import { defaultPermitLimits, Permits } from "./permits.ts"
import type { Prices } from "./prices.ts"
import { openModel, type ProviderSettings } from "./providers.ts"
import { type RetriedEvent, type Retry, streamWithRetry } from "./retry.ts"

export interface Asked {
  /** As stored on the session: `provider/model` or `scout`. */
  model: string
  request: ModelRequest
  rootId: string
  /** The user's own turn, which has a permit to itself. */
  isRoot: boolean
  signal: AbortSignal
  onRetry(retry: Retry): void | Promise<void>
}

export interface Models {
  /** Ends after `finish`; throws a ModelError or UserError, or the signal's reason. */
  ask(asked: Asked): AsyncIterable<RetriedEvent>
  /** In nano-dollars; null when no price is known. */
  price(model: string, usage: Usage): Promise<number | null>
}

export function createModels({ clock, ...settings }: ProviderSettings & { clock: Clock }): Models {
  const permits = new Permits(defaultPermitLimits(settings.env))
  const opened = new Map<string, Promise<Model>>()
  let prices: Promise<Prices> | undefined
  const loaded = () => (prices ??= import("./prices.ts").then(({ loadPrices }) => loadPrices({ clock })))

  async function* ask({
    model: id,
    request,
    rootId,
    isRoot,
    signal,
    onRetry,
  }: Asked): AsyncGenerator<RetriedEvent, void, undefined> {
    let opening = opened.get(id)
    if (!opening) {
      opening = openModel(id, { ...settings, clock })
      opened.set(id, opening)
      // A missing key may be there the next time.
      opening.catch(() => opened.delete(id))
    }
    const model = await opening
    const events = streamWithRetry(model, request, {
      clock,
      signal,
      random: Math.random,
      onRetry,
      permit: (permitSignal) => permits.acquire({ model: id, root: rootId, isRoot, signal: permitSignal }),
    })
    // The library of prices loads while the answer streams in.
    if (id !== "scout") loaded().catch(() => undefined)
    yield* events
  }

  return {
    ask,
    price: async (id, usage) => {
      if (id === "scout") return 0
      const slash = id.indexOf("/")
      return (await loaded()).priceOf(id.slice(0, slash), id.slice(slash + 1), usage) ?? null
    },
  }
}
