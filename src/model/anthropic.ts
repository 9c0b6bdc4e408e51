// Anthropic's Messages API, and servers that speak it.
import type { Connection } from "./connection.ts"
import { fetchFor } from "./fetch.ts"
import type { Model } from "./model.ts"
import { type Dialect, plainId } from "./prompt.ts"
import { sdkModel } from "./sdk.ts"

const dialect: Omit<Dialect, "owner"> = {
  library: "anthropic",
  resultImages: "inline",
  cacheMark: { anthropic: { cacheControl: { type: "ephemeral" } } },
  callId: plainId,
}

/** Asked for when nobody says: long files fit, and a runaway answer ends. The library asks a model for no more than it has. */
export const CLAUDE_MAX_OUTPUT = 32_000

export function anthropicModel(connection: Connection): Model {
  const { provider, model, builtin, apiKey, headers, override } = connection
  const baseURL = `${connection.baseURL.replace(/\/+$/, "").replace(/\/v1$/, "")}/v1`
  return sdkModel({
    connection,
    dialect: { ...dialect, owner: provider },
    load: async () => {
      const { createAnthropic } = await import("@ai-sdk/anthropic")
      const fetch = fetchFor(connection)
      return createAnthropic({ baseURL, apiKey: apiKey ?? "", fetch, ...(headers && { headers }) })(model)
    },
    options: (request) => ({
      maxOutputTokens: request.maxOutputTokens ?? override.maxOutputTokens ?? CLAUDE_MAX_OUTPUT,
      providerOptions: {
        anthropic: {
          // Reported as signs of life while a model thinks in silence; nothing is sent for it.
          includePings: true,
          ...(builtin ? override.reasoning !== false && thinking(model) : { toolStreaming: false }),
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
  if (!thinksByItself(model)) return {}
  const bound = /^claude-((fable|mythos)-5-[1-9]|(opus|sonnet|haiku)-5-[5-9])/.test(model)
  return {
    thinking: {
      type: "adaptive" as const,
      display: "summarized" as const,
      ...(bound && { blockBinding: { prefixMismatchBehavior: "drop_block" as const } }),
    },
  }
}

/** `model`: with whatever a platform puts before the name. */
export function thinksByItself(model: string): boolean {
  return /(^|\.)claude-[a-z]+-[5-9]/.test(model)
}
