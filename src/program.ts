// The composition root: the one place where the parts are built and wired. It gives the interfaces a Program to open
// and sessions to host; they read rows and write inbox rows.
import { join } from "node:path"
import type { AgentDefinition } from "./agent/agent.ts"
import { getsInstructions, MAIN_AGENT } from "./agent/builtins.ts"
import { gitStatus } from "./agent/git-status.ts"
import { type Instructions, loadInstructions } from "./agent/instructions.ts"
import { findAgent, type LoadedAgents } from "./agent/load.ts"
import { describeEnvironment, systemPrompt } from "./agent/prompt.ts"
import { toolLimits, toolsFor } from "./agent/tools.ts"
import { branchOf } from "./base/branch.ts"
import { type Clock, systemClock } from "./base/clock.ts"
import { Exit, UserError } from "./base/error.ts"
import { type Ids, randomIds } from "./base/ids.ts"
import { createLog, type Log } from "./base/log.ts"
import { type Env, type HomePaths, homePaths, projectRoot } from "./base/paths.ts"
import { type PermissionMode, permissionModes } from "./base/permission-mode.ts"
import type { Settings } from "./base/settings.ts"
import { createModels, type Models } from "./model/ask.ts"
import type { UserPart } from "./model/message.ts"
import { defaultModelId, keySource, keyVariables, type ProviderSettings, resolveModel } from "./model/providers.ts"
import { createDecider } from "./permission/decide.ts"
import { readFilter } from "./permission/deny-rules.ts"
import { dropRule, type KeptRule, keptRulesFor } from "./permission/kept-rules.ts"
import { parseFileRules, parseRules, type Rule } from "./permission/rules.ts"
import { type AgentInput, AgentKind } from "./session/agent-kind.ts"
import { type Approvals, createApprovals } from "./session/approvals.ts"
import { Audience, lastAttended } from "./session/audience.ts"
import { noteBranch } from "./session/branch.ts"
import { Budget } from "./session/budget.ts"
import { type Checkpoints, keepCheckpoints } from "./session/checkpoint.ts"
import { compactAsked, compactionPolicy } from "./session/compactor.ts"
import { obey } from "./session/controls.ts"
import { type ConversationEnd, converse, Interruption } from "./session/converse.ts"
import { type Course, courseOf } from "./session/course.ts"
import { Draft, draftPath } from "./session/draft.ts"
import { forgetIfEmpty } from "./session/empty.ts"
import { recallFiles } from "./session/files-seen.ts"
import { findSession, lastSession } from "./session/find.ts"
import { isTrusted, openFolder } from "./session/folder.ts"
import { type Fork, forkSession } from "./session/fork.ts"
import { enterGiven, type Held, leaveGiven, stepsLeft } from "./session/given.ts"
import { tellStalls } from "./session/health.ts"
import { heed } from "./session/heed.ts"
import { lastSeq, lastText, lastTextOf } from "./session/history.ts"
import { admit, waiting } from "./session/inbox.ts"
import { isHeld, type Lease, takeLease } from "./session/lease.ts"
import { type MemoryDesk, memoryDesk } from "./session/memory/desk.ts"
import { keepMemory, MEMORY_SHARE } from "./session/memory/keep.ts"
import { createModelDesk, type ModelDesk } from "./session/model-desk.ts"
import { checkedName, freeName, rename } from "./session/name.ts"
import { closeOrphans } from "./session/orphans.ts"
import { performControl } from "./session/perform-control.ts"
import { checkRemovable, removeSession } from "./session/remove.ts"
import { type RewindDesk, rewindDesk } from "./session/rewind-desk.ts"
import { finishRewinds } from "./session/rewind-files.ts"
import { type RuleInForce, rulesInForce } from "./session/rules-in-force.ts"
import { indexMessages, keepSearchable } from "./session/search/index-messages.ts"
import { openSession, type SessionParts, type SessionSpec, sessionRow } from "./session/session.ts"
import { currentShellFolder } from "./session/shell-folder.ts"
import { resumeShellLines } from "./session/shell-line.ts"
import { forgetTold } from "./session/task-ledger.ts"
import { keepTidy, storagePolicy } from "./session/tidy.ts"
import { keepTitled } from "./session/titling.ts"
import { rootOnly, toolbox, toolNames } from "./session/toolbox.ts"
import { storeTrust, type Trust, type TrustAnswer } from "./session/trust.ts"
import { createViewer, type Viewer } from "./session/viewer.ts"
import { openStore } from "./store/open.ts"
import type { SessionRow, TaskRow } from "./store/rows.ts"
import { insertRow, type Reader, type Store, type Tx } from "./store/store.ts"
import { until } from "./store/watch.ts"
import { capsOf } from "./task/caps.ts"
import { findTask, listTasks, type Scope, type TaskView, usageBelow } from "./task/find.ts"
import { type Gap, watchGaps } from "./task/gaps.ts"
import { monitorKind } from "./task/monitor.ts"
import { PAUSED_BY_USER } from "./task/pause.ts"
import { TaskRuntime } from "./task/runtime.ts"
import { ShellKind } from "./task/shell.ts"
import { createFiles, type Files } from "./tool/files.ts"
import { ripgrepLocator } from "./tool/ripgrep.ts"

export type { Control, Refusal } from "./session/controls.ts"
export type { Course } from "./session/course.ts"
export type { Plan, Point, Step } from "./session/rewind.ts"
export type { RewindDesk, Rewound, What } from "./session/rewind-desk.ts"
export type { RuleInForce } from "./session/rules-in-force.ts"
export type { Trust, TrustAnswer } from "./session/trust.ts"
export type { Viewer } from "./session/viewer.ts"

/** What commands run in; also told to the model. */
const SHELL = "bash"

export interface ProgramOptions {
  env: Env
  cwd: string
  /** Permission rules from the command line. */
  allow?: readonly string[]
  deny?: readonly string[]
  /** A new session is about to begin: what its prompt says of the repository is found out while the rest opens. */
  begins?: boolean
  /** Whether somebody will answer requests for permission. */
  answerable?: boolean
  /** The most that this process may spend on its sessions. */
  maxBudgetUsd?: number | undefined
  /** Most steps of its sessions' own, in this process. */
  maxSteps?: number | undefined
  /** Told when nothing can be stored: what is under way waits until that is possible again. */
  stuck?: ((error: UserError) => void) | undefined
  /** No command line gives it rights or limits: it goes on under those of the process that died (session/given.ts). */
  carriesOn?: boolean
  /** An agent whose cap is reached fails, unless somebody may come who can let it go on. */
  whenCapped?: "pause" | "fail"
  /**
   * Nobody waits for it: unless somebody looks at it, a tree goes on by itself for a while only. As it is then, where
   * that may change.
   */
  unattended?: boolean | (() => boolean)
  /** Agent definitions from the command line, JSON. */
  agents?: string | undefined
  /** Of which sessions a memory is kept in the background: of those that have become long, unless told. */
  memory?: "every" | "long"
  /** A model makes better titles than the beginnings of prompts, in the background; the settings may say no. */
  titles?: boolean
  /** For this run the folder is trusted, whatever the person said of it. */
  trust?: boolean | undefined
}

export interface NewSession {
  name?: string | undefined
  agent?: string | undefined
  model?: string | undefined
  permissionMode?: PermissionMode | undefined
  appendSystemPrompt?: string | undefined
  /** In the place of the agent's own prompt. */
  systemPrompt?: string | undefined
}

/** A session that this process drives. */
export interface Hosted {
  readonly row: SessionRow
  /** Accepts a prompt: once this resolves, it is stored for good. */
  prompt(content: UserPart[]): Promise<void>
  /** Resolves when something waits that starts a turn, at once if it does already; rejects when the signal is aborted. */
  woken(signal: AbortSignal): Promise<void>
  /** How many steps of the session's own are left of what the command line gave, or its agent's definition. */
  readonly stepsLeft: number
  /**
   * Runs turns until nothing waits, and, where it `awaits` tasks (that is what it does unless told), until none but
   * services lives; see session/converse.ts.
   */
  converse(options: {
    signal: AbortSignal
    steps: number
    patienceMs?: number
    awaits?: "tasks" | "nothing"
  }): Promise<ConversationEnd>
  /** Stops what still lives in the tree; returns what it stopped. */
  stopAll(by: "user" | "program"): Promise<TaskView[]>
  /** Interrupts the turn under way; background tasks go on. */
  interrupt(): void
  /** Moves all that the turn is blocked on to the background; returns how many runs moved. */
  background(): Promise<number>
  /** Stops a task of this tree, by its id or the beginning of it. */
  stopTask(id: string): Promise<void>
  /** Pauses a task of this tree with all that it started, at their next step boundaries; a foreground one moves to the background. */
  pauseTask(id: string): Promise<void>
  resumeTask(id: string): Promise<void>
  /** Changes what holds for the session's next steps. Throws UserError when there is no such model. */
  change(setting: { permissionMode?: PermissionMode; model?: string }): Promise<void>
  readonly approvals: Approvals
  /** The last text that the root's model said, behind a message with that number (`lastMessage`). */
  lastReply(after?: number): string | undefined
  lastMessage(): number
  /** Aborted with a LeaseLost when another process has taken over the session. */
  readonly lost: AbortSignal
  release(): void
}

export interface Program {
  readonly store: Reader & Pick<Store, "listen">
  readonly log: Log
  readonly clock: Clock
  readonly project: string
  readonly agents: LoadedAgents
  /** What the settings left out, for standard error; a new session adds what its instructions did. */
  readonly notes: readonly string[]
  /** Whether the folder is trusted, and what it holds that is not used: what was so at the beginning is so to the end. */
  readonly trust: Trust
  /** Holds from the next start on; undefined takes an answer back. */
  answerTrust(answer: TrustAnswer | undefined): Promise<void>
  /** Which permission rules hold for a session, and where each comes from. */
  rules(row: SessionRow): RuleInForce[]
  /** Takes back a rule that "always" has added, for all that runs in the project. */
  dropRule(row: SessionRow, rule: KeptRule): Promise<void>
  readonly models: ModelDesk
  readonly memory: MemoryDesk
  readonly rewind: RewindDesk
  createSession(options: NewSession): Promise<SessionRow>
  /** The session by name or id, or the last one of this project; with what the options change for its next turns. */
  continueSession(wanted: string | undefined, options: NewSession): Promise<SessionRow>
  /** A new session that goes on from where that one stands (session/fork.ts); `options.name` is its name. */
  forkSession(wanted: string | undefined, options: NewSession): Promise<Fork>
  /** The session with that id, for somebody who leaves another one for it; also one that this process drives already. */
  goTo(id: string): Promise<SessionRow>
  /** Names a session, and returns the name that it got: another one when that is taken. Throws a UserError for a bad one. */
  rename(id: string, name: string): Promise<string>
  /** Throws a UserError that says why when the session can't be deleted now; to be asked before the person is. */
  checkRemovable(id: string): void
  /** Deletes a session with all that belongs to it, for good. Throws a UserError while it is at work. */
  removeSession(id: string): Promise<void>
  /** Whether a process drives that session's tree, this one or another. */
  isHosted(id: string): boolean
  /** Brings the full-text search up to date, in parts of a few milliseconds. */
  indexMessages(signal: AbortSignal): Promise<void>
  /** Forgets a session in which nothing was said; true when it did. */
  forgetIfEmpty(row: SessionRow): Promise<boolean>
  /** Takes the lease of a session's tree; undefined when another process drives it. */
  host(row: SessionRow): Promise<Hosted | undefined>
  /** A session's tree as somebody sees it who does not drive it. */
  view(row: SessionRow): Viewer
  /** What came of a prompt, by its id. */
  courseOf(promptId: string): Course
  /** The last text that the session's own model said in these turns. */
  lastReply(row: SessionRow, turns: readonly string[]): string | undefined
  /** The last text that the session's own model said at all. */
  lastText(row: SessionRow): string | undefined
  /** The number of the session's newest message. */
  lastMessage(row: SessionRow): number
  /** When somebody looked at the session last, in milliseconds of the wall clock; undefined: never, or it is not known. */
  lastLook(row: SessionRow): number | undefined
  readonly tasks: TaskRuntime
  listTasks(scope: Scope): TaskView[]
  usageBelow(sessionId: string): ReturnType<typeof usageBelow>
  /** Path of the ripgrep that comes with the program. */
  ripgrep(): Promise<string>
  /** The environment variable that holds the key for a model's provider, or "none". */
  apiKeySource(model: string): string
  close(): void
}

/** Opens the database only: for commands that read, and need neither settings nor agents. */
export async function openData(env: Env, clock: Clock = systemClock): Promise<{ store: Store; home: HomePaths }> {
  const home = homePaths(env)
  return { home, store: await openStore({ folder: home.data, clock }) }
}

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
    rewind: rewindDesk({ store, clock, ids, env: options.env }),
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
    close: () => store.close(),
  }
}

function providers({ options, settings }: Pick<Wiring, "options" | "settings">): ProviderSettings {
  const { providers = {}, models = {}, modelAliases = {} } = settings
  return { env: options.env, providers, models, aliases: modelAliases }
}

/** What is done when a model fails, or says nothing. */
function modelPolicy({ modelFallback, idleTimeoutSeconds, smallModel }: Settings) {
  return { fallback: modelFallback, idleMs: idleTimeoutSeconds && idleTimeoutSeconds * 1000, small: smallModel }
}

interface Wiring {
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

interface Rules {
  allow: Rule[]
  deny: Rule[]
}

function sessionParts(wiring: Wiring): SessionParts {
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
const UNWATCHED = { turns: 20, usd: 5 }

function budgetOf({ options, settings, clock, audiences }: Wiring, models: Models): Budget {
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

async function createSession(wiring: Wiring, options: NewSession): Promise<SessionRow> {
  const { settings, project, agents, store, clock, ids, options: program } = wiring
  const agent = findAgent(agents, options.agent ?? MAIN_AGENT)
  const wanted =
    options.model ??
    (agent.model && agent.model !== "inherit" ? agent.model : undefined) ??
    defaultModelId(program.env, settings)
  const id = ids.uuid()
  const environment = describeEnvironment({ cwd: program.cwd, root: project, shell: SHELL, clock })
  const { text: instructions, notes } = instructionsFor(wiring, { cwd: program.cwd, root: project })
  wiring.notes.push(...notes)
  const spoken = { prompt: options.systemPrompt ?? agent.prompt }
  const appended = options.appendSystemPrompt ? `\n\n${options.appendSystemPrompt}` : ""
  const row = sessionRow(
    {
      id,
      rootId: id,
      parentId: null,
      taskId: null,
      depth: 0,
      cwd: program.cwd,
      project,
      name: options.name ?? null,
      agent: agent.name,
      model: resolveModel(wanted, providers(wiring)).id,
      permissionMode: options.permissionMode ?? ownMode(wiring, agent, rootMode(settings)),
      system: `${systemPrompt(spoken, environment, { instructions, gitStatus: await wiring.repository() })}${appended}`,
      tools: toolsFor(agent, toolNames, { depth: 0 }),
      limits: toolLimits(agent),
      maxSteps: agent.maxTurns ?? null,
    },
    clock.now(),
  )
  const named = await store.write((tx) => {
    const name = row.name === null ? null : freeName(tx, { project, name: checkedName(row.name) })
    const named = { ...row, name, branch: branchOf(program.cwd) ?? null }
    insertRow(tx, "session", named)
    return named
  })
  noteName(wiring, options.name, named)
  return named
}

/** The user's and the project's, as their files are now. */
function instructionsFor({ home, files }: Wiring, { cwd, root }: { cwd: string; root: string }): Instructions {
  return loadInstructions({ cwd, root, userConfig: home.config, userHome: home.home, mayRead: files.mayRead })
}

async function continueSession(wiring: Wiring, wanted: string | undefined, options: NewSession): Promise<SessionRow> {
  const { store, project } = wiring
  const row = wanted === undefined ? lastSession(store, project) : findSession(store, wanted, project)
  refuseOtherBeginning(row, options)
  const model = options.model ? resolveModel(options.model, providers(wiring)).id : row.model
  const mode = options.permissionMode ?? row.permission_mode
  await store.write((tx) => {
    if (model !== row.model || mode !== row.permission_mode) setSession(tx, { id: row.id, model, mode })
    forgetTold(tx, row.id)
  })
  return { ...row, model, permission_mode: mode }
}

/** The origin stays as it is: what the options change holds for the fork. */
async function forkFrom(wiring: Wiring, wanted: string | undefined, options: NewSession): Promise<Fork> {
  const { store, project, clock, ids } = wiring
  const origin = wanted === undefined ? lastSession(store, project) : findSession(store, wanted, project)
  refuseOtherBeginning(origin, options)
  const model = options.model ? resolveModel(options.model, providers(wiring)).id : undefined
  const { name, permissionMode } = options
  const fork = await store.writeFreely((tx) =>
    forkSession(tx, { clock, ids }, { originId: origin.id, name, model, permissionMode }),
  )
  noteName(wiring, name, fork.row)
  return fork
}

function noteName({ notes }: Wiring, wanted: string | undefined, { name }: SessionRow): void {
  if (wanted !== undefined && name !== null && name !== checkedName(wanted))
    notes.push(`There is a session "${checkedName(wanted)}" in this project already: this one is "${name}".`)
}

function rootOf(store: Reader, id: string): SessionRow {
  const row = store.one<SessionRow>("SELECT * FROM session WHERE id = :id AND parent_id IS NULL", { id })
  if (!row) throw new UserError("no-session", "That session was deleted.")
  return row
}

async function goTo({ store, audiences }: Wiring, id: string): Promise<SessionRow> {
  const row = rootOf(store, id)
  // What this process drives, it has told of its tasks all the time.
  if (!audiences.has(id)) await store.writeFreely((tx) => forgetTold(tx, id))
  return row
}

function refuseOtherBeginning(row: SessionRow, options: NewSession): void {
  // The prompt and the tools that a session begins with are the prefix of all its requests.
  if (options.agent && options.agent !== row.agent)
    throw new UserError(
      "fixed-agent",
      `The session is the agent "${row.agent}" and stays so. Start a new one for --agent ${options.agent}.`,
      Exit.usage,
    )
  if (options.systemPrompt) throw new UserError("fixed-prompt", "--system-prompt is for new sessions.", Exit.usage)
  if (options.appendSystemPrompt)
    throw new UserError("fixed-prompt", "--append-system-prompt is for new sessions.", Exit.usage)
}

function setSession(tx: Tx, setting: { id: string; model: string; mode: string }): void {
  tx.run("UPDATE session SET model = :model, permission_mode = :mode WHERE id = :id", setting)
  // Whoever looks at the session sees it at once.
  tx.ring(`feed:${setting.id}`)
}

/** What an agent's child session is like: its definition, within what its owner may do. */
async function hire(wiring: Wiring, task: TaskRow, input: AgentInput) {
  const { agents, store, clock } = wiring
  const owner = store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id: task.owner_id })!
  const agent = findAgent(agents, input.agent)
  const depth = owner.depth + 1
  const available = (JSON.parse(owner.tools) as string[]).filter((name) => !rootOnly.has(name))
  const tools = toolsFor(agent, available, { depth })
  const wanted = input.model ?? agent.model
  const limits = toolLimits(agent)
  const above = JSON.parse(owner.limits) as SessionSpec["limits"]
  const place = { cwd: owner.cwd, root: owner.project }
  const instructions = getsInstructions(agent) ? instructionsFor(wiring, place).text : ""
  return {
    depth,
    cwd: owner.cwd,
    project: owner.project,
    name: null,
    agent: agent.name,
    model: wanted && wanted !== "inherit" ? resolveModel(wanted, providers(wiring)).id : owner.model,
    // Who lets somebody only read does not let them send others to write.
    permissionMode:
      owner.permission_mode === "plan" ? "plan" : ownMode(wiring, agent, owner.permission_mode as PermissionMode),
    system: systemPrompt(agent, describeEnvironment({ ...place, shell: SHELL, clock }), { instructions }),
    tools,
    limits: { only: limits.only, deny: [...above.deny, ...limits.deny] },
    maxSteps: agent.maxTurns ?? null,
  }
}

function rootMode(settings: Settings): PermissionMode {
  return settings.permissions?.defaultMode ?? "default"
}

/** Modes from the strictest to the freest. */
const FREEDOM: readonly PermissionMode[] = ["plan", "default", "acceptEdits", "bypassPermissions"]

/** An agent file from a repository that is not trusted can make its agent stricter than its starter, never freer. */
function ownMode({ isTrusted }: Wiring, agent: AgentDefinition, starter: PermissionMode): PermissionMode {
  const wanted = agent.permissionMode
  if (!wanted) return starter
  const mayChoose = isTrusted || agent.source.scope !== "project"
  return mayChoose || FREEDOM.indexOf(wanted) < FREEDOM.indexOf(starter) ? wanted : starter
}

/** What the command line gave, this process's own or that of the one that died, holds for a tree from here on. */
async function takeGiven(
  { store, options, rules, carriedRules, forbidReads }: Wiring,
  row: SessionRow,
  approvals: Approvals,
): Promise<Held> {
  const { allow = [], deny = [], answerable = false, maxBudgetUsd, carriesOn = false } = options
  const own = { allow, deny, answerable, maxBudgetUsd, maxSteps: options.maxSteps ?? row.max_steps ?? undefined }
  const given = await enterGiven(store, row.id, { own, carriesOn })
  if (given.answerable) approvals.open()
  const known = new Set(rules.deny.map(({ text }) => text))
  const carried = {
    allow: given.isCarriedOn ? given.allow.flatMap(parseRules) : [],
    deny: given.deny.flatMap(parseRules).filter(({ text }) => !known.has(text)),
  }
  carriedRules.set(row.id, carried)
  if (carried.deny.length > 0) forbidReads(carried.deny)
  return given
}

/** The longest that the end of a conversation waits for what its last command has done to be found out. */
const LAST_LOOK_MS = 1000

async function host(wiring: Wiring, parts: SessionParts, row: SessionRow): Promise<Hosted | undefined> {
  const { store, clock, ids, tasks, log, audiences } = wiring
  const lease: Lease | undefined = await takeLease(store, clock, row.id)
  if (!lease) return undefined
  if (!store.one("SELECT 1 FROM session WHERE id = :id", { id: row.id })) {
    lease.release()
    throw new UserError("no-session", `The session ${row.id} was removed at this moment. Start a new one.`)
  }
  const audience = new Audience(store, clock, row.id)
  audiences.set(row.id, audience)
  const eager = wiring.options.memory === "every"
  let given: Held
  try {
    await closeOrphans({ store, clock, models: parts.models }, row.id)
    given = await takeGiven(wiring, row, parts.approvals)
    parts.budget.begin(store, {
      rootId: row.id,
      own: capsOf(wiring.agents.agents.find(({ name }) => name === row.agent)?.caps ?? {}),
      ...(given.isCarriedOn && { call: { caps: capsOf({ costUsd: given.maxBudgetUsd }), ledger: given.ledger } }),
    })
    const { env } = wiring.options
    for (const { path, why } of (await finishRewinds({ store, clock, env }, row)).left)
      log.warn(`${path} was not taken back: ${why}`, { session: row.id })
    wiring.checkpoints.set(row.id, keepCheckpoints({ store, clock, log, env }, row, { eager }))
    await tasks.recover(row.id)
  } catch (error) {
    wiring.checkpoints.get(row.id)?.[Symbol.dispose]()
    wiring.checkpoints.delete(row.id)
    lease.release()
    throw error
  }
  const session = openSession(parts, row, null)
  const interruption = new Interruption()
  const change: Hosted["change"] = async (setting) => {
    const model = setting.model === undefined ? row.model : wiring.desk.idOf(setting.model)
    const mode = setting.permissionMode ?? row.permission_mode
    if (!permissionModes.some((known) => known === mode))
      throw new UserError(
        "no-mode",
        `There is no permission mode "${mode}". Use one of: ${permissionModes.join(", ")}.`,
      )
    await store.write((tx) => setSession(tx, { id: row.id, model, mode }))
    // The session looks at its row in each step and call.
    Object.assign(row, { model, permission_mode: mode })
  }
  const controlFailed = (error: unknown) => log.error("a control failed", { error, session: row.id })
  const controls = obey(store, row.id, {
    clock,
    perform: (control, asked) =>
      performControl(control, asked, {
        row,
        store,
        clock,
        tasks,
        interruption,
        approvals: parts.approvals,
        budget: parts.budget,
        change,
        updateMemory: () => memory.update(),
        compact: () => compactAsked(session, parts, { during: "idle" }),
        failed: controlFailed,
      }),
    failed: controlFailed,
  })
  await resumeShellLines({ store, clock, tasks, failed: controlFailed }, row)
  const failed = (error: unknown) => log.error("looking for gaps and stalled tasks failed", { error, session: row.id })
  const excused = (gap: Gap) => parts.budget.excuse(row.id, gap)
  const gaps = watchGaps({ store, clock }, { rootId: row.id, excused, failed })
  const stalls = tellStalls({ store, clock }, { rootId: row.id, excuse: gaps.look, failed })
  const heeding = heed(store, { lease, audience, controls })
  const { titles = "model" } = wiring.settings
  const titling = wiring.options.titles && titles === "model" ? keepTitled(parts, row.id) : undefined
  const { updates = true, share = MEMORY_SHARE } = wiring.settings.memory ?? {}
  const memory = keepMemory(parts, row, { updates, share, of: wiring.options.memory ?? "long" })
  const tidying = keepTidy({ store, clock, log, policy: storagePolicy(wiring.settings.storage) })
  const searchable = keepSearchable({ store, clock, log }, row.id)
  const orLost = (signal: AbortSignal) => AbortSignal.any([signal, lease.lost])
  const idOf = (id: string) => findTask(store, id, row.id).task.id
  return {
    row,
    prompt: (content) =>
      store.writeDurably((tx) =>
        admit(tx, clock, { id: ids.uuid(), sessionId: row.id, origin: "human", delivery: "steer", content }),
      ),
    woken: async (signal) => {
      if (!waiting(store, row.id))
        await until(store, [`inbox:${row.id}`], { signal: orLost(signal), look: () => waiting(store, row.id) })
    },
    stepsLeft: stepsLeft(store, row.id, given),
    converse: async ({ signal: outer, steps, patienceMs, awaits = "tasks" }) => {
      const signal = orLost(outer)
      const patience = patienceMs === undefined ? {} : { patienceMs }
      const options = { signal, interruption, ...patience, awaits, allowance: { steps } }
      await noteBranch(store, row)
      const end = await converse(session, parts, options)
      // A process that ends with its conversation has no other time to see what the last command has done.
      if (!eager) await wiring.checkpoints.get(row.id)?.settled(LAST_LOOK_MS)
      lease.lost.throwIfAborted()
      return end
    },
    interrupt: () => interruption.interrupt({ by: "user" }),
    background: async () => (await tasks.backgroundAll(row.id)).length,
    stopTask: async (id) => void (await tasks.stop([idOf(id)], "user")),
    pauseTask: async (id) => void (await tasks.pause([idOf(id)], PAUSED_BY_USER)),
    resumeTask: async (id) => void (await tasks.resume([idOf(id)])),
    change,
    approvals: parts.approvals,
    stopAll: async (by) => {
      const live = listTasks(store, { rootId: row.id, live: true })
      await tasks.stop(
        live.map((view) => view.task.id),
        by,
      )
      return live
    },
    lastReply: (after) => lastText(store, row.id, after),
    lastMessage: () => lastSeq(store, row.id),
    lost: lease.lost,
    release: () => {
      stalls[Symbol.dispose]()
      gaps[Symbol.dispose]()
      heeding[Symbol.dispose]()
      tidying[Symbol.dispose]()
      searchable[Symbol.dispose]()
      titling?.[Symbol.dispose]()
      memory[Symbol.dispose]()
      audiences.delete(row.id)
      wiring.checkpoints.get(row.id)?.[Symbol.dispose]()
      wiring.checkpoints.delete(row.id)
      wiring.carriedRules.delete(row.id)
      // Done by the time that this returns, but where another program has the database locked: then it is left over.
      if (!lease.lost.aborted)
        leaveGiven(store, row.id).catch((error) => log.error("forgetting a call's rights failed", { error }))
      lease.release()
      // Whoever looks on may take over at once.
      if (audience.isPresent) store.ring(`watch:${row.id}`)
    },
  }
}
