// The composition root: the one place where the parts are built and wired. It gives the interfaces a Program to open
// and sessions to host; they read rows and write inbox rows.
import { join } from "node:path"
import { gitStatus } from "./agent/git-status.ts"
import { type Clock, systemClock } from "./base/clock.ts"
import { randomIds } from "./base/ids.ts"
import { createLog } from "./base/log.ts"
import { type Env, type HomePaths, homePaths, projectRoot } from "./base/paths.ts"
import { keySource, keyVariables } from "./model/providers.ts"
import { readFilter } from "./permission/deny-rules.ts"
import { dropRule } from "./permission/kept-rules.ts"
import { parseFileRules, parseRules, type Rule } from "./permission/rules.ts"
import type { Program, ProgramOptions } from "./program/client.ts"
import { host } from "./program/hosting.ts"
import { continueSession, createSession, forkFrom, goTo, hire, rootOf } from "./program/sessions.ts"
import { providers, sessionParts, type Wiring } from "./program/wiring.ts"
import { AgentKind } from "./session/agent-kind.ts"
import { lastAttended } from "./session/audience.ts"
import { courseOf } from "./session/course.ts"
import { forgetIfEmpty } from "./session/empty.ts"
import { recallFiles } from "./session/files-seen.ts"
import { isTrusted, openFolder } from "./session/folder.ts"
import { lastSeq, lastText, lastTextOf } from "./session/history.ts"
import { isHeld } from "./session/lease.ts"
import { memoryDesk } from "./session/memory/desk.ts"
import { createModelDesk } from "./session/model-desk.ts"
import { rename } from "./session/name.ts"
import { checkRemovable, removeSession } from "./session/remove.ts"
import { rewindDesk } from "./session/rewind-desk.ts"
import { rulesInForce } from "./session/rules-in-force.ts"
import { indexMessages } from "./session/search/index-messages.ts"
import { storeTrust } from "./session/trust.ts"
import { keepUnsent, leftUnsent } from "./session/unsent.ts"
import { createViewer } from "./session/viewer.ts"
import { openStore } from "./store/open.ts"
import type { Store } from "./store/store.ts"
import { listTasks, usageBelow } from "./task/find.ts"
import { monitorKind } from "./task/monitor.ts"
import { TaskRuntime } from "./task/runtime.ts"
import { ShellKind } from "./task/shell.ts"
import { createFiles } from "./tool/files.ts"
import { ripgrepLocator } from "./tool/ripgrep.ts"

export type { Hosted, NewSession, Program, ProgramOptions } from "./program/client.ts"
export type { Control, Refusal } from "./session/controls.ts"
export type { Course } from "./session/course.ts"
export type { Other, Plan, Point, Step } from "./session/rewind.ts"
export type { RewindDesk, Rewound, What } from "./session/rewind-desk.ts"
export type { RuleInForce } from "./session/rules-in-force.ts"
export type { Trust, TrustAnswer } from "./session/trust.ts"
export type { Unsent } from "./session/unsent.ts"
export type { Viewer } from "./session/viewer.ts"

/** Opens the database only: for commands that read, and need neither settings nor agents. */
export async function openData(env: Env, clock: Clock = systemClock): Promise<{ store: Store; home: HomePaths }> {
  const home = homePaths(env)
  return { home, store: await openStore({ folder: home.data, clock }) }
}

/** How long a rewind waits for the look at what commands have just changed. */
const LOOK_MS = 3000

export async function openProgram(options: ProgramOptions): Promise<Program> {
  const clock = systemClock
  const ids = randomIds
  const home = homePaths(options.env)
  const project = projectRoot(options.cwd, home.home)
  const place = { root: project, env: options.env }
  let repository = options.begins ? gitStatus(place) : undefined
  const { store } = await openData(options.env, clock)
  const folder = { cwd: options.cwd, project, home, flagJson: options.agents, once: options.trust ?? false }
  const { settings, ruleFiles, notes, agents, trust } = await openFolder(store, folder).catch((error) => {
    store.close()
    throw error
  })
  settings.providers ??= {}
  let trustState = trust.state
  const log = createLog(home.data, clock)
  const tasks = new TaskRuntime({
    store,
    clock,
    ids,
    log,
    shellPlaces: settings.maxBackgroundShells,
    stuck: options.stuck,
  })
  const rules = {
    allow: [
      ...parseFileRules(settings.permissions?.allow ?? [], ruleFiles),
      ...(options.allow ?? []).flatMap(parseRules),
    ],
    deny: [...parseFileRules(settings.permissions?.deny ?? [], ruleFiles), ...(options.deny ?? []).flatMap(parseRules)],
  }
  const forbidding = (deny: readonly Rule[]) => readFilter({ deny, cwd: options.cwd, home: home.home })
  const readFilters = [forbidding(rules.deny)]
  const mayRead = (path: string) => readFilters.every((mayBe) => mayBe(path))
  const files = createFiles({ home: home.home, mayRead, recall: (sessionId) => recallFiles(store, sessionId) })
  const ripgrepPath = ripgrepLocator({ env: options.env, cacheFolder: join(home.data, "cache") })
  const wiring: Wiring = {
    options,
    settings,
    home,
    project,
    agents,
    store,
    clock,
    ids,
    log,
    tasks,
    ripgrepPath,
    files,
    rules,
    notes,
    isTrusted: isTrusted(trust),
    desk: createModelDesk(home, { ...providers({ options, settings }), providers: settings.providers }),
    audiences: new Map(),
    checkpoints: new Map(),
    carriedRules: new Map(),
    forbidReads: (deny) => void readFilters.push(forbidding(deny)),
    repository: () => {
      const found = repository ?? gitStatus(place)
      repository = undefined
      return found
    },
  }
  const parts = sessionParts(wiring)
  const environment = { inherited: options.env, settings: settings.env, keys: keyVariables(settings.providers) }
  const { commandOutputMb } = settings.storage ?? {}
  const outputCap = commandOutputMb && commandOutputMb * 1024 * 1024
  tasks.register(new ShellKind({ store, clock, log, environment, outputCap }))
  tasks.register(monitorKind({ store, clock, log, environment, outputCap }))
  tasks.register(new AgentKind(parts, tasks, (task, input) => hire(wiring, task, input)))
  return {
    store,
    log,
    clock,
    project,
    agents,
    notes,
    get trust() {
      return { ...trust, state: trustState }
    },
    answerTrust: async (answer) => {
      await storeTrust({ store, clock }, { project, answer })
      if (!isTrusted(trust)) trustState = answer === "never" ? "never" : "unknown"
    },
    rules: (row) => {
      const { allow = [], deny = [] } = settings.permissions ?? {}
      return rulesInForce(store, row, { allow, deny, fileOf: ruleFiles })
    },
    dropRule: async (row, rule) => {
      await store.writeFreely((tx) => dropRule(tx, { project: row.project, rule }))
    },
    models: wiring.desk,
    memory: memoryDesk({ store, clock }),
    rewind: rewindDesk({
      store,
      clock,
      ids,
      env: options.env,
      settled: async (rootId) => wiring.checkpoints.get(rootId)?.settled(LOOK_MS),
    }),
    tasks,
    listTasks: (scope) => listTasks(store, scope),
    usageBelow: (sessionId) => usageBelow(store, sessionId),
    ripgrep: ripgrepPath,
    apiKeySource: (model) => keySource(model, providers(wiring)),
    createSession: (session) => createSession(wiring, session),
    continueSession: (wanted, session) => continueSession(wiring, wanted, session),
    forkSession: (wanted, session) => forkFrom(wiring, wanted, session),
    goTo: (id) => goTo(wiring, id),
    rename: (id, name) => store.writeFreely((tx) => rename(tx, id, name)),
    checkRemovable: (id) => checkRemovable(store, rootOf(store, id)),
    removeSession: (id) => removeSession(store, clock, rootOf(store, id)),
    isHosted: (id) => isHeld(store, id),
    indexMessages: (signal) => indexMessages({ store, clock, signal }),
    forgetIfEmpty: (row) => forgetIfEmpty(store, row.id),
    host: (row) => host(wiring, parts, row),
    view: (row) => createViewer({ store, clock, ids }, row.id),
    courseOf: (promptId) => courseOf(store, promptId),
    lastReply: (row, turns) => lastTextOf(store, row.id, turns),
    lastText: (row) => lastText(store, row.id),
    lastMessage: (row) => lastSeq(store, row.id),
    lastLook: (row) => lastAttended(store, row.id),
    keepUnsent: (row, unsent) => keepUnsent(store, row.id, unsent),
    leftUnsent: (row) => leftUnsent(store, row.id),
    close: () => store.close(),
  }
}
