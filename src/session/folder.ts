// A project as a session begins in it: the person's settings and agents with the folder's own, those within what the
// person trusts the folder to say.
import { type LoadedAgents, loadAgents } from "../agent/load.ts"
import { visible } from "../base/escape.ts"
import { displayPath, type HomePaths, realPath } from "../base/paths.ts"
import { loadSettings, type Settings } from "../base/settings.ts"
import type { Reader } from "../store/store.ts"
import { type Trust, trustAnswer } from "./trust.ts"

export interface Folder {
  settings: Settings
  /** The file of each permission rule, as it is shown. */
  ruleFiles: ReadonlyMap<string, string>
  notes: string[]
  agents: LoadedAgents
  trust: Trust
}

export interface FolderPlace {
  cwd: string
  /** The project's root. */
  project: string
  home: HomePaths
  /** Value of `--agents`. */
  flagJson: string | undefined
  /** Trusted for this run, whatever the person said of it. */
  once: boolean
}

/** Throws a UserError for a settings file, or a flag, that can't be used. */
export async function openFolder(reader: Reader, place: FolderPlace): Promise<Folder> {
  const { cwd, project, home, flagJson, once } = place
  const state = once ? "once" : (trustAnswer(reader, project) ?? "unknown")
  const trusted = isTrusted({ state })
  const { withheld, ...loaded } = loadSettings({ cwd, root: project, home, trusted })
  const places = { cwd, root: project, userConfig: home.config, userHome: home.home }
  const agents = await loadAgents({ ...places, flagJson, trusted })
  const withheldAgents = agents.problems.flatMap(({ path, withheld: detail, agent = "" }) =>
    detail === undefined ? [] : { file: displayPath(path, home.home), key: `agent ${visible(agent)}`, detail },
  )
  const note = withheld.length > 0 ? loaded.notes[0] : undefined
  const trust = { state, folder: realPath(project), note, withheld: [...withheld, ...withheldAgents] } as const
  return { ...loaded, agents, trust }
}

export function isTrusted({ state }: Pick<Trust, "state">): boolean {
  return state === "once" || state === "trusted"
}
