// Calls as the session makes them, for tests of permissions.
import type { PermissionCall } from "../../src/permission/permission.ts"

export const HOME = "/home/ada"
export const CWD = "/home/ada/shop"

export function call(tool: string, input: unknown, more: Partial<PermissionCall> = {}): PermissionCall {
  return { tool, input, readOnly: false, cwd: CWD, mode: "default", ...more }
}

export function bash(command: string, more: Partial<PermissionCall> = {}): PermissionCall {
  return call("Bash", { command }, more)
}
