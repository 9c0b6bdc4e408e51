// What a command line asks for, after src/cli/args.ts has understood it: one variant per command, with typed options.
import type { PermissionMode } from "../base/permission-mode.ts"

export type Command =
  | {
      type: "print"
      prompt?: string
      output: OutputFormat
      input: InputFormat
      waitSeconds: number
      /** Requests for permission go to a client of Claude Code. */
      permissionPrompts?: "control-requests"
      session: SessionOptions
    }
  | { type: "interface"; prompt?: string; session: SessionOptions }
  | { type: "tasks"; action: TasksAction }
  | { type: "sessions"; action: SessionsAction }
  | { type: "agents"; action: AgentsAction }
  | { type: "stats"; json: boolean; range: StatsRange }
  | { type: "completion"; action: CompletionAction }
  | { type: "doctor" }
  | { type: "host"; sessionId: string }
  /** What the process of that id drove, which has died. */
  | { type: "host"; of: number }
  | { type: "help"; topic?: CommandName }
  | { type: "version" }

export const commandNames = ["tasks", "sessions", "agents", "mcp", "stats", "doctor", "completion", "host"] as const
export type CommandName = (typeof commandNames)[number]

export const outputFormats = ["text", "json", "stream-json"] as const
export type OutputFormat = (typeof outputFormats)[number]
export const inputFormats = ["text", "stream-json"] as const
export type InputFormat = (typeof inputFormats)[number]
export const statsRanges = ["7d", "30d", "all"] as const
export type StatsRange = (typeof statsRanges)[number]

/** Which session, and how it is to work: the same for `-p` and for the terminal interface. */
export interface SessionOptions {
  start: SessionStart
  agent?: string
  /** Definitions by name, as given: not yet checked. */
  agents?: Record<string, unknown>
  model?: string
  permissionMode?: PermissionMode
  allowedTools: string[]
  disallowedTools: string[]
  /** Most steps of one turn. */
  maxTurns?: number
  maxBudgetUsd?: number
  appendSystemPrompt?: string
  /** In the place of the agent's own prompt. */
  systemPrompt?: string
  /** The folder is trusted for this run. */
  trust: boolean
  verbose: boolean
}

/**
 * `session` is a name or an id (or the start of one); undefined: let the user pick. `fork`: not on that session, but on a
 * new one that shares what was said in it.
 */
export type SessionStart =
  | { type: "new"; name?: string }
  | { type: "continue"; fork?: { name?: string } }
  | { type: "resume"; session?: string; fork?: { name?: string } }

export type TasksAction =
  | { type: "list"; all: boolean; json: boolean; follow: boolean }
  | { type: "show"; id: string; json: boolean }
  | { type: "output"; id: string; follow: boolean }
  | { type: "stop" | "pause" | "resume" | "wait"; ids: string[] }

export type SessionsAction =
  | { type: "list"; json: boolean }
  | { type: "rename"; id: string; name: string }
  | { type: "export"; id: string }
  | { type: "import"; file: string; asCopy: boolean }
  | { type: "rm"; id: string; yes: boolean }

export type Shell = "bash" | "zsh" | "fish"

/** What completions ask for when a key is pressed. */
export const completionLists = ["tasks", "running", "sessions", "agents", "models"] as const
export type CompletionList = (typeof completionLists)[number]

export type CompletionAction = { type: "script"; shell: Shell } | { type: "list"; list: CompletionList }

export type AgentsAction =
  | { type: "list"; json: boolean }
  | { type: "show"; name: string }
  | { type: "validate"; paths: string[] }
