// Google's Gemini API. Thoughts come with signatures, also on calls and on texts, which must come back with them.
import type { Connection } from "./connection.ts"
import { fetchFor } from "./fetch.ts"
import type { Model } from "./model.ts"
import { plainId } from "./prompt.ts"
import { sdkModel } from "./sdk.ts"

export function googleModel(connection: Connection): Model {
  const { provider, model, apiKey, headers, override } = connection
  return sdkModel({
    connection,
    dialect: {
      owner: provider,
      library: "google",
      signature: "thoughtSignature",
      resultImages: "inline",
      callId: plainId,
    },
    load: async () => {
      const { createGoogle } = await import("@ai-sdk/google")
      const fetch = fetchFor(connection)
      const baseURL = versioned(connection.baseURL)
      return createGoogle({ baseURL, apiKey: apiKey ?? "", fetch, ...(headers && { headers }) })(model)
    },
    options: (request) => {
      const maxOutputTokens = request.maxOutputTokens ?? override.maxOutputTokens
      return {
        ...(maxOutputTokens !== undefined && { maxOutputTokens }),
        ...((override.reasoning ?? thinks(model)) && {
          providerOptions: { google: { thinkingConfig: { includeThoughts: true } } },
        }),
      }
    },
  })
}

/** The server's root is what Google's own tools take; an address that names a version is taken as it is. */
function versioned(address: string): string {
  const root = address.replace(/\/+$/, "")
  return /\/v\d\w*$/.test(root) ? root : `${root}/v1beta`
}

/** Others refuse to be asked for their thoughts. Source: ai.google.dev, "Thinking": Gemini 2.5 and later. */
function thinks(model: string): boolean {
  return (
    /gemini-(2\.5|[3-9]|\d\d)|gemini-(flash|pro)(-lite)?-latest/.test(model) && !/image|tts|native-audio/.test(model)
  )
}
