// The tasks panel: all tasks of the conversation, or of every one, in rows that one walks through and acts on. What the
// chosen one asks for is shown in full below them.
import type { Component, TuiMouseEvent, TuiMouseEventResult } from "@earendil-works/pi-tui"
import type { Request } from "../../view/requests.ts"
import type { TaskItem } from "../../view/task-item.ts"
import { type TaskGroup, TaskList, type TaskRow } from "../../view/task-list.ts"
import type { Card } from "../card.ts"
import type { Action, KeyContext } from "../keys/actions.ts"
import { clip, type Line } from "../line.ts"
import type { Pane, Stage } from "../pane.ts"
import { panelHints } from "./foot-hints.ts"
import type { TabName } from "./inspector-body.ts"
import { inspectorPane } from "./inspector-pane.ts"
import { LineInput, Typing } from "./line-input.ts"
import { OtherSessions } from "./other-sessions.ts"
import { detailLines, groupLine, headLine, NOTHING } from "./panel-lines.ts"
import { fieldLines, RequestCard, typeInto } from "./request-card.ts"
import { stageOf } from "./stage-of.ts"
import {
  type Acting,
  copyId,
  liveBelow,
  pauseOrResume,
  stop,
  stopQuestion,
  toForeground,
  unblock,
} from "./task-acts.ts"
import { taskLineOf } from "./task-columns.ts"

/** Whether a process drives the tree is asked so often at most: it costs a look at a file. */
const DRIVEN_MS = 1000

type Mode =
  | { type: "list" }
  | { type: "filter"; input: LineInput; before: string }
  | { type: "confirm"; item: TaskItem; below: readonly TaskItem[] }
  /** All keys are the card's. */
  | { type: "card" }

export class TasksPane implements Pane, Component {
  readonly layout = this
  readonly focus = new Typing((data) => this.#typed(data))
  readonly #stage: Stage
  readonly #list = new TaskList()
  #mode: Mode = { type: "list" }
  readonly #requestCard = new RequestCard()
  #others: OtherSessions | undefined
  /** Where the chosen row was in the last frame, when it was seen. */
  #chosenLine: number | undefined
  /** What a click on each line of the last frame means. */
  #clicks: (() => void)[] = []

  constructor(stage: Stage) {
    this.#stage = stage
    this.#sync()
  }

  get contexts(): readonly KeyContext[] {
    const card = this.#cardNow()
    switch (this.#mode.type) {
      case "filter":
        return ["list"]
      case "confirm":
        return ["approvals", "tasks", "list"]
      case "card":
        return card?.contexts ?? ["list"]
      case "list":
        return this.#request()?.type === "permission"
          ? ["approvals", "tasks", "list", "conversation"]
          : ["tasks", "list", "conversation"]
      default:
        return this.#mode satisfies never
    }
  }

  act(action: Action): boolean {
    switch (this.#mode.type) {
      case "filter":
        return this.#filterAct(action, this.#mode)
      case "confirm":
        return this.#confirmAct(action, this.#mode)
      case "card":
        return this.#cardAct(action)
      case "list":
        return this.#walk(action) || this.#do(action)
      default:
        return this.#mode satisfies never
    }
  }

  changed(): void {}

  close(): void {
    this.#others?.close()
    this.#others = undefined
  }

  /** Shows this task as the chosen one. */
  choose(id: string): void {
    this.#sync()
    this.#list.choose(id)
  }

  render(width: number): string[] {
    this.#sync()
    const height = Math.max(6, this.#stage.rows)
    const theme = this.#stage.theme()
    const rule: Line = { text: theme.faint("─".repeat(width)) }
    const head = this.#head(width)
    const below = this.#below(width, Math.max(3, Math.floor(height / 2)))
    const room = Math.max(1, height - head.length - below.length - 2)
    const list = this.#rows(width, room)
    const lines = [...head, { line: rule }, ...list, { line: rule }, ...below]
    const chosen = this.#list.at - this.#list.window(room).from
    this.#chosenLine = chosen >= 0 && chosen < room ? head.length + 1 + chosen : undefined
    this.#clicks = lines.map(({ click }) => click ?? (() => {}))
    return lines.map(({ line }) => line.text)
  }

  handleMouse(event: TuiMouseEvent): TuiMouseEventResult | undefined {
    if (event.type === "wheel") {
      this.#list.scrollBy(event.wheelDelta ?? 0)
      return { handled: true }
    }
    if (event.button !== "left") return undefined
    // The second click of two would select a word; on the chosen row it is for us.
    if (event.type === "press") return event.y === this.#chosenLine ? { handled: true, render: false } : undefined
    if (event.type !== "click") return undefined
    this.#clicks[event.y]?.()
    return { handled: true }
  }

  invalidate(): void {}

  #sync(): void {
    const { session, board } = this.#stage.view
    const own: TaskGroup = {
      rootId: session.id,
      name: `${session.name ?? "new conversation"}  (this session)`,
      isOwn: true,
      isDriven: board.items.length === 0 || this.#isDriven(),
      items: board.items,
    }
    this.#list.show(this.#others ? [own, ...this.#others.groups] : [own], { withNames: this.#others !== undefined })
    if (this.#mode.type === "confirm") this.#recheck(this.#mode)
    if (this.#mode.type === "card" && !this.#cardNow()) this.#mode = { type: "list" }
  }

  #driven: { is: boolean; at: number } | undefined

  #isDriven(): boolean {
    const now = performance.now()
    if (!this.#driven || now - this.#driven.at > DRIVEN_MS)
      this.#driven = { is: this.#stage.viewer.isHosted(), at: now }
    return this.#driven.is
  }

  #request(): Request | undefined {
    const row = this.#list.chosen
    if (row?.item.look !== "asking") return undefined
    const requests = row.group.isOwn ? this.#stage.view.requests : (this.#others?.requests ?? [])
    return requests.find(({ taskId }) => taskId === row.item.id)
  }

  /** The chosen task's request as a card, the same as long as it is open. */
  #cardNow(): Card | undefined {
    const request = this.#request()
    const row = this.#list.chosen
    if (!request || !row) return undefined
    const end = () => {
      this.#mode = { type: "list" }
    }
    return this.#requestCard.of(request, () => ({
      stage: stageOf(this.#stage, { ...this.#acting(row), view: this.#stage.view, isOwn: row.group.isOwn }),
      turn: (step) => this.#list.moveBy(step),
      done: end,
      back: end,
      // Letters are the filter's while it is typed.
      asleep: () => (this.#mode.type === "filter" ? "↵ leaves the filter; then it can be answered" : undefined),
    }))
  }

  #acting({ group }: TaskRow): Acting {
    const stage = this.#stage
    if (group.isOwn) return { stage, control: (control) => stage.control(control) }
    return { stage, control: (control) => this.#others?.control(group, control) }
  }

  #cardAct(action: Action): boolean {
    const done = this.#cardNow()?.act(action) ?? false
    // A reason that is not given after all.
    if (this.#request()?.type === "permission" && !this.#cardNow()?.field) this.#mode = { type: "list" }
    return done
  }

  #walk(action: Action): boolean {
    if (action === "list.up") this.#list.moveBy(-1)
    else if (action === "list.down") this.#list.moveBy(1)
    else if (action === "list.pageUp") this.#list.pageBy(-1)
    else if (action === "list.pageDown") this.#list.pageBy(1)
    else if (action === "list.first") this.#list.first()
    else if (action === "list.last") this.#list.last()
    else return false
    return true
  }

  #do(action: Action): boolean {
    const card = this.#request() && this.#cardNow()
    if (card && action.startsWith("approvals.")) {
      const done = card.act(action)
      if (this.#cardNow()?.field) this.#mode = { type: "card" }
      return done
    }
    if (action === "tasks.filter") return this.#openFilter()
    if (action === "tasks.allSessions") return this.#toggleAll()
    if (action === "list.back" || action === "conversation.clear") return this.#back()
    // The key that has opened it closes it.
    if (action === "conversation.tasks") {
      this.#stage.back()
      return true
    }
    if (action === "conversation.background") {
      unblock(this.#stage)
      return true
    }
    const row = this.#list.chosen
    if (!action.startsWith("tasks.") && action !== "list.accept") return false
    if (row) this.#doTo(row, action)
    return true
  }

  #doTo(row: TaskRow, action: Action): void {
    const { item } = row
    const acting = this.#acting(row)
    switch (action) {
      case "tasks.inspect":
      case "list.accept":
        if (this.#request()?.type === "question") this.#mode = { type: "card" }
        else this.#inspect(row)
        break
      case "tasks.message":
        if (item.kind === "agent") this.#inspect(row, "transcript")
        else this.#stage.say("Only agents can be spoken to.")
        break
      case "tasks.diff":
        if (item.kind === "agent") this.#inspect(row, "edits")
        else this.#stage.say("What a command changes is not recorded: only agents' Write and Edit are.")
        break
      case "tasks.pause":
        pauseOrResume(acting, item)
        break
      case "tasks.foreground":
        toForeground(acting, item, () => this.#inspect(row))
        break
      case "tasks.stop": {
        const below = liveBelow(row.group.items, item)
        if (below.length === 0) stop(acting, item)
        else this.#mode = { type: "confirm", item, below }
        break
      }
      case "tasks.copy":
        copyId(this.#stage, item)
        break
      default:
    }
  }

  #inspect({ item, group }: TaskRow, tab?: TabName): void {
    const stage = this.#stage
    const options = tab ? { tab } : {}
    const session = group.isOwn ? undefined : this.#others?.session(group)
    if (group.isOwn) stage.open(inspectorPane(stage, item.id, options))
    else if (session) stage.open(inspectorPane(stage, item.id, { ...options, session }))
    else stage.say("That session was removed.", "error")
  }

  #openFilter(): boolean {
    const input = new LineInput({
      theme: () => this.#stage.theme(),
      label: "/",
      placeholder: "name, id or state",
      changed: (text) => {
        this.#list.filter = text
      },
    })
    input.text = this.#list.filter
    this.#mode = { type: "filter", input, before: this.#list.filter }
    return true
  }

  #filterAct(action: Action, { before }: Extract<Mode, { type: "filter" }>): boolean {
    if (action === "list.back") {
      // Once more out of it: first to what there was, then to all.
      this.#list.filter = this.#list.filter === before ? "" : before
      this.#mode = { type: "list" }
      return true
    }
    if (action === "list.accept") {
      this.#mode = { type: "list" }
      return true
    }
    // Home and End are the line's.
    return action !== "list.first" && action !== "list.last" && this.#walk(action)
  }

  #confirmAct(action: Action, { item }: Extract<Mode, { type: "confirm" }>): boolean {
    this.#mode = { type: "list" }
    const row = this.#list.chosen
    if ((action === "approvals.once" || action === "tasks.stop") && row?.item.id === item.id)
      stop(this.#acting(row), item)
    else if (action !== "approvals.no" && action !== "list.back") return this.act(action)
    return true
  }

  /** What was asked about may have ended meanwhile. */
  #recheck({ item }: Extract<Mode, { type: "confirm" }>): void {
    const row = this.#list.chosen
    const below = row?.item.id === item.id ? liveBelow(row.group.items, row.item) : []
    this.#mode = row && below.length > 0 ? { type: "confirm", item: row.item, below } : { type: "list" }
  }

  #back(): boolean {
    if (this.#list.filter !== "") this.#list.filter = ""
    else this.#stage.back()
    return true
  }

  #toggleAll(): boolean {
    this.#others?.close()
    this.#others = this.#others ? undefined : new OtherSessions(this.#stage)
    this.#sync()
    return true
  }

  #typed(data: string): void {
    if (this.#mode.type === "filter") this.#mode.input.handleInput(data)
    const card = this.#mode.type === "card" ? this.#cardNow() : undefined
    if (card) typeInto(card, data)
    this.#stage.requestRender()
  }

  #head(width: number): Clickable[] {
    const theme = this.#stage.theme()
    const { counts, filter } = this.#list
    const input = this.#mode.type === "filter" ? this.#mode.input : undefined
    const scope = this.#others ? "all sessions" : "this session"
    return [
      {
        line: {
          text: headLine({ counts, filter: input ? "" : filter, scope }, { width, theme, now: this.#stage.now() }),
        },
        click: () => void this.#toggleAll(),
      },
      ...(input ? [{ line: { text: input.line(width) } }] : []),
    ]
  }

  #rows(width: number, height: number): Clickable[] {
    const theme = this.#stage.theme()
    const { from, rows } = this.#list.window(height)
    const drawing = { width, theme, now: this.#stage.now(), idLength: this.#list.idLength }
    const lines = rows.map((row, i): Clickable => {
      if (row.type === "group") return { line: { text: groupLine(row, { width, theme }) } }
      const isChosen = from + i === this.#list.at
      return { line: { text: taskLineOf(row, { ...drawing, isChosen }) }, click: () => this.#clicked(row, isChosen) }
    })
    if (lines.length === 0)
      lines.push({
        line: { text: clip(`   ${theme.dim(NOTHING[this.#list.filter === "" ? "none" : "filtered"])}`, width) },
      })
    while (lines.length < height) lines.push({ line: { text: "" } })
    return lines
  }

  #clicked(row: TaskRow, isChosen: boolean): void {
    if (this.#mode.type !== "list") this.#mode = { type: "list" }
    if (isChosen) this.#inspect(row)
    else this.#list.choose(row.item.id)
  }

  #below(width: number, most: number): Clickable[] {
    const stage = this.#stage
    const theme = stage.theme()
    const row = this.#list.chosen
    const foot = { line: { text: clip(` ${stage.flash ?? theme.dim(this.#hints(width))}`, width) } }
    if (this.#mode.type === "confirm") {
      const { item, below } = this.#mode
      const names = below.map(({ title }) => title).join(", ")
      const text = ` ${theme.warn(stopQuestion(item, below))} ${theme.bold("y")} stop · ${theme.bold("n")} no  ${theme.dim(names)}`
      return [{ line: { text: clip(text, width) } }, foot]
    }
    const card = this.#cardNow()
    if (card) {
      // Its first line is a rule, which stands above already.
      const lines: Clickable[] = card
        .lines(width, most)
        .slice(1)
        .map((line) => ({ line }))
      lines.push(...fieldLines(card, width).map((text) => ({ line: { text } })))
      return [...lines, foot]
    }
    const details = row ? detailLines(row, { width, theme, now: stage.now() }) : [""]
    return [...details.map((text) => ({ line: { text } })), foot]
  }

  #hints(width: number): string {
    const { keys } = this.#stage
    return panelHints({ keys, mode: this.#mode.type, isFiltered: this.#list.filter !== "", width })
  }
}

interface Clickable {
  line: Line
  click?: () => void
}
