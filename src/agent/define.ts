// From the fields of a file or flag to a definition. What widens rights when it is misread (a list of tools) makes the
// whole definition unusable; what does not is left out and reported.
import { stripControl, visible } from "../base/escape.ts"
import { type PermissionMode, permissionModes } from "../base/permission-mode.ts"
import { oneLine } from "../base/text.ts"
import type { AgentDefinition } from "./agent.ts"
import { isToolEntry, splitTools } from "./tools.ts"

export interface FieldProblem {
  /** The field that it is about. */
  key: string
  message: string
  /** The definition cannot be used. */
  fatal: boolean
}

export interface Defined {
  /** As it is written, for messages, also when there is no definition. */
  name: string
  agent?: AgentDefinition
  problems: FieldProblem[]
}

/** Letters and digits of any script, and `- _ . :` between them; at most 64 characters. */
const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}_.:-]{0,62}[\p{L}\p{M}\p{N}])?$/u

/** `fallbackName` is used when no name is given: that of the file. */
export function define(
  fields: Record<string, unknown>,
  { prompt, source, fallbackName }: { prompt: string; source: AgentDefinition["source"]; fallbackName: string },
): Defined {
  const read = new FieldReader(fields)
  const { name: _name, description: _description, ...rest } = fields
  const name = read.text("name") ?? fallbackName
  if (!read.has("name")) read.report("name", `missing: the file's name is used, "${shown(name)}"`)
  if (!NAME.test(name))
    read.refuse("name", `"${shown(name)}" is not a name: letters, digits and - _ . : are allowed, 64 at most`)
  if (prompt.trim() === "") read.refuse("prompt", "there are no instructions")

  const description = read.text("description") ?? oneLine(prompt, 200)
  if (!read.has("description")) read.report("description", "missing: the first words of the instructions are used")

  const agent: AgentDefinition = {
    name,
    description: stripControl(description, { keepNewlines: true }).trim(),
    prompt,
    source,
    extra: Object.fromEntries(Object.entries(rest).filter(([key]) => !KNOWN.has(key))),
  }
  assignDefined(agent, {
    tools: read.tools("tools"),
    disallowedTools: read.tools("disallowedTools"),
    model: read.text("model"),
    permissionMode: read.mode("permissionMode"),
    maxTurns: read.count("maxTurns"),
    caps: capsOf(read),
    background: read.flag("background"),
    initialPrompt: read.text("initialPrompt"),
    color: read.text("color"),
  })
  const { problems } = read
  return problems.some(({ fatal }) => fatal) ? { name, problems } : { name, agent, problems }
}

function capsOf(read: FieldReader): AgentDefinition["caps"] {
  const caps: NonNullable<AgentDefinition["caps"]> = {}
  assignDefined(caps, {
    costUsd: read.amount("maxCostUsd"),
    tokens: read.count("maxTokens"),
    minutes: read.amount("maxMinutes"),
  })
  return Object.keys(caps).length > 0 ? caps : undefined
}

function shown(name: string): string {
  return oneLine(visible(name), 64)
}

const KNOWN: ReadonlySet<string> = new Set([
  ...["tools", "disallowedTools", "model", "permissionMode", "maxTurns", "background", "initialPrompt", "color"],
  ...["maxCostUsd", "maxTokens", "maxMinutes"],
])

class FieldReader {
  readonly problems: FieldProblem[] = []

  constructor(readonly fields: Record<string, unknown>) {}

  /** An empty field (`key:` without a value) is as good as none. */
  has(key: string): boolean {
    return Object.hasOwn(this.fields, key) && this.fields[key] !== null && this.fields[key] !== ""
  }

  text(key: string): string | undefined {
    if (!this.has(key)) return undefined
    const value = this.fields[key]
    if (typeof value === "string") return value.trim() === "" ? undefined : value.trim()
    if (typeof value === "number") return String(value)
    return this.report(key, "must be a text: left out")
  }

  tools(key: string): string[] | undefined {
    if (!Object.hasOwn(this.fields, key)) return undefined
    const value = this.fields[key]
    if (value === null)
      return this.report(key, key === "tools" ? "empty: all tools are allowed ([] allows none)" : "empty: none")
    const isList = Array.isArray(value) && value.every((entry) => typeof entry === "string")
    if (!isList && typeof value !== "string")
      return this.refuse(key, "must be a list of tools, or their names with commas between them")
    const entries = isList ? value.map((entry) => entry.trim()) : splitTools(value)
    const wrong = entries.find((entry) => !isToolEntry(entry))
    return wrong === undefined ? entries : this.refuse(key, `"${oneLine(wrong, 60)}" does not name a tool`)
  }

  mode(key: string): PermissionMode | undefined {
    const value = this.text(key)
    if (value === undefined) return undefined
    const mode = permissionModes.find((known) => known === value)
    return mode ?? this.report(key, `"${oneLine(value, 40)}" is not one of ${permissionModes.join(", ")}: left out`)
  }

  count(key: string): number | undefined {
    if (!this.has(key)) return undefined
    const value = this.fields[key]
    const count = typeof value === "string" ? Number(value) : value
    if (typeof count === "number" && Number.isSafeInteger(count) && count > 0) return count
    return this.report(key, "must be a whole number above 0: left out")
  }

  amount(key: string): number | undefined {
    if (!this.has(key)) return undefined
    const value = this.fields[key]
    const amount = typeof value === "string" ? Number(value) : value
    if (typeof amount === "number" && Number.isFinite(amount) && amount > 0) return amount
    return this.report(key, "must be a number above 0: left out")
  }

  flag(key: string): boolean | undefined {
    if (!this.has(key)) return undefined
    const value = String(this.fields[key]).toLowerCase()
    if (value === "true" || value === "false") return value === "true"
    return this.report(key, "must be true or false: left out")
  }

  report(key: string, message: string): undefined {
    this.problems.push({ key, message, fatal: false })
  }

  refuse(key: string, message: string): undefined {
    this.problems.push({ key, message, fatal: true })
  }
}

/** Optional fields are absent rather than undefined. */
function assignDefined<T extends object>(target: T, fields: { [K in keyof T]?: T[K] | undefined }): void {
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) Object.assign(target, { [key]: value })
}
