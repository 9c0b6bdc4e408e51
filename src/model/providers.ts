// The way to a model: from a name on the command line, in a setting or in an agent's file to a Model. A further provider
// is one row in PROVIDERS; a further protocol one row in PROTOCOLS and a file beside this one.
import { type Clock, systemClock } from "../base/clock.ts"
import { Exit, UserError } from "../base/error.ts"
import type { Model } from "./model.ts"
import type { Connection } from "./sdk.ts"

export type Env = Readonly<Record<string, string | undefined>>

/** An endpoint of the user's own, from `providers` in the settings. */
export interface CustomProvider {
  kind: Protocol
  /** With `/v1` for `openai-compatible`, the server's root for `anthropic`. */
  baseURL: string
  /** Name of the variable that holds the key; without it, no key is sent. */
  apiKeyEnv?: string
  headers?: Record<string, string>
}

export interface ProviderSettings {
  env: Env
  providers?: Readonly<Record<string, CustomProvider>>
}

/** What a name stands for; `id` is what is stored and shown. */
export interface ModelId {
  id: string
  provider: string
  model: string
}

export type Protocol = "anthropic" | "openai-compatible"

const PROTOCOLS: Readonly<Record<Protocol, (connection: Connection) => Promise<Model>>> = {
  anthropic: async (connection) => (await import("./anthropic.ts")).anthropicModel(connection),
  "openai-compatible": async (connection) => (await import("./openai-compatible.ts")).openaiCompatibleModel(connection),
}

interface ProviderRow {
  name: string
  kind: Protocol
  keyEnv: string
  addressEnv: string
  address: string
  /** Bare model ids that are this provider's. */
  owns: RegExp
  defaultModel: string
  aliases?: Readonly<Record<string, string>>
}

/** In the order in which a provider is chosen when nobody says which. */
const PROVIDERS: readonly ProviderRow[] = [
  {
    name: "anthropic",
    kind: "anthropic",
    keyEnv: "ANTHROPIC_API_KEY",
    addressEnv: "ANTHROPIC_BASE_URL",
    address: "https://api.anthropic.com",
    owns: /^claude-/,
    defaultModel: "claude-sonnet-5-5",
    aliases: { haiku: "claude-haiku-5-5", sonnet: "claude-sonnet-5-5", opus: "claude-opus-5-5" },
  },
  {
    name: "openai",
    kind: "openai-compatible",
    keyEnv: "OPENAI_API_KEY",
    addressEnv: "OPENAI_BASE_URL",
    address: "https://api.openai.com/v1",
    owns: /^(gpt-|o\d|chatgpt-)/,
    defaultModel: "gpt-6-sol",
  },
]

const SCOUT = "scout"

/**
 * The model that a name stands for; no library is loaded before its first request. Throws a UserError that says what to
 * do when nobody has such a model, or its key or address is missing or wrong.
 */
export async function openModel(name: string, settings: ProviderSettings & { clock?: Clock }): Promise<Model> {
  const { id, provider, model } = resolveModel(name, settings)
  if (id === SCOUT) return (await import("./scout/scout.ts")).scoutModel()
  const clock = settings.clock ?? systemClock
  const row = PROVIDERS.find((one) => one.name === provider)
  if (row) return PROTOCOLS[row.kind](builtinConnection(row, { model, env: settings.env, clock }))
  const custom = settings.providers?.[provider]
  if (!custom) throw unknown(name, settings)
  return PROTOCOLS[custom.kind](customConnection(provider, custom, { model, env: settings.env, clock }))
}

/** What a name stands for, without a look at keys, except that the aliases want Anthropic's. Throws a UserError. */
export function resolveModel(name: string, settings: ProviderSettings): ModelId {
  const wanted = name.trim()
  if (wanted === SCOUT) return { id: SCOUT, provider: SCOUT, model: SCOUT }
  const slash = wanted.indexOf("/")
  if (slash > 0 && slash < wanted.length - 1) {
    const provider = wanted.slice(0, slash)
    if (!PROVIDERS.some((row) => row.name === provider)) checkCustom(provider, wanted, settings)
    return { id: wanted, provider, model: wanted.slice(slash + 1) }
  }
  for (const row of PROVIDERS) {
    const model = row.aliases?.[wanted] ?? (row.owns.test(wanted) ? wanted : undefined)
    if (!model) continue
    if (model !== wanted && !settings.env[row.keyEnv])
      throw new UserError(
        "model-no-key",
        `"${wanted}" stands for ${row.name}/${model}, which needs a key. Set ${row.keyEnv}, or choose another model with --model.`,
      )
    return { id: `${row.name}/${model}`, provider: row.name, model }
  }
  throw unknown(wanted, settings)
}

/** What to use when nobody says: MEANWHILE_MODEL, the settings' model, the first provider with a key, the scout. */
export function defaultModelId(env: Env, settings: { model?: string | undefined } = {}): string {
  const chosen = env.MEANWHILE_MODEL || settings.model
  if (chosen) return chosen
  const row = PROVIDERS.find(({ keyEnv }) => env[keyEnv])
  return row ? `${row.name}/${row.defaultModel}` : SCOUT
}

/** The variable that holds the key which a model's requests carry, or "none". */
export function keySource(id: string, providers: ProviderSettings["providers"] = {}): string {
  const provider = id.split("/", 1)[0]!
  return PROVIDERS.find((row) => row.name === provider)?.keyEnv ?? providers[provider]?.apiKeyEnv ?? "none"
}

/** The variables that hold keys, and so must not reach the commands that the agent runs. */
export function keyVariables(providers: ProviderSettings["providers"] = {}): string[] {
  const custom = Object.values(providers).flatMap(({ apiKeyEnv }) => apiKeyEnv ?? [])
  return [...new Set([...PROVIDERS.map(({ keyEnv }) => keyEnv), ...custom])]
}

interface Wanted {
  model: string
  env: Env
  clock: Clock
}

function builtinConnection(row: ProviderRow, { model, env, clock }: Wanted): Connection {
  const apiKey = env[row.keyEnv]
  if (!apiKey)
    throw new UserError(
      "model-no-key",
      `${row.name}/${model} needs a key. Set ${row.keyEnv}, or choose another model with --model (--model ${SCOUT} works offline).`,
    )
  const baseURL = env[row.addressEnv] || row.address
  return {
    provider: row.name,
    model,
    baseURL,
    apiKey,
    builtin: true,
    clock,
    endpoint: {
      provider: row.name,
      model,
      address: shownAddress(baseURL, row.addressEnv),
      keySetting: row.keyEnv,
      addressSetting: row.addressEnv,
      secrets: [apiKey],
    },
  }
}

function customConnection(name: string, custom: CustomProvider, { model, env, clock }: Wanted): Connection {
  const { baseURL, apiKeyEnv, headers } = custom
  const apiKey = apiKeyEnv ? env[apiKeyEnv] : undefined
  if (apiKeyEnv && !apiKey)
    throw new UserError(
      "model-no-key",
      `${name}/${model} needs a key. Set ${apiKeyEnv}, which providers.${name}.apiKeyEnv in the settings names.`,
    )
  const addressSetting = `providers.${name}.baseURL`
  return {
    provider: name,
    model,
    baseURL,
    builtin: false,
    clock,
    ...(apiKey && { apiKey }),
    ...(headers && { headers }),
    endpoint: {
      provider: name,
      model,
      address: shownAddress(baseURL, addressSetting),
      addressSetting,
      ...(apiKeyEnv && { keySetting: apiKeyEnv }),
      secrets: [apiKey ?? "", ...Object.values(headers ?? {})],
    },
  }
}

/** Without what may be secret in it. */
function shownAddress(address: string, setting: string): string {
  const url = URL.parse(address)
  if (url?.protocol === "http:" || url?.protocol === "https:") return `${url.origin}${url.pathname}`.replace(/\/$/, "")
  throw new UserError("model-bad-address", `${setting} is not an address: it must start with http:// or https://.`)
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

function unknown(name: string, { providers = {} }: ProviderSettings): UserError {
  const names = [...PROVIDERS.map((row) => row.name), ...Object.keys(providers)]
  return new UserError(
    "model-unknown",
    `There is no model "${name}". Name it as PROVIDER/MODEL with one of: ${names.join(", ")}; or use "${SCOUT}", which works offline. Other endpoints go under "providers" in settings.json.`,
    Exit.usage,
  )
}
