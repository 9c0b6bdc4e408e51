// OpenAI's Responses API. Nothing is stored there: each request carries the whole conversation, with the model's
// thoughts encrypted, so that it goes on thinking where it was.
import type { Connection } from "./connection.ts"
import { fetchFor } from "./fetch.ts"
import type { Model } from "./model.ts"
import { plainId } from "./prompt.ts"
import { sdkModel } from "./sdk.ts"

export function openaiModel(connection: Connection): Model {
  const { provider, model, apiKey, headers, override } = connection
  return sdkModel({
    connection,
    dialect: { owner: provider, library: "openai", resultImages: "inline", callId: plainId, looseTools: true },
    load: async () => {
      const { createOpenAI } = await import("@ai-sdk/openai")
      const baseURL = connection.baseURL.replace(/\/+$/, "")
      const fetch = fetchFor(connection)
      return createOpenAI({ baseURL, apiKey: apiKey ?? "", fetch, ...(headers && { headers }) }).responses(model)
    },
    options: (request) => {
      const maxOutputTokens = request.maxOutputTokens ?? override.maxOutputTokens
      return {
        ...(maxOutputTokens !== undefined && { maxOutputTokens }),
        providerOptions: {
          openai: {
            // With this, the library asks for encrypted thoughts and sends them back.
            store: false,
            // Only asked of models that think: those of which the library knows it, unless the user knows better.
            reasoningSummary: "auto",
            ...(override.reasoning !== undefined && { forceReasoning: override.reasoning }),
            ...(request.cacheKey && { promptCacheKey: request.cacheKey }),
          },
        },
      }
    },
  })
}
