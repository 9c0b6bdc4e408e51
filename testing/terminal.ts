// A person at a terminal: runs the program in a real pseudo-terminal, types and points as bytes, and looks at the screen
// that a headless xterm makes of what it writes. Cells are counted from 0, from the top left.
//
//   await using terminal = await openTerminal(bench, { args: ["--model", "scout"], columns: 100, rows: 30 })
//   await terminal.shows("? keys")
//   terminal.type("hello")
//   terminal.press("enter")
import { randomUUID } from "node:crypto"
import { boxed } from "./terminal/box.ts"
import type { Cell, Run } from "./terminal/cells.ts"
import { InputQueue } from "./terminal/input.ts"
import { keyBytes, LEGACY, MOUSE, type MouseModifiers, mouseBytes } from "./terminal/keys.ts"
import { endProcesses, type Owner, processesOf, TERMINAL_MARK } from "./terminal/processes.ts"
import { type MouseMode, type Notification, Screen, type Theme } from "./terminal/screen.ts"
import { commandOf, environmentOf, type Place, type TerminalOptions } from "./terminal/start.ts"
import { ByteStream, type Chunk, type Mark, type Written } from "./terminal/stream.ts"

export type { Cell, Colour, Run, Style } from "./terminal/cells.ts"
export type { MouseMode, Notification, Theme } from "./terminal/screen.ts"
export type { Place, TerminalOptions } from "./terminal/start.ts"
export type { Chunk, Frame, Mark, Written } from "./terminal/stream.ts"

export interface Waiting {
  limitMs?: number
}

/** A text or a pattern in the screen (lines without blanks at their ends, joined by newlines), or what must hold. */
export type Wanted = string | RegExp | ((terminal: Terminal) => boolean)

export interface Click extends MouseModifiers {
  button?: "left" | "middle" | "right"
  /** 2 for a double click. */
  count?: number
}

const LIMIT_MS = 30_000
/** Of termios(3), on Linux as on macOS. */
const ECHO = 8

export async function openTerminal(place: Place, options: TerminalOptions = {}): Promise<Terminal> {
  const terminal = new Terminal(place, options)
  if (!options.shell) return terminal
  try {
    await terminal.shows(/^\$$/m)
    return terminal
  } catch (error) {
    await terminal[Symbol.asyncDispose]()
    throw error
  }
}

export class Terminal implements AsyncDisposable {
  /** 128 and the signal's number when one ended it. All that it wrote is on the screen by then. */
  readonly exited: Promise<number>
  readonly pid: number
  /** `performance.now()` just before it was started. */
  readonly startedAt: number
  readonly #child: Bun.Subprocess
  readonly #screen: Screen
  readonly #stream: ByteStream
  readonly #mark = randomUUID()
  readonly #watchers = new Set<() => void>()
  readonly #listeners = new Set<(bytes: Uint8Array) => void>()
  /** What is to be drawn later. */
  #undrawn: Uint8Array[] | undefined
  #exitCode: number | undefined
  /** When bytes last went either way. */
  #lastBytesAt = 0
  #writing = 0
  readonly #input = new InputQueue((bytes) => this.#send(bytes))
  #closed = false

  constructor(place: Place, options: TerminalOptions) {
    const { columns = 100, rows = 30, theme = "dark", keyboard = "legacy", answers = "modern" } = options
    this.#screen = new Screen({ columns, rows, theme, keyboard, answers, reply: (bytes) => this.#send(bytes) })
    this.#stream = new ByteStream((bytes) => {
      if (!this.#undrawn) return this.#draw(bytes)
      this.#undrawn.push(bytes)
    })
    const ended = Promise.withResolvers<void>()
    this.startedAt = performance.now()
    this.#child = Bun.spawn([...commandOf(options)], {
      cwd: options.cwd ?? place.cwd,
      env: { ...environmentOf(place, options), [TERMINAL_MARK]: this.#mark },
      terminal: {
        cols: columns,
        rows,
        data: (_, bytes) => {
          this.#lastBytesAt = performance.now()
          for (const listen of this.#listeners) listen(bytes)
          this.#stream.add(bytes)
        },
        exit: () => ended.resolve(),
      },
    })
    this.pid = this.#child.pid
    this.exited = this.#end(ended.promise)
  }

  // What the person does

  /** As it is, without an Enter. */
  type(text: string): void {
    this.#input.add(text)
  }

  /** "ctrl+b", "enter", "shift+tab", "alt+enter", "esc", "up", "f1", …; several are pressed one after the other. */
  press(...names: string[]): void {
    for (const name of names) {
      keyBytes(name, LEGACY)
      this.#input.add(() => keyBytes(name, this.#screen.keyboard))
    }
  }

  /** Line ends become carriage returns, as terminals do it. In brackets when the program has asked for them. */
  paste(text: string): void {
    const content = text.replace(/\r?\n/g, "\r")
    this.#input.add(() => (this.#screen.xterm.modes.bracketedPasteMode ? `\x1b[200~${content}\x1b[201~` : content))
  }

  click(x: number, y: number, { button = "left", count = 1, ...held }: Click = {}): void {
    this.#needsMouse()
    for (let i = 0; i < count; i++) {
      this.#input.add(mouseBytes(MOUSE[button], { x, y, held, down: true }))
      this.#input.add(mouseBytes(MOUSE[button], { x, y, held, down: false }))
    }
  }

  /** Clicks into the middle of the first place that shows the text; of the `nth` (from 0) when it is given. */
  clickText(text: string, { nth = 0, ...how }: Click & { nth?: number } = {}): void {
    const found = this.find(text, nth)
    if (!found) throw new Error(`cannot click what is not there: ${text}\n${this.print()}`)
    this.click(found.x + (found.width >> 1), found.y, how)
  }

  /** `by`: steps of the wheel; below 0 is up. */
  wheel(x: number, y: number, by: number): void {
    this.#needsMouse()
    const button = by < 0 ? MOUSE.wheelUp : MOUSE.wheelDown
    for (let i = 0; i < Math.abs(by); i++) this.#input.add(mouseBytes(button, { x, y, down: true }))
  }

  /** Presses the left button at `from` and lets it go at `to`. */
  drag(from: { x: number; y: number }, to: { x: number; y: number }, held: MouseModifiers = {}): void {
    this.#needsMouse()
    this.#input.add(mouseBytes(MOUSE.left, { ...from, held, down: true }))
    const { tracking } = this.mouseMode()
    if (tracking === "drag" || tracking === "any") {
      const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y))
      for (let i = 1; i <= steps; i++) {
        const x = from.x + Math.round(((to.x - from.x) * i) / steps)
        const y = from.y + Math.round(((to.y - from.y) * i) / steps)
        this.#input.add(mouseBytes(MOUSE.left + MOUSE.motion, { x, y, held, down: true }))
      }
    }
    this.#input.add(mouseBytes(MOUSE.left, { ...to, held, down: false }))
  }

  /** Moves the mouse with no button down; a program that has not asked for that hears nothing. */
  hover(x: number, y: number): void {
    if (this.mouseMode().tracking === "any")
      this.#input.add(mouseBytes(MOUSE.none + MOUSE.motion, { x, y, down: true }))
  }

  resize(columns: number, rows: number): void {
    this.#screen.resize(columns, rows)
    if (!this.#closed) this.#child.terminal?.resize(columns, rows)
  }

  /** The window gets the focus or loses it; a program that has not asked for that hears nothing. */
  focus(has: boolean): void {
    if (this.#screen.xterm.modes.sendFocusMode) this.#input.add(has ? "\x1b[I" : "\x1b[O")
  }

  /** The system goes from dark to light, or back. */
  setTheme(theme: Theme): void {
    this.#screen.setTheme(theme)
  }

  /** The window is closed: whatever runs in it gets SIGHUP, and what runs on keeps running until this is disposed. */
  hangUp(): void {
    this.#closed = true
    this.#child.terminal?.close()
  }

  /** Bytes as they are, at once. */
  send(bytes: string): void {
    this.#send(bytes)
  }

  // What the person sees

  text(): string {
    return this.lines().join("\n")
  }

  /** The screen's lines, without blanks at their ends. */
  lines(): string[] {
    return this.#screen.lines()
  }

  /** Below 0: from the bottom. */
  line(n: number): string {
    return this.lines().at(n) ?? ""
  }

  cells(): Cell[][] {
    return this.#screen.cells()
  }

  /** For each line the runs of cells that have one style. */
  styledText(): Run[][] {
    return this.#screen.runs()
  }

  /** Where the text is: its first cell, and its width in cells. */
  find(text: string, nth = 0): { x: number; y: number; width: number } | undefined {
    let left = nth
    for (const [y, row] of this.cells().entries()) {
      // Where in the line's text each cell begins: a cell may hold several code units, or none.
      const starts: number[] = []
      let line = ""
      for (const cell of row) {
        starts.push(line.length)
        line += cell.text
      }
      for (let at = line.indexOf(text); at >= 0; at = line.indexOf(text, at + 1)) {
        if (left-- > 0) continue
        const x = starts.findLastIndex((start, column) => start <= at && row[column]!.width > 0)
        const end = starts.findIndex((start, column) => start >= at + text.length && row[column]!.width > 0)
        return { x, y, width: (end < 0 ? row.length : end) - x }
      }
    }
    return undefined
  }

  /** The style of the text's first cell. Throws when it is not there. */
  styleOf(text: string, nth = 0): Cell {
    const found = this.find(text, nth)
    if (!found) throw new Error(`cannot look at what is not there: ${text}\n${this.print()}`)
    return this.cells()[found.y]![found.x]!
  }

  cursor(): { x: number; y: number; shown: boolean } {
    return this.#screen.cursor
  }

  size(): { columns: number; rows: number } {
    return { columns: this.#screen.xterm.cols, rows: this.#screen.xterm.rows }
  }

  theme(): Theme {
    return this.#screen.theme
  }

  title(): string {
    return this.#screen.title
  }

  isAlternate(): boolean {
    return this.#screen.isAlternate
  }

  mouseMode(): MouseMode {
    return this.#screen.mouse
  }

  /** Modes that must be off again when the program has ended; the mouse's are in `mouseMode`. */
  modes(): { bracketedPaste: boolean; focus: boolean; kitty: number; modifyOtherKeys: number; cursorShown: boolean } {
    const { bracketedPasteMode, sendFocusMode } = this.#screen.xterm.modes
    const { kitty, modifyOtherKeys } = this.#screen.keyboard
    const cursorShown = this.#screen.cursor.shown
    return { bracketedPaste: bracketedPasteMode, focus: sendFocusMode, kitty, modifyOtherKeys, cursorShown }
  }

  /** Whether the terminal itself writes back what is typed, as it does until a program takes the keys for itself. */
  echoes(): boolean {
    return ((this.#child.terminal?.localFlags ?? 0) & ECHO) !== 0
  }

  /** What OSC 52 put there last. */
  clipboard(): string | undefined {
    return this.#screen.clipboard
  }

  bells(): number {
    return this.#screen.bells
  }

  notifications(): readonly Notification[] {
    return this.#screen.notifications
  }

  /** Targets of the hyperlinks (OSC 8) that were written. */
  links(): readonly string[] {
    return this.#screen.links
  }

  /** What the program asked the terminal so far. */
  questions(): readonly string[] {
    return this.#screen.questions
  }

  /** The normal screen with what scrolled off it: what is left when the program has ended. */
  normalScreen(): string {
    return this.#screen.normalLines().join("\n")
  }

  /** The screen in a frame. */
  print(): string {
    const { columns, rows } = this.size()
    const { x, y, shown } = this.cursor()
    const screen = this.isAlternate() ? "alternate" : "normal"
    const title = `${columns}×${rows} · ${screen} · cursor ${x},${y}${shown ? "" : " hidden"}`
    const ended = this.#exitCode === undefined ? "" : `\nended with ${this.#exitCode}`
    return boxed({ title, lines: this.lines(), columns }) + ended
  }

  // What was written

  mark(): Mark {
    return this.#stream.mark()
  }

  /** Counted since the mark, or the beginning. */
  written(since?: Mark): Written {
    return this.#stream.since(since)
  }

  /** All bytes with their times. */
  recording(since?: Mark): readonly Chunk[] {
    return this.#stream.chunks.slice(since?.chunks ?? 0)
  }

  /** What was written as text, with its escape sequences. */
  raw(since?: Mark): string {
    return Buffer.concat(this.recording(since).map((chunk) => chunk.bytes)).toString()
  }

  /** Calls with bytes as they come, before anything is done with them, until it is disposed. */
  listen(listener: (bytes: Uint8Array) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** Draws nothing, and answers no question, until the work is done: for measuring, which drawing would disturb. */
  async withoutDrawing<T>(work: () => Promise<T>): Promise<T> {
    const undrawn: Uint8Array[] = []
    this.#undrawn = undrawn
    try {
      return await work()
    } finally {
      this.#undrawn = undefined
      for (const bytes of undrawn) this.#draw(bytes)
    }
  }

  // Waiting

  /** Resolves when the screen shows it. A text or pattern that never comes fails with the screen. */
  shows(wanted: Wanted, { limitMs = LIMIT_MS }: Waiting = {}): Promise<void> {
    return this.#until(() => holds(this, wanted), { what: `shows ${named(wanted)}`, limitMs })
  }

  hides(unwanted: Wanted, { limitMs = LIMIT_MS }: Waiting = {}): Promise<void> {
    return this.#until(() => !holds(this, unwanted), { what: `no longer shows ${named(unwanted)}`, limitMs })
  }

  /** Calls with each state that the screen goes through, until it is disposed. */
  watch(look: () => void): Disposable {
    this.#watchers.add(look)
    return { [Symbol.dispose]: () => void this.#watchers.delete(look) }
  }

  /** No bytes came or went for so long. Only for snapshots: for a fact there is `shows`. */
  async settled(quietMs = 100, { limitMs = LIMIT_MS }: Waiting = {}): Promise<void> {
    const end = performance.now() + limitMs
    while (true) {
      const wait = this.#lastBytesAt + quietMs - performance.now()
      const begun = this.#lastBytesAt > 0 || this.#exitCode !== undefined
      if (begun && wait <= 0 && this.#writing === 0 && this.#input.length === 0) return
      if (performance.now() > end) throw new Error(`it did not come to rest within ${limitMs} ms\n${this.print()}`)
      await Bun.sleep(Math.max(1, wait))
    }
  }

  /** Resolves when what was typed so far has gone to the program. */
  async sent(): Promise<void> {
    await this.#input.empty()
  }

  /** Pids of what runs in the terminal, or was started in it and went on without it. */
  processes(): Promise<number[]> {
    return processesOf(this.#owner())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await endProcesses(this.#owner())
    await this.#child.exited
    this.#child.terminal?.close()
    this.#stream.end()
    this.#watchers.clear()
    this.#listeners.clear()
    await this.exited
    this.#screen.xterm.dispose()
  }

  #owner(): Owner {
    return {
      leader: this.#child.exitCode === null && this.#child.signalCode === null ? this.pid : undefined,
      mark: this.#mark,
    }
  }

  #draw(bytes: Uint8Array): void {
    this.#writing++
    this.#screen.write(bytes, () => {
      this.#writing--
      this.#look()
    })
  }

  #send(bytes: string): void {
    if (this.#closed || this.#exitCode !== undefined) return
    this.#lastBytesAt = performance.now()
    this.#child.terminal?.write(bytes)
  }

  #needsMouse(): void {
    const { tracking, sgr } = this.mouseMode()
    if (tracking === "none" || !sgr) throw new Error(`the program has not asked for the mouse\n${this.print()}`)
  }

  #look(): void {
    for (const look of [...this.#watchers]) look()
  }

  async #until(fact: () => boolean, { what, limitMs }: { what: string; limitMs: number }): Promise<void> {
    if (fact()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const failure = (why: string) => new Error(`${why}: the terminal ${what}\n${this.print()}`)
    const timer = setTimeout(() => reject(failure(`did not happen within ${limitMs} ms`)), limitMs)
    using _ = this.watch(() => {
      if (fact()) resolve()
    })
    // The screen of a program that has ended stays as it is.
    this.exited.then(() => (fact() ? resolve() : reject(failure("cannot happen any more"))))
    try {
      await promise
    } finally {
      clearTimeout(timer)
    }
  }

  async #end(closed: Promise<void>): Promise<number> {
    const exitCode = await this.#child.exited
    // Its last bytes: the end of the file comes after them, unless something that it started holds the terminal open.
    await Promise.race([closed, Bun.sleep(200)])
    this.#stream.end()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#screen.write(new Uint8Array(0), resolve)
    await promise
    this.#exitCode = exitCode
    this.#look()
    return exitCode
  }
}

function holds(terminal: Terminal, wanted: Wanted): boolean {
  if (typeof wanted === "function") return wanted(terminal)
  if (typeof wanted === "string") return terminal.text().includes(wanted)
  // A pattern with the flag g would remember where it stopped.
  return new RegExp(wanted.source, wanted.flags.replace(/[gy]/g, "")).test(terminal.text())
}

function named(wanted: Wanted): string {
  return typeof wanted === "string" ? JSON.stringify(wanted) : String(wanted)
}
