// Changes the person's own settings file for them: one entry is added, every other character stays as it is, and the
// file is replaced in one step, so that nobody ever reads half of it.
import { randomUUID } from "node:crypto"
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs"
import { dirname, join } from "node:path"
import { isDeepStrictEqual } from "node:util"
import { Exit, messageOf, UserError } from "./error.ts"
import { parseJson } from "./json.ts"
import { displayPath, realPath } from "./paths.ts"
import { readText } from "./read.ts"

const LARGEST_FILE = 1024 * 1024

export interface Entry {
  /** Key at the top of the file, whose value is an object. */
  section: string
  name: string
  value: Readonly<Record<string, unknown>>
}

/** Throws a UserError, with nothing written, when the file is broken, or has such an entry already. */
export function addSetting(path: string, entry: Entry): void {
  // A link to where somebody keeps their settings stays one.
  const target = realPath(path)
  const read = readText(target, LARGEST_FILE)
  if (read.type === "unreadable") throw refused(path, ` ${read.reason}`)
  const before = read.type === "text" && read.text.trim() !== "" ? read.text : "{}\n"
  const after = withEntry(before, entry, (what) => refused(path, what))
  try {
    replace(target, after)
  } catch (error) {
    throw refused(path, ` could not be written: ${messageOf(error)}`)
  }
}

function refused(path: string, what: string): UserError {
  return new UserError(
    "settings-not-changed",
    `${displayPath(path)}${what}. Nothing was changed. Mend the file and try again.`,
    Exit.usage,
  )
}

function withEntry(text: string, { section, name, value }: Entry, fail: (what: string) => UserError): string {
  const parsed = parseJson(text)
  if (parsed.type === "mistake") throw fail(`:${parsed.line}:${parsed.column}: ${parsed.message}`)
  const whole = objectOf(parsed.value)
  if (!whole) throw fail(" must hold an object")
  const found = Object.hasOwn(whole, section) ? objectOf(whole[section]) : {}
  if (!found) throw fail(`: ${section} must be an object`)
  if (Object.hasOwn(found, name)) throw fail(`: ${section}.${name} is there already`)
  const unit = /\n([ \t]+)"/.exec(text)?.[1] ?? "  "
  const fields = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${JSON.stringify(one)}`)
  const line = `${JSON.stringify(name)}: { ${fields.join(", ")} }`
  const deeper = unit + unit
  const after = Object.hasOwn(whole, section)
    ? inserted(text, openingOf(text, section), { line, indent: deeper, outer: unit })
    : inserted(text, text.indexOf("{") + 1, {
        line: `${JSON.stringify(section)}: {\n${deeper}${line}\n${unit}}`,
        indent: unit,
        outer: "",
      })
  // What comes out must be what was meant, whatever the file looks like: otherwise it stays as it is.
  const made = parseJson(after)
  const wanted = { ...whole, [section]: { ...found, [name]: value } }
  if (made.type === "value" && isDeepStrictEqual(made.value, wanted)) return after
  throw fail(" is written in a way that this cannot add to")
}

/** A line as the first one of the object that opens just before `at`. */
function inserted(text: string, at: number, { line, indent, outer }: { line: string; indent: string; outer: string }) {
  const head = `${text.slice(0, at)}\n${indent}${line}`
  const rest = text.slice(at)
  if (/^\s*\}/.test(rest)) return `${head}\n${outer}${rest.trimStart()}`
  return /^[ \t]*\r?\n/.test(rest) ? `${head},${rest}` : `${head},\n${indent}${rest.trimStart()}`
}

/** Behind the "{" of the object under a key at the top; of a key that is there twice the last one, which counts. */
function openingOf(text: string, key: string): number {
  let depth = 0
  let opening = -1
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    const [token] = match
    if (token === "{" || token === "[") depth++
    else if (token === "}" || token === "]") depth--
    else if (depth === 1) {
      const colon = /^\s*:\s*\{/.exec(text.slice(match.index + token.length))
      if (colon && JSON.parse(token) === key) opening = match.index + token.length + colon[0].length
    }
  }
  return opening
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined
}

/** The new file is whole on the disk before it takes the old one's name and mode. */
function replace(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0o600
  const beside = join(dirname(path), `.settings-${process.pid}-${randomUUID()}.json`)
  try {
    const file = openSync(beside, "wx", 0o600)
    try {
      writeSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    chmodSync(beside, mode & 0o777)
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
