// Whether a tool call may happen. Policies are asked in order, the first that has an opinion decides; one policy per
// file in this folder.
import type { PermissionMode } from "../base/permission-mode.ts"

export interface PermissionCall {
  tool: string
  input: unknown
  readOnly: boolean
  /** Absolute path of the session's working folder. */
  cwd: string
  mode: PermissionMode
}

/** `rule` is what "always allow" would add, such as `Bash(npm test:*)`. */
export type Decision = { type: "allow" } | { type: "deny"; reason: string } | { type: "ask"; rule: string }

export type Policy = (call: PermissionCall) => Decision | undefined
