// The screen of sessions: walks through them, shows one in a glance, searches all that was said, renames and deletes.
import type { Component, TuiMouseEvent, TuiMouseEventResult } from "@earendil-works/pi-tui"
import { oneLine, plural } from "../../../base/text.ts"
import { callOf, type ListedSession } from "../../view/session-list.ts"
import { previewOf, type SessionPreview } from "../../view/session-preview.ts"
import type { Action, KeyContext } from "../keys/actions.ts"
import { clip, ends } from "../line.ts"
import type { Pane } from "../pane.ts"
import { LineInput, Typing } from "../tasks/line-input.ts"
import { Cursor } from "./cursor.ts"
import { FIND_LINES, Finding } from "./finding.ts"
import { forkRows } from "./fork-rows.ts"
import { previewLines } from "./preview-lines.ts"
import { type Hints, resumeHints } from "./resume-hints.ts"
import type { Destination, ResumeStage } from "./resume-stage.ts"
import { isRemovable, remove, rename } from "./session-acts.ts"
import { type Drawing, detailLine, sessionLine } from "./session-lines.ts"
import { Stock } from "./stock.ts"

export interface ResumeParts {
  stage: ResumeStage
  /** The session that one comes from. */
  here: string | undefined
  /** Other sessions that this process drives. */
  ours(): readonly string[]
  chosen(to: Destination): void
  back(): void
}

type Mode =
  | { type: "list" }
  | { type: "search"; finding: Finding }
  | { type: "rename"; id: string; input: LineInput }
  | { type: "delete"; id: string }
  | { type: "forks"; cursor: Cursor; rows: readonly { item: ListedSession; split: string }[] }

/** A click on a line of the last frame. */
interface Row {
  text: string
  click?: () => void
}

export class ResumePane implements Pane, Component {
  readonly layout = this
  readonly focus = new Typing((data) => this.#typed(data))
  readonly #parts: ResumeParts
  readonly #stock: Stock
  readonly #cursor = new Cursor()
  #hasPreview = false
  #mode: Mode = { type: "list" }
  #preview: { id: string; version: string; preview: SessionPreview } | undefined
  #clicks: readonly Row[] = []
  /** Where the chosen one was in the last frame. */
  #chosenLines: readonly number[] = []

  constructor(parts: ResumeParts) {
    this.#parts = parts
    this.#stock = new Stock({
      stage: parts.stage,
      changed: (before) => this.#listed(before),
      searchable: () => this.#searchAgain(),
    })
    this.#cursor.count = this.#stock.items.length
    if (parts.here !== undefined) this.#choose(parts.here)
  }

  get contexts(): readonly KeyContext[] {
    switch (this.#mode.type) {
      case "list":
      case "forks":
        return ["resume", "list", "conversation"]
      case "search":
      case "rename":
        return ["list", "conversation"]
      case "delete":
        return ["approvals", "resume", "list", "conversation"]
      default:
        return this.#mode satisfies never
    }
  }

  act(action: Action): boolean {
    if (action === "conversation.clear") return this.#out()
    const mode = this.#mode
    switch (mode.type) {
      case "list":
        return this.#walk(this.#cursor, action) || this.#do(action)
      case "search":
        return this.#searchAct(action, mode.finding)
      case "rename":
        return this.#renameAct(action, mode)
      case "delete":
        return this.#deleteAct(action, mode.id)
      case "forks":
        return this.#forksAct(action, mode)
      default:
        return mode satisfies never
    }
  }

  changed(): void {}

  close(): void {
    this.#stock.close()
  }

  render(width: number): string[] {
    const { stage } = this.#parts
    const theme = stage.theme()
    const height = Math.max(6, stage.rows)
    const drawing: Drawing = { width, theme, now: stage.now() }
    this.#stock.facts.beginFrame()
    const rule: Row = { text: theme.faint("─".repeat(width)) }
    const head = this.#head(drawing)
    const below = this.#below(drawing, Math.floor((height - head.length - 4) / 2))
    const room = Math.max(1, height - head.length - below.length - 2)
    const body = this.#body(drawing, room)
    while (body.length < room) body.push({ text: "" })
    const lines = [...head, rule, ...body.slice(0, room), rule, ...below]
    this.#clicks = lines
    return lines.map(({ text }) => text)
  }

  handleMouse(event: TuiMouseEvent): TuiMouseEventResult | undefined {
    if (event.type === "wheel") {
      this.#cursorNow().scrollBy(event.wheelDelta ?? 0)
      return { handled: true }
    }
    if (event.button !== "left") return undefined
    // The second click of two would select a word; on the chosen row it is for us.
    if (event.type === "press")
      return this.#chosenLines.includes(event.y) ? { handled: true, render: false } : undefined
    if (event.type !== "click") return undefined
    this.#clicks[event.y]?.click?.()
    return { handled: true }
  }

  invalidate(): void {}

  #choose(id: string): void {
    const at = this.#stock.items.findIndex((item) => item.id === id)
    if (at >= 0) this.#cursor.to(at)
  }

  /** The list was read again: what was chosen stays so. */
  #listed(before: readonly ListedSession[]): void {
    const id = before[this.#cursor.at]?.id
    this.#cursor.count = this.#stock.items.length
    if (id !== undefined) this.#choose(id)
  }

  #searchAgain(): void {
    if (this.#mode.type !== "search") return
    this.#mode.finding.search()
    this.#parts.stage.requestRender()
  }

  get #chosen(): ListedSession | undefined {
    if (this.#mode.type === "forks") return this.#mode.rows[this.#mode.cursor.at]?.item
    return this.#stock.items[this.#cursor.at]
  }

  #cursorNow(): Cursor {
    if (this.#mode.type === "search") return this.#mode.finding.cursor
    return this.#mode.type === "forks" ? this.#mode.cursor : this.#cursor
  }

  #nameOf(item: ListedSession): string {
    return callOf(this.#parts.stage.program.store, item)
  }

  // What keys do

  #walk(cursor: Cursor, action: Action): boolean {
    if (action === "list.up") cursor.moveBy(-1)
    else if (action === "list.down") cursor.moveBy(1)
    else if (action === "list.pageUp") cursor.pageBy(-1)
    else if (action === "list.pageDown") cursor.pageBy(1)
    else if (action === "list.first") cursor.first()
    else if (action === "list.last") cursor.last()
    else return false
    return true
  }

  #do(action: Action): boolean {
    const item = this.#chosen
    switch (action) {
      case "list.accept":
        if (item) this.#go({ id: item.id })
        return true
      case "list.back":
        return this.#leave()
      case "resume.all":
        this.#stock.toggleAll()
        return true
      case "resume.search":
      case "conversation.find":
        this.#openSearch()
        return true
      case "resume.preview":
        this.#hasPreview = !this.#hasPreview
        return true
      case "resume.rename":
        if (item) this.#openRename(item)
        return true
      case "resume.forks":
        if (item) this.#openForks(item)
        return true
      case "resume.delete":
        if (item) this.#askDelete(item)
        return true
      default:
        // What the conversation means by it is not here.
        return true
    }
  }

  #go(to: Destination): void {
    this.close()
    this.#parts.chosen(to)
  }

  /** Ctrl+C: out of what is typed, and then out of the screen. */
  #out(): boolean {
    if (this.#mode.type === "list") return this.#leave()
    this.#mode = { type: "list" }
    return true
  }

  #leave(): boolean {
    this.close()
    this.#parts.back()
    return true
  }

  #openSearch(): void {
    const { stage } = this.#parts
    const finding = new Finding({
      reader: stage.program.store,
      theme: () => stage.theme(),
      project: this.#stock.project,
      items: () => this.#stock.items,
    })
    this.#mode = { type: "search", finding }
  }

  #searchAct(action: Action, finding: Finding): boolean {
    if (action === "list.back") {
      this.#mode = { type: "list" }
      return true
    }
    if (action === "list.accept") {
      const find = finding.chosen
      if (find?.type === "session") this.#go({ id: find.item.id })
      if (find?.type === "message") {
        const { rootId, sessionId, messageId, seq } = find.hit
        // Of a sub-agent's message its conversation is shown, at its end.
        this.#go(rootId === sessionId ? { id: rootId, at: { messageId, seq } } : { id: rootId })
      }
      return true
    }
    // Home and End are the line's.
    if (action === "list.first" || action === "list.last") return false
    return this.#walk(finding.cursor, action)
  }

  #openRename(item: ListedSession): void {
    const { stage } = this.#parts
    const input = new LineInput({ theme: () => stage.theme(), label: "name", placeholder: this.#nameOf(item) })
    input.text = item.name
    this.#mode = { type: "rename", id: item.id, input }
  }

  #renameAct(action: Action, { id, input }: Extract<Mode, { type: "rename" }>): boolean {
    if (action === "list.back") this.#mode = { type: "list" }
    if (action === "list.accept")
      void rename(this.#parts.stage, id, input.text.trim()).then((isDone) => {
        // Otherwise what was typed stays, to be mended.
        if (isDone && this.#mode.type === "rename" && this.#mode.id === id) this.#mode = { type: "list" }
        this.#stock.read()
      })
    return action === "list.back" || action === "list.accept" || (action !== "list.first" && action !== "list.last")
  }

  #openForks(item: ListedSession): void {
    const { stage } = this.#parts
    const rows = forkRows(stage.program.store, item)
    if (rows.length < 2) {
      stage.say("This session has no forks, and is none. /fork makes one.")
      return
    }
    const cursor = new Cursor()
    cursor.count = rows.length
    cursor.to(rows.findIndex((row) => row.item.id === item.id))
    this.#mode = { type: "forks", cursor, rows }
  }

  #forksAct(action: Action, { cursor, rows }: Extract<Mode, { type: "forks" }>): boolean {
    if (this.#walk(cursor, action)) return true
    const item = rows[cursor.at]?.item
    if (action === "list.accept" && item) this.#go({ id: item.id })
    else if (action === "resume.preview") this.#hasPreview = !this.#hasPreview
    else if (action === "list.back" || action === "resume.forks") {
      this.#mode = { type: "list" }
      if (item) this.#choose(item.id)
    }
    return true
  }

  #askDelete({ id }: ListedSession): void {
    const { stage, here, ours } = this.#parts
    if (isRemovable(stage, { id, here, ours: ours() })) this.#mode = { type: "delete", id }
  }

  #deleteAct(action: Action, id: string): boolean {
    this.#mode = { type: "list" }
    if (action !== "approvals.once") return true
    const item = this.#stock.items.find((one) => one.id === id)
    const name = item ? oneLine(this.#nameOf(item), 60) : id.slice(0, 8)
    void remove(this.#parts.stage, id, name).then(() => this.#stock.read())
    return true
  }

  #typed(data: string): void {
    if (this.#mode.type === "search") this.#mode.finding.input.handleInput(data)
    if (this.#mode.type === "rename") this.#mode.input.handleInput(data)
    // A question that is not answered is taken back by any other key.
    if (this.#mode.type === "delete") this.#mode = { type: "list" }
    this.#parts.stage.requestRender()
  }

  // What is drawn

  #head({ width, theme }: Drawing): Row[] {
    const mode = this.#mode
    const scope = this.#stock.isAll ? "all projects" : "this project"
    const count = plural(this.#stock.items.length, "session")
    if (mode.type === "search") {
      const title = ` ${theme.bold("Search")}   ${theme.dim(mode.finding.count())}`
      return [
        { text: ends(title, theme.dim(`${scope}   esc sessions `), width) },
        { text: clip(mode.finding.input.line(width), width) },
      ]
    }
    const title =
      mode.type === "forks" ? `Forks   ${theme.dim(`${mode.rows.length} sessions that share messages`)}` : ""
    const left = ` ${theme.bold(title === "" ? "Sessions" : title)}${title === "" ? `   ${theme.dim(count)}` : ""}`
    const toggle = () => void this.#do("resume.all")
    const right = theme.dim(mode.type === "forks" ? "esc back " : `${scope} ▾   esc back `)
    return [{ text: ends(left, right, width), ...(mode.type === "list" && { click: toggle }) }]
  }

  #body(drawing: Drawing, room: number): Row[] {
    const mode = this.#mode
    this.#chosenLines = []
    if (mode.type === "search") return this.#finds(mode.finding, drawing, room)
    if (mode.type === "forks") return this.#forks(mode, drawing, room)
    if (this.#stock.items.length === 0)
      return [{ text: clip(`   ${drawing.theme.dim(this.#nothing())}`, drawing.width) }]
    const from = this.#cursor.window(room)
    return this.#stock.items.slice(from, from + room).map((item, i): Row => {
      const at = from + i
      const isChosen = at === this.#cursor.at
      if (isChosen) this.#chosenLines = [i + HEAD_LINES]
      if (mode.type === "rename" && mode.id === item.id)
        return { text: clip(mode.input.line(drawing.width), drawing.width) }
      const text = this.#sessionLine(item, isChosen, drawing)
      return { text, click: () => this.#clicked(this.#cursor, at, { id: item.id }) }
    })
  }

  #sessionLine(item: ListedSession, isChosen: boolean, drawing: Drawing): string {
    const line = {
      item,
      name: this.#nameOf(item),
      facts: this.#stock.facts.of(item),
      isChosen,
      isHere: item.id === this.#parts.here,
      showsFolder: this.#stock.isAll,
    }
    return sessionLine(line, drawing)
  }

  #finds(finding: Finding, drawing: Drawing, room: number): Row[] {
    const { cursor, finds } = finding
    if (finds.length === 0) {
      const word = finding.input.text.trim() === "" ? "Type what to look for." : "Nothing like that was said."
      return [{ text: clip(`   ${drawing.theme.dim(word)}`, drawing.width) }]
    }
    const fit = Math.max(1, Math.floor(room / FIND_LINES))
    const from = cursor.window(fit)
    return finds.slice(from, from + fit).flatMap((find, i): Row[] => {
      const isChosen = from + i === cursor.at
      const first = i * FIND_LINES + HEAD_LINES + 1
      if (isChosen) this.#chosenLines = [first, first + 1]
      const click = () => {
        if (isChosen) this.#searchAct("list.accept", finding)
        else cursor.to(from + i)
      }
      return finding
        .lines(find, { ...drawing, isChosen, showsFolder: this.#stock.isAll })
        .map((text) => ({ text, click }))
    })
  }

  #forks({ cursor, rows }: Extract<Mode, { type: "forks" }>, drawing: Drawing, room: number): Row[] {
    const fit = Math.max(1, Math.floor(room / 2))
    const from = cursor.window(fit)
    return rows.slice(from, from + fit).flatMap(({ item, split }, i): Row[] => {
      const isChosen = from + i === cursor.at
      const first = i * 2 + HEAD_LINES
      if (isChosen) this.#chosenLines = [first, first + 1]
      const click = () => this.#clicked(cursor, from + i, { id: item.id })
      const indent = " ".repeat(3 + 2 * Math.min(item.depth, 8))
      const where = clip(`${indent}${drawing.theme.dim(split)}`, drawing.width)
      return [
        { text: this.#sessionLine(item, isChosen, drawing), click },
        { text: where, click },
      ]
    })
  }

  #clicked(cursor: Cursor, at: number, to: Destination): void {
    if (this.#mode.type === "rename" || this.#mode.type === "delete") this.#mode = { type: "list" }
    if (cursor.at === at) this.#go(to)
    else cursor.to(at)
  }

  #nothing(): string {
    const all = this.#parts.stage.keys.hint("resume.all") ?? "–"
    return this.#stock.isAll
      ? "No sessions yet."
      : `No sessions in this project yet. ${all} shows those of all projects.`
  }

  #below(drawing: Drawing, most: number): Row[] {
    const { stage } = this.#parts
    const { width, theme } = drawing
    const mode = this.#mode
    const item = this.#chosen
    const hints: Hints = { keys: stage.keys, mode: mode.type, isAll: this.#stock.isAll, width }
    const foot: Row = { text: clip(` ${stage.flash ?? theme.dim(resumeHints(hints))}`, width) }
    if (mode.type === "delete" && item) {
      const what = `Delete "${oneLine(this.#nameOf(item), 60)}" with all that belongs to it, for good?`
      return [{ text: clip(` ${theme.warn(what)} ${theme.bold("y")} delete · ${theme.bold("n")} keep`, width) }, foot]
    }
    if (mode.type === "search" || !item) return [foot]
    const details = { text: detailLine({ item, facts: this.#stock.facts.of(item) }, drawing) }
    if (!this.#hasPreview || most < 3) return [details, foot]
    const preview = previewLines(this.#previewOf(item), most, drawing)
    return [...preview.map((text) => ({ text })), details, foot]
  }

  #previewOf({ id }: ListedSession): SessionPreview {
    if (this.#preview?.id !== id || this.#preview.version !== this.#stock.version)
      this.#preview = { id, version: this.#stock.version, preview: previewOf(this.#parts.stage.program.store, id) }
    return this.#preview.preview
  }
}

/** The title and the rule. */
const HEAD_LINES = 2
