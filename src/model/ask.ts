// What a session asks its model through: models opened once, one policy for failures, permits, and what it cost.
import type { Clock } from "../base/clock.ts"
import type { ModelFacts } from "./catalogue.ts"
import { type AskedEvent, askInTurn, type Fallback } from "./fallback.ts"
import type { Model, ModelError, ModelRequest, Usage } from "./model.ts"
import { defaultPermitLimits, Permits } from "./permits.ts"
import type { Prices } from "./prices.ts"
import { splitId } from "./provider-table.ts"
import { openModel, type ProviderSettings, resolveModel } from "./providers.ts"
import { type Retry, streamWithRetry } from "./retry.ts"

export type { AskedEvent, Fallback } from "./fallback.ts"

export interface Asked {
  /** As stored on the session: `provider/model` or `scout`. */
  model: string
  request: ModelRequest
  rootId: string
  /** The user's own turn, which has a permit to itself. */
  isRoot: boolean
  /** Beside the conversation: it comes after everybody else, and no other model takes over. */
  isAside?: boolean
  signal: AbortSignal
  onRetry(retry: Retry): void | Promise<void>
  /** Another model answers from here on; called and awaited before it is asked. */
  onFallback?(fallback: Fallback): void | Promise<void>
}

export interface Models {
  /** Ends after `finish`; throws a ModelError or UserError, or the signal's reason. */
  ask(asked: Asked): AsyncIterable<AskedEvent>
  /** In nano-dollars; null when no price is known. */
  price(model: string, usage: Usage): Promise<number | null>
  /** How much a model takes and what it can do; what nobody knows is assumed, and said to be. */
  facts(model: string): Promise<ModelFacts>
  /** The model for small requests beside a conversation with this one (model/small.ts). */
  small(model: string): Promise<string>
}

export interface ModelsOptions extends ProviderSettings {
  clock: Clock
  /** Names of the models that are asked in turn when the session's own fails for good. */
  fallback?: readonly string[] | undefined
  /** Silence after which a request is given up and sent again, in ms. */
  idleMs?: number | undefined
  /** Name of the model for small requests, where the user has chosen one. */
  small?: string | undefined
}

export function createModels({ clock, fallback = [], idleMs, small, ...settings }: ModelsOptions): Models {
  const permits = new Permits(defaultPermitLimits(settings.env))
  const opened = new Map<string, Promise<Model>>()
  const resting = new Map<string, { until: number; error: ModelError }>()
  let prices: Promise<Prices> | undefined
  const loaded = () => (prices ??= loadPrices(settings, clock))

  const open = (id: string): Promise<Model> => {
    const known = opened.get(id)
    if (known) return known
    const opening = openModel(id, { ...settings, clock })
    opened.set(id, opening)
    // A missing key may be there the next time.
    opening.catch(() => opened.delete(id))
    return opening
  }

  async function* askOne(
    id: string,
    { request, rootId, isRoot, isAside, signal, onRetry }: Asked,
    { last }: { last: boolean },
  ) {
    const model = await open(id)
    const events = streamWithRetry(model, request, {
      clock,
      signal,
      random: Math.random,
      idleMs,
      patience: last && !isAside ? "waited-out" : "brief",
      onRetry,
      permit: (permitSignal) => permits.acquire({ model: id, root: rootId, isRoot, isAside, signal: permitSignal }),
    })
    // The library of prices loads while the answer streams in.
    if (id !== "scout") loaded().catch(() => undefined)
    yield* events
  }

  return {
    ask: (asked) =>
      askInTurn([...new Set([asked.model, ...(asked.isAside ? [] : fallback).map((name) => idOf(name, settings))])], {
        clock,
        resting,
        open,
        ask: (id, at) => askOne(id, asked, at),
        onFallback: (taken) => asked.onFallback?.(taken),
      }),
    price: async (id, usage) => {
      if (id === "scout") return 0
      const { provider, model } = splitId(id)
      return (await loaded()).priceOf(provider, model, usage) ?? null
    },
    facts: async (id) => (await import("./catalogue.ts")).factsOf(id, settings),
    small: async (id) => (await import("./small.ts")).smallModelOf(id, { ...settings, small }),
  }
}

async function loadPrices({ models = {} }: ProviderSettings, clock: Clock): Promise<Prices> {
  const priced = Object.entries(models).flatMap(([id, { price }]) => (price ? [[id, price] as const] : []))
  return (await import("./prices.ts")).loadPrices({ clock, overrides: Object.fromEntries(priced) })
}

/** What cannot be resolved is said when it is needed. */
function idOf(name: string, settings: ProviderSettings): string {
  try {
    return resolveModel(name, settings).id
  } catch {
    return name
  }
}
