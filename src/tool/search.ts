// What Glob and Grep share: where a search starts, how ripgrep's output is read, and how its complaints are told.
import { stat } from "node:fs/promises"
import { isAbsolute, join, relative } from "node:path"
import type { Env } from "../base/paths.ts"
import { fileError, noSuchFile } from "./file-errors.ts"
import { type Files, type Located, locate, showPath } from "./files.ts"
import type { RipgrepEnd } from "./ripgrep.ts"
import { ToolError } from "./tool.ts"

/** What both search tools hold. */
export interface SearchParts {
  files: Files
  ripgrepPath: () => Promise<string>
  env: Env
}

export interface SearchRoot extends Located {
  type: "folder" | "file"
}

/** The place to search; `path` empty or missing means the working folder. */
export async function searchRoot(files: Files, cwd: string, path: string | undefined): Promise<SearchRoot> {
  const at = locate(files, cwd, path || ".")
  if (at.real === "/") throw new ToolError("Searching the whole machine is too much. Give a folder as path.")
  if (!files.mayRead(at.real) || !files.mayRead(at.path)) throw new ToolError(`A permission rule hides ${at.shown}.`)
  try {
    const found = await stat(at.real)
    return { ...at, type: found.isDirectory() ? "folder" : "file" }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") throw await noSuchFile(at)
    throw fileError(error, { doing: "search", file: at.shown })
  }
}

/** Arguments for what is searched: a dotted name is found only by who asks for one, and git's own files never. */
export function hiddenArgs(asked: readonly string[]): string[] {
  const isAsked = asked.some((text) => /(^|[/{,!])\.(?!\.?(\/|$))/.test(text))
  return isAsked ? ["--hidden", "--glob=!.git"] : []
}

export interface FoundPath {
  /** Relative to the search's root. */
  within: string
  /** Absolute, links not followed. */
  path: string
  shown: string
}

/** A path as ripgrep prints it (it runs in the root, and is given "./" or a file's absolute path). */
export function foundPath(root: SearchRoot, cwd: string, printed: string): FoundPath {
  const path = isAbsolute(printed) ? root.path : join(root.path, printed)
  return { within: root.type === "file" ? printed : relative(root.path, path), path, shown: showPath(path, cwd) }
}

/** Deny rules are about real paths as well; below a root ripgrep follows no links, so one real path gives all others. */
export function mayShow(files: Files, root: SearchRoot, { path }: FoundPath): boolean {
  return files.mayRead(path) && files.mayRead(join(root.real, relative(root.path, path)))
}

export interface SearchRecord {
  path: string
  /** What follows the path on its line; undefined when only paths are printed. */
  text: string | undefined
}

/** Reads `path NUL text LF` or `path NUL` from chunks; a path may hold anything but NUL. */
export class RecordReader {
  #rest: Buffer = Buffer.alloc(0)
  readonly #shape: "paths" | "lines"
  readonly #onRecord: (record: SearchRecord) => "more" | "enough"

  constructor(shape: "paths" | "lines", onRecord: (record: SearchRecord) => "more" | "enough") {
    this.#shape = shape
    this.#onRecord = onRecord
  }

  take(chunk: Buffer): "more" | "enough" {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let from = 0
    for (;;) {
      const nul = bytes.indexOf(0, from)
      const end = nul >= 0 && this.#shape === "lines" ? bytes.indexOf(10, nul) : nul
      if (end < 0) break
      const path = bytes.toString("utf8", from, nul).replace(BINARY_NOTE, "")
      const text = this.#shape === "lines" ? bytes.toString("utf8", nul + 1, end).replace(/\r$/, "") : undefined
      from = end + 1
      if (this.#onRecord({ path, text }) === "enough") return "enough"
    }
    this.#rest = Buffer.from(bytes.subarray(from))
    return "more"
  }

  /** Whether ripgrep ended with a note on a binary file, which it prints where a record would be. */
  get endsWithBinaryNote(): boolean {
    return this.#rest.toString("utf8").replace(BINARY_NOTE, "") === "" && this.#rest.length > 0
  }
}

/** Lines that ripgrep prints between records (grep_printer 0.3, `write_binary_message`). */
const BINARY_NOTE =
  /^(?:.*: (?:WARNING: stopped searching binary file after match|binary file matches) \(found .* byte around offset \d+\)\n)+/

/** Throws when ripgrep did not understand the call; returns a note when it could not search everything. */
export function checkEnd(end: RipgrepEnd, { tool, found }: { tool: string; found: number }): string | undefined {
  if (end.type === "stopped" || end.code < 2) return undefined
  const lines = end.errors.split("\n").filter((line) => line.trim() !== "" && !/^~+$/.test(line))
  const unreadable = lines.filter((line) => /\(os error \d+\)/.test(line))
  if (found === 0 && unreadable.length < lines.length) throw new ToolError(`${tool}: ${regexError(lines)}`)
  const first = (unreadable[0] ?? lines[0] ?? "").replace(/^rg: (\.\/)?/, "").slice(0, 200)
  return `[${unreadable.length || "Some"} place(s) could not be searched, such as ${first}]`
}

/** Ripgrep tries two engines and reports both; the first report is the one with a picture of the mistake. */
function regexError(lines: readonly string[]): string {
  const second = lines.findIndex((line) => line.startsWith("PCRE2 regex engine error"))
  const first = lines.filter(
    (line, index) => (second < 0 || index < second) && !/^(rg: regex could not be|default regex engine)/.test(line),
  )
  const text = first.join("\n").replace(/^rg: /, "").slice(0, 1000)
  const hint = /regex|unclosed|repetition/.test(text)
    ? '\nEscape characters that are meant literally, for example "foo\\\\(" for "foo(".'
    : ""
  return text + hint
}
