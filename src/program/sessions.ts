// Sessions as they begin: new ones, those that go on, forks, and the child sessions of agents.
import type { AgentDefinition } from "../agent/agent.ts"
import { getsInstructions, MAIN_AGENT } from "../agent/builtins.ts"
import { type Instructions, loadInstructions } from "../agent/instructions.ts"
import { findAgent } from "../agent/load.ts"
import { describeEnvironment, systemPrompt } from "../agent/prompt.ts"
import { toolLimits, toolsFor } from "../agent/tools.ts"
import { branchOf } from "../base/branch.ts"
import { Exit, UserError } from "../base/error.ts"
import type { PermissionMode } from "../base/permission-mode.ts"
import type { Settings } from "../base/settings.ts"
import { defaultModelId, resolveModel } from "../model/providers.ts"
import type { AgentInput } from "../session/agent-kind.ts"
import { findSession, lastSession } from "../session/find.ts"
import { type Fork, forkSession } from "../session/fork.ts"
import { checkedName, freeName } from "../session/name.ts"
import { type SessionSpec, sessionRow } from "../session/session.ts"
import { forgetTold } from "../session/task-ledger.ts"
import { rootOnly, toolNames } from "../session/toolbox.ts"
import type { SessionRow, TaskRow } from "../store/rows.ts"
import { insertRow, type Reader, type Tx } from "../store/store.ts"
import type { NewSession } from "./client.ts"
import { providers, type Wiring } from "./wiring.ts"
/** What commands run in; also told to the model. */
export const SHELL = "bash"

export async function createSession(wiring: Wiring, options: NewSession): Promise<SessionRow> {
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
export function instructionsFor({ home, files }: Wiring, { cwd, root }: { cwd: string; root: string }): Instructions {
  return loadInstructions({ cwd, root, userConfig: home.config, userHome: home.home, mayRead: files.mayRead })
}

export async function continueSession(
  wiring: Wiring,
  wanted: string | undefined,
  options: NewSession,
): Promise<SessionRow> {
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
export async function forkFrom(wiring: Wiring, wanted: string | undefined, options: NewSession): Promise<Fork> {
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

export function noteName({ notes }: Wiring, wanted: string | undefined, { name }: SessionRow): void {
  if (wanted !== undefined && name !== null && name !== checkedName(wanted))
    notes.push(`There is a session "${checkedName(wanted)}" in this project already: this one is "${name}".`)
}

export function rootOf(store: Reader, id: string): SessionRow {
  const row = store.one<SessionRow>("SELECT * FROM session WHERE id = :id AND parent_id IS NULL", { id })
  if (!row) throw new UserError("no-session", "That session was deleted.")
  return row
}

export async function goTo({ store, audiences }: Wiring, id: string): Promise<SessionRow> {
  const row = rootOf(store, id)
  // What this process drives, it has told of its tasks all the time.
  if (!audiences.has(id)) await store.writeFreely((tx) => forgetTold(tx, id))
  return row
}

export function refuseOtherBeginning(row: SessionRow, options: NewSession): void {
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

export function setSession(tx: Tx, setting: { id: string; model: string; mode: string }): void {
  tx.run("UPDATE session SET model = :model, permission_mode = :mode WHERE id = :id", setting)
  // Whoever looks at the session sees it at once.
  tx.ring(`feed:${setting.id}`)
}

/** What an agent's child session is like: its definition, within what its owner may do. */
export async function hire(wiring: Wiring, task: TaskRow, input: AgentInput) {
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

export function rootMode(settings: Settings): PermissionMode {
  return settings.permissions?.defaultMode ?? "default"
}

/** Modes from the strictest to the freest. */
export const FREEDOM: readonly PermissionMode[] = ["plan", "default", "acceptEdits", "bypassPermissions"]

/** An agent file from a repository that is not trusted can make its agent stricter than its starter, never freer. */
export function ownMode({ isTrusted }: Wiring, agent: AgentDefinition, starter: PermissionMode): PermissionMode {
  const wanted = agent.permissionMode
  if (!wanted) return starter
  const mayChoose = isTrusted || agent.source.scope !== "project"
  return mayChoose || FREEDOM.indexOf(wanted) < FREEDOM.indexOf(starter) ? wanted : starter
}
