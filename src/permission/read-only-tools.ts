// What changes nothing needs no permission: tools that only read, and shell commands on the built-in list.
import type { Policy } from "./permission.ts"
import { isReadOnlyCommand } from "./read-only.ts"
import { commandOf } from "./rule-match.ts"
import type { Rule } from "./rules.ts"
import { readShell } from "./shell-words.ts"

export function readOnlyTools({ deny }: { deny: readonly Rule[] }): Policy {
  const hidesFiles = deny.some(({ tool, spec }) => tool === "Read" && spec.type === "path")
  return (call) => {
    const command = commandOf(call)
    if (command === undefined) return call.readOnly ? { type: "allow" } : undefined
    if (hidesFiles && readsUnnamed(command)) return undefined
    return isReadOnlyCommand(command, call) ? { type: "allow" } : undefined
  }
}

/** Reads files that the command does not name, among which may be those that a deny rule hides. */
function readsUnnamed(command: string): boolean {
  const reading = readShell(command)
  if (reading.type === "unknown") return true
  return reading.commands.some(([program, ...args]) => {
    if (args.some(({ glob }) => glob) || program?.text === "rg" || program?.text === "cd") return true
    const isRecursive = args.some(({ text }) =>
      /^-[a-zA-Z]*[rR]|^--(?:dereference-)?recursive|^--directories/.test(text),
    )
    return isRecursive && /^([ef]?grep|diff)$/.test(program?.text ?? "")
  })
}
