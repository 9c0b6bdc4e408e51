// Picks a range of lines out of a stream of bytes, holding no more than the lines that will be shown.
import { plural } from "../base/text.ts"
import { RESULT_CHARS } from "./truncate.ts"

/** Characters of a line that are shown; also what a line of 4-byte characters may need of memory, times four. */
const LINE_CHARS = 2000
const LINE_BYTES = LINE_CHARS * 4
/** Room for notes and line numbers is left below the boundary for results. */
const TOTAL_CHARS = RESULT_CHARS - 1000
/** What a line's number and its tab and line end take. */
const LINE_OVERHEAD = 8

export interface Picked {
  lines: string[]
  /** What the file has: all of its lines, or how many bytes were not looked at. */
  rest: { type: "counted"; total: number } | { type: "uncounted"; bytes: number }
  /** Some bytes were not UTF-8. */
  invalid: boolean
}

export class LinePicker {
  /** All that was wanted is there, or all that fits. */
  isFull = false
  readonly #first: number
  readonly #count: number
  readonly #lines: string[] = []
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  /** Number of the line that is being read, from 1. */
  #number = 1
  /** The beginning of that line, and its length in bytes so far. */
  #parts: Buffer[] = []
  #kept = 0
  #length = 0
  #chars = 0
  #invalid = false

  /** `first` counts from 1. */
  constructor({ first, count }: { first: number; count: number }) {
    this.#first = first
    this.#count = count
  }

  feed(chunk: Buffer): void {
    let from = 0
    while (from < chunk.length) {
      const end = chunk.indexOf(10, from)
      const piece = chunk.subarray(from, end < 0 ? chunk.length : end)
      this.#add(piece)
      if (end < 0) return
      this.#endLine()
      from = end + 1
    }
  }

  end(): Picked {
    if (this.#length > 0) this.#endLine()
    return { lines: this.#lines, rest: { type: "counted", total: this.#number - 1 }, invalid: this.#invalid }
  }

  stop({ unreadBytes }: { unreadBytes: number }): Picked {
    return { lines: this.#lines, rest: { type: "uncounted", bytes: unreadBytes }, invalid: this.#invalid }
  }

  #add(piece: Buffer): void {
    this.#length += piece.length
    const room = LINE_BYTES - this.#kept
    if (this.isFull || this.#number < this.#first || room <= 0 || piece.length === 0) return
    // A copy: the chunk's memory is used again for the next one.
    this.#parts.push(Buffer.from(piece.subarray(0, room)))
    this.#kept += Math.min(room, piece.length)
  }

  #endLine(): void {
    if (!this.isFull && this.#number >= this.#first) this.#take(this.#text())
    this.#number++
    this.#parts = []
    this.#kept = 0
    this.#length = 0
  }

  #take(line: string): void {
    this.#chars += line.length + LINE_OVERHEAD
    if (this.#lines.length > 0 && this.#chars > TOTAL_CHARS) {
      this.isFull = true
      return
    }
    this.#lines.push(line)
    this.isFull = this.#lines.length >= this.#count
  }

  #text(): string {
    const isWhole = this.#length <= LINE_BYTES
    const decoded = this.#decoder.decode(Buffer.concat(this.#parts))
    if (isWhole && decoded.includes("\ufffd") && !Buffer.from(decoded).equals(Buffer.concat(this.#parts)))
      this.#invalid = true
    const text = this.#number === 1 ? decoded.replace(/^\ufeff/, "") : decoded
    const line = text.endsWith("\r") ? text.slice(0, -1) : text
    if (isWhole && line.length <= LINE_CHARS) return line
    const cut = line.slice(0, LINE_CHARS).replace(/[\ud800-\udbff]$/, "")
    return `${cut}… [cut: the line has ${plural(this.#length, "byte")}]`
  }
}
