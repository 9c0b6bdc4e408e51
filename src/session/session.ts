// A session in use: its row, what the model sees of it, and the tools it may call.
import type { Clock } from "../base/clock.ts"
import type { Ids } from "../base/ids.ts"
import type { Log } from "../base/log.ts"
import type { PermissionMode } from "../base/permission-mode.ts"
import type { Models } from "../model/ask.ts"
import type { Decision, PermissionCall } from "../permission/permission.ts"
import type { SessionRow } from "../store/rows.ts"
import type { Store } from "../store/store.ts"
import type { Tool } from "../tool/tool.ts"
import type { Approvals } from "./approvals.ts"
import type { Budget } from "./budget.ts"
import type { Checkpoints } from "./checkpoint.ts"
import type { CompactionPolicy } from "./compaction.ts"
import type { Draft } from "./draft.ts"
import { History } from "./history.ts"

/** What a session is made from. Everything that its requests begin with is fixed here for its whole life. */
export interface SessionSpec {
  id: string
  rootId: string
  parentId: string | null
  taskId: string | null
  depth: number
  cwd: string
  project: string
  name: string | null
  agent: string
  model: string
  permissionMode: PermissionMode
  system: string
  tools: readonly string[]
  /** Parts of tools that its agent may use only, or not use, as permission rules. */
  limits: { only: readonly string[]; deny: readonly string[] }
  maxSteps: number | null
}

export function sessionRow(spec: SessionSpec, now: number): SessionRow {
  return {
    id: spec.id,
    root_id: spec.rootId,
    parent_id: spec.parentId,
    task_id: spec.taskId,
    depth: spec.depth,
    cwd: spec.cwd,
    project: spec.project,
    name: spec.name,
    agent: spec.agent,
    model: spec.model,
    permission_mode: spec.permissionMode,
    system: spec.system,
    tools: JSON.stringify(spec.tools),
    limits: JSON.stringify(spec.limits),
    shell_cwd: null,
    todos: null,
    told_tasks: "[]",
    max_steps: spec.maxSteps,
    created_at: now,
    updated_at: now,
    title: null,
    title_by: null,
    forked_from: null,
    fork_seq: null,
    branch: null,
  }
}

export interface Session {
  readonly row: SessionRow
  /** The run that this session serves, for a sub-agent's. */
  readonly runId: string | null
  readonly history: History
  readonly tools: ReadonlyMap<string, Tool>
}

/** What a turn needs from the program around it. */
export interface SessionParts {
  store: Store
  clock: Clock
  ids: Ids
  log: Log
  models: Models
  budget: Budget
  decide(row: SessionRow, call: PermissionCall): Decision
  approvals: Approvals
  /** Where a step's answer is shown while it streams in. */
  draft(row: SessionRow, stepId: string): Draft
  /** The tools that this session may use, with the authority that its place in the tree gives them. */
  toolsFor(row: SessionRow): readonly Tool[]
  compaction: CompactionPolicy
  /** What keeps the files of a tree as they were; undefined where nobody drives it. */
  checkpoints?(rootId: string): Checkpoints | undefined
  /** Its model has of the files that it has seen only these in sight (real paths). */
  compacted(sessionId: string, inSight: ReadonlySet<string>): void
  /** The session is not used again by this process: what its tools remember of it can go. */
  forget(sessionId: string): void
}

export function openSession(parts: SessionParts, row: SessionRow, runId: string | null): Session {
  const tools = new Map(parts.toolsFor(row).map((tool) => [tool.name, tool]))
  return { row, runId, history: new History(parts.store, row.id), tools }
}
