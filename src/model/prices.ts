// What requests cost, in nano-dollars (1e-9 USD, so that sums are exact). The data is the price library's, bundled with
// it and never fetched, with the user's own prices above it.
import type { ModelPrice, TieredPrices } from "@pydantic/genai-prices"
import type { Clock } from "../base/clock.ts"
import type { Price } from "../base/settings-file.ts"
import { priceProvider } from "./catalogue.ts"
import type { Usage } from "./model.ts"

export type { Price } from "../base/settings-file.ts"

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

const FREE: Price = { input: 0, output: 0 }

/** `overrides`: by `provider/model`. Imports the library (about 30 ms): call it at the first request, not at start. */
export async function loadPrices({
  clock,
  overrides = {},
}: {
  clock: Clock
  overrides?: Readonly<Record<string, Price>>
}): Promise<Prices> {
  const { calcPrice, findProvider } = await import("@pydantic/genai-prices")
  /** By `provider/model`: what the library said of it, where that holds for any request at any time. */
  const found = new Map<string, Price>()
  const priceOf: Prices["priceOf"] = (provider, model, usage) => {
    const id = `${provider}/${model}`
    const known = overrides[id] ?? (provider === "scout" ? FREE : found.get(id))
    if (known) return fromRates(known, usage)
    const providerId = priceProvider(provider)
    // Its search takes a part of a name for the whole: "my-openai-proxy" would have OpenAI's prices.
    if (findProvider({ providerId })?.id !== providerId) return undefined
    const inputTokens = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
    const price = calcPrice(
      {
        input_tokens: inputTokens,
        cache_read_tokens: usage.cacheReadTokens,
        cache_write_tokens: usage.cacheWriteTokens,
        output_tokens: usage.outputTokens,
      },
      model,
      { providerId, timestamp: new Date(clock.now()) },
    )
    if (!price) return undefined
    // With a list of them it depends on the time which one holds.
    const rates = Array.isArray(price.model.prices) ? undefined : ratesOf(price.model_price)
    if (rates) found.set(id, rates)
    return Math.round(price.total_price * 1e9)
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

/**
 * The library's price of a model as rates: it takes a hundred times as long for its sum, for each request. Undefined
 * where our sum would be another one.
 */
function ratesOf(price: ModelPrice): Price | undefined {
  const { input_mtok: input, output_mtok: output, cache_read_mtok: cacheRead, cache_write_mtok: cacheWrite } = price
  if (input === undefined || output === undefined || price.requests_kcount !== undefined) return undefined
  const given = {
    input,
    output,
    ...(cacheRead !== undefined && { cacheRead }),
    ...(cacheWrite !== undefined && { cacheWrite }),
  }
  const tiers = Object.values(given).flatMap((rate) => (typeof rate === "number" ? [] : [rate.tiers]))
  const [tokens, ...others] = new Set(tiers.flat().map(({ start }) => start))
  if (others.length > 0 || tiers.some(({ length }) => length > 1)) return undefined
  const at = (tier: (rate: TieredPrices) => number) =>
    Object.fromEntries(
      Object.entries(given).map(([name, rate]) => [name, typeof rate === "number" ? rate : tier(rate)]),
    ) as unknown as Price
  const rates = at(({ base }) => base)
  return tokens === undefined
    ? rates
    : { ...rates, above: { ...at((rate) => rate.tiers[0]?.price ?? rate.base), tokens } }
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
