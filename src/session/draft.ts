// An answer while it streams in: never a row, but lines of JSON in `draft/<step>` for those who look, gone when the step
// is committed. Written only while somebody does look: who comes in the middle gets all of it.
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import type { Log } from "../base/log.ts"
import type { Store } from "../store/store.ts"

/** Pieces that come within this time are written at once. */
const BATCH_MS = 40
/** While nobody looks, this often whether somebody does now. */
const LOOK_AGAIN_MS = 250

/** `tool`: the name of a tool whose call has begun to stream in. */
export type DraftPart = { text: string } | { reasoning: string } | { tool: string }

export interface DraftAudience {
  isPresent(): boolean
  /** Called after something was written. */
  written(): void
}

export class Draft {
  readonly #path: string
  readonly #audience: DraftAudience
  readonly #log: Log
  #file: number | undefined
  #attempt = 1
  #waiting: DraftPart[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #ended = false

  constructor(path: string, audience: DraftAudience, log: Log) {
    this.#path = path
    this.#audience = audience
    this.#log = log
  }

  add(part: DraftPart): void {
    if (this.#ended) return
    const last = this.#waiting.at(-1)
    if (last && "text" in last && "text" in part) last.text += part.text
    else if (last && "reasoning" in last && "reasoning" in part) last.reasoning += part.reasoning
    else this.#waiting.push({ ...part })
    this.#timer ??= setTimeout(() => this.#write(), BATCH_MS)
  }

  /** The answer begins anew: what was written of it is taken back. */
  restart(): void {
    this.#attempt++
    this.#waiting = []
    if (this.#file === undefined) return
    this.#attempted(() => {
      ftruncateSync(this.#file!)
      writeSync(this.#file!, header(this.#attempt))
      this.#audience.written()
    })
  }

  /** The step is over: its row says how. */
  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    if (this.#file === undefined) return
    closeSync(this.#file)
    this.#file = undefined
    rmSync(this.#path, { force: true })
  }

  #write(): void {
    this.#timer = undefined
    if (!this.#audience.isPresent()) {
      this.#timer = setTimeout(() => this.#write(), LOOK_AGAIN_MS)
      return
    }
    this.#attempted(() => {
      if (this.#file === undefined) {
        this.#file = openSync(this.#path, "a", 0o600)
        ftruncateSync(this.#file)
        writeSync(this.#file, header(this.#attempt))
      }
      writeSync(this.#file, this.#waiting.map((part) => `${JSON.stringify(part)}\n`).join(""))
      this.#waiting = []
      this.#audience.written()
    })
  }

  /** A draft that can't be written, on a full disk, must not end the answer. */
  #attempted(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#log.warn("a draft could not be written", { error })
      this.end()
    }
  }
}

export function draftPath(store: Store, stepId: string): string {
  return join(store.folder("draft"), stepId)
}

/** What a dead process left of a step's answer. */
export function removeDraft(store: Store, stepId: string): void {
  rmSync(draftPath(store, stepId), { force: true })
}

/** Of a fixed length, so that what follows begins at the same place for each attempt. */
function header(attempt: number): string {
  return `{"attempt":${String(attempt).padStart(8)}}\n`
}

const HEADER_BYTES = header(1).length
const READ_BYTES = 256 * 1024

/** Reads a draft as it grows. */
export class DraftTail {
  readonly #path: string
  #attempt = 0
  #offset = HEADER_BYTES

  constructor(path: string) {
    this.#path = path
  }

  /** What was added since the last time. `restarted`: all before it was taken back. Undefined when there is no draft. */
  read(): { restarted: boolean; parts: DraftPart[] } | undefined {
    const file = openIfThere(this.#path)
    if (file === undefined) return undefined
    try {
      const attempt = (parsed(readFrom(file, 0, HEADER_BYTES))[0] as { attempt: number } | undefined)?.attempt
      if (attempt === undefined) return { restarted: false, parts: [] }
      const restarted = this.#attempt !== 0 && attempt !== this.#attempt
      if (attempt !== this.#attempt) this.#offset = HEADER_BYTES
      this.#attempt = attempt
      const bytes = readFrom(file, this.#offset, READ_BYTES)
      const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1)
      this.#offset += whole.length
      return { restarted, parts: parsed(whole) as DraftPart[] }
    } finally {
      closeSync(file)
    }
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  }
}

function readFrom(file: number, offset: number, length: number): Buffer {
  const there = Math.min(length, fstatSync(file).size - offset)
  if (there <= 0) return Buffer.alloc(0)
  const bytes = Buffer.allocUnsafe(there)
  return bytes.subarray(0, readSync(file, bytes, 0, there, offset))
}

/** Its complete lines. */
function parsed(bytes: Buffer): object[] {
  const lines = bytes.toString("utf8").split("\n").slice(0, -1)
  return lines.map((line) => JSON.parse(line) as object)
}
