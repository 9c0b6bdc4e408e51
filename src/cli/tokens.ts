// argv to options and positionals, with errors for people. node:util's parser does the splitting; what it would refuse
// or misread with a poor message (an unknown option, a missing value, a prompt that begins with a dash) is done here.
import { parseArgs } from "node:util"
import { Exit, UserError } from "../base/error.ts"
import { visible } from "../base/escape.ts"
import { nearest } from "./nearest.ts"
import type { OptionSpecs } from "./options.ts"

export interface Tokens {
  /** Values by the option's name; a flag that was given has an empty list. */
  options: ReadonlyMap<string, string[]>
  positionals: string[]
  /** The first positional stands after `--`, so it can only be text. */
  literal: boolean
}

/** A message of one line; what the arguments in it hold for a terminal is shown, not acted on. */
export function usage(message: string): UserError {
  return new UserError("usage", visible(message), Exit.usage)
}

/** Marks an argument that begins with a dash but holds white space: a prompt, never options. No argument contains NUL. */
const TEXT = "\0"

/** Throws a usage error for an unknown option, a missing or unwanted value, or an option that is given twice. */
export function tokenize(argv: readonly string[], specs: OptionSpecs): Tokens {
  const byName = new Map(Object.entries(specs))
  for (const spec of Object.values(specs)) if (spec.alias) byName.set(spec.alias, spec)
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length
  const marked = argv.map((arg, i) => (i < end && /^-.*\s/s.test(arg) && !/^--?[\w-]+=/.test(arg) ? TEXT + arg : arg))
  const { tokens } = parseArgs({
    args: marked,
    options: Object.fromEntries(
      [...byName].map(([name, { type, short }]) => [name, short ? { type, short } : { type }]),
    ),
    strict: false,
    tokens: true,
  })

  const options = new Map<string, string[]>()
  const positionals: string[] = []
  let literal = false
  let terminated = false
  for (const token of tokens) {
    if (token.kind === "option-terminator") {
      terminated = true
      continue
    }
    if (token.kind === "positional") {
      if (positionals.length === 0) literal = terminated || token.value.startsWith(TEXT)
      positionals.push(plain(token.value))
      continue
    }
    const spec = byName.get(token.name)
    if (!spec) throw unknownOption(token.rawName, byName)
    const name = spec.alias && !(token.name in specs) ? keyOf(specs, spec) : token.name
    const values = options.get(name)
    if (values && spec.type === "string" && !spec.multiple) throw usage(`${token.rawName} is given twice.`)
    options.set(name, [...(values ?? []), ...valuesOf(token, spec.type, byName)])
  }
  return { options, positionals, literal }
}

function plain(value: string): string {
  return value.startsWith(TEXT) ? value.slice(TEXT.length) : value
}

function keyOf(specs: OptionSpecs, spec: OptionSpecs[string]): string {
  return Object.keys(specs).find((name) => specs[name] === spec)!
}

interface OptionToken {
  rawName: string
  value: string | undefined
  inlineValue: boolean | undefined
}

function valuesOf(token: OptionToken, type: "string" | "boolean", known: OptionSpecsByName): string[] {
  if (type === "boolean") {
    if (token.value !== undefined) throw usage(`${token.rawName} takes no value, but got "${token.value}".`)
    return []
  }
  if (token.value === undefined) throw usage(`${token.rawName} needs a value.`)
  if (!token.inlineValue && isOption(token.value, known))
    throw usage(
      `${token.rawName} needs a value, but ${token.value} follows it. To mean that text: ${token.rawName}=${token.value}`,
    )
  return [plain(token.value)]
}

type OptionSpecsByName = ReadonlyMap<string, OptionSpecs[string]>

function isOption(value: string, known: OptionSpecsByName): boolean {
  if (value === "--") return true
  if (value.startsWith("--")) return known.has(value.slice(2).split("=")[0]!)
  return value.length === 2 && [...known.values()].some(({ short }) => value === `-${short}`)
}

function unknownOption(rawName: string, known: OptionSpecsByName): UserError {
  const guess = rawName.startsWith("--")
    ? nearest(
        rawName,
        [...known.keys()].map((name) => `--${name}`),
      )
    : undefined
  if (guess) return usage(`There is no option ${rawName}. Did you mean ${guess}?`)
  return usage(
    `There is no option ${rawName}. Options: meanwhile --help. Text that begins with a dash goes after "--".`,
  )
}
