// The conversation on the screen: its entries laid out once and kept, so that a frame costs what has changed and what is
// visible, however long the conversation is. Earlier messages come when somebody scrolls up to them.
import type { Component, TuiMouseEvent, TuiMouseEventResult } from "@earendil-works/pi-tui"
import type { Entry } from "../../view/entry.ts"
import type { Transcript } from "../../view/transcript.ts"
import type { Line, Target } from "../line.ts"
import type { Theme } from "../theme.ts"
import { Highlighter } from "./highlight.ts"
import { isApart, isTicking, type Laying, layOut, type Stream } from "./lay-out.ts"

export interface TranscriptPaneParts {
  transcript: Transcript
  theme(): Theme
  now(): number
  isAsking(callId: string): boolean
  onTarget(target: Target): void
  /** Said above the conversation, and below it. */
  opening(width: number): readonly Line[]
  closing(width: number): readonly Line[]
  requestRender(): void
}

interface LaidOut {
  entry: Entry
  lines: readonly Line[]
  /** After so many ticks. */
  ticks: number
  /** A blank line before it. */
  isApart: boolean
}

export class TranscriptPane implements Component {
  readonly #parts: TranscriptPaneParts
  readonly #highlighter: Highlighter
  readonly #unfolded = new Set<string>()
  readonly #streaming = new Map<string, Stream>()
  #laidOut: LaidOut[] = []
  #lines: string[] = []
  #targets: (Target | undefined)[] = []
  #width = 0
  #theme: Theme | undefined
  #version = -1
  #ticks = 0
  /** As of the last frame. */
  #shownTicks = 0
  #isAllUnfolded = false
  /** So many lines stand before those of the entries, and belong to nothing that is kept. */
  #openingHeight = 0
  #closingHeight = 0

  constructor(parts: TranscriptPaneParts) {
    this.#parts = parts
    this.#highlighter = new Highlighter(() => {
      this.invalidate()
      parts.requestRender()
    })
  }

  /** As of the last frame. */
  get height(): number {
    return this.#lines.length
  }

  /** The first line of a message, as of the last frame. */
  lineOf(messageId: string): number | undefined {
    let line = this.#openingHeight
    for (const one of this.#laidOut) {
      if (one.entry.id === messageId || one.entry.id.startsWith(`${messageId}:`)) return line
      line += heightOf(one)
    }
    return undefined
  }

  render(width: number): string[] {
    const theme = this.#parts.theme()
    if (width !== this.#width || theme !== this.#theme) {
      this.#width = width
      this.#theme = theme
      this.#laidOut = []
      this.#lines = []
      this.#targets = []
      this.#openingHeight = 0
      this.#closingHeight = 0
      this.#version = -1
    }
    this.#cutClosing()
    if (this.#version !== this.#parts.transcript.version) {
      this.#version = this.#parts.transcript.version
      this.#update(this.#parts.transcript.entries)
    }
    if (this.#shownTicks !== this.#ticks) {
      this.#shownTicks = this.#ticks
      this.#relay(({ entry, ticks }) => ticks !== this.#ticks && isTicking(entry))
    }
    this.#addOpening()
    this.#addClosing()
    return this.#lines
  }

  /** With the next frame what only time changes is laid out again: figures of what runs. */
  tick(): void {
    this.#ticks++
  }

  /** Lays out again what depends on the open requests. */
  requestsChanged(): void {
    this.#relay(({ entry }) => entry.type === "call" && (entry.state === "pending" || entry.task !== undefined))
  }

  toggle(id: string): void {
    if (!this.#unfolded.delete(id)) this.#unfolded.add(id)
    this.#relay(({ entry }) => entry.id === id)
    this.#parts.requestRender()
  }

  /** Unfolds everything, or folds it again. */
  toggleAll(): void {
    this.#isAllUnfolded = !this.#isAllUnfolded
    this.#unfolded.clear()
    this.invalidate()
    this.#parts.requestRender()
  }

  handleMouse(event: TuiMouseEvent): TuiMouseEventResult | undefined {
    if (event.type !== "click" || event.button !== "left") return undefined
    const target = this.#targets[event.y]
    if (!target) return undefined
    if (target.type === "fold") this.toggle(target.id)
    else this.#parts.onTarget(target)
    return { handled: true }
  }

  invalidate(): void {
    this.#width = 0
  }

  #laying(): Laying {
    return {
      width: this.#width,
      theme: this.#parts.theme(),
      highlighter: this.#highlighter,
      now: this.#parts.now(),
      isUnfolded: (id) => this.#isAllUnfolded !== this.#unfolded.has(id),
      isAsking: this.#parts.isAsking,
      streaming: this.#streaming,
    }
  }

  /** Lays out what is new or was replaced, and puts in anew what stands between the first and the last of that. */
  #update(entries: readonly Entry[]): void {
    const before = this.#laidOut
    let head = 0
    while (head < before.length && head < entries.length && before[head]!.entry === entries[head]) head++
    let tail = 0
    const most = Math.min(before.length, entries.length) - head
    while (tail < most && before[before.length - 1 - tail]!.entry === entries[entries.length - 1 - tail]) tail++
    const laying = this.#laying()
    const between = new Map(before.slice(head, before.length - tail).map((one) => [one.entry, one]))
    const laid = entries.slice(head, entries.length - tail).map((entry, i): LaidOut => {
      const previous = entries[head + i - 1]
      const { lines, ticks } = between.get(entry) ?? { lines: layOut(entry, laying), ticks: this.#ticks }
      return { entry, lines, ticks, isApart: previous !== undefined && isApart(previous, entry) }
    })
    const kept = before.slice(before.length - tail)
    const first = kept[0]
    const previous = entries[entries.length - tail - 1]
    if (first) kept[0] = { ...first, isApart: previous !== undefined && isApart(previous, first.entry) }
    // The first of those that stay may need its blank line anew.
    const changesFirst = first !== undefined && kept[0]!.isApart !== first.isApart
    const from = head
    const until = before.length - tail + (changesFirst ? 1 : 0)
    const fresh = changesFirst ? [...laid, kept[0]!] : laid
    this.#splice({ from, until, fresh })
    this.#laidOut = [...before.slice(0, head), ...laid, ...kept]
    this.#forgetStreams(entries)
  }

  /** What streamed in has become a message, which is another entry. */
  #forgetStreams(entries: readonly Entry[]): void {
    if (this.#streaming.size === 0) return
    for (const id of this.#streaming.keys()) {
      const at = entries.findLastIndex((entry) => entry.id === id)
      if (at < Math.max(0, entries.length - MOST_STREAMS)) this.#streaming.delete(id)
    }
  }

  /** Puts the lines of these in the place of those of the laid out entries [from, until). */
  #splice({ from, until, fresh }: { from: number; until: number; fresh: readonly LaidOut[] }): void {
    let start: number
    // From the nearer end: what changes stands at the end nearly always.
    if (from > this.#laidOut.length / 2) {
      const after = this.#laidOut.slice(from).reduce((sum, one) => sum + heightOf(one), 0)
      start = this.#lines.length - after
    } else start = this.#openingHeight + this.#laidOut.slice(0, from).reduce((sum, one) => sum + heightOf(one), 0)
    const before = linesOf(this.#laidOut.slice(from, until))
    const lines = linesOf(fresh)
    // What streams in only grows at its end.
    const differs = lines.findIndex((line, i) => line !== before[i])
    const same = differs < 0 ? Math.min(lines.length, before.length) : differs
    const place = { start: start + same, count: before.length - same }
    this.#lines = replaced(this.#lines, { ...place, by: lines.slice(same).map(({ text }) => text) })
    this.#targets = replaced(this.#targets, { ...place, by: lines.slice(same).map(({ target }) => target) })
  }

  #relay(fits: (one: LaidOut) => boolean): void {
    if (this.#width === 0) return
    this.#cutClosing()
    const laying = this.#laying()
    for (let i = 0; i < this.#laidOut.length; i++) {
      const one = this.#laidOut[i]!
      if (!fits(one)) continue
      const fresh = { ...one, lines: layOut(one.entry, laying), ticks: this.#ticks }
      this.#splice({ from: i, until: i + 1, fresh: [fresh] })
      this.#laidOut[i] = fresh
    }
  }

  #addOpening(): void {
    const opening = this.#parts.opening(this.#width)
    this.#lines.splice(0, this.#openingHeight, ...opening.map(({ text }) => text))
    this.#targets.splice(0, this.#openingHeight, ...opening.map(({ target }) => target))
    this.#openingHeight = opening.length
  }

  #addClosing(): void {
    const closing = this.#parts.closing(this.#width)
    this.#lines.push(...closing.map(({ text }) => text))
    this.#targets.push(...closing.map(({ target }) => target))
    this.#closingHeight = closing.length
  }

  #cutClosing(): void {
    this.#lines.length -= this.#closingHeight
    this.#targets.length -= this.#closingHeight
    this.#closingHeight = 0
  }
}

/** Streams are at the end, and are few. */
const MOST_STREAMS = 50

const BLANK: Line = { text: "" }

/** In place where there is little to put in; a call can't have as many arguments as a page has lines. */
function replaced<T>(all: T[], { start, count, by }: { start: number; count: number; by: readonly T[] }): T[] {
  if (by.length > 1000) return [...all.slice(0, start), ...by, ...all.slice(start + count)]
  all.splice(start, count, ...by)
  return all
}

function linesOf(some: readonly LaidOut[]): readonly Line[] {
  return ([] as Line[]).concat(...some.flatMap(({ isApart, lines }) => (isApart ? [[BLANK], lines] : [lines])))
}

function heightOf({ lines, isApart }: LaidOut): number {
  return lines.length + (isApart ? 1 : 0)
}
