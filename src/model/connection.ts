// From a provider's row or a person's settings, and the environment, to a Connection: where to send requests, as whom,
// and what to say about it when one fails.
import type { Clock } from "../base/clock.ts"
import { UserError } from "../base/error.ts"
import type { ModelSettings } from "../base/settings-file.ts"
import { AWS_KEY_VARIABLES, type AwsAccess, awsAccess, awsAddress } from "./aws.ts"
import type { ModelFacts } from "./catalogue.ts"
import type { Endpoint } from "./errors.ts"
import { localServer } from "./local-server.ts"
import { keyVariableOf, type Protocol, type ProviderRow } from "./provider-table.ts"

export type Env = Readonly<Record<string, string | undefined>>

/** An endpoint of the user's own, from `providers` in the settings. */
export interface CustomProvider {
  kind: Protocol
  /** With `/v1` for `openai` and `openai-compatible`, the server's root for the others. */
  baseURL: string
  /** Name of the variable that holds the key; without it, no key is sent. */
  apiKeyEnv?: string
  headers?: Record<string, string>
}

/** Where to send requests, and as whom. */
export interface Connection {
  provider: string
  model: string
  baseURL: string
  apiKey?: string
  headers?: Record<string, string>
  /** For Bedrock. */
  aws?: AwsAccess
  /** Whether this is the provider itself, which may be sent what only it understands. */
  builtin: boolean
  /** What the user says about the model. */
  override: ModelSettings
  /** What is known about the model; loads libraries, so only asked where it matters. */
  facts(): Promise<ModelFacts>
  endpoint: Endpoint
  clock: Clock
}

export interface Wanted {
  model: string
  env: Env
  clock: Clock
  override: ModelSettings
  facts(): Promise<ModelFacts>
}

export function builtinConnection(row: ProviderRow, wanted: Wanted): Connection {
  const { model, env } = wanted
  const id = `${row.name}/${model}`
  const keyEnv = keyVariableOf(row, env)
  const aws = row.kind === "bedrock" ? awsAccess(id, env, { bearer: keyEnv !== undefined }) : undefined
  if (!keyEnv && !aws)
    throw new UserError(
      "model-no-key",
      `${id} needs a key. Set ${row.keyEnvs[0]}, or choose another model with --model (--model scout works offline).`,
    )
  const baseURL = aws ? awsAddress(env, aws.region) : env[row.addressEnv] || row.address || ""
  return connect(wanted, {
    provider: row.name,
    baseURL,
    builtin: true,
    apiKey: keyEnv && env[keyEnv],
    aws,
    kind: row.kind,
    keySetting: keyEnv ?? AWS_KEY_VARIABLES,
    addressSetting: aws && !env[row.addressEnv] && !env.AWS_ENDPOINT_URL ? "AWS_REGION" : row.addressEnv,
  })
}

export function customConnection(name: string, custom: CustomProvider, wanted: Wanted): Connection {
  const { model, env } = wanted
  const { baseURL, apiKeyEnv, headers, kind } = custom
  const apiKey = apiKeyEnv ? env[apiKeyEnv] : undefined
  if (apiKeyEnv && !apiKey)
    throw new UserError(
      "model-no-key",
      `${name}/${model} needs a key. Set ${apiKeyEnv}, which providers.${name}.apiKeyEnv in the settings names.`,
    )
  const aws = kind === "bedrock" ? awsAccess(`${name}/${model}`, env, { bearer: apiKey !== undefined }) : undefined
  return connect(wanted, {
    provider: name,
    baseURL,
    builtin: false,
    apiKey,
    headers,
    aws,
    kind,
    keySetting: apiKeyEnv ?? (aws && AWS_KEY_VARIABLES),
    addressSetting: `providers.${name}.baseURL`,
  })
}

interface Access {
  provider: string
  kind: Protocol
  baseURL: string
  builtin: boolean
  apiKey: string | undefined
  headers?: Record<string, string> | undefined
  aws: AwsAccess | undefined
  keySetting: string | undefined
  addressSetting: string
}

function connect({ env, ...wanted }: Wanted, access: Access): Connection {
  const { provider, kind, baseURL, builtin, apiKey, headers, aws, keySetting, addressSetting } = access
  const url = addressOf(baseURL, addressSetting)
  if (apiKey && /[^\x21-\x7e]/.test(apiKey.trim()))
    throw new UserError(
      "model-bad-key",
      `${keySetting} is not a key: there is a space, a line end or another character in it that no key has. Set it again.`,
    )
  const server = localServer(url)
  const proxy = proxyVariable(url, env)
  const secrets = [apiKey, aws?.keys?.secretAccessKey, aws?.keys?.sessionToken, ...Object.values(headers ?? {})]
  return {
    ...wanted,
    provider,
    baseURL,
    builtin,
    ...(apiKey && { apiKey }),
    ...(headers && { headers }),
    ...(aws && { aws }),
    endpoint: {
      provider,
      model: wanted.model,
      address: `${url.origin}${url.pathname}`.replace(/\/$/, ""),
      addressSetting,
      ...(keySetting && { keySetting }),
      ...(lacksVersion(kind, url) && { addressHint: "it usually ends in /v1" }),
      ...(server && { server }),
      ...(proxy && { proxy }),
      secrets: secrets.flatMap((secret) => secret ?? []),
    },
  }
}

function addressOf(address: string, setting: string): URL {
  const url = URL.parse(address)
  if (url?.protocol === "http:" || url?.protocol === "https:") return url
  throw new UserError("model-bad-address", `${setting} is not an address: it must start with http:// or https://.`)
}

/** The most common mistake in an address of OpenAI's kind. */
function lacksVersion(kind: Protocol, { pathname }: URL): boolean {
  return (kind === "openai" || kind === "openai-compatible") && !/\/v\d\w*\/?$/.test(pathname)
}

/** The variable with the proxy that the runtime sends such a request through: Bun reads these, in both cases. */
function proxyVariable(url: URL, env: Env): string | undefined {
  const names = url.protocol === "https:" ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy", "HTTP_PROXY"]
  const exempt = (env.no_proxy || env.NO_PROXY || "").split(",").map((name) => name.trim().replace(/^\*?\./, ""))
  const isExempt = exempt.some(
    (name) =>
      name === "*" ||
      (name !== "" && (url.hostname === name || url.host === name || url.hostname.endsWith(`.${name}`))),
  )
  return isExempt ? undefined : [...names, "all_proxy", "ALL_PROXY"].find((name) => env[name])
}
