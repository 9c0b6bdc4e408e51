// What an agent is: a prompt, the tools it may use, a model and limits. Definitions come from markdown files with YAML
// front matter (agent/load.ts) and from the built-ins beside this file.
import type { PermissionMode } from "../base/permission-mode.ts"

export interface AgentDefinition {
  name: string
  /** When to use it; shown to the model that may start it. */
  description: string
  /** The body of the file: the agent's own instructions. */
  prompt: string
  /** Names of tools it may use; undefined: all that its starter has. */
  tools?: string[]
  disallowedTools?: string[]
  /** Model id, alias, or `inherit`; undefined means inherit. */
  model?: string
  permissionMode?: PermissionMode
  /** Most steps of one turn. */
  maxTurns?: number
  /** What it may use, with everything that it starts: `maxCostUsd`, `maxTokens`, `maxMinutes` of its file. */
  caps?: { costUsd?: number; tokens?: number; minutes?: number }
  /** Starts in the background unless the call says otherwise. */
  background?: boolean
  initialPrompt?: string
  color?: string
  source: { scope: "flag" | "project" | "user" | "builtin"; path?: string }
  /** Keys that mean nothing to us yet: kept, never an error. */
  extra: Record<string, unknown>
}
