// keybindings.json in the person's folder of settings: { "action": "key" | ["key", …] | null }. A mistake in it is told
// and costs its own line only; nothing in it stops the program.
import { visible } from "../../../base/escape.ts"
import { parseJson } from "../../../base/json.ts"
import { displayPath } from "../../../base/paths.ts"
import { readText } from "../../../base/read.ts"
import { nearest, quoted } from "../../../base/text.ts"
import { type Action, actionNames, isAction } from "./actions.ts"
import type { KeyConfig } from "./keys.ts"

const LARGEST_FILE = 256 * 1024

export interface KeybindingsFile {
  config: KeyConfig
  notes: string[]
}

export function readKeybindings(path: string): KeybindingsFile {
  const read = readText(path, LARGEST_FILE)
  if (read.type === "none") return { config: {}, notes: [] }
  const shown = displayPath(path)
  if (read.type === "unreadable")
    return { config: {}, notes: [`${shown} ${read.reason}; the keys are the usual ones.`] }
  const { config, notes } = parseKeybindings(read.text)
  return { config, notes: notes.map((note) => `${shown}: ${note}`) }
}

export function parseKeybindings(text: string): KeybindingsFile {
  if (text.trim() === "") return { config: {}, notes: [] }
  const parsed = parseJson(text)
  if (parsed.type === "mistake") {
    const { line, column, message } = parsed
    return { config: {}, notes: [`line ${line}, column ${column}: ${message}; the keys are the usual ones.`] }
  }
  if (typeof parsed.value !== "object" || parsed.value === null || Array.isArray(parsed.value))
    return { config: {}, notes: [`must be an object such as ${EXAMPLE}.`] }
  const config: Partial<Record<Action, readonly string[]>> = {}
  const notes: string[] = []
  for (const [name, value] of Object.entries(parsed.value)) {
    if (name.startsWith("$")) continue // "$schema", "$comment"
    if (!isAction(name)) {
      notes.push(unknownAction(name))
      continue
    }
    const keys = keysOf(value)
    if (keys) config[name] = keys
    else notes.push(`${name}: must be a key in quotes, a list of keys, or null for none.`)
  }
  return { config, notes }
}

const EXAMPLE = '{ "conversation.tasks": "ctrl+t" }'

function keysOf(value: unknown): string[] | undefined {
  if (value === null) return []
  if (typeof value === "string") return [visible(value)]
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.map(visible)
  return undefined
}

function unknownAction(name: string): string {
  if (name === "bindings") return `"bindings" is another program's form. Ours names actions directly: ${EXAMPLE}.`
  const close = nearest(name, actionNames)
  const advice = close.length > 0 ? `Did you mean ${close.join(" or ")}?` : "The screen of keys (?) lists them."
  return `there is no action ${quoted(name)}. ${advice}`
}
