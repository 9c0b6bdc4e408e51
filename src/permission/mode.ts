// What the permission mode says by itself.
import { relative } from "node:path"
import { realPathOf, resolveFilePath } from "../base/file-path.ts"
import type { PermissionCall, Policy } from "./permission.ts"
import { isProtected } from "./protected-paths.ts"
import { isReadOnlyCommand } from "./read-only.ts"
import { commandOf, pathOf } from "./rule-match.ts"

export function modePolicy({ home }: { home: string }): Policy {
  return (call) => {
    switch (call.mode) {
      case "default":
        return undefined
      case "bypassPermissions":
        return { type: "allow" }
      case "acceptEdits":
        return isEditInside(call, home) ? { type: "allow" } : undefined
      case "plan":
        // A web page changes nothing here; whether its host may be asked is for the rules and the user.
        if (onlyReads(call) || call.tool === "WebFetch") return undefined
        return { type: "deny", reason: "this is plan mode: only reading is possible. Say what you would do instead." }
      default:
        return call.mode satisfies never
    }
  }
}

function onlyReads(call: PermissionCall): boolean {
  const command = commandOf(call)
  return command === undefined ? call.readOnly : isReadOnlyCommand(command, call)
}

/** By where the path leads: a link inside the folder may point out of it. */
function isEditInside(call: PermissionCall, home: string): boolean {
  if (call.tool !== "Write" && call.tool !== "Edit") return false
  const folder = realPathOf(call.cwd)
  const path = realPathOf(resolveFilePath(pathOf(call) ?? ".", { cwd: call.cwd, home }))
  const way = relative(folder, path)
  return way !== "" && way !== ".." && !way.startsWith("../") && !isProtected(path, { folder, home: realPathOf(home) })
}
