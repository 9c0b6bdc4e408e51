// The conversation with its prompt: the head, what was said, what runs, the editor, the foot.
import { type Component, ScrollView, VStack } from "@earendil-works/pi-tui"
import { branchOf } from "../../../base/branch.ts"
import { modeWord } from "../../view/modes.ts"
import type { Request } from "../../view/requests.ts"
import { isLive } from "../../view/task-item.ts"
import type { PromptPlace } from "../card.ts"
import { hintOf } from "../hint.ts"
import { Kept } from "../kept.ts"
import type { Action, KeyContext } from "../keys/actions.ts"
import type { Line, Target } from "../line.ts"
import { spinner } from "../marks.ts"
import type { Pane, Stage } from "../pane.ts"
import { Rows } from "../rows.ts"
import { activityLines, footLine, headLines, queueLines, requestLines, roomOn, stripLine } from "./chrome.ts"
import { TranscriptPane } from "./transcript-pane.ts"

export interface ConversationParts {
  stage: Stage
  /** Where the prompt's editor is, or a card. */
  place: PromptPlace
  isViewer(): boolean
  /** The text of the editor is empty. */
  isEditorEmpty(): boolean
  flash(): string | undefined
  onTarget(target: Target): void
  /** What a key does that is not the conversation's own. */
  act(action: Action): boolean
  /** Said above the conversation, and below it. */
  opening(width: number): readonly Line[]
  closing(width: number): readonly Line[]
}

/** A branch is looked up again after so long. */
const BRANCH_MS = 5000
/** Earlier messages are read when so few lines are left above the view. */
const NEAR_TOP = 20
/** So many entries stay in memory, and up to twice as many. */
const KEPT = 200
/** More messages than this are not read and laid out to get to one of them. */
const FARTHEST = 2000
/** Above the message that one comes for. */
const LINES_ABOVE = 2

export class ConversationPane implements Pane {
  readonly layout: Component
  readonly focus: Component
  readonly transcript: TranscriptPane
  readonly #parts: ConversationParts
  readonly #scroll: ScrollView
  #branch: { name: string | undefined; at: number } | undefined
  readonly #heading = new Kept<Line[]>()
  readonly #strip = new Kept<string | undefined>()
  /** As they were laid out last. */
  #requests: readonly Request[] | undefined
  /** How long the conversation was when the view left its end. */
  #leftAt: number | undefined
  /** Of the last frame. */
  #lastTop = 0
  #isToBeginning = false
  /** A page of earlier messages is about to be read. */
  #isReading = false

  constructor(parts: ConversationParts) {
    const { stage } = parts
    this.#parts = parts
    this.focus = parts.place
    this.transcript = new TranscriptPane({
      transcript: stage.view.root,
      theme: stage.theme,
      now: stage.now,
      isAsking: (callId) => stage.view.requests.some((request) => request.callId === callId),
      onTarget: parts.onTarget,
      opening: parts.opening,
      closing: (width) => this.#closing(width),
      requestRender: stage.requestRender,
    })
    this.#scroll = new ScrollView(this.transcript, {
      follow: "end",
      primary: true,
      scrollbar: "auto",
      scrollbarTrackStyle: (text) => stage.theme().faint(text),
      scrollbarThumbStyle: (text) => stage.theme().dim(text),
    })
    const fixed = (rows: Component) => ({ component: rows, basis: "auto" as const, shrink: 0 })
    this.layout = new VStack([
      fixed(new Rows((width) => this.#head(width))),
      { component: this.#scroll, basis: 0, grow: 1, minSize: 1 },
      fixed(new Rows((width) => this.#above(width), parts.onTarget)),
      { component: parts.place, basis: "auto", shrink: 1, minSize: 3 },
      fixed(new Rows((width) => (roomOn(stage.rows).foot ? [{ text: this.#foot(width) }] : []))),
    ])
  }

  get contexts(): readonly KeyContext[] {
    return this.#parts.place.card?.contexts ?? ["conversation"]
  }

  act(action: Action): boolean {
    const { card } = this.#parts.place
    if (card) return card.act(action)
    if (action === "conversation.unfold") this.transcript.toggleAll()
    else if (action === "conversation.top") this.#toBeginning()
    else return this.#parts.act(action)
    return true
  }

  /** Of all that was said: what is not read yet is read page by page, and the view stays at the beginning. */
  #toBeginning(): void {
    this.#isToBeginning = true
    this.#scroll.scrollTo(0, { disableFollow: true })
  }

  changed(): void {
    const { place } = this.#parts
    if (place.card?.changed?.() === false) place.show(undefined)
    if (this.#requests !== this.#parts.stage.view.requests) {
      this.#requests = this.#parts.stage.view.requests
      this.transcript.requestsChanged()
    }
    this.#loadEarlier()
    // Who reads further up keeps what is there.
    if (this.#scroll.isFollowingEnd) this.#parts.stage.view.root.trim(KEPT)
  }

  ticked(): void {
    this.transcript.tick()
  }

  /** "↓ 14 new lines", in the place where the view has left the end. */
  endMarker(): string {
    this.#lookUp()
    if (this.#scroll.isFollowingEnd) this.#leftAt = undefined
    else this.#leftAt ??= this.transcript.height
    const news = this.#leftAt === undefined ? 0 : this.transcript.height - this.#leftAt
    const text = news > 0 ? ` ↓ ${news} new ${news === 1 ? "line" : "lines"} ` : " ↓ to the end "
    return this.#parts.stage.theme().inverse(text)
  }

  /** With each frame that shows something else than the end: whether earlier messages are to be read. */
  #lookUp(): void {
    const { scrollTop, viewportHeight } = this.#scroll
    // The scroll bar goes there at once from far away.
    if (scrollTop === 0 && this.#lastTop > viewportHeight) this.#isToBeginning = true
    if (scrollTop > 0) this.#isToBeginning = false
    this.#lastTop = scrollTop
    if (this.#isReading || !this.#parts.stage.view.root.hasEarlier || scrollTop > NEAR_TOP) return
    this.#isReading = true
    // Between two frames, and one page at a time, so that keys are answered.
    setImmediate(() => {
      this.#isReading = false
      this.#loadEarlier()
    })
  }

  /** What stands above the view when it is near is read before it is reached; what is shown stays in its place. */
  #loadEarlier(): void {
    const { stage } = this.#parts
    const { root } = stage.view
    if (!root.hasEarlier || this.#scroll.isFollowingEnd || this.#scroll.scrollTop > NEAR_TOP) return
    const before = this.transcript.height
    root.loadEarlier()
    this.transcript.render(stage.columns)
    const added = this.transcript.height - before
    if (this.#leftAt !== undefined) this.#leftAt += added
    this.#scroll.updateLayout(this.transcript.height, this.#scroll.viewportHeight, stage.requestRender)
    const top = this.#isToBeginning ? 0 : this.#scroll.scrollTop + added
    this.#lastTop = top
    this.#scroll.scrollTo(top, { disableFollow: true })
    stage.requestRender()
  }

  /** Scrolls to a message; where it is too far up, it says so. */
  show({ messageId, seq }: { messageId: string; seq: number }): void {
    const { stage } = this.#parts
    const isThere = stage.view.root.reach(seq, FARTHEST)
    this.transcript.render(stage.columns)
    const line = isThere ? this.transcript.lineOf(messageId) : undefined
    if (line === undefined) {
      stage.say(`That is message ${seq}, far above: scroll up to it.`)
      return
    }
    const viewport = this.#scroll.viewportHeight || stage.rows
    this.#scroll.updateLayout(this.transcript.height, viewport, stage.requestRender)
    this.#scroll.scrollTo(Math.max(0, line - LINES_ABOVE), { disableFollow: true })
    stage.requestRender()
  }

  #head(width: number): Line[] {
    const { stage, isViewer } = this.#parts
    if (!roomOn(stage.rows).head) return []
    const { session, totals } = stage.view
    const { model, cwd } = session
    const name = session.name ?? session.title ?? "new conversation"
    const heading = { name, model, cwd, branch: this.#branchNow(cwd), totals, isViewer: isViewer() }
    const theme = stage.theme()
    return this.#heading.of([...Object.values(heading), width, theme], () =>
      headLines(heading, width, theme).map((text) => ({ text })),
    )
  }

  #branchNow(cwd: string): string | undefined {
    const now = this.#parts.stage.now()
    if (!this.#branch || now - this.#branch.at > BRANCH_MS) this.#branch = { name: branchOf(cwd), at: now }
    return this.#branch.name
  }

  #closing(width: number): Line[] {
    const { view, theme, now, keys } = this.#parts.stage
    const hint = (action: "background" | "interrupt") => hintOf(keys, `conversation.${action}`)
    const doing = activityLines(view.activity(), { width, theme: theme(), now: now(), hint })
    return [...doing, ...this.#parts.closing(width)]
  }

  #above(width: number): Line[] {
    const { stage, isEditorEmpty, place } = this.#parts
    const { view, keys } = stage
    const theme = stage.theme()
    const hint = `${hintOf(keys, "conversation.tasks")} tasks`
    const { items } = view.board
    const now = stage.now()
    const strip = this.#strip.of([items, view.requests, hint, spinner(now), width, theme], () =>
      stripLine({ items, requests: view.requests, hint }, { width, theme, now }),
    )
    const answer = isEditorEmpty() ? "↵ answer" : `${hintOf(keys, "conversation.approvals")} answer`
    const room = roomOn(stage.rows)
    const lines: Line[] = [
      ...(place.card ? [] : requestLines(view.requests, { width, theme, hint: answer })),
      ...queueLines(view.queue, { width, theme, hint: "↑ takes it back" }).map((text) => ({ text })),
      ...(strip === undefined ? [] : [{ text: strip, target: { type: "tasks" } as const }]),
    ]
    return [...(room.rule ? [{ text: theme.faint("─".repeat(width)) }] : []), ...lines.slice(0, room.above)]
  }

  #foot(width: number): string {
    const { stage, flash } = this.#parts
    const { view, keys } = stage
    const activity = view.activity()
    const hints = [
      ...(view.foreground().length > 0 ? [`${hintOf(keys, "conversation.background")} background`] : []),
      ...(activity.type === "idle" ? [] : [`${hintOf(keys, "conversation.interrupt")} interrupt`]),
      ...(view.board.items.some(isLive) ? [`${hintOf(keys, "conversation.tasks")} tasks`] : []),
      `${hintOf(keys, "conversation.help")} keys`,
    ]
    return footLine({ mode: modeWord(view.session.permission_mode), hints, flash: flash() }, width, stage.theme())
  }
}
