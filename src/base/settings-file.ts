// One settings file: strict JSON, checked by hand, because a schema library would cost more at start than everything
// else here. Unknown keys are kept without a word: other versions and other programs have theirs.
import { Exit, UserError } from "./error.ts"
import { visible } from "./escape.ts"
import { parseJson } from "./json.ts"
import { displayPath } from "./paths.ts"
import { readText } from "./read.ts"

/** The same words as permission/permission.ts, which is above this layer. */
const MODES = ["default", "acceptEdits", "plan", "bypassPermissions"] as const
/** The protocols of model/provider-table.ts, which is above this layer. */
export const PROVIDER_KINDS = ["anthropic", "openai", "openai-compatible", "google", "bedrock"] as const
const LARGEST_FILE = 1024 * 1024
/** What Claude Code's files and ours have in common. */
const SHARED_KEYS: ReadonlySet<string> = new Set(["permissions", "hooks", "env", "model", "enabledMcpjsonServers"])

export interface Permissions {
  /** Rules such as `Bash(npm test:*)`; nobody has looked yet whether they mean anything. */
  allow: string[]
  deny: string[]
  ask: string[]
  defaultMode?: (typeof MODES)[number]
}

/** An endpoint of the person's own (model/providers.ts). */
export interface ProviderSettings {
  kind: (typeof PROVIDER_KINDS)[number]
  /** http or https. */
  baseURL: string
  /** Name of the environment variable that holds the key. */
  apiKeyEnv?: string
  headers?: Record<string, string>
}

/** USD for a million tokens. Cached tokens cost as much as input where nothing else is said. */
export interface Rates {
  input: number
  output: number
  cacheRead?: number
  cacheWrite?: number
}

/** `above`: the rates of a whole request whose input, cached tokens included, has more than `tokens`. */
export type Price = Rates & { above?: Rates & { tokens: number } }

/** What a person knows better about a model than the catalogue (model/catalogue.ts). */
export interface ModelSettings {
  /** Tokens of input and output together. */
  contextWindow?: number
  /** Tokens of one answer; requests then ask for no more. */
  maxOutputTokens?: number
  price?: Price
  images?: boolean
  pdf?: boolean
  reasoning?: boolean
  tools?: boolean
}

/** What concerns models and may only be said by the person. */
export interface PersonalModelSettings {
  providers?: Record<string, ProviderSettings>
  /** By `provider/model`. */
  models?: Record<string, ModelSettings>
  /** Names of the person's own for models; they go before the built-in ones. */
  modelAliases?: Record<string, string>
  /** Silence after which a request is given up and sent again. */
  idleTimeoutSeconds?: number
}

/** What the WebFetch tool may do beyond public addresses (tool/web-guard.ts). */
export interface WebFetchSettings {
  /** `127.0.0.1:3000`, `*.corp.example`, `10.0.0.0/8`; nobody has looked yet whether they mean anything. */
  allowPrivate: string[]
  /** For hosts that the environment asks a proxy for. `ignore`: connect to them directly. */
  proxy: "refuse" | "ignore"
}

/** What a session may use, with everything below it, over its whole life (task/caps.ts). */
export interface CapSettings {
  costUsd?: number
  tokens?: number
  steps?: number
  /** Of time at work. */
  minutes?: number
  /** What a tree may do by itself while nobody looks, since somebody said something in it; 0: no such cap. */
  unwatchedTurns?: number
  unwatchedUsd?: number
}

/** How much of what commands wrote is kept, and for how long (docs/storage.md). Days: 0 is for ever. */
export interface StorageSettings {
  /** Of one command: its beginning and its end. */
  commandOutputMb?: number
  /** Of all commands together. */
  allOutputMb?: number
  /** After a command's end: then little is left of a long output, and then nothing. */
  shortenOutputDays?: number
  removeOutputDays?: number
  /** After its last turn: then a whole session is deleted. */
  removeSessionDays?: number
}

/** Of the memory that is kept of each session (docs/memory.md). */
export interface MemorySettings {
  /** False: no model is asked for it but when the person wants it. */
  updates?: boolean
  /** What it may cost, as a share of what the session itself used. */
  share?: number
}

export interface FileSettings extends PersonalModelSettings {
  /** Only the person's own. */
  webFetch?: WebFetchSettings
  /** Only the person's own. */
  caps?: CapSettings
  /**
   * The share of a model's window at which a conversation is compacted by itself; 0: only when it is asked for, or the
   * model refuses it. Only the person's own.
   */
  compactAt?: number
  /**
   * The model for small requests beside a conversation, such as titles; without it, the cheapest suited one of the
   * provider. Only the person's own.
   */
  smallModel?: string
  /** `prompt`: titles are the beginnings of first prompts, and no model makes better ones. Only the person's own. */
  titles?: "model" | "prompt"
  /** Only the person's own. */
  memory?: MemorySettings
  /** How many shells run in the background at a time; the others wait. Only the person's own. */
  maxBackgroundShells?: number
  /** Only the person's own. */
  storage?: StorageSettings
  model?: string
  /** Models that are asked in turn when the one before fails for good. */
  modelFallback?: string[]
  permissions?: Permissions
  env?: Record<string, string>
  extra: Record<string, unknown>
}

/** Undefined when there is no such file (an empty one counts as none). Throws a UserError that names file and key. */
export function readSettingsFile(
  path: string,
  { home, dialect }: { home: string; dialect: "own" | "claude" },
): FileSettings | undefined {
  const fail = (what: string): never => {
    throw new UserError("bad-settings", `${displayPath(path, home)}${what}`, Exit.usage)
  }
  const read = readText(path, LARGEST_FILE)
  if (read.type === "none") return undefined
  if (read.type === "unreadable") return fail(` ${read.reason}`)
  if (read.text.trim() === "") return undefined
  const parsed = parseJson(read.text)
  if (parsed.type === "mistake") return fail(`:${parsed.line}:${parsed.column}: ${parsed.message}`)
  return new Checker(fail, dialect).settings(parsed.value)
}

type Fields = Record<string, unknown>

class Checker {
  constructor(
    readonly fail: (what: string) => never,
    readonly dialect: "own" | "claude",
  ) {}

  settings(value: unknown): FileSettings {
    const fields = this.#fields(value, "the whole file")
    const known = this.dialect === "own" ? fields : pick(fields, SHARED_KEYS)
    const { model, modelFallback, permissions, env, ...others } = known
    const { providers, models, modelAliases, idleTimeoutSeconds, webFetch, caps, ...rest } = others
    const { maxBackgroundShells, storage, compactAt, smallModel, titles, memory, ...extra } = rest
    const settings: FileSettings = { extra }
    if (model !== undefined) settings.model = this.#text(model, "model")
    if (modelFallback !== undefined) settings.modelFallback = this.#chain(modelFallback, "modelFallback")
    if (providers !== undefined) settings.providers = this.#providers(providers)
    if (models !== undefined) settings.models = this.#models(models)
    if (modelAliases !== undefined) settings.modelAliases = this.#aliases(modelAliases)
    if (idleTimeoutSeconds !== undefined)
      settings.idleTimeoutSeconds = this.#number(idleTimeoutSeconds, "idleTimeoutSeconds", { over: 0 })
    if (webFetch !== undefined) settings.webFetch = this.#webFetch(webFetch)
    if (caps !== undefined) settings.caps = this.#caps(caps)
    if (maxBackgroundShells !== undefined)
      settings.maxBackgroundShells = Math.ceil(this.#number(maxBackgroundShells, "maxBackgroundShells", { over: 0 }))
    if (storage !== undefined) settings.storage = this.#storage(storage)
    if (compactAt !== undefined) settings.compactAt = this.#share(compactAt, "compactAt")
    if (smallModel !== undefined) settings.smallModel = this.#text(smallModel, "smallModel")
    if (titles !== undefined) settings.titles = this.#titles(titles)
    if (memory !== undefined) settings.memory = this.#memory(memory)
    if (permissions !== undefined) settings.permissions = this.#permissions(permissions, extra)
    if (env !== undefined) settings.env = this.#env(env)
    return settings
  }

  #memory(value: unknown): MemorySettings {
    const { updates, share } = this.#fields(value, "memory")
    return {
      ...(updates !== undefined && { updates: this.#truth(updates, "memory.updates") }),
      ...(share !== undefined && { share: this.#number(share, "memory.share") }),
    }
  }

  #titles(value: unknown): "model" | "prompt" {
    if (value === "model" || value === "prompt") return value
    return this.#wrong("titles", '"model" or "prompt"', value)
  }

  /** Unknown keys go to `extra` under the same name. */
  #permissions(value: unknown, extra: Fields): Permissions {
    const { allow, deny, ask, defaultMode, ...rest } = this.#fields(value, "permissions")
    const permissions: Permissions = {
      allow: this.#texts(allow, "permissions.allow"),
      deny: this.#texts(deny, "permissions.deny"),
      ask: this.#texts(ask, "permissions.ask"),
    }
    if (Object.keys(rest).length > 0) extra.permissions = rest
    const mode = MODES.find((known) => known === defaultMode)
    if (mode) permissions.defaultMode = mode
    // Claude Code has modes that we do not have; whoever moves over must not have to edit its files.
    if (mode || defaultMode === undefined || (this.dialect === "claude" && typeof defaultMode === "string"))
      return permissions
    return this.#wrong("permissions.defaultMode", `one of ${MODES.join(", ")}`, defaultMode)
  }

  #providers(value: unknown): Record<string, ProviderSettings> {
    const providers = Object.entries(this.#fields(value, "providers")).map(([name, entry]) => {
      if (name === "" || name.includes("/")) this.#wrong("providers", 'made of names without "/"', name)
      const key = `providers.${name}`
      const { kind, baseURL, apiKeyEnv, headers } = this.#fields(entry, key)
      const known =
        PROVIDER_KINDS.find((one) => one === kind) ??
        this.#wrong(`${key}.kind`, `one of ${PROVIDER_KINDS.join(", ")}`, kind)
      const provider: ProviderSettings = { kind: known, baseURL: this.#address(baseURL, `${key}.baseURL`) }
      if (apiKeyEnv !== undefined) provider.apiKeyEnv = this.#text(apiKeyEnv, `${key}.apiKeyEnv`)
      if (headers !== undefined) provider.headers = this.#headers(headers, `${key}.headers`)
      return [name, provider] as const
    })
    return Object.fromEntries(providers)
  }

  #models(value: unknown): Record<string, ModelSettings> {
    const models = Object.entries(this.#fields(value, "models")).map(([id, entry]) => {
      const key = `models.${id}`
      if (!/^[^/]+\/./.test(id)) this.#wrong("models", 'made of "provider/model" names', id)
      const fields = this.#fields(entry, key)
      const model: ModelSettings = {}
      for (const name of ["contextWindow", "maxOutputTokens"] as const)
        if (fields[name] !== undefined)
          model[name] = Math.floor(this.#number(fields[name], `${key}.${name}`, { over: 0 }))
      for (const name of ["images", "pdf", "reasoning", "tools"] as const)
        if (fields[name] !== undefined) model[name] = this.#truth(fields[name], `${key}.${name}`)
      if (fields.price !== undefined) model.price = this.#price(fields.price, `${key}.price`)
      return [id, model] as const
    })
    return Object.fromEntries(models)
  }

  #price(value: unknown, key: string): Price {
    const { above } = this.#fields(value, key)
    const rates = this.#rates(value, key)
    if (above === undefined) return rates
    const { tokens } = this.#fields(above, `${key}.above`)
    const more = {
      ...this.#rates(above, `${key}.above`),
      tokens: this.#number(tokens, `${key}.above.tokens`, { over: 0 }),
    }
    return { ...rates, above: more }
  }

  #rates(value: unknown, key: string): Rates {
    const { input, output, cacheRead, cacheWrite } = this.#fields(value, key)
    const rates: Rates = { input: this.#number(input, `${key}.input`), output: this.#number(output, `${key}.output`) }
    if (cacheRead !== undefined) rates.cacheRead = this.#number(cacheRead, `${key}.cacheRead`)
    if (cacheWrite !== undefined) rates.cacheWrite = this.#number(cacheWrite, `${key}.cacheWrite`)
    return rates
  }

  #aliases(value: unknown): Record<string, string> {
    const aliases = Object.entries(this.#fields(value, "modelAliases"))
    return Object.fromEntries(aliases.map(([name, model]) => [name, this.#text(model, `modelAliases.${name}`)]))
  }

  #webFetch(value: unknown): WebFetchSettings {
    const { allowPrivate, proxy = "refuse" } = this.#fields(value, "webFetch")
    if (proxy !== "refuse" && proxy !== "ignore") return this.#wrong("webFetch.proxy", "one of refuse, ignore", proxy)
    return { allowPrivate: this.#texts(allowPrivate, "webFetch.allowPrivate"), proxy }
  }

  #caps(value: unknown): CapSettings {
    const fields = this.#fields(value, "caps")
    const caps: CapSettings = {}
    for (const name of ["costUsd", "tokens", "steps", "minutes"] as const)
      if (fields[name] !== undefined) caps[name] = this.#number(fields[name], `caps.${name}`, { over: 0 })
    for (const name of ["unwatchedTurns", "unwatchedUsd"] as const)
      if (fields[name] !== undefined) caps[name] = this.#number(fields[name], `caps.${name}`)
    return caps
  }

  #storage(value: unknown): StorageSettings {
    const fields = this.#fields(value, "storage")
    const storage: StorageSettings = {}
    for (const name of ["commandOutputMb", "allOutputMb"] as const)
      if (fields[name] !== undefined) storage[name] = this.#number(fields[name], `storage.${name}`, { over: 0 })
    for (const name of ["shortenOutputDays", "removeOutputDays", "removeSessionDays"] as const)
      if (fields[name] !== undefined) storage[name] = this.#number(fields[name], `storage.${name}`)
    return storage
  }

  #env(value: unknown): Record<string, string> {
    const env = this.#textFields(value, "env")
    const wrong = Object.keys(env).find((name) => name === "" || /[=\0]/.test(name))
    if (wrong !== undefined) return this.#wrong("env", 'made of names without "="', wrong)
    const endless = Object.keys(env).find((name) => env[name]!.includes("\0"))
    return endless === undefined ? env : this.#wrong(`env.${endless}`, "a text without NUL characters", env[endless])
  }

  /** As in RFC 9110, 5.1 and 5.5: a request with any other header could never be sent. */
  #headers(value: unknown, key: string): Record<string, string> {
    const headers = this.#textFields(value, key)
    for (const [name, content] of Object.entries(headers)) {
      if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) this.#wrong(key, "made of header names", name)
      if (/[^\t\x20-\x7e\x80-\xff]/.test(content))
        this.#wrong(`${key}.${name}`, "a text that fits into a header", content)
    }
    return headers
  }

  /** Numbers and truth values count as their text, because people leave out the quotes. */
  #textFields(value: unknown, key: string): Record<string, string> {
    const texts = Object.entries(this.#fields(value, key)).map(([name, content]) => {
      const isScalar = typeof content === "string" || typeof content === "number" || typeof content === "boolean"
      return isScalar ? ([name, String(content)] as const) : this.#wrong(`${key}.${name}`, "a text", content)
    })
    return Object.fromEntries(texts)
  }

  #address(value: unknown, key: string): string {
    const text = this.#text(value, key)
    const protocol = URL.canParse(text) ? new URL(text).protocol : ""
    if (protocol === "http:" || protocol === "https:") return text
    return this.#wrong(key, "an address that begins with http:// or https://", value)
  }

  #text(value: unknown, key: string): string {
    return typeof value === "string" && value !== "" ? value : this.#wrong(key, "a text that is not empty", value)
  }

  /** Not negative; `over`: more than that. */
  #number(value: unknown, key: string, { over }: { over?: number } = {}): number {
    const isRight =
      typeof value === "number" && Number.isFinite(value) && (over === undefined ? value >= 0 : value > over)
    return isRight ? value : this.#wrong(key, over === undefined ? "a number" : `a number over ${over}`, value)
  }

  #share(value: unknown, key: string): number {
    const isRight = typeof value === "number" && value >= 0 && value <= 1
    return isRight ? value : this.#wrong(key, "a number from 0 to 1, such as 0.8", value)
  }

  #truth(value: unknown, key: string): boolean {
    return typeof value === "boolean" ? value : this.#wrong(key, "true or false", value)
  }

  /** One text is a list of one. */
  #chain(value: unknown, key: string): string[] {
    if (!Array.isArray(value)) return [this.#text(value, key)]
    return value.map((entry, index) => this.#text(entry, `${key}[${index}]`))
  }

  #texts(value: unknown, key: string): string[] {
    if (value === undefined) return []
    if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value
    return this.#wrong(key, "a list of texts", value)
  }

  #fields(value: unknown, key: string): Fields {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields
    return this.#wrong(key, "an object", value)
  }

  #wrong(key: string, expected: string, value: unknown): never {
    // A number that is too large has no JSON.
    const json = typeof value === "number" ? String(value) : JSON.stringify(value)
    const found = value === undefined ? "missing" : visible(json.slice(0, 60))
    return this.fail(`: ${visible(key)} must be ${expected}, but is ${found}`)
  }
}

function pick(fields: Fields, keys: ReadonlySet<string>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => keys.has(key)))
}
