// Which models there are to choose from, and how one more provider comes to them while sessions are at work.
import { join } from "node:path"
import { displayPath, type HomePaths } from "../base/paths.ts"
import { addSetting } from "../base/settings-edit.ts"
import { readSettingsFile } from "../base/settings-file.ts"
import { type CustomProvider, keyVariables, type ProviderSettings, resolveModel } from "../model/providers.ts"

export interface ModelDesk {
  readonly settings: ProviderSettings
  /** The user's settings file, as it is shown. */
  readonly file: string
  /** Adds a provider to the user's settings, usable at once. Throws a UserError when the file can't be changed. */
  addProvider(name: string, provider: CustomProvider): void
  /** The id that a name stands for. Throws a UserError when there is no such model. */
  idOf(name: string): string
}

/** `providers` is the one object that all requests are resolved with: what is added to it is known everywhere. */
export function createModelDesk(
  home: HomePaths,
  settings: ProviderSettings & { providers: Record<string, CustomProvider> },
): ModelDesk {
  const path = join(home.config, "settings.json")
  const { providers } = settings
  // Commands were started without the keys that were known then: another one must not become known afterwards.
  const keys = new Set(keyVariables(providers))
  const reread = () => {
    const file = readSettingsFile(path, { home: home.home, dialect: "own" })
    for (const [name, provider] of Object.entries(file?.providers ?? {}))
      if (!provider.apiKeyEnv || keys.has(provider.apiKeyEnv)) providers[name] = provider
  }
  return {
    settings,
    file: displayPath(path, home.home),
    addProvider: (name, provider) => {
      addSetting(path, { section: "providers", name, value: { ...provider } })
      providers[name] = provider
    },
    idOf: (name) => {
      try {
        return resolveModel(name, settings).id
      } catch {
        // Another process may have added it since this one read the file.
        reread()
        return resolveModel(name, settings).id
      }
    },
  }
}
