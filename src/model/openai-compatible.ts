// The Chat Completions API: that of the many servers that speak it, and OpenAI's own where somebody asks for it.
import type { LanguageModelV4Usage } from "@ai-sdk/provider"
import type { Connection } from "./connection.ts"
import { fetchFor } from "./fetch.ts"
import type { Model } from "./model.ts"
import type { Dialect } from "./prompt.ts"
import { sdkModel } from "./sdk.ts"

/** The library's name for what is this endpoint's own. */
const LIBRARY = "compatible"

export function openaiCompatibleModel(connection: Connection): Model {
  const { provider, model, apiKey, headers, override } = connection
  const openai = URL.parse(connection.baseURL)?.hostname === "api.openai.com"
  const dialect: Dialect = { owner: provider, library: LIBRARY, resultImages: "after" }
  return sdkModel({
    connection,
    dialect,
    load: async () => {
      const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible")
      const create = createOpenAICompatible({
        name: LIBRARY,
        baseURL: connection.baseURL.replace(/\/+$/, ""),
        includeUsage: true,
        fetch: fetchFor(connection),
        convertUsage,
        ...(apiKey !== undefined && { apiKey }),
        ...(headers && { headers }),
        ...(openai && { transformRequestBody: openaiBody }),
      })
      return create(model)
    },
    options: (request) => {
      const maxOutputTokens = request.maxOutputTokens ?? override.maxOutputTokens
      const cache = {
        ...(openai && request.cacheKey && { prompt_cache_key: request.cacheKey }),
        // OpenRouter then marks the prefixes of Claude's models by itself; others there need no marks.
        ...(connection.builtin && model.startsWith("anthropic/") && { cache_control: { type: "ephemeral" } }),
      }
      return { ...(maxOutputTokens !== undefined && { maxOutputTokens }), providerOptions: { [LIBRARY]: cache } }
    },
  })
}

/**
 * What OpenAI itself wants otherwise than the servers that imitate it: another name for the limit (its reasoning models
 * refuse `max_tokens`), and no reasoning where this API cannot combine it with tools, which it refuses since GPT-5.4.
 */
export function openaiBody({ max_tokens, ...body }: Record<string, unknown>): Record<string, unknown> {
  const noReasoning = body.tools !== undefined && /^gpt-(5\.[4-9]|6-(sol|luna))/.test(String(body.model))
  return {
    ...body,
    ...(max_tokens !== undefined && { max_completion_tokens: max_tokens }),
    ...(noReasoning && { reasoning_effort: "none" }),
  }
}

interface ChatUsage {
  prompt_tokens?: number | null | undefined
  completion_tokens?: number | null | undefined
  prompt_tokens_details?: Record<string, unknown> | null | undefined
  completion_tokens_details?: Record<string, unknown> | null | undefined
}

/** As the library does, and with the cache writes that OpenAI bills since GPT-5.6, which it leaves out. */
function convertUsage(usage: ChatUsage | null | undefined): LanguageModelV4Usage {
  const total = usage?.prompt_tokens ?? 0
  const output = usage?.completion_tokens ?? 0
  const cacheRead = Number(usage?.prompt_tokens_details?.cached_tokens ?? 0)
  const cacheWrite = Number(usage?.prompt_tokens_details?.cache_write_tokens ?? 0)
  const reasoning = Number(usage?.completion_tokens_details?.reasoning_tokens ?? 0)
  return {
    inputTokens: { total, noCache: total - cacheRead - cacheWrite, cacheRead, cacheWrite },
    outputTokens: { total: output, text: output - reasoning, reasoning },
  }
}
