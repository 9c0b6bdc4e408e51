// The person's settings and the folder's, read in order and merged; nearer ones win. What a stranger's repository
// says is used only as far as it cannot run, permit or redirect anything, until the folder is trusted.
import { join } from "node:path"
import { visible } from "./escape.ts"
import { displayPath, foldersUp, type HomePaths, realPath } from "./paths.ts"
import {
  type CapSettings,
  type FileSettings,
  type MemorySettings,
  type Permissions,
  type PersonalModelSettings,
  readSettingsFile,
  type StorageSettings,
  type WebFetchSettings,
} from "./settings-file.ts"
import { oneLine } from "./text.ts"

export type { Permissions, ProviderSettings } from "./settings-file.ts"

export interface Settings extends PersonalModelSettings {
  model?: string
  modelFallback?: string[]
  webFetch?: WebFetchSettings
  caps?: CapSettings
  maxBackgroundShells?: number
  storage?: StorageSettings
  compactAt?: number
  smallModel?: string
  titles?: "model" | "prompt"
  memory?: MemorySettings
  permissions?: Permissions
  env?: Record<string, string>
  /** Keys that mean nothing here, such as `hooks`: for the parts that own them. */
  extra: Record<string, unknown>
}

export interface LoadedSettings {
  settings: Settings
  /** The file that each permission rule stands in, as it is shown: for messages about a rule. */
  ruleFiles: ReadonlyMap<string, string>
  /** What the folder's files say that holds only in a trusted folder; empty where it is one. */
  withheld: WithheldSetting[]
  /** Lines for standard error: what was left out, and why. */
  notes: string[]
}

export interface WithheldSetting {
  /** The file, as it is shown. */
  file: string
  /** Such as `permissions.allow`. */
  key: string
  /** What it says, from a stranger's file. */
  detail: string
  /** Nothing uses it yet, in a trusted folder either. */
  isUnused?: true
}

/**
 * Reads, each over the ones before: `~/.claude/settings.json`, the own one; then, from the repository's root down to
 * the working folder, `.claude/settings.json` and `.meanwhile/settings.json`; then in the same way their
 * `settings.local.json`. Lists are joined, objects merged by key, anything else is replaced. Throws a UserError for a
 * file that cannot be read or has a wrong type in it: to leave out a rule that denies would be worse than to stop.
 */
export function loadSettings({ cwd, root, home, trusted }: Place & { trusted: boolean }): LoadedSettings {
  const settings: Settings = { extra: {} }
  const withheld: WithheldSetting[] = []
  const forbidden: string[] = []
  const personal = new Set<string>()
  const ruleFiles = new Map<string, string>()
  for (const { path, dialect, owner } of settingsPaths({ cwd, root, home })) {
    const file = readSettingsFile(path, { home: home.home, dialect })
    if (!file) continue
    const shown = displayPath(path, home.home)
    const { allow = [], deny = [], ask = [] } = file.permissions ?? {}
    for (const rule of [...allow, ...deny, ...ask]) if (!ruleFiles.has(rule)) ruleFiles.set(rule, shown)
    if (owner === "person") {
      personal.add(realPath(path))
      merge(settings, file)
      continue
    }
    // In the home folder the person's own files are not a repository's as well.
    if (personal.has(realPath(path))) continue
    const { allowed, refused } = withoutForbidden(file, keyNames(settings))
    if (refused.length > 0) forbidden.push(`${refused.join(", ")} in ${shown}`)
    const { harmless, ignored } = harmlessPart(allowed)
    if (!trusted) withheld.push(...ignored.map((part) => ({ file: shown, ...part })))
    merge(settings, trusted ? allowed : harmless)
  }
  return { settings, ruleFiles, withheld, notes: notesOn({ withheld, forbidden, home }) }
}

/** The lists hold names from files of strangers. */
function notesOn({
  withheld,
  forbidden,
  home,
}: {
  withheld: readonly WithheldSetting[]
  forbidden: string[]
  home: HomePaths
}): string[] {
  const files = [...new Set(withheld.map(({ file }) => file))]
  const untrusted = files.map((file) => {
    const keys = withheld.filter((part) => part.file === file).map(({ key }) => key)
    return `${keys.join(", ")} in ${file}`
  })
  const listed = (parts: string[]) => oneLine(visible(parts.join("; ")), 500)
  const own = displayPath(join(home.config, "settings.json"), home.home)
  const notes: string[] = []
  if (untrusted.length > 0)
    notes.push(`This folder is not trusted, so these are ignored: ${listed(untrusted)}. --trust uses them.`)
  if (forbidden.length > 0) {
    notes.push(`A repository cannot set these, so they are ignored: ${listed(forbidden)}. They work in ${own}.`)
  }
  return notes
}

interface Place {
  cwd: string
  root: string
  home: HomePaths
}

interface SettingsPath {
  path: string
  /** Of Claude Code's files only the keys that mean the same here are read. */
  dialect: "own" | "claude"
  owner: "person" | "repository"
}

/** Lowest first. */
function settingsPaths({ cwd, root, home }: Place): SettingsPath[] {
  const own: SettingsPath[] = [
    { path: join(home.home, ".claude/settings.json"), dialect: "claude", owner: "person" },
    { path: join(home.config, "settings.json"), dialect: "own", owner: "person" },
  ]
  const folders = foldersUp(cwd, root).reverse()
  const theirs = ["settings.json", "settings.local.json"].flatMap((name) =>
    folders.flatMap((folder): SettingsPath[] => [
      { path: join(folder, ".claude", name), dialect: "claude", owner: "repository" },
      { path: join(folder, ".meanwhile", name), dialect: "own", owner: "repository" },
    ]),
  )
  return [...own, ...theirs]
}

/**
 * Variables that decide what is executed, or where a provider's requests and keys go. Also in a trusted repository,
 * because trust is given to what was looked at, and these hide in a list of harmless ones.
 */
const FORBIDDEN_ENV =
  /^(?:BUN_.*|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|NODE_TLS_REJECT_UNAUTHORIZED|SSL_CERT_(?:FILE|DIR)|LD_.*|DYLD_.*|PATH|HOME|XDG_.*|MEANWHILE_.*|(?:HTTPS?|ALL)_PROXY|(?:ANTHROPIC|OPENAI|OPENROUTER|GEMINI|GOOGLE_GEMINI|GOOGLE_GENERATIVE_AI)_.*|AWS_(?:ENDPOINT_URL.*|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|BEARER_TOKEN_BEDROCK))$/is

function withoutForbidden(file: FileSettings, keys: ReadonlySet<string>): { allowed: FileSettings; refused: string[] } {
  const {
    providers,
    models,
    modelAliases,
    idleTimeoutSeconds,
    webFetch,
    caps,
    storage,
    maxBackgroundShells,
    compactAt,
    smallModel,
    titles,
    memory,
    env,
    ...allowed
  } = file
  // Where requests go, what they are said to cost, and how soon one is sent again: for the person who pays. And which
  // addresses of the person's own network a web page may be fetched from; how much may be spent and run; what is kept.
  const limits = { caps, storage, maxBackgroundShells, compactAt, smallModel, titles, memory }
  const personal = { providers, models, modelAliases, idleTimeoutSeconds, webFetch, ...limits }
  const refused = Object.entries(personal).flatMap(([key, value]) => (value === undefined ? [] : key))
  if (!env) return { allowed, refused }
  const isForbidden = (name: string) => FORBIDDEN_ENV.test(name) || keys.has(name)
  const names = Object.keys(env)
  refused.push(...names.filter(isForbidden).map((name) => `env.${name}`))
  const rest = names.filter((name) => !isForbidden(name)).map((name) => [name, env[name]!] as const)
  return { allowed: rest.length > 0 ? { ...allowed, env: Object.fromEntries(rest) } : allowed, refused }
}

function keyNames(settings: Settings): ReadonlySet<string> {
  return new Set(Object.values(settings.providers ?? {}).flatMap(({ apiKeyEnv }) => apiKeyEnv ?? []))
}

/** Of the keys that mean nothing here, those whose loss somebody would notice; the others go without a word. */
const NOTICED = ["hooks", "mcpServers", "enabledMcpjsonServers"]

/** What is left is listed by what may stay, so that a key which is added later is not used by accident. */
function harmlessPart({ model, modelFallback, permissions, env, extra }: FileSettings): {
  harmless: FileSettings
  ignored: Omit<WithheldSetting, "file">[]
} {
  const harmless: FileSettings = { extra: {} }
  const ignored: Omit<WithheldSetting, "file">[] = NOTICED.filter((key) => key in extra).map((key) => {
    return { key, detail: detailOf(JSON.stringify(extra[key])), isUnused: true }
  })
  if (env) {
    const set = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    ignored.push({ key: "env", detail: detailOf(set.join(", ")) })
  }
  if (model !== undefined) harmless.model = model
  if (modelFallback !== undefined) harmless.modelFallback = modelFallback
  if (!permissions) return { harmless, ignored }

  const { allow, deny, ask, defaultMode } = permissions
  harmless.permissions = { allow: [], deny, ask }
  if (allow.length > 0) ignored.push({ key: "permissions.allow", detail: detailOf(allow.join(", ")) })
  if (defaultMode === "plan") harmless.permissions.defaultMode = "plan"
  if (defaultMode && defaultMode !== "plan") ignored.push({ key: "permissions.defaultMode", detail: defaultMode })
  return { harmless, ignored }
}

/** A text from a stranger's file, as it is shown. */
function detailOf(text: string): string {
  return oneLine(visible(text), 2000)
}

function merge(into: Settings, file: FileSettings): void {
  const { permissions, providers, models, modelAliases, env, extra, ...scalars } = file
  Object.assign(into, scalars)
  if (providers) into.providers = { ...into.providers, ...providers }
  if (models) into.models = { ...into.models, ...models }
  if (modelAliases) into.modelAliases = { ...into.modelAliases, ...modelAliases }
  if (env) into.env = { ...into.env, ...env }
  if (permissions) into.permissions = mergePermissions(into.permissions, permissions)
  into.extra = mergeObjects(into.extra, extra, 0)
}

function mergePermissions(
  before: Permissions | undefined,
  { allow, deny, ask, defaultMode }: Permissions,
): Permissions {
  const merged: Permissions = {
    allow: joined(before?.allow, allow),
    deny: joined(before?.deny, deny),
    ask: joined(before?.ask, ask),
  }
  const mode = defaultMode ?? before?.defaultMode
  if (mode) merged.defaultMode = mode
  return merged
}

function joined<T>(before: readonly T[] = [], after: readonly T[] = []): T[] {
  return [...new Set([...before, ...after])]
}

/** Nesting beyond any real setting is replaced instead of merged. */
const DEEPEST_MERGE = 16

function mergeObjects(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  depth: number,
): Record<string, unknown> {
  const merged = new Map(Object.entries(before))
  for (const [key, value] of Object.entries(after)) {
    const old = merged.get(key)
    if (Array.isArray(old) && Array.isArray(value)) merged.set(key, joined(old, value))
    else if (depth < DEEPEST_MERGE && isObject(old) && isObject(value))
      merged.set(key, mergeObjects(old, value, depth + 1))
    else merged.set(key, value)
  }
  return Object.fromEntries(merged)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
