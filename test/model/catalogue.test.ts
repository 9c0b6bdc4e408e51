// What is known about models, and where it comes from.
import { describe, expect, test } from "bun:test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { factsOf } from "../../src/model/catalogue.ts"
import { loadPrices } from "../../src/model/prices.ts"

const settings = { providers: { local: { kind: "openai-compatible" as const }, proxy: { kind: "anthropic" as const } } }

describe("known models", () => {
  const cases: [string, object][] = [
    ["anthropic/claude-sonnet-5-5", { contextWindow: 1_000_000, maxOutputTokens: 128_000, assumed: ["pdf"] }],
    [
      "anthropic/claude-haiku-4-5-20251001",
      { contextWindow: 200_000, maxOutputTokens: 64_000, assumed: ["images", "pdf", "tools"] },
    ],
    ["openai/gpt-6-sol", { contextWindow: 1_050_000, assumed: ["maxOutputTokens", "pdf"] }],
    ["openai/gpt-4o-2024-11-20", { contextWindow: 128_000, reasoning: false }],
    ["google/gemini-3.8-flash", { contextWindow: 1_000_000, maxOutputTokens: 65_536, assumed: ["pdf", "reasoning"] }],
    [
      "bedrock/us.anthropic.claude-sonnet-5-5",
      { contextWindow: 1_000_000, maxOutputTokens: 128_000, assumed: ["pdf"] },
    ],
    ["openrouter/anthropic/claude-sonnet-4.5", { maxOutputTokens: 64_000 }],
    ["proxy/claude-sonnet-5-5", { contextWindow: 1_000_000, maxOutputTokens: 128_000, assumed: ["pdf"] }],
  ]
  for (const [id, expected] of cases)
    test(id, async () => {
      expect(await factsOf(id, settings)).toMatchObject({ images: true, tools: true, ...expected })
    })
})

test("what nobody knows is assumed carefully, and said to be", async () => {
  const assumed = ["contextWindow", "maxOutputTokens", "images", "pdf", "reasoning", "tools"]
  const careful = {
    contextWindow: 128_000,
    maxOutputTokens: 32_000,
    images: false,
    pdf: false,
    reasoning: false,
    tools: true,
  }
  for (const id of ["local/llama", "bedrock/meta.llama9-v1:0", "openrouter/new/model", "scout", "nobody/m"])
    expect(await factsOf(id, settings)).toMatchObject({ ...careful, assumed })
})

test("the user knows better, one fact at a time", async () => {
  const models = {
    "local/qwen": { contextWindow: 32_768, images: true },
    "local/tiny": { contextWindow: 4_096, maxOutputTokens: 9_999 },
    "anthropic/claude-sonnet-5-5": { contextWindow: 200_000, reasoning: false, price: { input: 1, output: 1 } },
  }
  expect(await factsOf("local/qwen", { ...settings, models })).toEqual({
    contextWindow: 32_768,
    maxOutputTokens: 8_192,
    images: true,
    pdf: false,
    reasoning: false,
    tools: true,
    assumed: ["maxOutputTokens", "pdf", "reasoning", "tools"],
  })
  // No answer is longer than the window.
  expect(await factsOf("local/tiny", { ...settings, models })).toMatchObject({ maxOutputTokens: 4_096 })
  const sonnet = await factsOf("anthropic/claude-sonnet-5-5", { ...settings, models })
  expect(sonnet).toMatchObject({ contextWindow: 200_000, maxOutputTokens: 128_000, images: true, reasoning: false })
  expect(sonnet).not.toHaveProperty("price")
})

test("prices and facts fetch nothing", async () => {
  const original = globalThis.fetch
  globalThis.fetch = (() => {
    throw new Error("a request")
  }) as never
  try {
    const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
    const prices = await loadPrices({
      clock: { now: () => 0, monotonic: () => 0, sleep: () => Promise.reject(new Error("no sleep")) },
    })
    prices.priceOf("anthropic", "claude-haiku-4-5", usage)
    for (const id of ["anthropic/claude-haiku-4-5", "openai/gpt-6-sol", "google/gemini-3.8-flash"])
      await factsOf(id, {})
  } finally {
    globalThis.fetch = original
  }
})

test("code holds no model's size or price", () => {
  const folder = join(import.meta.dir, "../../src/model")
  const numbers = /\b(context_?window|maxOutputTokens|input|output|cacheRead|cacheWrite)\b["']?: [1-9][\d_.]*/
  for (const name of readdirSync(folder).filter((one) => one.endsWith(".ts")))
    expect(numbers.exec(readFileSync(join(folder, name), "utf8"))?.[0]).toBeUndefined()
})
