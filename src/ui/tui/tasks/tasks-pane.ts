// The tasks panel: all tasks of the conversation, or of every one, in rows that one walks through and acts on. What the
// chosen one asks for is shown in full below them.
import type { Component, TuiMouseEvent, TuiMouseEventResult } from "@earendil-works/pi-tui"
import type { SessionRow } from "../../../store/rows.ts"
import { AllTasks } from "../../view/all-tasks.ts"
import type { Request } from "../../view/requests.ts"
import type { TaskItem } from "../../view/task-item.ts"
import { type TaskGroup, TaskList, type TaskRow } from "../../view/task-list.ts"
import type { Card } from "../card.ts"
import { PermissionCard } from "../cards/permission-card.ts"
import { QuestionCard } from "../cards/question-card.ts"
import type { Action, KeyContext } from "../keys/actions.ts"
import { clip, type Line } from "../line.ts"
import type { Pane, Stage } from "../pane.ts"
import { diffPane } from "./diff-pane.ts"
import { inspectorPane } from "./inspector-pane.ts"
import { LineInput, Typing } from "./line-input.ts"
import { detailLines, footHints, groupLine, headLine, NOTHING } from "./panel-lines.ts"
import { stageOf } from "./stage-of.ts"
import { type Acting, copyId, liveBelow, pauseOrResume, stop, stopQuestion, toForeground } from "./task-acts.ts"
import { taskLineOf } from "./task-columns.ts"

/** Rows of other conversations are read again after so long, when something was written. */
const LOOK_MS = 1000

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
  /** Of the chosen task's request. */
  #card: { requestId: string; card: Card } | undefined
  #others: { all: AllTasks; groups: readonly TaskGroup[]; version: number | undefined; timer: NodeJS.Timeout } | undefined
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
        return this.#request()?.type === "permission" ? ["approvals", "tasks", "list"] : ["tasks", "list"]
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
        return this.#cardNow()?.act(action) ?? false
      case "list":
        return this.#walk(action) || this.#do(action)
      default:
        return this.#mode satisfies never
    }
  }

  changed(): void {}

  close(): void {
    clearInterval(this.#others?.timer)
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
    this.#clicks = lines.map(({ click }) => click ?? (() => {}))
    return lines.map(({ line }) => line.text)
  }

  handleMouse(event: TuiMouseEvent): TuiMouseEventResult | undefined {
    if (event.type === "wheel") {
      this.#list.scrollBy(event.wheelDelta ?? 0)
      return { handled: true }
    }
    if (event.type !== "click" || event.button !== "left") return undefined
    this.#clicks[event.y]?.()
    return { handled: true }
  }

  invalidate(): void {}

  #sync(): void {
    const { stage } = { stage: this.#stage }
    const { session, board } = stage.view
    const own: TaskGroup = {
      rootId: session.id,
      name: this.#others ? `${session.name ?? "this session"} (this session)` : (session.name ?? ""),
      isOwn: true,
      isDriven: board.items.length === 0 || this.#isDriven(),
      items: board.items,
    }
    this.#list.show(this.#others ? [own, ...this.#others.groups] : [own], { withNames: this.#others !== undefined })
    if (this.#mode.type === "confirm") this.#recheck(this.#mode)
    if (this.#mode.type === "card" && !this.#cardNow()) this.#mode = { type: "list" }
  }

  #driven: { is: boolean; at: number } | undefined

  /** Asking costs a look at a file: once a second is enough. */
  #isDriven(): boolean {
    const now = performance.now()
    if (!this.#driven || now - this.#driven.at > LOOK_MS) this.#driven = { is: this.#stage.viewer.isHosted(), at: now }
    return this.#driven.is
  }

  #request(): Request | undefined {
    const row = this.#list.chosen
    if (row?.item.look !== "asking") return undefined
    const requests = row.group.isOwn ? this.#stage.view.requests : (this.#others?.all.requests ?? [])
    return requests.find(({ taskId }) => taskId === row.item.id)
  }

  /** The chosen task's request as a card, the same as long as it is open. */
  #cardNow(): Card | undefined {
    const request = this.#request()
    const row = this.#list.chosen
    if (!request || !row) return undefined
    if (this.#card?.requestId === request.id) return this.#card.card
    const end = () => {
      this.#mode = { type: "list" }
      this.#card = undefined
    }
    const parts = {
      stage: stageOf(this.#stage, { ...this.#acting(row), view: this.#stage.view, isOwn: row.group.isOwn }),
      request,
      place: "",
      turn: (step: 1 | -1) => this.#list.moveBy(step),
      done: end,
      back: end,
    }
    const card = request.type === "question" ? new QuestionCard(parts) : new PermissionCard(parts)
    this.#card = { requestId: request.id, card }
    return card
  }

  #acting(row: TaskRow): Acting {
    const stage = this.#stage
    if (row.group.isOwn) return { stage, control: (control) => stage.control(control) }
    return {
      stage,
      control: (control) => {
        const session = this.#sessionOf(row)
        if (!session) return stage.say("That session was removed.", "error")
        stage.program
          .view(session)
          .control(control)
          .catch((error: unknown) => {
            stage.program.log.error("a control could not be stored", { error, session: session.id })
            stage.say(`That could not be stored: ${error instanceof Error ? error.message : error}`, "error")
          })
        if (!row.group.isDriven)
          stage.say("Nobody drives that session: it is done as soon as somebody opens it.", "error")
      },
    }
  }

  #sessionOf({ group }: TaskRow): SessionRow | undefined {
    return this.#stage.program.store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id: group.rootId })
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
    if (action === "list.back") return this.#back()
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
        return
      case "tasks.message":
        if (item.kind === "agent") return this.#inspect(row)
        return this.#stage.say("Only agents can be spoken to.")
      case "tasks.pause":
        return pauseOrResume(acting, item)
      case "tasks.foreground":
        if (row.group.isOwn) return toForeground(acting, item)
        return this.#stage.say("It belongs to another session: it can come to the foreground only there.")
      case "tasks.stop": {
        const below = liveBelow(row.group.items, item)
        if (below.length === 0) return stop(acting, item)
        this.#mode = { type: "confirm", item, below }
        return
      }
      case "tasks.copy":
        return copyId(this.#stage, item)
      case "tasks.diff":
        if (item.sessionId) return this.#stage.open(diffPane(this.#stage, item))
        return this.#stage.say("What a command changes is not recorded: only agents' Write and Edit are.")
      default:
        return
    }
  }

  #inspect({ item, group }: TaskRow): void {
    const { stage } = { stage: this.#stage }
    if (group.isOwn) return stage.open(inspectorPane(stage, item.id))
    const session = stage.program.store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id: group.rootId })
    if (session) stage.open(inspectorPane(stage, item.id, { session }))
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
    if ((action === "approvals.once" || action === "tasks.stop") && row?.item.id === item.id) stop(this.#acting(row), item)
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
    if (this.#others) {
      clearInterval(this.#others.timer)
      this.#others = undefined
    } else {
      const { program, view } = this.#stage
      const all = new AllTasks({
        reader: program.store,
        except: view.session.id,
        isDriven: (rootId) => this.#isHosted(rootId),
        now: () => this.#stage.now(),
      })
      const timer = setInterval(() => this.#lookAtOthers(), LOOK_MS)
      this.#others = { all, groups: all.look(), version: this.#dataVersion(), timer }
    }
    this.#sync()
    return true
  }

  #lookAtOthers(): void {
    if (!this.#others) return
    const version = this.#dataVersion()
    const live = this.#others.groups.some(({ items }) => items.some(({ endedAt }) => endedAt === undefined))
    // Live ones are looked at in any case: that a process has died is written nowhere.
    if (version === this.#others.version && !live) return
    this.#others.version = version
    this.#others.groups = this.#others.all.look()
    this.#stage.requestRender()
  }

  #dataVersion(): number | undefined {
    return this.#stage.program.store.one<{ data_version: number }>("PRAGMA data_version")?.data_version
  }

  #isHosted(rootId: string): boolean {
    const row = this.#stage.program.store.one<SessionRow>("SELECT * FROM session WHERE id = :rootId", { rootId })
    return row !== undefined && this.#stage.program.view(row).isHosted()
  }

  #typed(data: string): void {
    if (this.#mode.type === "filter") this.#mode.input.handleInput(data)
    if (this.#mode.type === "card") {
      const card = this.#cardNow()
      if (!card?.typed?.(data)) card?.field?.handleInput?.(data)
    }
    this.#stage.requestRender()
  }

  #head(width: number): Clickable[] {
    const theme = this.#stage.theme()
    const { counts, filter } = this.#list
    const input = this.#mode.type === "filter" ? this.#mode.input : undefined
    const scope = this.#others ? "all sessions" : "this session"
    return [
      {
        line: { text: headLine({ counts, filter: input ? "" : filter, scope }, { width, theme, now: this.#stage.now() }) },
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
      lines.push({ line: { text: clip(`   ${theme.dim(NOTHING[this.#list.filter === "" ? "none" : "filtered"])}`, width) } })
    while (lines.length < height) lines.push({ line: { text: "" } })
    return lines
  }

  #clicked(row: TaskRow, isChosen: boolean): void {
    if (this.#mode.type !== "list") this.#mode = { type: "list" }
    if (isChosen) return this.#inspect(row)
    this.#list.choose(row.item.id)
  }

  #below(width: number, most: number): Clickable[] {
    const stage = this.#stage
    const theme = stage.theme()
    const row = this.#list.chosen
    const foot = { line: { text: clip(` ${stage.flash ?? theme.dim(this.#hints(width))}`, width) } }
    if (this.#mode.type === "confirm") {
      const { item, below } = this.#mode
      const names = below.map(({ agent, title }) => agent ?? title).join(", ")
      const text = ` ${theme.warn(stopQuestion(item, below))} ${theme.bold("y")} stop · ${theme.bold("n")} no  ${theme.dim(names)}`
      return [{ line: { text: clip(text, width) } }, foot]
    }
    const card = this.#cardNow()
    if (card) {
      // Its first line is a rule, which stands above already.
      const lines: Clickable[] = card.lines(width, most).slice(1).map((line) => ({ line }))
      if (card.field) {
        card.field.focused = true
        lines.push(...card.field.render(width).map((text) => ({ line: { text } })))
      }
      return [...lines, foot]
    }
    const details = row ? detailLines(row, { width, theme, now: stage.now() }) : [""]
    return [...details.map((text) => ({ line: { text } })), foot]
  }

  #hints(width: number): string {
    const { keys } = this.#stage
    const key = (action: Action) => keys.hint(action) ?? ""
    return footHints({ key, mode: this.#mode.type, filtered: this.#list.filter !== "", width })
  }
}

interface Clickable {
  line: Line
  click?: () => void
}
