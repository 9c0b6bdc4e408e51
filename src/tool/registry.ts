// What models are told of the tools, and how their calls are read: slips that leave no doubt are mended, others are
// answered with what is wrong and what a right call looks like.
import { z } from "zod"
import { parseJson } from "../base/json.ts"
import { oneLine } from "../base/text.ts"
import type { ToolSpec } from "../model/message.ts"
import { type Tool, ToolError } from "./tool.ts"

type Json = Record<string, unknown>
type Issue = z.core.$ZodIssue

const specs = new WeakMap<Tool, ToolSpec>()

/** The tools as requests carry them, in the order given: the same bytes each time, because the prefix is cached. */
export function toolSpecs(tools: readonly Tool[]): ToolSpec[] {
  return tools.map((tool) => {
    const known = specs.get(tool)
    if (known) return known
    const spec = { name: tool.name, description: tool.description, schema: schemaOf(tool) }
    specs.set(tool, spec)
    return spec
  })
}

/** The input of a call, as the tool wants it. Throws a ToolError that says how to mend the call. */
export function parseInput<I>(tool: Tool<I>, raw: unknown): I {
  const sent = objectFrom(tool, raw)
  let value = sent
  let parsed = tool.input.safeParse(value)
  // A mended value may bring up others below it; deeper than this no tool's input goes.
  for (let round = 0; !parsed.success && round < 3; round++) {
    value = mend(value, parsed.error.issues)
    parsed = tool.input.safeParse(value)
  }
  if (parsed.success) return parsed.data
  throw new ToolError(complaint(tool, { value, sent, issues: parsed.error.issues }))
}

/** Models write no arguments as an empty text, and sometimes wrap the object in a string. */
function objectFrom(tool: Tool, raw: unknown): Json {
  if (raw === undefined || raw === null || (typeof raw === "string" && raw.trim() === "")) return {}
  if (typeof raw !== "string") return asObject(tool, raw)
  const parsed = parseJson(raw)
  if (parsed.type === "value") return asObject(tool, parsed.value)
  const at = parsed.line > 1 ? `line ${parsed.line}, column ${parsed.column}` : `character ${parsed.column}`
  const isCut = /missing at the end|text ends|does not end/.test(parsed.message)
  const hint = isCut ? " It may have been cut off by the output limit: send less at once." : ""
  throw new ToolError(
    `${tool.name}: the input is not JSON: ${parsed.message} (${at}).${hint} You sent: ${oneLine(raw, 200)}`,
  )
}

function asObject(tool: Tool, value: unknown): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json
  throw new ToolError(`${tool.name}: the input must be an object. You sent: ${short(value)}. ${example(tool, [])}`)
}

function mend(value: Json, issues: readonly Issue[]): Json {
  const copy = structuredClone(value)
  for (const issue of issues) {
    const key = issue.path.at(-1)
    const parent = at(copy, issue.path.slice(0, -1))
    if (key === undefined || typeof parent !== "object" || parent === null) continue
    const holder = parent as Record<PropertyKey, unknown>
    if (!Object.hasOwn(holder, key)) continue
    const mended = mendedValue(holder[key], issue)
    if (mended.type === "omit" && !Array.isArray(parent)) delete holder[key]
    if (mended.type === "replace") holder[key] = mended.value
  }
  return copy
}

type Mended = { type: "omit" } | { type: "replace"; value: unknown } | { type: "hopeless" }

function mendedValue(value: unknown, issue: Issue): Mended {
  if (value === null || (value === "" && issue.code === "invalid_value")) return { type: "omit" }
  if (issue.code !== "invalid_type") return { type: "hopeless" }
  const expected: string = issue.expected
  if (typeof value === "string") return fromText(value.trim(), expected)
  if (expected === "string" && (typeof value === "number" || typeof value === "boolean"))
    return { type: "replace", value: String(value) }
  return { type: "hopeless" }
}

function fromText(text: string, expected: string): Mended {
  if ((expected === "number" || expected === "int") && /^-?\d+(\.\d+)?$/.test(text))
    return { type: "replace", value: Number(text) }
  if (expected === "boolean" && /^(true|false)$/i.test(text))
    return { type: "replace", value: text.toLowerCase() === "true" }
  if (expected !== "array" && expected !== "object") return { type: "hopeless" }
  const parsed = parseJson(text)
  return parsed.type === "value" ? { type: "replace", value: parsed.value } : { type: "hopeless" }
}

function complaint(tool: Tool, { value, sent, issues }: { value: Json; sent: Json; issues: readonly Issue[] }): string {
  const wrong = issues.slice(0, 3).map((issue) => describe(issue, at(value, issue.path)))
  const more = issues.length > 3 ? `; and ${issues.length - 3} more` : ""
  const keys = issues.flatMap((issue) => (typeof issue.path[0] === "string" ? [issue.path[0]] : []))
  return `${tool.name}: ${wrong.join("; ")}${more}. You sent: ${short(sent)}. ${example(tool, keys)}`
}

function describe(issue: Issue, value: unknown): string {
  const name = issue.path.length > 0 ? `"${pathName(issue.path)}"` : "the input"
  const wanted = wantedBy(issue)
  if (value === undefined && wanted) return `${name} is missing (${wanted})`
  if (wanted) return `${name} must be ${wanted}, not ${short(value)}`
  return `${name}: ${issue.message}`
}

function wantedBy(issue: Issue): string | undefined {
  if (issue.code === "invalid_type") return issue.expected === "int" ? "whole number" : issue.expected
  if (issue.code === "invalid_value") return issue.values.map((value) => JSON.stringify(value)).join(" or ")
  return undefined
}

function pathName(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index > 0 ? "." : ""}${String(key)}`))
    .join("")
}

/** A right call: what is required and, with it, the keys that were wrong. */
function example(tool: Tool, keys: readonly string[]): string {
  const schema = schemaOf(tool)
  const properties = (schema["properties"] ?? {}) as Record<string, Json>
  const required = (schema["required"] ?? []) as string[]
  const shown = Object.keys(properties).filter((key) => required.includes(key) || keys.includes(key))
  return `Send {${shown.map((key) => `${JSON.stringify(key)}: ${placeholder(properties[key]!)}`).join(", ")}}`
}

function placeholder(schema: Json): string {
  if (Array.isArray(schema["enum"])) return JSON.stringify(schema["enum"][0])
  switch (schema["type"]) {
    case "number":
    case "integer":
      return "1"
    case "boolean":
      return "true"
    case "array":
      return "[…]"
    case "object":
      return "{…}"
    default:
      return '"…"'
  }
}

function short(value: unknown): string {
  const text = JSON.stringify(value, (_, inner) => (typeof inner === "string" ? oneLine(inner, 40) : inner))
  return oneLine(text ?? "nothing", 200)
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  )
}

/** Each session has tools of its own, their inputs are the same: making a schema costs as much as a small request. */
const schemas = new WeakMap<Tool["input"], Json>()

function schemaOf(tool: Tool): Json {
  const known = schemas.get(tool.input)
  if (known) return known
  const schema = withoutNoise(z.toJSONSchema(tool.input, { io: "input" })) as Json
  schemas.set(tool.input, schema)
  return schema
}

/** Drops what no model needs: the dialect, `additionalProperties: false` and zod's bounds of safe integers. */
function withoutNoise(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutNoise)
  if (typeof schema !== "object" || schema === null) return schema
  const kept = Object.entries(schema).filter(
    ([key, value]) =>
      key !== "$schema" &&
      !(key === "additionalProperties" && (value === false || isEmpty(value))) &&
      !(typeof value === "number" && Math.abs(value) === Number.MAX_SAFE_INTEGER),
  )
  return Object.fromEntries(
    kept.map(([key, value]) => [key, key === "properties" ? properties(value) : withoutNoise(value)]),
  )
}

/** The keys of `properties` are a tool's own words, none of which is noise. */
function properties(value: unknown): Json {
  return Object.fromEntries(Object.entries(value as Json).map(([name, schema]) => [name, withoutNoise(schema)]))
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0
}
