// The providers that are built in. A further one that speaks a known protocol is one row here; where its models' sizes
// and prices come from is model/catalogue.ts's business. The only models that code names are the defaults and aliases.

/** What a provider's API is like; each has a file beside this one. */
export type Protocol = "anthropic" | "openai" | "openai-compatible" | "google" | "bedrock"

export interface ProviderRow {
  name: string
  kind: Protocol
  /** Variables that may hold the key, the first that is set counts; messages name the first. */
  keyEnvs: readonly [string, ...string[]]
  addressEnv: string
  /** Undefined where it depends on a region (model/aws.ts). */
  address?: string
  /** Bare model ids that are this provider's. */
  owns?: RegExp
  defaultModel: string
  aliases?: Readonly<Record<string, string>>
}

/** In the order in which a provider is chosen when nobody says which: the first whose key is set. */
export const PROVIDERS: readonly ProviderRow[] = [
  {
    name: "anthropic",
    kind: "anthropic",
    keyEnvs: ["ANTHROPIC_API_KEY"],
    addressEnv: "ANTHROPIC_BASE_URL",
    address: "https://api.anthropic.com",
    owns: /^claude-/,
    defaultModel: "claude-sonnet-5-5",
    aliases: { haiku: "claude-haiku-5-5", sonnet: "claude-sonnet-5-5", opus: "claude-opus-5-5" },
  },
  {
    name: "openai",
    kind: "openai",
    keyEnvs: ["OPENAI_API_KEY"],
    addressEnv: "OPENAI_BASE_URL",
    address: "https://api.openai.com/v1",
    owns: /^(gpt-|o\d|chatgpt-)/,
    defaultModel: "gpt-6-sol",
  },
  {
    name: "google",
    kind: "google",
    keyEnvs: ["GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"],
    addressEnv: "GOOGLE_GEMINI_BASE_URL",
    address: "https://generativelanguage.googleapis.com",
    owns: /^gem(ini|ma)-/,
    defaultModel: "gemini-3.8-flash",
  },
  {
    name: "bedrock",
    kind: "bedrock",
    // Access keys work too, but do not choose the provider: people have them for other things (model/aws.ts).
    keyEnvs: ["AWS_BEARER_TOKEN_BEDROCK"],
    addressEnv: "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    owns: /^([a-z-]+\.)?(anthropic|amazon|meta|mistral|cohere|deepseek|qwen|openai|ai21|writer)\.[a-z]/,
    defaultModel: "us.anthropic.claude-sonnet-5-5",
  },
  {
    name: "openrouter",
    kind: "openai-compatible",
    keyEnvs: ["OPENROUTER_API_KEY"],
    addressEnv: "OPENROUTER_BASE_URL",
    address: "https://openrouter.ai/api/v1",
    defaultModel: "openrouter/auto",
  },
]

export function builtinProvider(name: string): ProviderRow | undefined {
  return PROVIDERS.find((row) => row.name === name)
}

/** The variable that holds a provider's key now, or undefined. */
export function keyVariableOf(row: ProviderRow, env: Readonly<Record<string, string | undefined>>): string | undefined {
  return row.keyEnvs.find((name) => env[name])
}

/** `provider/model` in its two parts; the scout is both. */
export function splitId(id: string): { provider: string; model: string } {
  const slash = id.indexOf("/")
  return slash < 0 ? { provider: id, model: id } : { provider: id.slice(0, slash), model: id.slice(slash + 1) }
}
