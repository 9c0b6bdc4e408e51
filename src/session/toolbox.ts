// The tools of one session: each is made with the authority that the session's place in the tree gives it.
import type { AgentDefinition } from "../agent/agent.ts"
import { MAIN_AGENT } from "../agent/builtins.ts"
import { agentListing } from "../agent/prompt.ts"
import type { Clock } from "../base/clock.ts"
import type { Ids } from "../base/ids.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import { capsOf } from "../task/caps.ts"
import type { TaskRuntime } from "../task/runtime.ts"
import { agentTool } from "../tool/agent.ts"
import { askUserQuestionTool, type Reply } from "../tool/ask-user-question.ts"
import { bashTool } from "../tool/bash.ts"
import { editTool } from "../tool/edit.ts"
import { globTool } from "../tool/glob.ts"
import { grepTool } from "../tool/grep.ts"
import { monitorTool } from "../tool/monitor.ts"
import { readTool } from "../tool/read.ts"
import type { SearchParts } from "../tool/search.ts"
import { type Intent, sendMessageTool } from "../tool/send-message.ts"
import { taskListTool } from "../tool/task-list.ts"
import { taskOutputTool } from "../tool/task-output.ts"
import { taskStopTool } from "../tool/task-stop.ts"
import { todoWriteTool } from "../tool/todo-write.ts"
import type { Tool } from "../tool/tool.ts"
import { type WebFetchParts, webFetchTool } from "../tool/web-fetch.ts"
import { writeTool } from "../tool/write.ts"
import type { Approvals } from "./approvals.ts"
import { earlierMessages } from "./earlier-messages.ts"
import { admit } from "./inbox.ts"
import { originsOf } from "./lineage.ts"
import { shellFolder } from "./shell-folder.ts"

export interface ToolboxParts {
  store: Store
  clock: Clock
  ids: Ids
  tasks: TaskRuntime
  approvals: Approvals
  search: SearchParts
  /** `webFetch` of the person's settings. */
  web: Pick<WebFetchParts, "allowPrivate" | "proxy">
  agents: readonly AgentDefinition[]
}

type Make = (row: SessionRow, parts: ToolboxParts) => Tool

/** In the order in which models see them. */
const MAKE: Readonly<Record<string, Make>> = {
  Bash: (owner, { tasks, store }) => erased(bashTool({ tasks, owner, folder: shellFolder(store, owner) })),
  Read: (_, { search, store }) => erased(readTool({ ...search, earlier: earlierMessages(store) })),
  Write: (_, { search }) => erased(writeTool(search)),
  Edit: (_, { search }) => erased(editTool(search)),
  Glob: (_, { search }) => erased(globTool(search)),
  Grep: (_, { search, store }) => erased(grepTool({ ...search, earlier: earlierMessages(store) })),
  WebFetch: (_, { web, search, clock }) => erased(webFetchTool({ ...web, env: search.env, clock })),
  Agent: (owner, { tasks, agents }) => erased(agentTool({ tasks, owner, ...startable(agents) })),
  SendMessage: (owner, parts) => erased(sendMessageTool({ ...ofFork(owner, parts), send: sender(parts) })),
  Monitor: (owner, { tasks, store }) => erased(monitorTool({ tasks, owner, folder: shellFolder(store, owner) })),
  TaskList: (owner, parts) => erased(taskListTool({ ...ofFork(owner, parts), now: parts.clock.now })),
  TaskOutput: (owner, parts) => erased(taskOutputTool({ ...ofFork(owner, parts), tasks: parts.tasks })),
  TaskStop: (owner, parts) => erased(taskStopTool({ ...ofFork(owner, parts), tasks: parts.tasks })),
  TodoWrite: (owner, { store }) => erased(todoWriteTool({ store: (todos) => storeTodos(store, owner.id, todos) })),
  AskUserQuestion: (owner, { approvals }) => erased(askUserQuestionTool({ ask: questioner(owner, approvals) })),
}

export const toolNames: readonly string[] = Object.keys(MAKE)

/** Only the root speaks with the user. */
export const rootOnly: ReadonlySet<string> = new Set(["AskUserQuestion"])

export function toolbox(row: SessionRow, parts: ToolboxParts): Tool[] {
  const names = new Set(JSON.parse(row.tools) as string[])
  return Object.entries(MAKE)
    .filter(([name]) => names.has(name))
    .map(([, make]) => make(row, parts))
}

/** A tool among others: its input is checked against its own schema before it runs (tool/registry.ts). */
function erased<I>(tool: Tool<I>): Tool {
  return tool as unknown as Tool
}

/** What a tool needs that looks for tasks: a fork's also finds those of the sessions that it comes from. */
function ofFork(owner: SessionRow, { store }: ToolboxParts) {
  return { store, owner, origins: () => originsOf(store, owner.root_id) }
}

function startable(all: readonly AgentDefinition[]) {
  const agents = all.filter((agent) => agent.name !== MAIN_AGENT)
  return {
    agents: new Map(
      agents.map((agent) => [agent.name, { background: agent.background ?? false, caps: capsOf(agent.caps ?? {}) }]),
    ),
    listing: agentListing(agents),
  }
}

function sender({ tasks, clock, ids }: ToolboxParts) {
  return ({ taskId, text, callId }: { taskId: string; text: string; callId: string }) =>
    tasks.message(taskId, { text, origin: "peer" }, (tx, task, sent) => {
      const intent: Intent = { task: task.id, sent }
      tx.run("UPDATE tool_call SET intent = :intent WHERE id = :callId", { callId, intent: JSON.stringify(intent) })
      if (sent === "resumed") return
      admit(tx, clock, {
        id: ids.uuid(),
        sessionId: task.session_id!,
        origin: "peer",
        delivery: "steer",
        content: [{ type: "text", text }],
      })
    })
}

async function storeTodos(store: Store, id: string, todos: readonly object[]): Promise<void> {
  await store.write((tx) =>
    tx.run("UPDATE session SET todos = :todos WHERE id = :id", { id, todos: JSON.stringify(todos) }),
  )
}

function questioner(session: SessionRow, approvals: Approvals) {
  return async (input: object, ctx: { id: string; signal: AbortSignal }): Promise<Reply> => {
    const request = { session, toolCallId: ctx.id, tool: "AskUserQuestion", input, rule: null }
    const { behavior, text = "" } = await approvals.ask(request, ctx.signal)
    if (behavior === "nobody") return { type: "nobody" }
    return { type: behavior === "allow" ? "answered" : "declined", text }
  }
}
