// A part of what a command has printed, as lines, of an output of any size: some pages around the place that somebody
// looks at are kept, the rest is read when it is scrolled to. Offsets are bytes of the spool, also behind a gap in it.
import { stripControl } from "../../base/escape.ts"
import type { News } from "../../exec/spool.ts"
import { type Gap, gapNote } from "../../exec/spool-gap.ts"
import { coloursAfter } from "./colours.ts"

/** Where the output is read from: exec/spool.ts, or a test's own text. */
export interface OutputSource {
  size(): Promise<number>
  /** As `readNew` of exec/spool.ts. */
  read(options: { offset: number; length: number }): Promise<News>
  /** What is not kept of it. */
  gap(): Gap | undefined
}

export interface OutputLine {
  /** Byte at which it begins. */
  offset: number
  /** Without control characters; colours are kept, and go on from the lines before. */
  text: string
  /** It says that something is not kept, and is nothing that was printed. */
  isNote: boolean
}

export const PAGE_BYTES = 128 * 1024
/** So many characters are kept before what is far from the view goes. */
const KEPT_CHARS = 1024 * 1024
/** A longer line is shown in pieces. */
const LONGEST_LINE = 8 * 1024

export class OutputWindow {
  readonly #source: OutputSource
  #lines: OutputLine[] = []
  /** The bytes that the lines are made of. */
  #from = 0
  #to = 0
  /** What was printed of the last line, when its end has not come yet. */
  #open = ""
  /** The colours that are on at the end of the last line, and at its beginning. */
  #colours = ""
  #coloursBeforeOpen = ""
  #size = 0
  #version = 0
  #dropped = 0

  constructor(source: OutputSource) {
    this.#source = source
  }

  get lines(): readonly OutputLine[] {
    return this.#lines
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version
  }

  /** How many lines were dropped at the beginning, less those that were put before it: what indexes move by. */
  get shift(): number {
    return this.#dropped
  }

  /** Bytes printed, as of the last look. */
  get size(): number {
    return this.#size
  }

  get from(): number {
    return this.#from
  }

  get to(): number {
    return this.#to
  }

  get isAtStart(): boolean {
    return this.#from === 0
  }

  get isAtEnd(): boolean {
    return this.#to >= this.#size
  }

  /** The last page, in the place of what was there. */
  async toEnd(): Promise<void> {
    await this.#measure()
    await this.#begin(Math.max(0, this.#size - PAGE_BYTES))
    await this.#readTo(this.#size)
  }

  async toStart(): Promise<void> {
    await this.#measure()
    await this.#begin(0)
    await this.more()
  }

  /** The pages around a byte; the line with it is among the lines then. */
  async toOffset(offset: number): Promise<void> {
    await this.part(Math.max(0, offset - PAGE_BYTES / 2), offset + PAGE_BYTES / 2)
  }

  /** The lines that begin between two bytes, in the place of what was there. */
  async part(from: number, until: number): Promise<void> {
    await this.#measure()
    await this.#begin(from)
    await this.#readTo(until)
  }

  /** Looks how long it is now. When the command has emptied its output, it begins anew. */
  async look(): Promise<void> {
    await this.#measure()
  }

  /** One page more below. Resolves with whether there was something. */
  async more(): Promise<boolean> {
    const before = this.#to
    this.#append(await this.#source.read({ offset: before, length: PAGE_BYTES }))
    this.#trim("beginning")
    return this.#to > before
  }

  /** One page more above. Resolves with how many lines came. */
  async earlier(): Promise<number> {
    if (this.#from === 0) return 0
    const until = this.#from
    const start = Math.max(0, until - PAGE_BYTES)
    const page = new OutputWindow(this.#source)
    await page.part(start, until)
    // The page's own last line ends where this window begins.
    this.#lines.unshift(...page.#lines)
    this.#from = page.#from
    this.#dropped -= page.#lines.length
    this.#version++
    this.#trim("end")
    return page.#lines.length
  }

  async #measure(): Promise<void> {
    const size = await this.#source.size()
    if (size < this.#to) this.#reset(0)
    if (size !== this.#size) this.#version++
    this.#size = size
  }

  /** Empty, from the first line that begins at this byte or after it; within a gap, from there. */
  async #begin(offset: number): Promise<void> {
    const gap = this.#source.gap()
    const isInGap = gap !== undefined && offset > gap.from && offset <= gap.to
    this.#reset(isInGap ? gap.from : offset)
    if (offset === 0 || isInGap) return
    // From the byte before, so that a line that begins right here is not taken for the rest of one.
    const { text, next } = await this.#source.read({ offset: offset - 1, length: LONGEST_LINE })
    const end = text.indexOf("\n")
    const skipped = Buffer.byteLength(text.slice(0, end + 1))
    // Of a very long line, a piece. Bytes that are no UTF-8 make a text longer: better a piece than a wrong place.
    if (end < 0 || offset - 1 + skipped > next) return
    this.#reset(offset - 1 + skipped)
  }

  #reset(offset: number): void {
    this.#lines = []
    this.#open = ""
    this.#colours = ""
    this.#from = offset
    this.#to = offset
    this.#dropped = 0
    this.#version++
  }

  async #readTo(until: number): Promise<void> {
    while (this.#to < until) {
      const before = this.#to
      const gap = this.#source.gap()
      const at = gap && before >= gap.from && before < gap.to ? gap.to : before
      this.#append(await this.#source.read({ offset: before, length: Math.max(0, Math.min(PAGE_BYTES, until - at)) }))
      if (this.#to === before) return
    }
  }

  #append({ text, next, gap }: News): void {
    if (next === this.#to && !gap) return
    let offset = this.#to
    if (gap) {
      this.#open = ""
      this.#lines.push({ offset: gap.from, text: gapNote(gap), isNote: true })
      offset = gap.to
    }
    if (this.#open !== "") {
      offset = this.#lines.pop()!.offset
      this.#colours = this.#coloursBeforeOpen
    }
    const parts = (this.#open + text).split("\n")
    for (const [i, part] of parts.entries()) {
      if (i === parts.length - 1 && part === "") break
      const pieces = piecesOf(lastState(part))
      for (const piece of pieces) {
        this.#coloursBeforeOpen = this.#colours
        this.#lines.push({ offset, text: this.#shown(piece), isNote: false })
        // Where a progress bar went back there is one piece; what is after it begins at a line's end in any case.
        if (pieces.length > 1) offset += Buffer.byteLength(piece)
      }
      offset = pieces.length > 1 ? offset + 1 : offset + Buffer.byteLength(part) + 1
    }
    this.#open = openPart(parts.at(-1)!)
    this.#to = next
    this.#version++
  }

  /** With the colours that are on where it begins; they end with it. */
  #shown(piece: string): string {
    const before = this.#colours
    this.#colours = coloursAfter(piece, before)
    if (piece === "") return ""
    return stripControl(before + piece, { keepNewlines: true, keepColours: true }).replaceAll("\n", " ")
  }

  #trim(side: "beginning" | "end"): void {
    let kept = this.#lines.reduce((sum, { text }) => sum + text.length + 1, 0)
    if (kept <= KEPT_CHARS) return
    if (side === "beginning") {
      let count = 0
      while (kept > KEPT_CHARS * 0.75 && count < this.#lines.length - 1) kept -= this.#lines[count++]!.text.length + 1
      this.#lines.splice(0, count)
      this.#dropped += count
      this.#from = this.#lines[0]!.offset
    } else {
      let length = this.#lines.length
      while (kept > KEPT_CHARS * 0.75 && length > 1) kept -= this.#lines[--length]!.text.length + 1
      this.#to = this.#lines[length]!.offset
      this.#lines.length = length
      this.#open = ""
    }
    this.#version++
  }
}

function piecesOf(line: string): string[] {
  if (line.length <= LONGEST_LINE) return line === "" ? [""] : [line]
  const pieces: string[] = []
  for (let at = 0; at < line.length; ) {
    let end = Math.min(line.length, at + LONGEST_LINE)
    if (end < line.length && /[\ud800-\udbff]/.test(line[end - 1]!)) end--
    pieces.push(line.slice(at, end))
    at = end
  }
  return pieces
}

/** As a terminal shows it in the end: what a carriage return leads back to is written over by what it says then. */
function lastState(line: string): string {
  if (!line.includes("\r")) return line
  return line.split("\r").findLast((state) => stripControl(state).trim() !== "") ?? ""
}

/** What must be kept of a line that goes on. */
function openPart(line: string): string {
  const state = lastState(line)
  return `${piecesOf(state).at(-1)!}${line.endsWith("\r") ? "\r" : ""}`
}
