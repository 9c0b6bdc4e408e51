import { expect, test } from "bun:test"
import type { Clock } from "../../src/base/clock.ts"
import type { Usage } from "../../src/model/model.ts"
import { loadPrices } from "../../src/model/prices.ts"

const clock: Clock = {
  now: () => Date.parse("2026-11-22T10:00:00Z"),
  monotonic: () => 0,
  sleep: () => Promise.reject(new Error("no sleep")),
}
const usage: Usage = {
  inputTokens: 1_000,
  outputTokens: 500,
  cacheReadTokens: 10_000,
  cacheWriteTokens: 2_000,
  reasoningTokens: 100,
}

test("a request with cached tokens costs what the provider's price list says", async () => {
  const prices = await loadPrices({ clock })
  // Claude Haiku 4.5, USD per million: input 1, cache write 1.25, cache read 0.10, output 5.
  // 1,000 × 1 + 2,000 × 1.25 + 10,000 × 0.10 + 500 × 5 = 7,000 millionths of a dollar.
  expect(prices.priceOf("anthropic", "claude-haiku-4-5", usage)).toBe(7_000_000)
  // Opus 5.5: 4, 5, 0.20, 20: 4,000 + 10,000 + 2,000 + 10,000 = 26,000 millionths.
  expect(prices.priceOf("anthropic", "claude-opus-5-5", usage)).toBe(26_000_000)
})

test("each provider's models have their prices, Bedrock's under AWS's name", async () => {
  const prices = await loadPrices({ clock })
  const small: Usage = {
    inputTokens: 1_000,
    outputTokens: 1_000,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
  }
  for (const [provider, model] of [
    ["openai", "gpt-6-sol"],
    ["google", "gemini-3.8-flash"],
    ["bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"],
    ["openrouter", "anthropic/claude-sonnet-4.5"],
  ] as const)
    expect(prices.priceOf(provider, model, small)).toBeGreaterThan(0)
})

test("a provider of the user's own has no price by the likeness of its name", async () => {
  const prices = await loadPrices({ clock })
  for (const provider of ["my-openai-proxy", "anthropic-eu", "local"])
    for (const model of ["gpt-4o", "claude-haiku-4-5"]) expect(prices.priceOf(provider, model, usage)).toBeUndefined()
})

test("a price may be higher above a length", async () => {
  const above = { tokens: 100_000, input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25 }
  const price = { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25, above }
  const prices = await loadPrices({ clock, overrides: { "local/m": price } })
  // 1,000 + 1,000 + 2,500 + 2,500 = 7,000 millionths; above: 5,000 + 50,000 + 12,500 + 12,500 = 80,000.
  expect(prices.priceOf("local", "m", usage)).toBe(7_000_000)
  expect(prices.priceOf("local", "m", { ...usage, cacheReadTokens: 100_000 })).toBe(80_000_000)
})

test("the user's prices come first, and models of custom endpoints may have one", async () => {
  const overrides = { "anthropic/claude-haiku-4-5": { input: 10, output: 20 }, "local/llama": { input: 0, output: 0 } }
  const prices = await loadPrices({ clock, overrides })
  // Cached tokens as input: 13,000 × 10 + 500 × 20 = 140,000 millionths.
  expect(prices.priceOf("anthropic", "claude-haiku-4-5", usage)).toBe(140_000_000)
  expect(prices.priceOf("local", "llama", usage)).toBe(0)
})

test("nobody knows what an unknown model costs; the scout is free", async () => {
  const prices = await loadPrices({ clock })
  expect(prices.priceOf("anthropic", "claude-unheard-of", usage)).toBeUndefined()
  expect(prices.priceOf("local", "claude-haiku-4-5", usage)).toBeUndefined()
  expect(prices.maxCostNanos("local", "llama", { inputTokens: 1, maxOutputTokens: 1 })).toBeUndefined()
  expect(prices.priceOf("scout", "scout", usage)).toBe(0)
})

test("the most that a request can cost is no less than what it costs in any split", async () => {
  const prices = await loadPrices({ clock })
  for (const [provider, model] of [
    ["anthropic", "claude-sonnet-5-5"],
    ["openai", "gpt-6-sol"],
    ["openai", "gpt-4o"],
  ] as const) {
    const most = prices.maxCostNanos(provider, model, { inputTokens: 90_000, maxOutputTokens: 1_000 })
    for (const cacheReadTokens of [0, 40_000])
      for (const cacheWriteTokens of [0, 50_000]) {
        const inputTokens = 90_000 - cacheReadTokens - cacheWriteTokens
        const price = prices.priceOf(provider, model, {
          inputTokens,
          cacheReadTokens,
          cacheWriteTokens,
          outputTokens: 900,
          reasoningTokens: 0,
        })
        expect(price).toBeGreaterThan(0)
        expect(price).toBeLessThanOrEqual(most as number)
      }
  }
})

test("what is remembered of a model's price gives the same sums as the price list", async () => {
  const prices = await loadPrices({ clock })
  const { calcPrice } = await import("@pydantic/genai-prices")
  const lengths = [0, 1, 999, 127_999, 128_000, 128_001, 200_000, 200_001, 272_001, 3_000_000]
  for (const [provider, model] of [
    ["anthropic", "claude-haiku-4-5"],
    ["anthropic", "claude-sonnet-4-5"],
    ["anthropic", "claude-opus-5-5"],
    ["openai", "gpt-4o"],
    ["openai", "gpt-6-sol"],
    ["google", "gemini-1.5-pro"],
    ["google", "gemini-2.5-pro"],
    ["google", "gemini-3.8-flash"],
    ["deepseek", "deepseek-chat"],
    ["perplexity", "sonar"],
  ] as const)
    for (const length of lengths)
      for (const cached of [0, 0.3, 1]) {
        const cacheReadTokens = Math.floor(length * cached)
        const cacheWriteTokens = Math.floor((length - cacheReadTokens) / 3)
        const inputTokens = length - cacheReadTokens - cacheWriteTokens
        const one: Usage = { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens: 777, reasoningTokens: 0 }
        const listed = calcPrice(
          {
            input_tokens: length,
            cache_read_tokens: cacheReadTokens,
            cache_write_tokens: cacheWriteTokens,
            output_tokens: 777,
          },
          model,
          { providerId: provider, timestamp: new Date(clock.now()) },
        )
        // A thousandth of a millionth of a dollar may be rounded to the other side.
        expect(Math.abs(prices.priceOf(provider, model, one)! - listed!.total_price * 1e9)).toBeLessThanOrEqual(1)
      }
})
