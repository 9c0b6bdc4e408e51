// What a command has printed, in the body of the inspector: it follows the end unless somebody has scrolled away, reads
// what is scrolled to, and finds texts. Only the lines that are seen are wrapped.
import { type Component, type TuiMouseEvent, type TuiMouseEventResult, wrapTextWithAnsi } from "@earendil-works/pi-tui"
import { stripControl } from "../../../base/escape.ts"
import { plural } from "../../../base/text.ts"
import { findInOutput, lineHas } from "../../view/output-search.ts"
import { type OutputLine, type OutputSource, OutputWindow } from "../../view/output-window.ts"
import { size } from "../conversation/task-line.ts"
import type { Theme } from "../theme.ts"

export interface OutputBodyParts {
  source: OutputSource
  theme(): Theme
  /** Lines that there are to show it on. */
  height(): number
  /** Whether more may come. */
  isLive(): boolean
  requestRender(): void
  say(text: string, tone?: "info" | "error"): void
  failed(error: unknown): void
}

/** A running command's output is looked at so often. */
const LOOK_MS = 200
/** Further behind than this it jumps to the end. */
const JUMP_BYTES = 512 * 1024

const NOTHING_NEW = Symbol("nothing new")

/** A line by its number, counted over all that was ever in the window, and a row of it. */
interface Place {
  line: number
  row: number
}

interface Query {
  text: string
  /** Offset of the line that was found last. */
  at: number | undefined
  readonly stop: AbortController
  /** The search under way. */
  found: Promise<void>
}

export class OutputBody implements Component {
  readonly #parts: OutputBodyParts
  readonly #window: OutputWindow
  readonly #wrapped = new WeakMap<OutputLine, { width: number; rows: readonly string[] }>()
  readonly #timer: NodeJS.Timeout
  readonly #end = new AbortController()
  /** Where the view begins; undefined while it follows the end. */
  #top: Place | undefined
  /** How many lines there were when it left the end. */
  #leftAt = 0
  #width = 80
  #isBusy = false
  #isRead = false
  /** It has ended, and its size is known for good. */
  #isOver = false
  #query: Query | undefined
  #markerAt: number | undefined

  constructor(parts: OutputBodyParts) {
    this.#parts = parts
    this.#window = new OutputWindow(parts.source)
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
    this.#begin(() => this.#window.toEnd())
  }

  close(): void {
    clearInterval(this.#timer)
    this.#end.abort()
    this.#query?.stop.abort()
  }

  get isFollowing(): boolean {
    return this.#top === undefined
  }

  /** What is searched for. */
  get query(): string | undefined {
    return this.#query?.text
  }

  render(width: number): string[] {
    this.#width = Math.max(4, width)
    const theme = this.#parts.theme()
    const height = this.#parts.height()
    if (this.#window.lines.length === 0) {
      const said = this.#isRead ? (this.#parts.isLive() ? "Nothing printed yet." : "It printed nothing.") : ""
      return [`   ${theme.dim(said)}`]
    }
    const top = this.#top ?? this.#lastTop(height)
    const rows = this.#rowsFrom(top, height)
    this.#readAround(top, rows.length < height)
    const marker = this.#marker()
    this.#markerAt = marker ? Math.max(0, height - 1) : undefined
    if (!marker) return rows
    while (rows.length < height) rows.push("")
    const left = Math.max(0, Math.floor((width - marker.length) / 2))
    rows[height - 1] = " ".repeat(left) + theme.inverse(marker)
    return rows
  }

  handleMouse(event: TuiMouseEvent): TuiMouseEventResult | undefined {
    if (event.type === "wheel") {
      this.scrollBy(event.wheelDelta ?? 0)
      return { handled: true }
    }
    if (event.type !== "click" || event.y !== this.#markerAt) return undefined
    this.toEnd()
    return { handled: true }
  }

  invalidate(): void {}

  scrollBy(rows: number): void {
    const height = this.#parts.height()
    const bottom = this.#lastTop(height)
    const from = this.#top ?? bottom
    const to = this.#step(from, rows)
    const isEnd = this.#window.isAtEnd && (to.line > bottom.line || (to.line === bottom.line && to.row >= bottom.row))
    if (isEnd) {
      if (rows > 0) this.#top = undefined
      return
    }
    if (this.#top === undefined) this.#leftAt = this.#count()
    this.#top = to
  }

  pageBy(pages: number): void {
    this.scrollBy(pages * Math.max(1, this.#parts.height() - 2))
  }

  toEnd(): void {
    this.#top = undefined
    if (!this.#window.isAtEnd) this.#begin(() => this.#window.toEnd())
  }

  toStart(): void {
    this.#leave()
    if (this.#window.isAtStart) {
      this.#top = { line: this.#window.shift, row: 0 }
      return
    }
    this.#begin(async () => {
      await this.#window.toStart()
      this.#top = { line: this.#window.shift, row: 0 }
    })
  }

  /** From here on its finds are shown, the nearest one above first; `undefined` ends that. */
  find(text: string | undefined): void {
    this.#query?.stop.abort()
    this.#query = text ? { text, at: undefined, stop: new AbortController(), found: Promise.resolve() } : undefined
    this.findNext("earlier")
  }

  /** The find before or after the one that is shown; asked for several times, one after the other. */
  findNext(direction: "earlier" | "later"): void {
    const query = this.#query
    if (!query) return
    query.found = query.found
      .then(() => this.#search(query, direction))
      .catch((error) => {
        if (!query.stop.signal.aborted) this.#parts.failed(error)
      })
  }

  async #search(query: Query, direction: "earlier" | "later"): Promise<void> {
    const { signal } = query.stop
    if (signal.aborted) return
    const { source, say } = this.#parts
    const end = await source.size()
    const top = this.#top && this.#window.lines[this.#top.line - this.#window.shift]
    const from = query.at ?? (direction === "earlier" ? (top?.offset ?? end) : (top?.offset ?? 0))
    const progress = (bytes: number) => {
      if (bytes > JUMP_BYTES) say(`searching … ${size(bytes)}`)
    }
    const ask = (start: number) => findInOutput(source, { text: query.text, from: start, direction, signal, progress })
    let found = await ask(from)
    const other = direction === "earlier" ? end : -1
    if (found === undefined && !signal.aborted) {
      found = await ask(other)
      if (found !== undefined) say(direction === "earlier" ? "From the end again." : "From the beginning again.")
    }
    if (signal.aborted) return
    if (found === undefined) return say(`"${query.text}" is not in the output.`)
    query.at = found
    await this.#show(found)
  }

  /** Brings the line that begins there into the middle of the view. */
  async #show(offset: number): Promise<void> {
    const within = () => this.#window.lines.findIndex((line) => line.offset === offset)
    if (within() < 0) await this.#window.toOffset(offset)
    if (this.#end.signal.aborted) return
    this.#leave()
    const at = within()
    const line = this.#window.shift + Math.max(0, at)
    this.#top = this.#step({ line, row: 0 }, -Math.floor(this.#parts.height() / 2))
    this.#parts.requestRender()
  }

  #leave(): void {
    if (this.#top !== undefined) return
    this.#leftAt = this.#count()
    this.#top = this.#lastTop(this.#parts.height())
  }

  /** How many lines were ever there. */
  #count(): number {
    return this.#window.shift + this.#window.lines.length
  }

  #marker(): string | undefined {
    if (this.#top === undefined) return undefined
    const behind = this.#window.size - this.#window.to
    if (behind > 0) return ` ↓ ${size(behind)} more `
    const news = this.#count() - this.#leftAt
    return news > 0 ? ` ↓ ${plural(news, "new line")} ` : " ↓ to the end "
  }

  /** The place from which the rows to the end fill the view. */
  #lastTop(height: number): Place {
    return this.#step({ line: this.#count(), row: 0 }, -height)
  }

  /** So many rows further down, or up when below 0; stops at what is read. */
  #step({ line, row }: Place, rows: number): Place {
    const { shift, lines } = this.#window
    let at = line - shift
    let left = rows + row
    while (left < 0 && at > 0) left += this.#rowsOf(lines[--at]!).length
    if (left < 0) return { line: shift, row: 0 }
    while (at < lines.length && left >= this.#rowsOf(lines[at]!).length) left -= this.#rowsOf(lines[at++]!).length
    return at < lines.length ? { line: shift + at, row: left } : { line: shift + lines.length, row: 0 }
  }

  #rowsFrom({ line, row }: Place, height: number): string[] {
    const { lines, shift } = this.#window
    const rows: string[] = []
    for (let at = Math.max(0, line - shift); at < lines.length && rows.length < height + row; at++)
      rows.push(...this.#found(lines[at]!))
    return rows.slice(row, row + height)
  }

  #rowsOf(line: OutputLine): readonly string[] {
    const known = this.#wrapped.get(line)
    if (known?.width === this.#width) return known.rows
    const text = line.text.replaceAll("\t", "        ")
    const wrapped = wrapTextWithAnsi(text, this.#width - 1)
    const rows = wrapped.length === 0 ? [""] : wrapped
    this.#wrapped.set(line, { width: this.#width, rows })
    return rows
  }

  /** The rows of a line as they are shown; finds stand out. */
  #found(line: OutputLine): readonly string[] {
    const theme = this.#parts.theme()
    const rows = this.#rowsOf(line)
    if (line.isNote) return rows.map((row) => theme.warn(row))
    const query = this.#query
    const shown = theme.hasColour ? rows : rows.map((row) => stripControl(row))
    if (!query || !lineHas(line.text, query.text)) return shown
    const paint = line.offset === query.at ? theme.foundHere : theme.found
    return rows.map((row) => marked(stripControl(row), query.text, paint))
  }

  /** What is near the edges of the view is read before it is reached. */
  #readAround(top: Place, isShort: boolean): void {
    const near = top.line - this.#window.shift < this.#parts.height()
    if (near && !this.#window.isAtStart && this.#top) this.#begin(() => this.#window.earlier())
    else if (isShort && !this.#window.isAtEnd) this.#begin(() => this.#window.more())
  }

  #look(): void {
    if (this.#isOver) return
    // Asked before the look: what it printed last is seen by a look after its end.
    const isLive = this.#parts.isLive()
    this.#begin(async () => {
      const before = this.#window.version
      await this.#window.look()
      const behind = this.#window.size - this.#window.to
      const isFull = this.#window.to - this.#window.from > JUMP_BYTES
      if (behind > 0 && this.#top === undefined) {
        if (behind > JUMP_BYTES) await this.#window.toEnd()
        else await this.#window.more()
      } else if (behind > 0 && !isFull) await this.#window.more()
      this.#isOver = !isLive
      return this.#window.version === before ? NOTHING_NEW : undefined
    })
  }

  /** One at a time; what is asked for meanwhile is asked for again by the next frame. */
  #begin(read: () => Promise<unknown>): void {
    if (this.#isBusy || this.#end.signal.aborted) return
    this.#isBusy = true
    read()
      .then((changed) => {
        this.#isRead = true
        this.#isBusy = false
        if (changed !== NOTHING_NEW && !this.#end.signal.aborted) this.#parts.requestRender()
      })
      .catch((error) => {
        this.#isBusy = false
        this.#parts.failed(error)
      })
  }
}

function marked(row: string, text: string, paint: (text: string) => string): string {
  const plain = /\p{Lu}/u.test(text) ? row : row.toLowerCase()
  let out = ""
  let at = 0
  for (let next = plain.indexOf(text); next >= 0; next = plain.indexOf(text, at)) {
    out += row.slice(at, next) + paint(row.slice(next, next + text.length))
    at = next + text.length
  }
  return out + row.slice(at)
}
