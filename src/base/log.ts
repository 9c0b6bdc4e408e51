// The log file: one line per entry, for the person who reports a fault. Logging never throws and never waits for
// anything but a small write to the local disk; what could not be written is counted and told by the next entry.
import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Clock } from "./clock.ts"
import { visible } from "./escape.ts"
import { headTail } from "./text.ts"

export interface LogFields {
  session?: string | undefined
  task?: string | undefined
  /** Anything that was thrown; its stack goes into the same line. */
  error?: unknown
}

export interface Log {
  /** For messages that say where to look. */
  readonly path: string
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Bytes at which the file becomes `meanwhile.log.1`, which replaces the one before. */
const ROTATE_AT = 5 * 1024 * 1024
const LONGEST_ENTRY = 8 * 1024

/** A log at `<data>/logs/meanwhile.log` (0600, its folder 0700, made at the first entry); processes may share it. */
export function createLog(data: string, clock: Clock): Log {
  const folder = join(data, "logs")
  const path = join(folder, "meanwhile.log")
  let lost = 0

  const write = (level: string, message: string, fields: LogFields = {}) => {
    try {
      const before = lost > 0 ? entry(clock, { level: "WARN", message: `${lost} entries could not be written` }) : ""
      append({ folder, path }, before + entry(clock, { level, message, ...fields }))
      lost = 0
    } catch {
      lost++
    }
  }
  return {
    path,
    info: (message, fields) => write("INFO", message, fields),
    warn: (message, fields) => write("WARN", message, fields),
    error: (message, fields) => write("ERROR", message, fields),
  }
}

function entry(
  clock: Clock,
  { level, message, session, task, error }: LogFields & { level: string; message: string },
): string {
  const at = new Date(clock.now()).toISOString()
  const ids = (session ? ` session=${session}` : "") + (task ? ` task=${task}` : "")
  const thrown = error === undefined ? "" : ` | ${stackOf(error)}`
  return `${visible(headTail(`${at} ${level}${ids} ${message}${thrown}`, LONGEST_ENTRY))}\n`
}

/** JavaScriptCore's stacks do not begin with the message, V8's do. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const head = `${error.name}: ${error.message}`
  const stack = error.stack ?? ""
  return stack.startsWith(head) ? stack : `${head}\n${stack}`
}

function append({ folder, path }: { folder: string; path: string }, text: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size >= ROTATE_AT) renameSync(path, `${path}.1`)
  appendFileSync(path, text, { mode: 0o600 })
}
