// The terminal interface as a whole: one conversation with its tasks, what is in front of it, and where each key goes.
// It reads rows and writes inbox rows; who drives the session, this process or another one, makes no difference here.
import type { Control, Program, Refusal, Viewer } from "../../program.ts"
import { giveMemoryBack } from "../../runtime/memory.ts"
import { feedEnd } from "../../store/feed.ts"
import type { SessionRow } from "../../store/rows.ts"
import type { Reader } from "../../store/store.ts"
import { isLive } from "../view/task-item.ts"
import { TreeView } from "../view/tree-view.ts"
import type { Action } from "./keys/actions.ts"
import type { Keys } from "./keys/keys.ts"
import type { Pane, Stage } from "./pane.ts"
import { Rest } from "./rest.ts"
import type { Surface } from "./surface.ts"
import { createTheme, type Theme, type ThemeName } from "./theme.ts"

export interface AppParts {
  surface: Surface
  program: Program
  row: SessionRow
  keys: Keys
  theme: { name: ThemeName; hasColour: boolean }
  /** Whether a process drives the session's tree, this one or another. */
  isDriven(): boolean
  /** Rows have changed, and all panes know. */
  changed(): void
  /** Something failed that nobody waits for. */
  failed(what: string, error: unknown): void
}

/** Frames of what streams and reports are not nearer to each other than this; what is typed does not wait for it. */
const REFRESH_MS = 66
const TICK_MS = 1000
const REST_MS = 3000
const FLASH_MS = 4000

export class App implements Stage {
  readonly program: Program
  readonly viewer: Viewer
  readonly view: TreeView
  readonly keys: Keys
  readonly surface: Surface
  readonly #parts: AppParts
  readonly #end = new AbortController()
  readonly #panes: Pane[] = []
  #theme: Theme
  #flash: { text: string; timer: ReturnType<typeof setTimeout> } | undefined
  #ticking: ReturnType<typeof setTimeout> | undefined
  #following: Promise<void> | undefined
  /** What a turn has used up is given back when nobody waits for anything. */
  readonly #rest = new Rest(REST_MS, giveMemoryBack)
  readonly #since: number

  constructor(parts: AppParts) {
    this.#parts = parts
    this.program = parts.program
    this.keys = parts.keys
    this.#theme = createTheme(parts.theme.name, parts.theme)
    // Before the rows are read: what changes meanwhile is then told twice, not never.
    this.#since = feedEnd(parts.program.store)
    this.viewer = parts.program.view(parts.row)
    this.view = new TreeView({
      reader: parts.program.store,
      rootId: parts.row.id,
      isDriven: parts.isDriven,
      now: () => parts.program.clock.now(),
      looksAt: (sessionIds) => this.viewer.lookAt(sessionIds),
    })
    this.surface = parts.surface
    this.keys.onPending = () => this.requestRender()
  }

  /** Shows a pane as the first one, and keeps the screen up to date from now on. */
  start(first: Pane): void {
    this.#panes.push(first)
    this.surface.use({
      onInput: (data) => this.#onInput(data),
      endMarker: () => this.front.endMarker?.() ?? "",
      found: (text) => this.#theme.found(text),
      foundHere: (text) => this.#theme.foundHere(text),
    })
    this.#show(first)
    this.surface.show()
    this.#following = this.#follow().catch((error) => this.#parts.failed("following the session failed", error))
    this.#tick()
    void this.surface.askTheme().then((name) => name && this.setTheme(name))
  }

  /** Reads no more rows; the screen stays as it is. */
  async stop(): Promise<void> {
    this.#end.abort()
    clearTimeout(this.#ticking)
    this.#rest[Symbol.dispose]()
    clearTimeout(this.#flash?.timer)
    for (const pane of this.#panes) pane.close?.()
    await this.#following
  }

  get front(): Pane {
    return this.#panes.at(-1)!
  }

  get flash(): string | undefined {
    if (this.keys.pending) return `${this.keys.pending} …`
    return this.#flash?.text
  }

  get rows(): number {
    return this.surface.rows
  }

  get columns(): number {
    return this.surface.columns
  }

  theme = (): Theme => this.#theme

  now = (): number => this.program.clock.now()

  requestRender = (): void => this.surface.tui.requestRender()

  setTheme(name: ThemeName): void {
    if (name === this.#theme.name) return
    this.#theme = createTheme(name, { hasColour: this.#theme.hasColour })
    this.surface.tui.invalidate()
    this.requestRender()
  }

  say(text: string, tone: "info" | "error" = "info"): void {
    clearTimeout(this.#flash?.timer)
    const timer = setTimeout(() => {
      this.#flash = undefined
      this.requestRender()
    }, FLASH_MS)
    this.#flash = { text: tone === "error" ? this.#theme.error(text) : text, timer }
    this.requestRender()
  }

  open(pane: Pane): void {
    this.#panes.push(pane)
    this.#show(pane)
  }

  back(): void {
    if (this.#panes.length === 1) return
    this.#panes.pop()!.close?.()
    this.#show(this.front)
  }

  /** Something was put into the inbox here: it is shown at once. */
  poke(): void {
    this.view.refresh([], [])
    this.#changed()
  }

  copy(text: string): void {
    this.surface.copy(text)
  }

  control(control: Control): void {
    this.viewer.control(control).catch((error) => {
      this.#parts.failed("a control could not be stored", error)
      this.say(`That could not be stored: ${error instanceof Error ? error.message : error}`, "error")
    })
  }

  #show(pane: Pane): void {
    pane.changed()
    this.surface.tui.setFocus(pane.focus)
    this.surface.layout(pane.layout)
  }

  /** Each key goes to what is in front; what that has no meaning for is typed. */
  #onInput(data: string): boolean {
    this.#rest.disturb()
    // The search's own field has the keys while it is open.
    if (this.surface.tui.hasOverlay()) return false
    const pane = this.front
    for (const context of pane.contexts) {
      const action = this.keys.match(context, data)
      if (action === "pending") return true
      if (action && pane.act(action as Action)) {
        this.surface.tui.requestRender()
        return true
      }
    }
    return false
  }

  async #follow(): Promise<void> {
    const { signal } = this.#end
    let refreshedAt = Number.NEGATIVE_INFINITY
    let seen: string | undefined
    for await (const feed of this.viewer.follow({ since: this.#since, signal })) {
      const early = REFRESH_MS - (performance.now() - refreshedAt)
      if (early > 0) await this.program.clock.sleep(early, signal).catch(() => undefined)
      if (signal.aborted) return
      refreshedAt = performance.now()
      const drafts = this.viewer.drafts()
      // Prompts that wait and a new mode are not published.
      const version = writesOf(this.program.store)
      const isSame = feed.length === 0 && version === seen
      if (isSame && drafts.length === 0) continue
      seen = version
      if (isSame) this.view.stream(drafts)
      else this.view.refresh(feed, drafts)
      for (const { kind, data } of feed)
        if (kind === "refused") this.say((JSON.parse(data ?? "{}") as Refusal).message, "error")
      this.#changed()
    }
  }

  #changed(): void {
    for (const pane of this.#panes) pane.changed()
    this.#parts.changed()
    this.requestRender()
    this.#rest.see(this.#isBusy())
    if (this.#ticking === undefined) this.#tick()
  }

  #isBusy(): boolean {
    return this.view.activity().type !== "idle" || this.view.board.items.some((item) => isLive(item) && !item.isService)
  }

  /** While something runs, its figures go on; otherwise nothing happens here at all. */
  #tick = (): void => {
    this.#ticking = undefined
    if (this.#end.signal.aborted) return
    const isBusy = this.view.activity().type !== "idle" || this.view.board.items.some(isLive)
    if (!isBusy) return
    this.#ticking = setTimeout(() => {
      this.view.tick()
      for (const pane of this.#panes) pane.ticked?.()
      this.#ticking = undefined
      this.#changed()
    }, TICK_MS)
  }
}

/** Changes whenever something was written: by another connection (sqlite.org, pragma.html), or by this one. */
function writesOf(reader: Reader): string {
  const others = reader.one<{ data_version: number }>("PRAGMA data_version")?.data_version
  const own = reader.one<{ count: number }>("SELECT total_changes() AS count")?.count
  return `${others} ${own}`
}
