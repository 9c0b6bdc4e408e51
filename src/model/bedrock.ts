// Amazon Bedrock's Converse API, for the models of several makers.
import { CLAUDE_MAX_OUTPUT, thinksByItself } from "./anthropic.ts"
import type { Connection } from "./connection.ts"
import { fetchFor } from "./fetch.ts"
import type { Model } from "./model.ts"
import { type Dialect, plainId } from "./prompt.ts"
import { sdkModel } from "./sdk.ts"

export function bedrockModel(connection: Connection): Model {
  const { provider, model, apiKey, headers, override, aws } = connection
  const claude = /(^|\.)anthropic\./.test(model)
  const dialect: Dialect = {
    owner: provider,
    library: "amazonBedrock",
    resultImages: "inline",
    callId: plainId,
    // A mark in the system prompt covers the tools too, which come before it. Other models refuse requests with marks.
    ...((claude || /(^|\.)amazon\.nova/.test(model)) && {
      cacheMark: { amazonBedrock: { cachePoint: { type: "default" } } },
    }),
  }
  return sdkModel({
    connection,
    dialect,
    load: async () => {
      const { createAmazonBedrock } = await import("@ai-sdk/amazon-bedrock")
      const create = createAmazonBedrock({
        region: aws?.region ?? "",
        baseURL: connection.baseURL.replace(/\/+$/, ""),
        // Not left out when there is none: the library would look into the environment itself.
        apiKey: apiKey ?? "",
        ...aws?.keys,
        ...(headers && { headers }),
        fetch: fetchFor(connection, { type: "application/vnd.amazon.eventstream" }),
      })
      return create(model)
    },
    options: (request) => {
      const maxOutputTokens =
        request.maxOutputTokens ?? override.maxOutputTokens ?? (claude ? CLAUDE_MAX_OUTPUT : undefined)
      // With an effort the library asks for thoughts by itself, but not for their summary.
      const thinks = override.reasoning !== false && thinksByItself(model)
      return {
        ...(maxOutputTokens !== undefined && { maxOutputTokens }),
        ...(thinks && {
          providerOptions: { amazonBedrock: { reasoningConfig: { type: "adaptive", display: "summarized" } } },
        }),
      }
    },
  })
}
