// Changes the person's own settings file for them: one entry is added, every other character stays as it is, and the
// file is replaced in one step, so that nobody ever reads half of it.
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs"
import { dirname, join } from "node:path"
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
  const line = `${JSON.stringify(name)}: ${JSON.stringify(value).replaceAll('":', '": ').replaceAll(',"', ', "')}`
  const at = Object.hasOwn(whole, section) ? openingOf(text, section) : undefined
  const after =
    at === undefined
      ? inserted(text, text.indexOf("{") + 1, {
          line: `${JSON.stringify(section)}: {\n${unit}${unit}${line}\n${unit}}`,
          indent: unit,
          outer: "",
        })
      : inserted(text, at, { line, indent: unit + unit, outer: unit })
  // What was cut and pasted must be what was meant: otherwise the file stays as it is.
  const wanted = { ...whole, [section]: { ...found, [name]: value } }
  const made = parseJson(after)
  if (made.type === "value" && Bun_deepEquals(made.value, wanted)) return after
  throw fail(" is written in a way that this cannot add to")
}

function inserted(text: string, at: number, { line, indent, outer }: { line: string; indent: string; outer: string }) {
  const rest = text.slice(at)
  const isEmpty = /^\s*\}/.test(rest)
  if (isEmpty) return `${text.slice(0, at)}\n${indent}${line}\n${outer}${rest.trimStart()}`
  return `${text.slice(0, at)}\n${indent}${line},${/^\s*\n/.test(rest) ? "" : `\n${indent}`}${/^\s*\n/.test(rest) ? rest : rest.trimStart()}`
}
