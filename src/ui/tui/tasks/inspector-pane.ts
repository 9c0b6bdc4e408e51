// The inspector: one task with its figures, what it does or prints, its result, what it was asked for, what it started
// and what it changed; and a line to talk to it.
import { type Component, type TuiMouseEvent, VStack } from "@earendil-works/pi-tui"
import type { SessionRow } from "../../../store/rows.ts"
import { readCaps } from "../../view/caps-input.ts"
import { type TaskFacts, taskFacts } from "../../view/task-facts.ts"
import { isLive, type TaskItem } from "../../view/task-item.ts"
import type { Card } from "../card.ts"
import type { Action, KeyContext } from "../keys/actions.ts"
import { clip, type Line } from "../line.ts"
import type { Pane, Stage } from "../pane.ts"
import { Rows } from "../rows.ts"
import { InspectorBody, type TabName } from "./inspector-body.ts"
import { inspectorFoot, type Mode } from "./inspector-foot.ts"
import { inspectorHead } from "./inspector-head.ts"
import { LineInput, Typing } from "./line-input.ts"
import { RequestCard, typeInto } from "./request-card.ts"
import { stageOf } from "./stage-of.ts"
import { type Acting, copyId, liveBelow, pauseOrResume, shortOf, stop, toForeground, unblock } from "./task-acts.ts"
import { otherTree, ownTree, type Tree } from "./tree.ts"

export interface InspectorOptions {
  /** The conversation that the task belongs to, when it is not the one on the stage. */
  session?: SessionRow
  tab?: TabName
}

/** What was typed to an agent and not sent stays until one comes back to it. */
const unsent = new WeakMap<Stage, Map<string, string>>()
/** What only time changes in the facts is read again after so long. */
const FACTS_MS = 1000

export function inspectorPane(stage: Stage, taskId: string, options: InspectorOptions = {}): Pane {
  return new InspectorPane(stage, taskId, options)
}

class InspectorPane implements Pane {
  readonly layout: Component
  readonly focus: Typing
  readonly #stage: Stage
  readonly #taskId: string
  readonly #tree: Tree
  readonly #body: InspectorBody
  readonly #input: LineInput | undefined
  #mode: Mode = { type: "plain" }
  #facts: { of: TaskItem; at: number; facts: TaskFacts | undefined } | undefined
  readonly #requestCard = new RequestCard()
  #headHeight = 0
  #footHeight = 0
  #cardHeight = 0

  constructor(stage: Stage, taskId: string, { session, tab }: InspectorOptions) {
    this.#stage = stage
    this.#taskId = taskId
    this.focus = new Typing((data) => this.#typed(data))
    this.#tree = session ? otherTree(stage, session, () => this.#redraw()) : ownTree(stage)
    const item = this.#item
    this.#body = new InspectorBody({
      stage,
      tree: this.#tree,
      item: () => this.#item,
      facts: () => this.#factsNow(),
      height: () => Math.max(1, stage.rows - this.#headHeight - this.#footHeight),
      answer: () => void this.#do("inspector.answer"),
      inspect: (id) => stage.open(inspectorPane(stage, id, session ? { session } : {})),
      tab,
    })
    if (item?.kind === "agent") {
      this.#input = new LineInput({ theme: () => stage.theme(), label: "›", placeholder: `talk to ${shortOf(item)}` })
      this.#input.text = unsent.get(stage)?.get(taskId) ?? ""
    }
    const fixed = (component: Component) => ({ component, basis: "auto" as const, shrink: 0 })
    this.layout = new VStack([
      fixed(this.#measured(new Rows((width) => this.#head(width)), (height) => (this.#headHeight = height + 1))),
      fixed(this.#body.tabs),
      ...this.#body.components,
      fixed(this.#measured(new Rows((width) => this.#foot(width)), (height) => (this.#footHeight = height))),
    ])
  }

  get contexts(): readonly KeyContext[] {
    switch (this.#mode.type) {
      case "plain":
        return ["inspector", "list", "conversation"]
      case "confirm":
        return ["approvals", "inspector", "list"]
      case "caps":
      case "find":
        return ["list"]
      case "card":
        return this.#cardNow()?.contexts ?? ["inspector", "list"]
      default:
        return this.#mode satisfies never
    }
  }

  act(action: Action): boolean {
    switch (this.#mode.type) {
      case "plain":
        return this.#do(action)
      case "confirm":
        return this.#confirm(action)
      case "caps":
      case "find":
        return this.#entered(action, this.#mode)
      case "card":
        return this.#cardAct(action)
      default:
        return this.#mode satisfies never
    }
  }

  changed(): void {
    this.#body.changed()
  }

  ticked(): void {
    this.#body.ticked()
  }

  endMarker(): string {
    return this.#body.endMarker()
  }

  close(): void {
    const drafts = unsent.get(this.#stage) ?? new Map<string, string>()
    unsent.set(this.#stage, drafts)
    if (this.#input?.text) drafts.set(this.#taskId, this.#input.text)
    else drafts.delete(this.#taskId)
    this.#body.close()
    this.#tree.close()
  }

  get #item(): TaskItem | undefined {
    return this.#tree.view.board.get(this.#taskId)
  }

  #factsNow(): TaskFacts | undefined {
    const item = this.#item
    if (!item) return undefined
    const now = performance.now()
    if (this.#facts?.of !== item || now - this.#facts.at > FACTS_MS)
      this.#facts = { of: item, at: now, facts: taskFacts(this.#stage.program.store, item, this.#stage.now()) }
    return this.#facts.facts
  }

  #redraw(): void {
    this.#body.changed()
    this.#stage.requestRender()
  }

  #acting(): Acting {
    return { stage: this.#stage, control: (control) => this.#tree.control(control) }
  }

  #do(action: Action): boolean {
    const item = this.#item
    switch (action) {
      case "inspector.back":
      case "list.back":
        this.#stage.back()
        return true
      case "inspector.nextTab":
      case "inspector.previousTab":
        this.#body.tabs.turn(action === "inspector.nextTab" ? 1 : -1)
        return true
      case "inspector.answer":
        if (this.#cardNow()) this.#mode = { type: "card" }
        else this.#stage.say("It asks for nothing.")
        return true
      case "inspector.find":
      case "inspector.findEarlier":
      case "inspector.findLater":
        return this.#find(action)
      case "list.accept":
        return this.#accept()
      case "conversation.background":
        unblock(this.#stage)
        return true
      case "conversation.clear":
        // As in the conversation: first what is typed.
        if (this.#input?.text) this.#input.text = ""
        else this.#stage.back()
        return true
      default:
        return this.#scroll(action) || (item !== undefined && this.#doTo(item, action))
    }
  }

  #doTo(item: TaskItem, action: Action): boolean {
    switch (action) {
      case "inspector.stop": {
        const below = liveBelow(this.#tree.view.board.items, item)
        if (below.length === 0 || !isLive(item)) stop(this.#acting(), item)
        else this.#mode = { type: "confirm", below }
        return true
      }
      case "inspector.pause":
        pauseOrResume(this.#acting(), item)
        return true
      case "inspector.foreground":
        toForeground(this.#acting(), item, () => this.#body.toEnd())
        return true
      case "inspector.copy":
        this.#copy(item)
        return true
      case "inspector.copyId":
        copyId(this.#stage, item)
        return true
      case "inspector.cap":
        this.#openCaps(item)
        return true
      default:
        return false
    }
  }

  #scroll(action: Action): boolean {
    // In the line's text these keys are the text's.
    const isTyping = (this.#input?.text ?? "") !== ""
    switch (action) {
      case "inspector.pageUp":
      case "list.pageUp":
        this.#body.pageBy(-1)
        return true
      case "inspector.pageDown":
      case "list.pageDown":
        this.#body.pageBy(1)
        return true
      case "inspector.top":
        this.#body.toStart()
        return true
      case "inspector.bottom":
        this.#body.toEnd()
        return true
      case "list.up":
        this.#body.stepBy(-1)
        return true
      case "list.down":
        this.#body.stepBy(1)
        return true
      case "list.first":
      case "list.last":
        if (isTyping) return false
        if (action === "list.first") this.#body.toStart()
        else this.#body.toEnd()
        return true
      default:
        return false
    }
  }

  /** Enter: says what was typed, or opens what is chosen. */
  #accept(): boolean {
    const text = this.#input?.text.trim() ?? ""
    if (text === "" || !this.#input) {
      this.#body.accept()
      return true
    }
    this.#tree.control({ action: "message", taskId: this.#taskId, text })
    this.#input.text = ""
    this.#body.toEnd()
    const item = this.#item
    if (item && this.#tree.isDriven())
      this.#stage.say(isLive(item) ? "It hears that at its next step." : "It goes on with that.")
    return true
  }

  #find(action: Action): boolean {
    const output = this.#body.output
    if (!output) return false
    if (action === "inspector.findEarlier") output.findNext("earlier")
    else if (action === "inspector.findLater") output.findNext("later")
    else {
      const input = new LineInput({ theme: () => this.#stage.theme(), label: "/", placeholder: "find in the output" })
      input.text = output.query ?? ""
      this.#mode = { type: "find", input }
    }
    return true
  }

  #openCaps(item: TaskItem): void {
    if (item.kind !== "agent") {
      this.#stage.say("Only agents have caps.")
      return
    }
    const placeholder = "$2.50, 200k tokens, 40 steps, 30 min"
    const input = new LineInput({ theme: () => this.#stage.theme(), label: "at most", placeholder })
    this.#mode = { type: "caps", input }
  }

  #entered(action: Action, mode: Extract<Mode, { type: "caps" | "find" }>): boolean {
    if (action === "list.back") {
      this.#mode = { type: "plain" }
      if (mode.type === "find") this.#body.output?.find(undefined)
      return true
    }
    if (action !== "list.accept") return false
    if (mode.type === "find") {
      this.#mode = { type: "plain" }
      this.#body.output?.find(mode.input.text)
      return true
    }
    const read = readCaps(mode.input.text)
    if (read.type === "mistake") {
      this.#stage.say(read.message, "error")
      return true
    }
    this.#mode = { type: "plain" }
    this.#tree.control({ action: "raise", taskId: this.#taskId, caps: read.caps })
    return true
  }

  #confirm(action: Action): boolean {
    this.#mode = { type: "plain" }
    const item = this.#item
    if (action === "approvals.once" || action === "inspector.stop") {
      if (item) stop(this.#acting(), item)
      return true
    }
    if (action === "approvals.no" || action === "approvals.always" || action === "inspector.back") return true
    return this.#do(action)
  }

  #copy(item: TaskItem): void {
    const text = item.kind === "agent" ? (item.result ?? "") : (this.#factsNow()?.run.tail ?? "")
    if (text !== "") this.#stage.copy(text)
    const copied = item.kind === "agent" ? "Copied the result." : "Copied the end of the output."
    this.#stage.say(text === "" ? "There is nothing to copy yet." : copied)
  }

  #cardNow(): Card | undefined {
    const request = this.#tree.view.requests.find(({ taskId }) => taskId === this.#taskId)
    if (!request) return undefined
    const end = () => {
      this.#mode = { type: "plain" }
    }
    const stage = stageOf(this.#stage, this.#tree)
    // Letters are for the line below until somebody turns to the request.
    const asleep = () =>
      this.#mode.type === "card" ? undefined : `${stage.keys.hint("inspector.answer") ?? ""} or a click to answer`
    return this.#requestCard.of(request, () => ({ stage, turn: () => {}, done: end, back: end, asleep }))
  }

  #cardAct(action: Action): boolean {
    const card = this.#cardNow()
    if (card) return card.act(action)
    this.#mode = { type: "plain" }
    return this.#do(action)
  }

  #typed(data: string): void {
    const card = this.#mode.type === "card" ? this.#cardNow() : undefined
    if (card) typeInto(card, data)
    else if (this.#mode.type === "caps" || this.#mode.type === "find") this.#mode.input.handleInput(data)
    else {
      this.#mode = { type: "plain" }
      this.#input?.handleInput(data)
    }
    this.#stage.requestRender()
  }

  #measured(rows: Rows, seen: (height: number) => void): Component {
    return {
      render: (width) => {
        const lines = rows.render(width)
        seen(lines.length)
        return lines
      },
      handleMouse: (event) => this.#clicked(event, rows),
      invalidate: () => {},
    }
  }

  /** A click on the request's lines begins an answer. */
  #clicked(event: TuiMouseEvent, rows: Rows) {
    if (event.type === "click" && event.button === "left" && event.height === this.#footHeight) {
      const card = this.#cardNow()
      if (card && event.y < this.#cardHeight) {
        if (this.#mode.type === "card") card.clicked?.(event.y)
        else this.#mode = { type: "card" }
        return { handled: true }
      }
    }
    return rows.handleMouse(event)
  }

  #head(width: number): Line[] {
    const theme = this.#stage.theme()
    const item = this.#item
    if (!item) return [{ text: clip(` ${theme.error("This task was removed with its session.")}`, width) }]
    const session = this.#tree.isOwn ? undefined : this.#tree.name
    const heading = { item, facts: this.#factsNow(), isDriven: this.#body.isDriven(), session }
    return inspectorHead(heading, { width, theme, now: this.#stage.now() }).map((text) => ({ text }))
  }

  #foot(width: number): Line[] {
    const stage = this.#stage
    const item = this.#item
    const card = this.#cardNow()
    const { lines, cardHeight } = inspectorFoot(
      {
        mode: this.#mode,
        item,
        card,
        input: this.#input,
        flash: stage.flash,
        hasOutput: this.#body.output !== undefined,
        isSearching: this.#body.output?.query !== undefined,
        canForeground: item?.isBackground === true,
      },
      { width, rows: stage.rows, theme: stage.theme(), keys: stage.keys },
    )
    this.#cardHeight = cardHeight
    return lines
  }
}
