// What requests cost, in nano-dollars (1e-9 USD, so that sums are exact). The data is the price library's, bundled with
// it and never fetched, with the user's own prices above it and a few rows here for what is newer than the library.
import type { Clock } from "../base/clock.ts"
import type { Usage } from "./model.ts"

/** USD for a million tokens. Cached tokens cost as much as input where nothing else is said. */
export interface Rates {
  input: number
  output: number
  cacheRead?: number
  cacheWrite?: number
}

/** `above`: the rates of a whole request whose input, cached tokens included, has more than `tokens`. */
export type Price = Rates & { above?: Rates & { tokens: number } }

export interface Prices {
  /** Undefined when nobody knows the price: a cap on cost cannot count such a request. The scout is free. */
  priceOf(provider: string, model: string, usage: Usage): number | undefined
  /** The most that a request can cost: nothing read from a cache, everything written to one, all output used. */
  maxCostNanos(
    provider: string,
    model: string,
    most: { inputTokens: number; maxOutputTokens: number },
  ): number | undefined
}

/** Sources: platform.claude.com, pricing, October 2026. */
const NEWER: Readonly<Record<string, Price>> = {
  "anthropic/claude-sonnet-5-5": { input: 2, output: 10, cacheRead: 0.1, cacheWrite: 2.5 },
  "anthropic/claude-haiku-5-5": {
    input: 0.1,
    output: 0.5,
    cacheRead: 0.01,
    cacheWrite: 0.125,
    above: { tokens: 100_000, input: 0.5, output: 2.5, cacheRead: 0.05, cacheWrite: 0.625 },
  },
}

const FREE: Price = { input: 0, output: 0 }

/** `overrides`: by `provider/model`. Imports the library (about 30 ms): call it at the first request, not at start. */
export async function loadPrices({
  clock,
  overrides = {},
}: {
  clock: Clock
  overrides?: Readonly<Record<string, Price>>
}): Promise<Prices> {
  const { calcPrice } = await import("@pydantic/genai-prices")
  const priceOf: Prices["priceOf"] = (provider, model, usage) => {
    const id = `${provider}/${model}`
    const known = overrides[id] ?? NEWER[id] ?? (provider === "scout" ? FREE : undefined)
    if (known) return fromRates(known, usage)
    const inputTokens = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
    const price = calcPrice(
      {
        input_tokens: inputTokens,
        cache_read_tokens: usage.cacheReadTokens,
        cache_write_tokens: usage.cacheWriteTokens,
        output_tokens: usage.outputTokens,
      },
      model,
      { providerId: provider, timestamp: new Date(clock.now()) },
    )
    return price ? Math.round(price.total_price * 1e9) : undefined
  }
  return {
    priceOf,
    maxCostNanos: (provider, model, { inputTokens, maxOutputTokens }) => {
      const none = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
      const plain = priceOf(provider, model, { ...none, inputTokens, outputTokens: maxOutputTokens })
      const written = priceOf(provider, model, {
        ...none,
        cacheWriteTokens: inputTokens,
        outputTokens: maxOutputTokens,
      })
      return plain === undefined ? undefined : Math.max(plain, written ?? plain)
    },
  }
}

function fromRates(price: Price, usage: Usage): number {
  const input = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
  const rates = price.above && input > price.above.tokens ? price.above : price
  const perMillion =
    usage.inputTokens * rates.input +
    usage.cacheReadTokens * (rates.cacheRead ?? rates.input) +
    usage.cacheWriteTokens * (rates.cacheWrite ?? rates.input) +
    usage.outputTokens * rates.output
  return Math.round(perMillion * 1000)
}
