// The terminal: the alternate screen with mouse, its title, its bell, who has the focus. All that knows of pi-tui's
// renderer stands here; everything that is typed passes here before it reaches what has the focus.
import { type Component, ProcessTerminal, TuiAltScreen } from "@earendil-works/pi-tui"
import { type ThemeName, themeOfBackground } from "./theme.ts"

/** Who is in front: what is typed and looked at is theirs. */
export interface SurfaceUser {
  /** Before anything else sees it; true: it is done with. */
  onInput(data: string): boolean
  /** In the place of the line that leads back to the end, when the view has been scrolled away from it. */
  endMarker(): string
  /** How search shows what it finds. */
  found(text: string): string
  foundHere(text: string): string
}

const FLASH_MS = 6000
/** Focus reporting: xterm's control sequences, "FocusIn/FocusOut". */
const FOCUS_IN = "\x1b[I"
const FOCUS_OUT = "\x1b[O"

export class Surface {
  readonly tui: TuiAltScreen
  readonly #terminal: OwnTerminal
  #hasFocus = true
  #isShown = false
  #user: SurfaceUser | undefined

  constructor() {
    this.#terminal = new OwnTerminal((data) => {
      if (data === FOCUS_IN || data === FOCUS_OUT) {
        this.#hasFocus = data === FOCUS_IN
        return false
      }
      return this.#user?.onInput(data) ?? true
    })
    this.tui = new TuiAltScreen(this.#terminal, false, undefined, {
      wheelScrollLines: 3,
      scrollToEndIndicator: () => this.#user?.endMarker() ?? "",
      searchMatchStyle: (text) => this.#user?.found(text) ?? text,
      searchCurrentMatchStyle: (text) => this.#user?.foundHere(text) ?? text,
    })
  }

  get columns(): number {
    return this.#terminal.columns
  }

  get rows(): number {
    return this.#terminal.rows
  }

  /** Whether the terminal's window has the focus, as far as it tells. */
  get hasFocus(): boolean {
    return this.#hasFocus
  }

  get isShown(): boolean {
    return this.#isShown
  }

  /** From now on this one is in front. */
  use(user: SurfaceUser): void {
    this.#user = user
  }

  show(): void {
    if (this.#isShown) return
    this.#isShown = true
    this.tui.start()
    // Focus reports, and the title that was there kept on the terminal's stack (xterm: CSI 22 ; 2 t).
    this.#terminal.write("\x1b[?1004h\x1b[22;2t")
  }

  /** Gives the screen back as it was; what is typed is no longer read. */
  hide(): void {
    if (!this.#isShown) return
    this.#isShown = false
    this.#terminal.write("\x1b[?1004l\x1b[23;2t")
    this.tui.stop({ preserveScreen: true })
  }

  /** Draws all of it again: after somebody else has written to the screen. */
  redraw(): void {
    if (this.#isShown) this.tui.requestRender(true)
  }

  /** The background's brightness, when the terminal tells it in time. */
  async askTheme(): Promise<ThemeName | undefined> {
    const background = await this.tui.queryTerminalBackgroundColor({ timeoutMs: 1000 })
    return background && themeOfBackground(background)
  }

  requestRender(): void {
    this.tui.requestRender()
  }

  /** Draws a frame at once. */
  renderNow(): void {
    if (this.#isShown) this.tui.renderNow()
  }

  /** As if the user had typed it. */
  type(data: string): void {
    this.#terminal.type(data)
  }

  layout(root: Component): void {
    this.tui.setLayoutRoot(root)
    this.tui.requestRender()
  }

  setTitle(title: string): void {
    this.#terminal.setTitle(title)
  }

  /** A word in the middle of the screen, whatever is in front; gone after some seconds. */
  flash(text: string): void {
    this.tui.flash(text, FLASH_MS)
  }

  /** Rings, and shows a notification where the terminal can (OSC 9 of iTerm2 and others, OSC 777 of rxvt). */
  notify(title: string, body: string): void {
    const clean = (text: string) => text.replace(/[\x00-\x1f\x7f;]/g, " ").slice(0, 200)
    this.#terminal.write(
      `\x1b]9;${clean(`${title}: ${body}`)}\x07\x1b]777;notify;${clean(title)};${clean(body)}\x07\x07`,
    )
  }

  /** OSC 52, which terminals and tmux pass to the system's clipboard. */
  copy(text: string): void {
    this.#terminal.write(`\x1b]52;c;${Buffer.from(text).toString("base64")}\x07`)
  }
}

/** A synchronized update (DEC mode 2026). */
const BEGIN = "\x1b[?2026h"
const END = "\x1b[?2026l"
/** Where a frame puts the cursor at its end, and whether it is shown. */
const CURSOR = /((?:\x1b\[\d+;\d+H)?\x1b\[\?25[hl])\x1b\[\?2026l$/
const LONGEST_CURSOR = 40

class OwnTerminal extends ProcessTerminal {
  readonly #first: (data: string) => boolean
  #next: ((data: string) => void) | undefined
  /** As the last frame left it; undefined when something else was written since. */
  #cursor: string | undefined

  constructor(first: (data: string) => boolean) {
    super()
    this.#first = first
  }

  override start(onInput: (data: string) => void, onResize: () => void): void {
    this.#next = onInput
    super.start((data) => {
      // Two that are read at once, over a slow line or in a busy moment; it would also be Alt+Esc, which nobody means.
      for (const key of data === "\x1b\x1b" ? ["\x1b", "\x1b"] : [data]) this.type(key)
    }, onResize)
  }

  type(data: string): void {
    if (!this.#first(data)) this.#next?.(data)
  }

  /** A frame that changes no row and leaves the cursor where it is, is none. */
  override write(data: string): void {
    const cursor = CURSOR.exec(data.slice(-LONGEST_CURSOR))?.[1]
    if (cursor !== undefined && cursor === this.#cursor && data === `${BEGIN}${cursor}${END}`) return
    this.#cursor = cursor
    super.write(data)
  }
}
