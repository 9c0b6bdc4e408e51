import { expect, test } from "bun:test"
import type { Clock } from "../../src/base/clock.ts"
import { limitsOf, maxOutputOf } from "../../src/model/catalogue.ts"
import type { Usage } from "../../src/model/model.ts"
import { loadPrices } from "../../src/model/prices.ts"

const clock: Clock = {
  now: () => Date.parse("2026-11-22T10:00:00Z"),
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

test("models that are newer than the library's data have their prices", async () => {
  const prices = await loadPrices({ clock })
  // Sonnet 5.5: 2, 2.50, 0.10, 10: 2,000 + 5,000 + 1,000 + 5,000 = 13,000 millionths.
  expect(prices.priceOf("anthropic", "claude-sonnet-5-5", usage)).toBe(13_000_000)
  // Haiku 5.5 to 100,000 tokens of input: 0.10, 0.125, 0.01, 0.50: 100 + 250 + 100 + 250 = 700 millionths.
  expect(prices.priceOf("anthropic", "claude-haiku-5-5", usage)).toBe(700_000)
  // Above: 0.50, 0.625, 0.05, 2.50 for the whole request: 500 + 1,250 + 5,000 + 1,250 = 8,000 millionths.
  expect(prices.priceOf("anthropic", "claude-haiku-5-5", { ...usage, cacheReadTokens: 100_000 })).toBe(8_000_000)
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
    ["anthropic", "claude-haiku-5-5"],
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

test("prices and limits fetch nothing", async () => {
  const original = globalThis.fetch
  globalThis.fetch = (() => {
    throw new Error("a request")
  }) as never
  try {
    const prices = await loadPrices({ clock })
    prices.priceOf("anthropic", "claude-haiku-4-5", usage)
    await limitsOf("anthropic", "claude-haiku-4-5")
  } finally {
    globalThis.fetch = original
  }
})

test("limits of models, known and unknown", async () => {
  expect(await limitsOf("anthropic", "claude-sonnet-5-5")).toEqual({
    contextWindow: 1_000_000,
    maxOutputTokens: 128_000,
  })
  expect(await limitsOf("anthropic", "claude-haiku-5-5")).toEqual({
    contextWindow: 1_000_000,
    maxOutputTokens: 128_000,
  })
  expect(await limitsOf("anthropic", "claude-haiku-4-5-20251001")).toEqual({
    contextWindow: 200_000,
    maxOutputTokens: 64_000,
  })
  expect(await limitsOf("openai", "gpt-6-sol")).toEqual({ contextWindow: 1_050_000, maxOutputTokens: 128_000 })
  expect(await limitsOf("local", "llama")).toEqual({ contextWindow: 128_000, maxOutputTokens: 8_192 })
  expect(maxOutputOf("claude-3-haiku-20240307")).toBe(4_096)
  expect(maxOutputOf("claude-opus-4-1")).toBe(32_000)
})
