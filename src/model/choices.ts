// The models that somebody can choose from here: what the environment and the settings give, and what is known of the
// providers whose key is there. Nothing is sent for it; what runs on this machine is local-models.ts's business.
import { breathe } from "../base/breathe.ts"
import type { ModelFacts } from "./catalogue.ts"
import { factsOf } from "./catalogue.ts"
import { keyVariableOf, PROVIDERS, type ProviderRow, splitId } from "./provider-table.ts"
import { type ProviderSettings, resolveModel } from "./providers.ts"

export interface ModelChoice {
  /** `provider/model`, or `scout`. */
  id: string
  /** Other names for it that may be typed. */
  names: readonly string[]
}

export interface ProviderChoice {
  provider: string
  /** Where its requests go, when that is said somewhere. */
  address: string | undefined
  /** What its key comes from; undefined: it needs none. */
  keyFrom: string | undefined
  /** The variable that would have to be set; its models can't be had without. */
  lacks: string | undefined
  models: readonly ModelChoice[]
}

/** The built-in providers with a key first, then the user's own, then those whose key is missing. */
export function providerChoices(settings: ProviderSettings): ProviderChoice[] {
  const builtin = PROVIDERS.map((row) => builtinChoice(row, settings))
  const own = Object.entries(settings.providers ?? {})
    .filter(([name]) => !PROVIDERS.some((row) => row.name === name))
    .map(([name, { baseURL, apiKeyEnv }]): ProviderChoice => {
      const isThere = apiKeyEnv === undefined || Boolean(settings.env[apiKeyEnv])
      return {
        provider: name,
        address: baseURL,
        keyFrom: isThere ? apiKeyEnv : undefined,
        lacks: isThere ? undefined : apiKeyEnv,
        models: modelsOf(name, [], settings),
      }
    })
  const all = [...builtin, ...own]
  return [...all.filter(({ lacks }) => !lacks), ...all.filter(({ lacks }) => lacks)]
}

function builtinChoice(row: ProviderRow, settings: ProviderSettings): ProviderChoice {
  const { env } = settings
  const aws = row.kind === "bedrock" && env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY && "AWS_ACCESS_KEY_ID"
  const keyFrom = keyVariableOf(row, env) ?? (aws || undefined)
  const usual = [row.defaultModel, ...Object.values(row.aliases ?? {})].map((model) => `${row.name}/${model}`)
  return {
    provider: row.name,
    address: env[row.addressEnv],
    keyFrom,
    lacks: keyFrom ? undefined : row.keyEnvs[0],
    models: modelsOf(row.name, usual, settings),
  }
}

/** What somebody has named somewhere, each once. */
function modelsOf(provider: string, usual: readonly string[], settings: ProviderSettings): ModelChoice[] {
  const { models = {}, aliases = {} } = settings
  const names = new Map<string, string[]>(usual.map((id) => [id, []]))
  for (const id of Object.keys(models)) if (splitId(id).provider === provider) names.set(id, names.get(id) ?? [])
  const builtin = PROVIDERS.flatMap((row) => Object.keys(row.aliases ?? {}))
  for (const name of new Set([...Object.keys(aliases), ...builtin])) {
    const id = idOf(name, settings)
    if (id && splitId(id).provider === provider) names.set(id, [...(names.get(id) ?? []), name])
  }
  return [...names].map(([id, more]) => ({ id, names: more }))
}

/** Undefined where a name leads nowhere. */
function idOf(name: string, settings: ProviderSettings): string | undefined {
  try {
    return resolveModel(name, settings).id
  } catch {
    return undefined
  }
}

export interface KnownModel {
  id: string
  facts: ModelFacts
}

/**
 * What the libraries' catalogues list of these providers, newest names first. OpenRouter and Bedrock have hundreds, which
 * are not listed. Loads libraries: some 50 ms for each provider, in parts.
 */
export async function* knownModels(
  providers: readonly string[],
  settings: ProviderSettings,
): AsyncGenerator<KnownModel[]> {
  const listed = PROVIDERS.filter(({ name, owns, kind }) => owns && kind !== "bedrock" && providers.includes(name))
  for (const { name, owns } of listed) {
    const { findProvider } = await import("@pydantic/genai-prices")
    const ids = (findProvider({ providerId: name })?.models ?? []).filter(({ id }) => owns!.test(id))
    const known: KnownModel[] = []
    for (const { id: model } of ids) {
      await breathe("agent")
      const id = `${name}/${model}`
      const facts = await factsOf(id, settings)
      // A name that only the price list has may be a family's, or an old one: the client library does not know it.
      const isListed = !facts.assumed.includes("tools") && facts.tools && !facts.assumed.includes("contextWindow")
      if (isListed && !/image|audio|tts|live|embedding|transcribe|realtime|search/.test(model))
        known.push({ id, facts })
    }
    yield known.sort((a, b) => b.id.localeCompare(a.id, "en", { numeric: true }))
  }
}
