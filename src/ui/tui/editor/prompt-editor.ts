// The prompt: where keys become text, and text becomes a message. It never waits for anything: what takes time (files,
// history, the clipboard) comes in later.
import type { Component, Focusable, TuiMouseEvent, TuiMouseEventResult } from "@earendil-works/pi-tui"
import { messageOf } from "../../../base/error.ts"
import type { Keys } from "../keys/keys.ts"
import { typedText } from "../keys/match-key.ts"
import type { Theme } from "../theme.ts"
import type { ClipboardImage } from "./clipboard-image.ts"
import { argumentHint, type Command, completeCommands } from "./complete-commands.ts"
import { completeFiles } from "./complete-files.ts"
import { Completer } from "./completion.ts"
import { contentOfDraft, type Draft, draftOf, foldedText, isShellLine } from "./draft.ts"
import { drawBox, drawOffer, firstShown, hasBox, MOST_OFFERED, textColumn } from "./draw.ts"
import { EditBuffer } from "./edit-buffer.ts"
import { type EditorAction, editOf, type OtherAction } from "./edits.ts"
import type { Edited } from "./external-editor.ts"
import type { FileIndex } from "./file-index.ts"
import { History, type HistorySource } from "./history.ts"
import { HistoryBrowser } from "./history-browser.ts"
import { HistorySearch } from "./history-search.ts"
import { Intake } from "./intake.ts"
import { hasMarks, Marks } from "./marks.ts"
import { cleanText, isLongDraft } from "./paste.ts"
import { PasteReader } from "./paste-reader.ts"
import { contentOf, EMPTY, endOf, inserted, type Spot, type Text, textOf } from "./text.ts"
import { Viewport } from "./viewport.ts"

export interface PromptEditorOptions {
  theme: () => Theme
  keys: Keys
  history: HistorySource
  commands: () => readonly Command[]
  files: FileIndex
  cwd: string
  home: string
  /** Shows a text in the person's own editor. */
  openEditor?: (text: string) => Promise<Edited>
  pasteImage?: () => Promise<ClipboardImage>
  /** A word to the person: what could not be done and why. */
  say: (message: string) => void
  /** Asked by ↑ on an empty prompt. True: a queued message comes back to be edited, by `giveBack`. */
  takeBack?: () => boolean
}

/** What of the screen the prompt needs. */
export interface PromptScreen {
  readonly rows: number
  requestRender(): void
}

export type { Draft } from "./draft.ts"

export function createPromptEditor(screen: PromptScreen, options: PromptEditorOptions): PromptEditor {
  return new PromptEditor(screen, options)
}

export class PromptEditor implements Component, Focusable {
  focused = false
  /** `send`: now; `queue`: when the turn is over. */
  onSubmit: ((draft: Draft, how: "send" | "queue") => void) | undefined
  /** Enter, with nothing to send. */
  onEmptySend: (() => void) | undefined
  /** After each change of the text. */
  onChange: (() => void) | undefined
  /** Shown while the prompt is empty. */
  placeholder = ""
  /** In the upper right corner, such as the permission mode. */
  title = ""

  readonly #screen: PromptScreen
  readonly #options: PromptEditorOptions
  readonly #buffer = new EditBuffer()
  readonly #marks = new Marks()
  readonly #viewport = new Viewport(this.#marks)
  readonly #pasteReader = new PasteReader()
  readonly #history: History
  readonly #browser: HistoryBrowser
  readonly #completer: Completer
  readonly #intake: Intake
  #search: HistorySearch | undefined
  /** A character outside of the basic plane comes in two halves. */
  #firstHalf = ""
  #isSending = false
  /** Of what was drawn last: changes are told by it. */
  #told: Text = EMPTY

  constructor(screen: PromptScreen, options: PromptEditorOptions) {
    this.#screen = screen
    this.#options = options
    const { cwd, home, say } = options
    this.#history = new History(options.history, (content) => this.#marks.expand(content).text)
    this.#browser = new HistoryBrowser(this.#history, (entry) => this.#textOf(entry))
    const sources = [completeCommands(options.commands), completeFiles({ index: options.files, cwd, home })]
    this.#completer = new Completer(sources, () => screen.requestRender())
    this.#intake = new Intake({
      buffer: this.#buffer,
      marks: this.#marks,
      cwd,
      home,
      clipboardImage: options.pasteImage,
      say,
      changed: () => this.#changed(),
    })
  }

  get isEmpty(): boolean {
    return this.#buffer.isEmpty && !this.#search
  }

  /** Whether Tab accepts something rather than queues. */
  get hasCompletion(): boolean {
    return this.#completer.isActive
  }

  get draft(): Draft {
    return draftOf(contentOf(this.#buffer.text), this.#marks)
  }

  /** Puts a draft in place of the text; can be undone. */
  setDraft(draft: Draft): void {
    this.#leaveModes()
    this.#buffer.replace(textOf(contentOfDraft(draft, this.#marks)))
    this.#changed()
  }

  /** A draft that comes back by itself: what has been written meanwhile stays, below it. */
  giveBack(draft: Draft): void {
    const back = contentOfDraft(draft, this.#marks)
    const since = contentOf(this.#buffer.text)
    this.#leaveModes()
    this.#buffer.replace(textOf(since === "" ? back : `${back}\n${since}`))
    this.#changed()
  }

  /** Empties the prompt. What was there can be undone, and is the newest of the earlier prompts. */
  clear(): void {
    this.#pasteReader.reset()
    const { text } = this.#buffer
    if (!this.#browser.isUntouched(text)) this.#history.add(contentOf(text))
    this.#leaveModes()
    if (!this.isEmpty) this.#buffer.replace(EMPTY)
    this.#changed()
  }

  /** What was said in another way than here. */
  addToHistory(draft: Draft): void {
    this.#history.add(contentOfDraft(draft, this.#marks))
  }

  /** Closes what is open (a completion, the search); false when nothing was. For Esc and Ctrl+C. */
  dismiss(): boolean {
    const wasOpen = this.#search !== undefined || this.#completer.dismiss(this.#buffer.text)
    this.#search = undefined
    if (wasOpen) this.#screen.requestRender()
    return wasOpen
  }

  handleInput(data: string): void {
    const paste = this.#pasteReader.take(data)
    if (paste.type !== "keys") {
      if (paste.before !== "") this.#key(paste.before)
      if (paste.type === "pasted") this.#pasted(paste.text)
      if (paste.type === "pasted" && paste.after !== "") this.handleInput(paste.after)
    } else this.#key(data)
    if (this.#buffer.text !== this.#told) this.#changed()
  }

  handleMouse(event: TuiMouseEvent): TuiMouseEventResult | undefined {
    const { type, button, x, y } = event
    const border = hasBox(event.width) ? 1 : 0
    const boxHeight = this.#viewport.height + 2 * border
    const { open } = this.#completer
    if (open && y >= boxHeight) {
      if (type === "wheel") this.#completer.select(Math.sign(event.wheelDelta ?? 0))
      if (type === "click" && button === "left") {
        this.#completer.selectAt(firstShown(open, this.#mostOffered) + y - boxHeight)
        this.#accept()
      }
      return type === "wheel" || type === "click" ? { handled: true, focus: true } : undefined
    }
    if (type !== "click" || button !== "left") return undefined
    const { text } = this.#buffer
    const place = { row: y - border, cell: textColumn(x, event.width) }
    if (!this.#search) this.#buffer.moveTo(this.#viewport.at(text, place))
    this.#viewport.forgetGoal()
    if (this.hasCompletion) this.#completer.update(this.#buffer.text)
    return { handled: true, focus: true }
  }

  render(width: number): string[] {
    const text = this.#search?.shown((entry) => this.#textOf(entry)) ?? this.#buffer.text
    const mostRows = Math.max(1, Math.floor(this.#screen.rows / 3) - 2)
    const shown = this.#viewport.show(text, { width, mostRows })
    const isShell = isShellLine(text.lines[0]!)
    const theme = this.#options.theme()
    const box = drawBox(
      {
        width,
        text,
        ...shown,
        isShell,
        isFocused: this.focused,
        placeholder: this.placeholder,
        title: isShell ? "shell" : this.title,
        status: this.#search?.status ?? "",
        hint: this.#search ? "" : (argumentHint(this.#options.commands(), text) ?? ""),
      },
      theme,
    )
    const { open } = this.#completer
    return open ? [...box, ...drawOffer({ open, width, most: this.#mostOffered }, theme)] : box
  }

  invalidate(): void {}

  get #mostOffered(): number {
    return Math.max(1, Math.min(MOST_OFFERED, Math.floor(this.#screen.rows / 3)))
  }

  #pasted(text: string): void {
    if (this.#search) {
      this.#search.type(cleanText(text).replaceAll("\n", " "))
      return
    }
    this.#intake.paste(text, { isShell: this.#isShell })
    this.#edited()
  }

  #key(data: string): void {
    const action = this.#options.keys.match("editor", data)
    if (action === "pending") return
    if (action !== undefined) {
      // What is matched in a context is of that context.
      this.#act(action as EditorAction)
      return
    }
    const typed = this.#whole(typedText(data))
    if (typed === undefined) return
    if (this.#search) this.#search.type(typed)
    else {
      this.#buffer.type(typed)
      this.#edited()
    }
  }

  /** Joins the halves of a character, and leaves out what is no text. */
  #whole(typed: string | undefined): string | undefined {
    const joined = this.#firstHalf + (typed ?? "")
    this.#firstHalf = ""
    if (/^[\ud800-\udbff]$/.test(joined)) {
      this.#firstHalf = joined
      return undefined
    }
    const clean = cleanText(joined).replace(/^\ufffd+(?=.)/u, "")
    return clean === "" ? undefined : clean
  }

  #act(action: EditorAction): void {
    if (this.#search) {
      if (this.#actInSearch(action)) return
      this.#endSearch()
    }
    if (action !== "editor.up" && action !== "editor.down") this.#viewport.forgetGoal()
    const edit = editOf(action)
    switch (edit.type) {
      case "motion":
        this.#move(edit.spot(this.#buffer.text))
        break
      case "change":
        edit.apply(this.#buffer)
        this.#edited()
        break
      case "other":
        this.#others[edit.action]()
        break
      default:
        edit satisfies never
    }
  }

  readonly #others: Readonly<Record<OtherAction, () => void>> = {
    "editor.send": () => this.#enter(),
    "editor.queue": () => this.#send("queue"),
    "editor.complete": () => this.#tab(),
    "editor.up": () => this.#inOffer(-1) || this.#up(),
    "editor.down": () => this.#inOffer(1) || this.#down(),
    "editor.historyPrevious": () => this.#inOffer(-1) || this.#older(),
    "editor.historyNext": () => this.#inOffer(1) || this.#newer(),
    "editor.searchHistory": () => this.#beginSearch(),
    "editor.pasteImage": () => this.#intake.pasteImage({ isAsked: true }),
    "editor.openEditor": () => void this.#openEditor(),
    "editor.dismiss": () => this.dismiss(),
  }

  /** While something is offered, up and down choose. */
  #inOffer(step: number): boolean {
    if (!this.#completer.open) return false
    this.#completer.select(step)
    return true
  }

  /** Enter: accepts what is offered, makes a line of a backslash, else sends. */
  #enter(): void {
    const { text } = this.#buffer
    const accepted = this.#completer.isTyped(text) ? undefined : this.#completer.accept(text)
    if (accepted) {
      this.#buffer.replace(accepted.text)
      if (accepted.item.sends) this.#send("send")
      else this.#edited()
    } else if (text.lines[text.line]![text.col - 1] === "\\") {
      this.#buffer.deleteOne("back")
      this.#buffer.insert("\n")
      this.#edited()
    } else this.#send("send")
  }

  #tab(): void {
    // What is being looked for was meant: it is accepted when it is there.
    if (this.hasCompletion) this.#completer.whenReady(() => this.#accept())
    else this.#send("queue")
  }

  #accept(): void {
    const accepted = this.#completer.accept(this.#buffer.text)
    if (!accepted) return
    this.#buffer.replace(accepted.text)
    this.#edited()
    this.#changed()
  }

  #send(how: "send" | "queue"): void {
    if (this.#isSending) return
    if (this.#intake.isLooking) {
      this.#isSending = true
      void this.#intake.settled().then(() => {
        this.#isSending = false
        this.#send(how)
      })
      return
    }
    const { draft } = this
    if (draft.text === "" && draft.images.length === 0) {
      if (how === "send") this.onEmptySend?.()
      return
    }
    this.#history.add(contentOf(this.#buffer.text))
    this.#leaveModes()
    this.#buffer.reset()
    this.#marks.keepOnly([...this.#buffer.reachable(), ...this.#history.own])
    this.#changed()
    this.onSubmit?.(draft, how)
  }

  async #openEditor(): Promise<void> {
    const { openEditor, say } = this.#options
    if (!openEditor) return
    const { text, images, mode } = this.draft
    const edited = await openEditor(text).catch(
      (error: unknown): Edited => ({ type: "failed", message: `The prompt could not be edited: ${messageOf(error)}` }),
    )
    if (edited.type === "failed") say(edited.message)
    else if (edited.text !== text) this.setDraft({ text: edited.text, images, mode })
    this.#screen.requestRender()
  }

  #up(): void {
    const above = this.#isRecalled ? undefined : this.#viewport.step(this.#buffer.text, -1)
    if (above) this.#move(above)
    else if (!this.isEmpty || this.#browser.isBrowsing || !this.#options.takeBack?.()) this.#older()
  }

  #down(): void {
    const { text } = this.#buffer
    const below = this.#isRecalled ? undefined : this.#viewport.step(text, 1)
    if (below) this.#move(below)
    else if (this.#browser.isBrowsing) this.#newer()
    else this.#move(endOf(text))
  }

  /** An earlier prompt, just as it came back: the arrows go on to the next one. */
  get #isRecalled(): boolean {
    return this.#browser.isUntouched(this.#buffer.text)
  }

  #older(): void {
    const { text } = this.#buffer
    const browsed = this.#browser.older(text)
    if (browsed.type === "text") this.#show(browsed.text)
    if (browsed.type !== "wait") return
    void this.#history.load().then(() => {
      // Who has gone on typing meanwhile is not interrupted.
      if (this.#buffer.text !== text) return
      this.#older()
      this.#changed()
    })
  }

  #newer(): void {
    const browsed = this.#browser.newer(this.#buffer.text)
    if (browsed.type === "text") this.#show(browsed.text)
  }

  #show(text: Text): void {
    this.#completer.close()
    this.#buffer.replace(text)
  }

  #beginSearch(): void {
    this.#completer.close()
    const search = new HistorySearch(() => this.#history.entries)
    this.#search = search
    void this.#history.load().then(() => {
      if (this.#search !== search) return
      search.refresh()
      this.#screen.requestRender()
    })
  }

  /** False: the search is over, and the key means what it always does. */
  #actInSearch(action: EditorAction): boolean {
    switch (action) {
      case "editor.searchHistory":
      case "editor.historyPrevious":
      case "editor.up":
        this.#search!.older()
        return true
      case "editor.deleteBack":
        this.#search!.deleteBack()
        return true
      case "editor.dismiss":
        this.#search = undefined
        return true
      case "editor.send":
      case "editor.complete":
        // Found is not yet meant: a second Enter sends it.
        this.#endSearch()
        return true
      default:
        return false
    }
  }

  #endSearch(): void {
    const entry = this.#search?.entry
    this.#search = undefined
    if (entry === undefined) return
    this.#browser.stop()
    this.#buffer.replace(this.#textOf(entry))
  }

  #leaveModes(): void {
    this.#search = undefined
    this.#browser.stop()
    this.#completer.reset()
    this.#viewport.forgetGoal()
  }

  #move(spot: Spot): void {
    this.#buffer.moveTo(spot)
    if (this.hasCompletion) this.#completer.update(this.#buffer.text)
  }

  get #isShell(): boolean {
    return isShellLine(this.#buffer.text.lines[0]!)
  }

  /** After an edit by the person: what is offered follows the text. In a shell line `@` and `/` are the shell's. */
  #edited(): void {
    this.#viewport.forgetGoal()
    if (this.#isShell) this.#completer.close()
    else this.#completer.update(this.#buffer.text)
  }

  #changed(): void {
    this.#told = this.#buffer.text
    this.onChange?.()
    this.#screen.requestRender()
  }

  /** An earlier prompt as the editor holds it. */
  #textOf(entry: string): Text {
    if (hasMarks(entry)) return textOf(entry)
    const clean = cleanText(entry)
    return isLongDraft(clean) ? inserted(EMPTY, foldedText(clean, this.#marks)) : textOf(clean)
  }
}
