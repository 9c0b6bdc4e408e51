// The way to a model: from a name on the command line, in a setting or in an agent's file to a Model. The providers are
// in provider-table.ts; a further protocol is one row in PROTOCOLS and a file beside this one.
import { type Clock, systemClock } from "../base/clock.ts"
import { Exit, UserError } from "../base/error.ts"
import type { ModelSettings } from "../base/settings-file.ts"
import { quoted } from "../base/text.ts"
import { builtinConnection, type Connection, type CustomProvider, customConnection, type Env } from "./connection.ts"
import type { Model } from "./model.ts"
import { builtinProvider, keyVariableOf, PROVIDERS, type Protocol, splitId } from "./provider-table.ts"

export type { CustomProvider, Env } from "./connection.ts"
export type { Protocol } from "./provider-table.ts"

export interface ProviderSettings {
  env: Env
  providers?: Readonly<Record<string, CustomProvider>>
  /** What the user says about models, by `provider/model`. */
  models?: Readonly<Record<string, ModelSettings>>
  /** The user's own names for models. */
  aliases?: Readonly<Record<string, string>>
}

/** What a name stands for; `id` is what is stored and shown. */
export interface ModelId {
  id: string
  provider: string
  model: string
}

const PROTOCOLS: Readonly<Record<Protocol, (connection: Connection) => Promise<Model>>> = {
  anthropic: async (connection) => (await import("./anthropic.ts")).anthropicModel(connection),
  openai: async (connection) => (await import("./openai.ts")).openaiModel(connection),
  "openai-compatible": async (connection) => (await import("./openai-compatible.ts")).openaiCompatibleModel(connection),
  google: async (connection) => (await import("./google.ts")).googleModel(connection),
  bedrock: async (connection) => (await import("./bedrock.ts")).bedrockModel(connection),
}

const SCOUT = "scout"

/**
 * The model that a name stands for; no library is loaded before its first request. Throws a UserError that says what to
 * do when nobody has such a model, or its key or address is missing or wrong.
 */
export async function openModel(name: string, settings: ProviderSettings & { clock?: Clock }): Promise<Model> {
  const { id, provider, model } = resolveModel(name, settings)
  if (id === SCOUT) return (await import("./scout/scout.ts")).scoutModel()
  const { env, models, providers, clock = systemClock } = settings
  const facts = async () => (await import("./catalogue.ts")).factsOf(id, { models, providers })
  const wanted = { model, env, clock, override: models?.[id] ?? {}, facts }
  const row = builtinProvider(provider)
  const custom = providers?.[provider]
  if (row) return PROTOCOLS[row.kind](builtinConnection(row, wanted))
  if (!custom) throw unknown(name, settings)
  return PROTOCOLS[custom.kind](customConnection(provider, custom, wanted))
}

/** What a name stands for, without a look at keys, except that the built-in aliases want Anthropic's. Throws a UserError. */
export function resolveModel(name: string, settings: ProviderSettings): ModelId {
  const found = resolve(name, settings)
  const row = builtinProvider(found.provider)
  // Nobody may believe that requests go to an endpoint of their own when they don't.
  if (row && settings.providers?.[row.name]) throw taken(row.name, row.addressEnv)
  return found
}

function resolve(name: string, settings: ProviderSettings): ModelId {
  const wanted = settings.aliases?.[name.trim()] ?? name.trim()
  if (wanted === SCOUT) return { id: SCOUT, provider: SCOUT, model: SCOUT }
  const slash = wanted.indexOf("/")
  if (slash > 0 && slash < wanted.length - 1) {
    const { provider, model } = splitId(wanted)
    if (!builtinProvider(provider)) checkCustom(provider, wanted, settings)
    return { id: wanted, provider, model }
  }
  for (const row of PROVIDERS) {
    const model = row.aliases?.[wanted] ?? (row.owns?.test(wanted) ? wanted : undefined)
    if (!model) continue
    if (model !== wanted && !keyVariableOf(row, settings.env))
      throw new UserError(
        "model-no-key",
        `"${wanted}" stands for ${row.name}/${model}, which needs a key. Set ${row.keyEnvs[0]}, choose another model with --model, or say in settings.json what "${wanted}" is to mean: "modelAliases": {"${wanted}": "PROVIDER/MODEL"}.`,
      )
    return { id: `${row.name}/${model}`, provider: row.name, model }
  }
  throw unknown(wanted, settings)
}

/** What to use when nobody says: MEANWHILE_MODEL, the settings' model, the first provider with a key, the scout. */
export function defaultModelId(env: Env, settings: { model?: string | undefined } = {}): string {
  const chosen = env.MEANWHILE_MODEL || settings.model
  if (chosen) return chosen
  const row = PROVIDERS.find((one) => keyVariableOf(one, env))
  return row ? `${row.name}/${row.defaultModel}` : SCOUT
}

/** The variable that holds the key which a model's requests carry, or "none". */
export function keySource(id: string, { env, providers = {} }: ProviderSettings): string {
  const { provider } = splitId(id)
  const row = builtinProvider(provider)
  if (!row) return providers[provider]?.apiKeyEnv ?? "none"
  return keyVariableOf(row, env) ?? (row.kind === "bedrock" ? "AWS_ACCESS_KEY_ID" : row.keyEnvs[0])
}

/** The variables that hold keys, and so must not reach the commands that the agent runs. */
export function keyVariables(providers: ProviderSettings["providers"] = {}): string[] {
  const custom = Object.values(providers).flatMap(({ apiKeyEnv }) => apiKeyEnv ?? [])
  return [...new Set([...PROVIDERS.flatMap(({ keyEnvs }) => keyEnvs), ...custom])]
}

function checkCustom(provider: string, wanted: string, settings: ProviderSettings): void {
  const custom = settings.providers?.[provider]
  if (!custom) throw unknown(wanted, settings)
  if (custom.kind in PROTOCOLS) return
  throw new UserError(
    "model-bad-provider",
    `providers.${provider}.kind in the settings is "${custom.kind}"; it must be one of: ${Object.keys(PROTOCOLS).join(", ")}.`,
  )
}

function taken(name: string, addressEnv: string): UserError {
  return new UserError(
    "model-provider-taken",
    `providers.${name} in settings.json is not used: "${name}" is built in. Give the endpoint another name, or set ${addressEnv}.`,
    Exit.usage,
  )
}

function unknown(name: string, { providers = {} }: ProviderSettings): UserError {
  const names = [...PROVIDERS.map((row) => row.name), ...Object.keys(providers)]
  return new UserError(
    "model-unknown",
    `There is no model ${quoted(name)}. Name it as PROVIDER/MODEL with one of: ${names.join(", ")}; or use "${SCOUT}", which works offline. Other endpoints go under "providers" in settings.json.`,
    Exit.usage,
  )
}
