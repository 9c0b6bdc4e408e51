// One settings file: strict JSON, checked by hand, because a schema library would cost more at start than everything
// else here. Unknown keys are kept without a word: other versions and other programs have theirs.
import { Exit, UserError } from "./error.ts"
import { visible } from "./escape.ts"
import { parseJson } from "./json.ts"
import { displayPath } from "./paths.ts"
import { readText } from "./read.ts"

/** The same words as permission/permission.ts, which is above this layer. */
const MODES = ["default", "acceptEdits", "plan", "bypassPermissions"] as const
const KINDS = ["anthropic", "openai-compatible"] as const
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
  kind: (typeof KINDS)[number]
  /** http or https. */
  baseURL: string
  /** Name of the environment variable that holds the key. */
  apiKeyEnv?: string
  headers?: Record<string, string>
}

export interface FileSettings {
  model?: string
  modelFallback?: string
  providers?: Record<string, ProviderSettings>
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
    const { model, modelFallback, providers, permissions, env, ...extra } = known
    const settings: FileSettings = { extra }
    if (model !== undefined) settings.model = this.#text(model, "model")
    if (modelFallback !== undefined) settings.modelFallback = this.#text(modelFallback, "modelFallback")
    if (providers !== undefined) settings.providers = this.#providers(providers)
    if (permissions !== undefined) settings.permissions = this.#permissions(permissions, extra)
    if (env !== undefined) settings.env = this.#env(env)
    return settings
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
      const key = `providers.${name}`
      const { kind, baseURL, apiKeyEnv, headers } = this.#fields(entry, key)
      const known = KINDS.find((one) => one === kind) ?? this.#wrong(`${key}.kind`, `one of ${KINDS.join(", ")}`, kind)
      const provider: ProviderSettings = { kind: known, baseURL: this.#address(baseURL, `${key}.baseURL`) }
      if (apiKeyEnv !== undefined) provider.apiKeyEnv = this.#text(apiKeyEnv, `${key}.apiKeyEnv`)
      if (headers !== undefined) provider.headers = this.#textFields(headers, `${key}.headers`)
      return [name, provider] as const
    })
    return Object.fromEntries(providers)
  }

  #env(value: unknown): Record<string, string> {
    const env = this.#textFields(value, "env")
    const wrong = Object.keys(env).find((name) => name === "" || /[=\0]/.test(name))
    return wrong === undefined ? env : this.#wrong("env", 'made of names without "="', wrong)
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
    const found = value === undefined ? "missing" : visible(JSON.stringify(value).slice(0, 60))
    return this.fail(`: ${visible(key)} must be ${expected}, but is ${found}`)
  }
}

function pick(fields: Fields, keys: ReadonlySet<string>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => keys.has(key)))
}
