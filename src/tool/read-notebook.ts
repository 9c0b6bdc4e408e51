// Read of a Jupyter notebook: its cells and what they printed, as text; pictures as pictures. The file itself is JSON
// in which that is hard to see; with an offset Read shows it as it is.
import type { FileHandle } from "node:fs/promises"
import { stripControl } from "../base/escape.ts"
import { headTail, plural } from "../base/text.ts"
import type { UserPart } from "../model/message.ts"
import { type Located, type SeenFile, type Stamp, sha256 } from "./files.ts"
import { imageType, MAX_IMAGE_BYTES } from "./image-type.ts"
import { ToolError, type ToolOutput } from "./tool.ts"
import { RESULT_CHARS } from "./truncate.ts"

const MAX_BYTES = 32 * 1024 * 1024
const OUTPUT_CHARS = 3000
const CELL_CHARS = 10_000
const TEXT_CHARS = RESULT_CHARS - 1000
const IMAGES = 5

export interface NotebookRead {
  output: ToolOutput
  stamp: Stamp
}

export async function readNotebook(handle: FileHandle, file: Located): Promise<NotebookRead> {
  const { size, mtimeMs } = await handle.stat()
  if (size > MAX_BYTES)
    throw new ToolError(
      `${file.shown} is a notebook of more than 32 MB. Read its JSON with offset and limit, or use jq in Bash.`,
    )
  const bytes = Buffer.alloc(size)
  const { bytesRead } = await handle.read(bytes, 0, size, 0)
  const content = bytes.subarray(0, bytesRead)
  const notebook = parse(content, file)
  const page = new NotebookPage(languageOf(notebook))
  const cells = cellsOf(notebook)
  for (const [index, cell] of cells.entries()) page.add(index + 1, cell)
  const stamp = { sha256: sha256(content), mtimeMs, size: content.length }
  const seen: SeenFile = { path: file.real, ...stamp }
  const data = { path: file.path, cells: cells.length, seen }
  return { output: { content: page.parts(file, cells.length), data }, stamp }
}

type Fields = Record<string, unknown>

function parse(bytes: Buffer, file: Located): Fields {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"))
    if (isFields(value) && (Array.isArray(value.cells) || Array.isArray(value.worksheets))) return value
  } catch {
    // Said below: a notebook that is being written, or has conflict marks in it.
  }
  throw new ToolError(`${file.shown} is not a valid notebook. Read it as text with {"offset": 1}.`)
}

/** Format 4 has cells, format 3 had them in worksheets (nbformat.readthedocs.io). */
function cellsOf(notebook: Fields): Fields[] {
  if (Array.isArray(notebook.cells)) return notebook.cells.filter(isFields)
  const sheets = Array.isArray(notebook.worksheets) ? notebook.worksheets.filter(isFields) : []
  return sheets.flatMap((sheet) => (Array.isArray(sheet.cells) ? sheet.cells.filter(isFields) : []))
}

function languageOf(notebook: Fields): string {
  const metadata = isFields(notebook.metadata) ? notebook.metadata : {}
  const info = isFields(metadata.language_info) ? metadata.language_info : metadata.kernelspec
  const name = isFields(info) ? (info.name ?? info.language) : undefined
  return typeof name === "string" ? oneWord(name) : ""
}

class NotebookPage {
  readonly #language: string
  readonly #texts: string[] = []
  readonly #images: UserPart[] = []
  #chars = 0
  #imageBytes = 0
  /** Cells that did not fit. */
  #left = 0

  constructor(language: string) {
    this.#language = language
  }

  add(number: number, cell: Fields): void {
    const type = oneWord(String(cell.cell_type ?? "unknown"))
    const count = cell.execution_count ?? cell.prompt_number
    const run = type === "code" && typeof count === "number" ? `, run ${count}` : ""
    const language = type === "code" && this.#language ? ` (${this.#language})` : ""
    const head = `--- cell ${number}: ${type}${language}${run} ---`
    const source = headTail(plain(cell.source ?? cell.input), CELL_CHARS)
    const outputs = Array.isArray(cell.outputs) ? cell.outputs.filter(isFields) : []
    const images = this.#images.length
    const whole = [head, source, ...outputs.map((output) => this.#output(output))].filter(Boolean).join("\n")
    const text = headTail(whole, TEXT_CHARS)
    if (this.#left > 0 || (this.#texts.length > 0 && this.#chars + text.length > TEXT_CHARS)) {
      this.#left++
      this.#images.length = images
      return
    }
    this.#texts.push(text)
    this.#chars += text.length + 1
  }

  parts(file: Located, cells: number): UserPart[] {
    const note =
      this.#left > 0
        ? [`[${plural(this.#left, "more cell")} of ${cells}. Read the JSON with offset and limit to see them.]`]
        : []
    const text = this.#texts.length > 0 ? [...this.#texts, ...note].join("\n") : `(${file.shown} has no cells)`
    return [{ type: "text", text }, ...this.#images]
  }

  #output(output: Fields): string {
    const type = output.output_type
    if (type === "error" || type === "pyerr") {
      const trace = Array.isArray(output.traceback) ? plain(output.traceback.join("\n")) : ""
      return `[error]\n${headTail(trace || `${output.ename}: ${output.evalue}`, OUTPUT_CHARS)}`
    }
    if (type === "stream")
      return `[${oneWord(String(output.name ?? output.stream ?? "output"))}]\n${shown(output.text)}`
    const data = isFields(output.data) ? output.data : output
    const image = this.#image(data)
    const text = data["text/plain"] ?? data.text ?? data["text/markdown"]
    if (image) return `[result]\n${image}`
    if (text !== undefined) return `[result]\n${shown(text)}`
    const kinds = Object.keys(data)
      .filter((key) => key.includes("/"))
      .map(oneWord)
    return kinds.length > 0 ? `[result: ${kinds.join(", ")}, not shown]` : ""
  }

  #image(data: Fields): string | undefined {
    const encoded = data["image/png"] ?? data["image/jpeg"] ?? data.png ?? data.jpeg ?? data["image/gif"]
    if (encoded === undefined) return undefined
    const bytes = Buffer.from(plain(encoded), "base64")
    const type = imageType(bytes)
    if (!type) return "[a picture that is broken]"
    if (this.#images.length >= IMAGES || this.#imageBytes + bytes.length > MAX_IMAGE_BYTES || this.#left > 0)
      return "[a picture, left out: there are too many]"
    this.#imageBytes += bytes.length
    this.#images.push({ type: "image", mediaType: type, data: bytes.toString("base64") })
    return `[picture ${this.#images.length}, below]`
  }
}

function shown(value: unknown): string {
  return headTail(plain(value), OUTPUT_CHARS)
}

/** Texts are one string or a list of lines; without the colours that tracebacks have. */
function plain(value: unknown): string {
  const text = Array.isArray(value) ? value.join("") : typeof value === "string" ? value : ""
  return stripControl(text, { keepNewlines: true }).trimEnd()
}

function oneWord(text: string): string {
  return text.replace(/[^\w.+/-]/g, "").slice(0, 40)
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
