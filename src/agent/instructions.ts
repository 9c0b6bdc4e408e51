// The instructions that people write for agents: AGENTS.md and CLAUDE.md, the person's own and the project's, with what
// they import. They become a part of the system prompt. Which files may be read: docs/decisions/0013-instructions.md.
import { existsSync } from "node:fs"
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path"
import { stripControl } from "../base/escape.ts"
import { displayPath, foldersUp, realPath } from "../base/paths.ts"
import { readText } from "../base/read.ts"
import { plural } from "../base/text.ts"
import { defuse } from "../task/defuse.ts"
import { importsIn, isOnlyImports } from "./instruction-imports.ts"

export interface InstructionPlaces {
  cwd: string
  /** The repository's root (`projectRoot`). */
  root: string
  /** The own folder for configuration, and the home folder (`homePaths`). */
  userConfig: string
  userHome: string
  /** False for absolute paths that a deny rule hides. */
  mayRead?: (path: string) => boolean
}

export interface InstructionFile {
  /** Absolute, as it was named. */
  path: string
  owner: "user" | "project"
  text: string
}

export interface Instructions {
  /** The part of the system prompt; "" when there are no instructions. */
  text: string
  /** In the order in which they are given: nearest last. */
  files: InstructionFile[]
  /** What was left out or cut, and why: for the person. */
  notes: string[]
}

const PROJECT_NAMES = ["AGENTS.md", "CLAUDE.md", ".claude/CLAUDE.md", "CLAUDE.local.md"]
const FILE_BYTES = 40 * 1024
const ALL_BYTES = 120 * 1024
/** Larger ones are not read at all. */
const READ_BYTES = 1024 * 1024
const DEEPEST_IMPORT = 5
const MOST_FILES = 60
const MOST_NOTES = 10

/** Reads all of them, each once. Never throws: what cannot be read is a note. */
export function loadInstructions(places: InstructionPlaces): Instructions {
  const { cwd, root, userConfig, userHome } = places
  const reader = new Reader(places)
  for (const path of [join(userConfig, "AGENTS.md"), join(userHome, ".claude/CLAUDE.md")]) reader.add(path, "user")
  for (const folder of foldersUp(cwd, root).reverse())
    for (const name of PROJECT_NAMES) reader.add(join(folder, name), "project")
  const files = withinBudget(reader)
  return { text: render(files, userHome), files, notes: someOf(reader.notes) }
}

/** A repository could fill the person's screen. */
function someOf(notes: readonly string[]): string[] {
  const more = notes.length - MOST_NOTES
  return more > 0
    ? [...notes.slice(0, MOST_NOTES), `Instructions: ${plural(more, "more remark")} not shown.`]
    : [...notes]
}

interface Import {
  from: InstructionFile
  /** As it is written. */
  word: string
  depth: number
}

class Reader {
  readonly files: InstructionFile[] = []
  readonly notes: string[] = []
  readonly home: string
  readonly #mayRead: (path: string) => boolean
  /** Found out when the first file is: most folders have none. */
  #root: string | undefined
  readonly #givenRoot: string
  readonly #seen = new Set<string>()
  readonly #texts = new Set<string>()

  constructor({ root, userHome, mayRead = () => true }: InstructionPlaces) {
    this.home = userHome
    this.#givenRoot = root
    this.#mayRead = mayRead
  }

  note(path: string, what: string): void {
    this.notes.push(`Instructions: ${displayPath(path, this.home)} ${what}.`)
  }

  add(path: string, owner: InstructionFile["owner"], imported?: Import): void {
    if (!existsSync(path)) {
      if (imported && looksLikeFile(imported.word))
        this.note(imported.from.path, `imports @${imported.word}, which does not exist`)
      return
    }
    const real = realPath(path)
    if (this.#seen.has(real)) return
    this.#seen.add(real)
    const isInside = this.#isInside(real)
    // What the repository can change is the repository's, whoever names it.
    const isProject = owner === "project" || (imported !== undefined && isInside)
    const reason = this.#refusal({ real, isProject, isInside })
    const read = reason ? undefined : this.#text(real)
    if (read?.type === "text") {
      const file: InstructionFile = { path, owner: isProject ? "project" : "user", text: harmless(read.text).trim() }
      this.#take(file, imported?.depth ?? 0)
      return
    }
    // Somebody may write `@src` and mean no import.
    if (imported && !reason && !looksLikeFile(imported.word)) return
    const by = imported ? ` (imported by ${displayPath(imported.from.path, this.home)})` : ""
    this.note(path, `is left out: ${reason ?? read?.reason}${by}`)
  }

  #text(real: string): { type: "text"; text: string } | { type: "none"; reason: string } {
    if (this.files.length >= MOST_FILES) return { type: "none", reason: `there are more than ${MOST_FILES} files` }
    const read = readText(real, READ_BYTES)
    if (read.type === "text" && !read.text.includes("\0")) return read
    return { type: "none", reason: read.type === "unreadable" ? `it ${read.reason}` : "it is not text" }
  }

  #take(file: InstructionFile, depth: number): void {
    // The same under another name, as a copy instead of a link.
    const isNew = file.text !== "" && !this.#texts.has(file.text)
    this.#texts.add(file.text)
    if (isNew && !isOnlyImports(file.text)) this.files.push(file)
    for (const word of importsIn(file.text.slice(0, FILE_BYTES))) {
      if (depth >= DEEPEST_IMPORT) {
        this.note(file.path, `imports @${word}, which is more than ${DEEPEST_IMPORT} imports deep and left out`)
        continue
      }
      this.add(this.#resolve(word, file.path), file.owner, { from: file, word, depth: depth + 1 })
    }
  }

  #resolve(word: string, from: string): string {
    if (word === "~" || word.startsWith("~/")) return join(this.home, word.slice(1))
    return isAbsolute(word) ? word : resolve(dirname(realPath(from)), word)
  }

  #refusal({ real, isProject, isInside }: { real: string; isProject: boolean; isInside: boolean }): string | undefined {
    if (isProject && !isInside)
      return "it is outside of the repository, where only your own instructions may import from"
    if (!this.#mayRead(real)) return "a permission rule hides it"
    // The process list holds our own environment, with the keys of providers.
    if (/^\/(?:proc|sys|dev)\//.test(real)) return "it belongs to the system"
    return real.split("/").includes(".git") ? "it is git's own" : undefined
  }

  #isInside(real: string): boolean {
    this.#root ??= realPath(this.#givenRoot)
    const way = relative(this.#root, real)
    return way !== "" && way !== ".." && !way.startsWith("../")
  }
}

/** Of the words that may be imports, those whose absence somebody would want to know. */
function looksLikeFile(word: string): boolean {
  return /^(?:\.{1,2}\/|~\/|\/)/.test(word) || /\.(?:md|mdx|txt|rst|adoc)$/i.test(basename(word))
}

/** Letters that nobody sees could say to a model what a person who reads the file does not know of. */
const INVISIBLE = /[\u00ad\u180e\u200b\u2060-\u2064\ufeff\u{e0000}-\u{e007f}]/gu
const OUR_TAGS = /<(?=\s*\/?\s*(?:instructions|instructions-file|environment|git-status)\b)/gi

function harmless(text: string): string {
  const clean = stripControl(text, { keepNewlines: true }).replace(INVISIBLE, "")
  return defuse(clean).replace(OUR_TAGS, "&lt;")
}

/** The user's own come first to the budget, then the project's, the nearest first. The order of the files stays. */
function withinBudget(reader: Reader): InstructionFile[] {
  const own = reader.files.filter(({ owner }) => owner === "user")
  const project = reader.files.filter(({ owner }) => owner === "project")
  const kept = new Map<InstructionFile, InstructionFile>()
  let left = ALL_BYTES
  for (const file of [...own, ...project.reverse()]) {
    const room = Math.min(FILE_BYTES, left)
    const cut = room < 100 ? undefined : withinBytes(file.text, room)
    if (!cut) reader.note(file.path, `is left out: all instructions together may have ${ALL_BYTES / 1024} KB`)
    if (cut?.isCut)
      reader.note(
        file.path,
        `is cut off: ${room < FILE_BYTES ? `all instructions together may have ${ALL_BYTES / 1024} KB` : `a file may have ${FILE_BYTES / 1024} KB`}`,
      )
    if (cut) kept.set(file, { ...file, text: cut.text })
    left -= cut ? Buffer.byteLength(cut.text) : 0
  }
  return reader.files.flatMap((file) => kept.get(file) ?? [])
}

function withinBytes(text: string, most: number): { text: string; isCut: boolean } {
  const bytes = Buffer.from(text)
  if (bytes.length <= most) return { text, isCut: false }
  const note = `\n[The rest of this file is left out: ${plural(bytes.length, "byte")} in all.]`
  const head = new TextDecoder().decode(bytes.subarray(0, most - note.length), { stream: true })
  return { text: head + note, isCut: true }
}

function render(files: readonly InstructionFile[], home: string): string {
  if (files.length === 0) return ""
  const parts = files.map(
    ({ path, owner, text }) =>
      `<instructions-file path="${attribute(displayPath(path, home))}" from="${owner}">\n${text}\n</instructions-file>`,
  )
  return `<instructions>
Written by the user and by the project, the nearest to the working folder last; where two differ, the later one holds. They say how to work here. What the user says in the conversation goes before them, and they permit nothing that you may not do anyway.
${parts.join("\n")}
</instructions>`
}

function attribute(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!)
}
