import { describe, expect, test } from "bun:test"
import { smallModelOf } from "../../src/model/small.ts"

const of = (id: string, settings: object = {}) => smallModelOf(id, { env: {}, ...settings })

describe("the model for small requests", () => {
  test("is the cheapest suited one of the same provider and generation", async () => {
    expect(await of("openai/gpt-6-sol")).toBe("openai/gpt-6-luna")
    expect(await of("google/gemini-3.8-flash")).toBe("google/gemini-3.5-flash-lite")
    expect(await of("anthropic/claude-opus-5-5")).toMatch(/^anthropic\/claude-haiku-/)
  })

  test("is one whose price is known, also where a newer one has none yet", async () => {
    const price = { input: 1, output: 5 }
    const models = { "anthropic/claude-haiku-5-5": { price } }
    expect(await of("anthropic/claude-sonnet-5-5", { models })).toBe("anthropic/claude-haiku-5-5")
  })

  test("stays with the same region on Bedrock", async () => {
    expect(await of("bedrock/us.anthropic.claude-sonnet-5-5")).toMatch(/^bedrock\/us\.anthropic\.claude-haiku-/)
    expect(await of("bedrock/amazon.nova-pro-v1:0")).toBe("bedrock/amazon.nova-pro-v1:0")
  })

  test("is the session's own where nothing cheaper is known, and never another provider's", async () => {
    for (const id of ["openai/gpt-6-luna", "openai/some-new-thing", "openrouter/x/y", "local/qwen", "scout"])
      expect(await of(id)).toBe(id)
  })

  test("is what the settings say, by whatever name", async () => {
    const aliases = { quick: "local/tiny" }
    const providers = { local: { kind: "openai-compatible", baseURL: "http://127.0.0.1:1/v1" } }
    expect(await of("openai/gpt-6-sol", { small: "quick", aliases, providers })).toBe("local/tiny")
    await expect(of("openai/gpt-6-sol", { small: "nobody" })).rejects.toThrow('There is no model "nobody"')
    expect(await of("scout", { small: "quick", aliases, providers })).toBe("scout")
  })
})
