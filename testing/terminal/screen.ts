// What a person sees of a program that writes to a terminal: cells with their style, cursor, title, and what else came
// with the bytes (clipboard, bells, notifications). It also answers the questions that programs ask terminals.
import { type IBuffer, Terminal as Xterm } from "@xterm/headless"
import { type Cell, cellOf, type Run, runsOf } from "./cells.ts"
import type { KeyboardMode } from "./keys.ts"
import { clusterWidths } from "./widths.ts"

export type Theme = "dark" | "light"

export interface Notification {
  protocol: "9" | "777" | "99"
  title: string
  body: string
}

export interface MouseMode {
  tracking: "none" | "x10" | "vt200" | "drag" | "any"
  /** Whether events are sent in the SGR encoding. */
  sgr: boolean
}

export interface ScreenOptions {
  columns: number
  rows: number
  theme: Theme
  /** Which keyboard protocols the terminal knows. */
  keyboard: "legacy" | "modifyOtherKeys" | "kitty"
  /** `none`: a terminal that answers no question at all. */
  answers: "modern" | "none"
  /** To the program. */
  reply(bytes: string): void
}

/** The default colours of each theme, as OSC 10 and 11 tell them. */
export const THEME_COLOURS: Record<Theme, { foreground: `#${string}`; background: `#${string}` }> = {
  dark: { foreground: "#d4d7dd", background: "#16181d" },
  light: { foreground: "#24292f", background: "#ffffff" },
}

export class Screen {
  readonly xterm: Xterm
  title = ""
  clipboard: string | undefined
  bells = 0
  readonly notifications: Notification[] = []
  readonly links: string[] = []
  /** What the program asked the terminal, in order: for tests of starting up. */
  readonly questions: string[] = []
  readonly #options: ScreenOptions
  #theme: Theme
  #cursorShown = true
  #sgrMouse = false
  #tellsTheme = false
  #modifyOtherKeys = 0
  /** Kitty's flags: a stack for each of the two screens. */
  readonly #kitty = { normal: [0], alternate: [0] }
  readonly #unfinished = new Map<string, Notification>()

  constructor(options: ScreenOptions) {
    this.#options = options
    this.#theme = options.theme
    this.xterm = new Xterm({
      cols: options.columns,
      rows: options.rows,
      scrollback: 10_000,
      allowProposedApi: true,
      logLevel: "off",
      windowOptions: { pushTitle: true, popTitle: true },
    })
    this.xterm.unicode.register(clusterWidths)
    this.xterm.unicode.activeVersion = clusterWidths.version
    this.xterm.onTitleChange((title) => {
      this.title = title
    })
    this.xterm.onBell(() => {
      this.bells++
    })
    this.xterm.onData((answer) => this.#answer("", answer))
    this.#watchModes()
    this.#watchKeyboard()
    this.#answerQuestions()
    this.#watchMessages()
  }

  /** `shown` is called when the bytes are on the screen. */
  write(bytes: Uint8Array, shown: () => void): void {
    this.xterm.write(bytes, shown)
  }

  resize(columns: number, rows: number): void {
    this.xterm.resize(columns, rows)
  }

  /** The window's colours change while the program runs. */
  setTheme(theme: Theme): void {
    this.#theme = theme
    if (this.#tellsTheme) this.#answer("", this.#themeReport())
  }

  get theme(): Theme {
    return this.#theme
  }

  get keyboard(): KeyboardMode {
    return {
      applicationCursor: this.xterm.modes.applicationCursorKeysMode,
      modifyOtherKeys: this.#modifyOtherKeys,
      kitty: this.#kitty[this.xterm.buffer.active.type].at(-1) ?? 0,
    }
  }

  get mouse(): MouseMode {
    return { tracking: this.xterm.modes.mouseTrackingMode, sgr: this.#sgrMouse }
  }

  get cursor(): { x: number; y: number; shown: boolean } {
    const { cursorX, cursorY } = this.xterm.buffer.active
    return { x: cursorX, y: cursorY, shown: this.#cursorShown }
  }

  get isAlternate(): boolean {
    return this.xterm.buffer.active.type === "alternate"
  }

  /** The lines that are seen, without blanks at their ends. */
  lines(): string[] {
    const buffer = this.xterm.buffer.active
    return this.#rows().map((y) => lineText(buffer, y))
  }

  /** All of the normal screen with what scrolled off it, without empty lines at the end. */
  normalLines(): string[] {
    const buffer = this.xterm.buffer.normal
    const lines = Array.from({ length: buffer.length }, (_, y) => lineText(buffer, y))
    while (lines.at(-1) === "") lines.pop()
    return lines
  }

  /** One row of cells for each line that is seen. */
  cells(): Cell[][] {
    const buffer = this.xterm.buffer.active
    const scratch = buffer.getNullCell()
    return this.#rows().map((y) => {
      const line = buffer.getLine(y)
      return Array.from({ length: this.xterm.cols }, (_, x) => cellOf(line?.getCell(x, scratch)))
    })
  }

  /** For each line its runs, without those at its end that nobody can see. */
  runs(): Run[][] {
    return this.cells().map(runsOf)
  }

  #rows(): number[] {
    const { baseY } = this.xterm.buffer.active
    return Array.from({ length: this.xterm.rows }, (_, y) => baseY + y)
  }

  #answer(question: string, answer: string): void {
    if (question !== "") this.questions.push(question)
    if (this.#options.answers === "modern" && answer !== "") this.#options.reply(answer)
  }

  #themeReport(): string {
    return `\x1b[?997;${this.#theme === "dark" ? 1 : 2}n`
  }

  /** Modes that the headless terminal keeps to itself or does not know. */
  #watchModes(): void {
    const set = (on: boolean) => (params: (number | number[])[]) => {
      for (const mode of params.flat()) {
        if (mode === 25) this.#cursorShown = on
        if (mode === 1006) this.#sgrMouse = on
        if (mode === 2031) this.#tellsTheme = on
      }
      return false
    }
    this.xterm.parser.registerCsiHandler({ prefix: "?", final: "h" }, set(true))
    this.xterm.parser.registerCsiHandler({ prefix: "?", final: "l" }, set(false))
  }

  #watchKeyboard(): void {
    const { parser, buffer } = this.xterm
    const { keyboard } = this.#options
    const stack = () => this.#kitty[buffer.active.type]
    const first = (params: (number | number[])[], otherwise: number) => params.flat()[0] || otherwise
    parser.registerCsiHandler({ prefix: ">", final: "m" }, (params) => {
      const [resource, level] = params.flat()
      if (resource === 4 && keyboard === "modifyOtherKeys") this.#modifyOtherKeys = level ?? 0
      return true
    })
    if (keyboard !== "kitty") return
    parser.registerCsiHandler({ prefix: ">", final: "u" }, (params) => {
      stack().push(first(params, 0))
      return true
    })
    parser.registerCsiHandler({ prefix: "<", final: "u" }, (params) => {
      const entries = stack()
      entries.splice(Math.max(1, entries.length - first(params, 1)))
      return true
    })
    parser.registerCsiHandler({ prefix: "=", final: "u" }, (params) => {
      const [flags = 0, how = 1] = params.flat()
      const entries = stack()
      const before = entries.pop() ?? 0
      entries.push(how === 2 ? before | flags : how === 3 ? before & ~flags : flags)
      return true
    })
  }

  #answerQuestions(): void {
    const { parser } = this.xterm
    const rgb = (colour: string) => `rgb:${[1, 3, 5].map((at) => colour.slice(at, at + 2).repeat(2)).join("/")}`
    const colours = () => THEME_COLOURS[this.#theme]
    const askedFor = (code: number, colour: () => string) =>
      parser.registerOscHandler(code, (data) => {
        if (data === "?") this.#answer(`OSC ${code}`, `\x1b]${code};${rgb(colour())}\x1b\\`)
        return true
      })
    askedFor(10, () => colours().foreground)
    askedFor(11, () => colours().background)
    askedFor(12, () => colours().foreground)
    parser.registerCsiHandler({ prefix: "?", final: "n" }, (params) => {
      if (params[0] !== 996) return false
      this.#answer("CSI ? 996 n", this.#themeReport())
      return true
    })
    parser.registerCsiHandler({ prefix: "?", final: "u" }, () => {
      this.#answer("CSI ? u", this.#options.keyboard === "kitty" ? `\x1b[?${this.keyboard.kitty}u` : "")
      return true
    })
    parser.registerCsiHandler({ prefix: ">", final: "q" }, () => {
      this.#answer("CSI > q", "\x1bP>|test 1.0\x1b\\")
      return true
    })
    parser.registerCsiHandler({ final: "t" }, (params) => {
      const { cols, rows } = this.xterm
      if (params[0] === 14) this.#answer("CSI 14 t", `\x1b[4;${rows * CELL.height};${cols * CELL.width}t`)
      if (params[0] === 16) this.#answer("CSI 16 t", `\x1b[6;${CELL.height};${CELL.width}t`)
      if (params[0] === 18) this.#answer("CSI 18 t", `\x1b[8;${rows};${cols}t`)
      return params[0] === 14 || params[0] === 16 || params[0] === 18
    })
    parser.registerCsiHandler({ final: "c" }, () => {
      this.questions.push("CSI c")
      return false
    })
    parser.registerDcsHandler({ intermediates: "+", final: "q" }, () => {
      this.#answer("DCS + q", "\x1bP0+r\x1b\\")
      return true
    })
  }

  #watchMessages(): void {
    const { parser } = this.xterm
    parser.registerOscHandler(8, (data) => {
      const uri = data.slice(data.indexOf(";") + 1)
      if (uri !== "") this.links.push(uri)
      return false
    })
    parser.registerOscHandler(52, (data) => {
      const content = data.slice(data.indexOf(";") + 1)
      // Reading the clipboard is refused, as most terminals do.
      if (content !== "?") this.clipboard = Buffer.from(content, "base64").toString()
      return true
    })
    parser.registerOscHandler(9, (data) => {
      // `9;4;…` is the progress bar of ConEmu and Windows Terminal.
      if (!/^4(;|$)/.test(data)) this.notifications.push({ protocol: "9", title: "", body: data })
      return true
    })
    parser.registerOscHandler(777, (data) => {
      const [kind, title = "", ...body] = data.split(";")
      if (kind === "notify") this.notifications.push({ protocol: "777", title, body: body.join(";") })
      return true
    })
    parser.registerOscHandler(99, (data) => {
      this.#kittyNotification(data)
      return true
    })
  }

  /** `key=value:…;payload`, in pieces of one id until a piece without `d=0`. */
  #kittyNotification(data: string): void {
    const end = data.indexOf(";")
    const fields = new Map(
      data
        .slice(0, end)
        .split(":")
        .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    )
    const part = fields.get("p") ?? "title"
    if (part !== "title" && part !== "body") return
    const payload = data.slice(end + 1)
    const id = fields.get("i") ?? ""
    const note = this.#unfinished.get(id) ?? { protocol: "99", title: "", body: "" }
    note[part] += fields.get("e") === "1" ? Buffer.from(payload, "base64").toString() : payload
    this.#unfinished.set(id, note)
    if (fields.get("d") === "0") return
    this.#unfinished.delete(id)
    this.notifications.push(note)
  }
}

/** In pixels; only their proportion matters. */
const CELL = { width: 9, height: 18 }

function lineText(buffer: IBuffer, y: number): string {
  return buffer.getLine(y)?.translateToString(true).trimEnd() ?? ""
}
