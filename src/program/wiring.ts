// The parts that are built once for a program, and how its sessions get theirs of them.
import type { LoadedAgents } from "../agent/load.ts"
import type { Clock } from "../base/clock.ts"
import type { Ids } from "../base/ids.ts"
import type { Log } from "../base/log.ts"
import type { HomePaths } from "../base/paths.ts"
import type { Settings } from "../base/settings.ts"
import { createModels, type Models } from "../model/ask.ts"
import type { ProviderSettings } from "../model/providers.ts"
import { createDecider } from "../permission/decide.ts"
import { keptRulesFor } from "../permission/kept-rules.ts"
import { parseRules, type Rule } from "../permission/rules.ts"
import { createApprovals } from "../session/approvals.ts"
import { Audience } from "../session/audience.ts"
import { Budget } from "../session/budget.ts"
import type { Checkpoints } from "../session/checkpoint.ts"
import { compactionPolicy } from "../session/compactor.ts"
import { Draft, draftPath } from "../session/draft.ts"
import type { ModelDesk } from "../session/model-desk.ts"
import type { SessionParts, SessionSpec } from "../session/session.ts"
import { currentShellFolder } from "../session/shell-folder.ts"
import { toolbox } from "../session/toolbox.ts"
import type { Store } from "../store/store.ts"
import { capsOf } from "../task/caps.ts"
import type { TaskRuntime } from "../task/runtime.ts"
import type { Files } from "../tool/files.ts"
import type { ProgramOptions } from "./client.ts"
export function providers({ options, settings }: Pick<Wiring, "options" | "settings">): ProviderSettings {
  const { providers = {}, models = {}, modelAliases = {} } = settings
  return { env: options.env, providers, models, aliases: modelAliases }
}

/** What is done when a model fails, or says nothing. */
export function modelPolicy({ modelFallback, idleTimeoutSeconds, smallModel }: Settings) {
  return { fallback: modelFallback, idleMs: idleTimeoutSeconds && idleTimeoutSeconds * 1000, small: smallModel }
}

export interface Wiring {
  options: ProgramOptions
  settings: Settings
  home: HomePaths
  project: string
  agents: LoadedAgents
  store: Store
  clock: Clock
  ids: Ids
  log: Log
  tasks: TaskRuntime
  ripgrepPath: () => Promise<string>
  files: Files
  rules: Rules
  notes: string[]
  isTrusted: boolean
  desk: ModelDesk
  /** Who looks at the trees that this process drives, by root. */
  audiences: Map<string, Audience>
  /** What keeps the files of those trees as they were, by root. */
  checkpoints: Map<string, Checkpoints>
  /** Permission rules of processes that died, in whose place this one drives trees; by root. */
  carriedRules: Map<string, Rules>
  /** For what reads more files than its call names. */
  forbidReads(deny: readonly Rule[]): void
  /** What git says of it, for a session that begins. */
  repository: () => Promise<string>
}

export interface Rules {
  allow: Rule[]
  deny: Rule[]
}

export function sessionParts(wiring: Wiring): SessionParts {
  const { options, store, clock, ids, log, tasks, home, rules, files, ripgrepPath, audiences } = wiring
  const approvals = createApprovals({ store, clock, ids }, { answerable: options.answerable ?? false })
  const search = { files, ripgrepPath, env: options.env }
  const web = wiring.settings.webFetch ?? { allowPrivate: [], proxy: "refuse" as const }
  const tools = { store, clock, ids, tasks, approvals, search, web, agents: wiring.agents.agents }
  const models = createModels({ ...providers(wiring), ...modelPolicy(wiring.settings), clock })
  return {
    store,
    clock,
    ids,
    log,
    models,
    budget: budgetOf(wiring, models),
    approvals,
    draft: ({ id, root_id: rootId }, stepId) => {
      const own = id === rootId ? undefined : new Audience(store, clock, id)
      const isPresent = () => {
        if (!audiences.get(rootId)?.isPresent) return false
        own?.look()
        return own?.isPresent ?? true
      }
      return new Draft(draftPath(store, stepId), { isPresent, written: () => store.ring(`watch:${rootId}`) }, log)
    },
    toolsFor: (row) => toolbox(row, tools),
    checkpoints: (rootId) => wiring.checkpoints.get(rootId),
    compaction: compactionPolicy(wiring.settings),
    forget: (sessionId) => files.stamps.forget(sessionId),
    compacted: (sessionId, inSight) => files.stamps.compacted(sessionId, inSight),
    decide: (row, call) => {
      // What a monitor runs is a command like any other; it begins where the session's commands do.
      const runs = call.tool === "Bash" || call.tool === "Monitor"
      const asked = runs ? { ...call, tool: "Bash", cwd: currentShellFolder(store, row) } : call
      const limits = JSON.parse(row.limits) as SessionSpec["limits"]
      const carried = wiring.carriedRules.get(row.root_id)
      return createDecider({
        home: home.home,
        // Read each time: another process may have been told "always", or that no more.
        allow: [...rules.allow, ...keptRulesFor(store, row), ...(carried?.allow ?? [])],
        deny: [...rules.deny, ...(carried?.deny ?? []), ...limits.deny.flatMap(parseRules)],
        only: limits.only.flatMap(parseRules),
      })(asked)
    },
  }
}

/** With nobody there, a tree goes on by itself for so many wake turns, and for so much money. */
export const UNWATCHED = { turns: 20, usd: 5 }

export function budgetOf({ options, settings, clock, audiences }: Wiring, models: Models): Budget {
  const { unwatchedTurns = UNWATCHED.turns, unwatchedUsd = UNWATCHED.usd, ...caps } = settings.caps ?? {}
  return new Budget({
    clock,
    models,
    session: capsOf(caps),
    call: capsOf({ costUsd: options.maxBudgetUsd }),
    unwatched: {
      wakeTurns: unwatchedTurns || Number.POSITIVE_INFINITY,
      costNanos: (unwatchedUsd || Number.POSITIVE_INFINITY) * 1e9,
    },
    watched: (rootId) => {
      const { unattended = false } = options
      const isAlone = typeof unattended === "boolean" ? unattended : unattended()
      return !isAlone || (audiences.get(rootId)?.isPresent ?? false)
    },
    whenReached: options.whenCapped ?? "fail",
  })
}
