// Anthropic's Messages API, and servers that speak it.
import { maxOutputOf } from "./catalogue.ts"
import type { Model } from "./model.ts"
import type { Dialect } from "./prompt.ts"
import { type Connection, fetchFor, sdkModel } from "./sdk.ts"

const dialect: Dialect = {
  owner: "anthropic",
  resultImages: "inline",
  cacheMark: { anthropic: { cacheControl: { type: "ephemeral" } } },
  // The API takes only these characters; calls in a session that began with another provider may have others.
  callId: (id) => id.replace(/[^\w-]/g, "_"),
}

/** Asked for when the request does not say: long files fit, and a runaway answer ends. */
const DEFAULT_MAX_OUTPUT = 32_000

export function anthropicModel(connection: Connection): Model {
  const { model, builtin, apiKey, headers } = connection
  const baseURL = `${connection.baseURL.replace(/\/+$/, "").replace(/\/v1$/, "")}/v1`
  return sdkModel({
    connection,
    dialect,
    load: async () => {
      const { createAnthropic } = await import("@ai-sdk/anthropic")
      const fetch = fetchFor(connection)
      return createAnthropic({ baseURL, apiKey: apiKey ?? "", fetch, ...(headers && { headers }) })(model)
    },
    options: (request) => ({
      maxOutputTokens: request.maxOutputTokens ?? Math.min(DEFAULT_MAX_OUTPUT, maxOutputOf(model)),
      providerOptions: {
        anthropic: {
          // Reported as signs of life while a model thinks in silence; nothing is sent for it.
          includePings: true,
          ...(builtin ? thinking(model) : { toolStreaming: false }),
        },
      },
    }),
  })
}

/**
 * Models from Claude 5 on think by themselves, by default without showing it, and put what they say between calls into
 * it, so a summary is asked for. Some bind their thoughts to everything before them and refuse the request when that
 * has changed (a summary of the session, another set of tools): they are told to forget such thoughts instead.
 * Source: platform.claude.com, "Adaptive thinking" and "Preserved thinking".
 */
function thinking(model: string) {
  if (!/^claude-[a-z]+-[5-9]/.test(model)) return {}
  const bound = /^claude-((fable|mythos)-5-[1-9]|(opus|sonnet|haiku)-5-[5-9])/.test(model)
  return {
    thinking: {
      type: "adaptive" as const,
      display: "summarized" as const,
      ...(bound && { blockBinding: { prefixMismatchBehavior: "drop_block" as const } }),
    },
  }
}
