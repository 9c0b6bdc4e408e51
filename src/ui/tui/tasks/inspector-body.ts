// The middle of the inspector, tab by tab: the live transcript or the output, the result, what was asked for, the tasks
// below, the edits. Each is made when it is looked at first.
import type { Component, ScrollView, StackEntry } from "@earendil-works/pi-tui"
import { stripControl } from "../../../base/escape.ts"
import { plural } from "../../../base/text.ts"
import { readNew, spoolSize } from "../../../exec/spool.ts"
import { readGap } from "../../../exec/spool-gap.ts"
import { removedOutput } from "../../../task/output.ts"
import type { OutputSource } from "../../view/output-window.ts"
import { changesBelow, type TaskChange } from "../../view/task-changes.ts"
import type { TaskFacts } from "../../view/task-facts.ts"
import { isLive, type TaskItem } from "../../view/task-item.ts"
import { activityLines } from "../conversation/chrome.ts"
import { Highlighter } from "../conversation/highlight.ts"
import { markdownLines } from "../conversation/markdown.ts"
import { TranscriptPane } from "../conversation/transcript-pane.ts"
import { clip, type Line, type Target } from "../line.ts"
import type { Stage } from "../pane.ts"
import { keptRows, scrolled, textLines } from "./bodies.ts"
import { changeLines } from "./change-lines.ts"
import { OutputBody } from "./output-body.ts"
import { Tabs } from "./tabs.ts"
import { taskLineOf } from "./task-columns.ts"
import type { Tree } from "./tree.ts"

export type TabName = "transcript" | "output" | "result" | "asked" | "tasks" | "edits"

export interface InspectorBodyParts {
  stage: Stage
  tree: Tree
  item(): TaskItem | undefined
  facts(): TaskFacts | undefined
  /** Lines that it has. */
  height(): number
  inspect(id: string): void
  /** Turns to what it asks for. */
  answer(): void
  tab: TabName | undefined
}

/** Whether a process drives the tree is asked so often at most. */
const DRIVEN_MS = 1000
/** Earlier messages are read when so few lines are left above the view. */
const NEAR_TOP = 20
/** Lines that a page has in common with the one before. */
const OVERLAP = 2

export class InspectorBody {
  readonly tabs: Tabs<TabName>
  /** Of which one is visible. */
  readonly components: readonly StackEntry[]
  readonly output: OutputBody | undefined
  readonly #parts: InspectorBodyParts
  readonly #views: Partial<Record<TabName, ScrollView>>
  readonly #transcript: TranscriptPane | undefined
  readonly #sessionId: string | undefined
  #leftAt: number | undefined
  #driven: { is: boolean; at: number } | undefined
  #edits: { changes: readonly TaskChange[]; of: TaskItem | undefined } | undefined
  /** In the tab of tasks. */
  #chosen = 0

  constructor(parts: InspectorBodyParts) {
    this.#parts = parts
    const { stage } = parts
    const theme = () => stage.theme()
    const item = parts.item()
    const isAgent = item?.kind === "agent"
    const first: TabName = isAgent ? "transcript" : "output"
    this.#sessionId = item?.sessionId
    this.#transcript = this.#sessionId === undefined ? undefined : this.#openTranscript(this.#sessionId)
    this.output = isAgent || !item ? undefined : this.#openOutput(item)
    this.tabs = new Tabs({
      theme,
      tabs: () => this.#tabs(isAgent),
      open: parts.tab && (isAgent || parts.tab !== "edits") ? parts.tab : first,
      changed: () => stage.requestRender(),
    })
    const highlighter = new Highlighter(() => stage.requestRender())
    const result = (width: number): Line[] => {
      const text = parts.item()?.result
      if (text === undefined) return [{ text: `   ${theme().dim("There is no result yet.")}` }]
      return markdownLines(text, { width: width - 6, theme: theme(), highlighter }).map((line) => ({
        text: `   ${line}`,
      }))
    }
    const asked = (width: number) => textLines(stripControl(parts.facts()?.asked ?? "", { keepNewlines: true }), width)
    this.#views = {
      ...(this.#transcript && { transcript: scrolled(this.#transcript, theme, "end") }),
      result: scrolled(keptRows({ theme, state: () => parts.item()?.result, make: result }), theme),
      asked: scrolled(keptRows({ theme, state: () => parts.facts()?.asked, make: asked }), theme),
      tasks: scrolled(
        keptRows({ theme, state: () => ({}), make: (width) => this.#taskLines(width) }, this.#onTarget),
        theme,
      ),
      edits: scrolled(
        keptRows({ theme, state: () => this.#editsNow(), make: (width) => this.#editLines(width) }),
        theme,
      ),
    }
    const entry = (name: TabName, component: Component): StackEntry => {
      return { component, basis: 0, grow: 1, minSize: 1, visible: () => this.tabs.open === name }
    }
    this.components = [
      ...Object.entries(this.#views).map(([name, view]) => entry(name as TabName, view)),
      ...(this.output ? [entry("output", this.output)] : []),
    ]
  }

  changed(): void {
    this.#transcript?.requestsChanged()
    this.#loadEarlier()
  }

  ticked(): void {
    this.#transcript?.tick()
  }

  close(): void {
    this.output?.close()
    if (this.#sessionId !== undefined) this.#parts.tree.view.letGo(this.#sessionId)
  }

  /** Asking costs a look at a file. */
  isDriven(): boolean {
    const now = performance.now()
    if (!this.#driven || now - this.#driven.at > DRIVEN_MS) this.#driven = { is: this.#parts.tree.isDriven(), at: now }
    return this.#driven.is
  }

  endMarker(): string {
    const view = this.#views.transcript
    if (!view || !this.#transcript || view.isFollowingEnd) this.#leftAt = undefined
    else this.#leftAt ??= this.#transcript.height
    const news = this.#leftAt === undefined ? 0 : (this.#transcript?.height ?? 0) - this.#leftAt
    return this.#parts.stage.theme().inverse(news > 0 ? ` ↓ ${plural(news, "new line")} ` : " ↓ to the end ")
  }

  pageBy(pages: number): void {
    if (this.tabs.open === "output") this.output?.pageBy(pages)
    else {
      const view = this.#view
      view?.scrollBy(pages * Math.max(1, view.viewportHeight - OVERLAP))
    }
    this.#loadEarlier()
  }

  /** A line, or in the list of tasks the next one. */
  stepBy(step: 1 | -1): void {
    if (this.tabs.open === "output") this.output?.scrollBy(step)
    else if (this.tabs.open === "tasks") this.#choose(this.#chosen + step)
    else this.#view?.scrollBy(step)
  }

  toStart(): void {
    if (this.tabs.open === "output") this.output?.toStart()
    else if (this.tabs.open === "tasks") this.#choose(0)
    else this.#view?.scrollToStart()
    this.#loadEarlier()
  }

  toEnd(): void {
    if (this.tabs.open === "output") this.output?.toEnd()
    else if (this.tabs.open === "tasks") this.#choose(Number.MAX_SAFE_INTEGER)
    else this.#view?.scrollToEnd()
  }

  /** Opens what is chosen. */
  accept(): void {
    const chosen = this.tabs.open === "tasks" ? this.#below()[this.#chosen] : undefined
    if (chosen) this.#parts.inspect(chosen.id)
  }

  get #view(): ScrollView | undefined {
    return this.#views[this.tabs.open]
  }

  #tabs(isAgent: boolean) {
    const below = this.#below().length
    return [
      isAgent ? ({ name: "transcript", label: "transcript" } as const) : ({ name: "output", label: "output" } as const),
      // A command's result is its output.
      ...(isAgent ? [{ name: "result", label: "result" } as const] : []),
      { name: "asked", label: isAgent ? "prompt" : "command" } as const,
      ...(isAgent || below > 0 ? [{ name: "tasks", label: below > 0 ? `tasks ${below}` : "tasks" } as const] : []),
      ...(isAgent ? [{ name: "edits", label: "edits" } as const] : []),
    ]
  }

  #openTranscript(sessionId: string): TranscriptPane {
    const { stage, tree } = this.#parts
    return new TranscriptPane({
      transcript: tree.view.open(sessionId),
      theme: () => stage.theme(),
      now: () => stage.now(),
      isAsking: (callId) => tree.view.requests.some((request) => request.callId === callId),
      onTarget: this.#onTarget,
      opening: () => [],
      closing: (width) => this.#closing(sessionId, width),
      requestRender: () => stage.requestRender(),
    })
  }

  /** What it does at this moment; Ctrl+B and Esc are not about it, so they are not named. */
  #closing(sessionId: string, width: number): Line[] {
    const { stage, tree } = this.#parts
    const item = this.#parts.item()
    const activity = tree.view.activity(sessionId)
    if (!item || !isLive(item) || activity.type === "blocked") return []
    const theme = stage.theme()
    if (activity.type === "thinking" && item.state === "running") {
      const since = Math.floor(Math.max(0, stage.now() - activity.since) / 1000)
      return [{ text: "" }, { text: clip(`   ${theme.dim(`thinking · ${since} s`)}`, width) }]
    }
    if (activity.type !== "retrying" && activity.type !== "abandoned") return []
    return activityLines(activity, { width, theme, now: stage.now(), hint: () => "" })
  }

  #openOutput(item: TaskItem): OutputBody {
    const { stage } = this.#parts
    return new OutputBody({
      source: sourceOf(
        () => this.#parts.item() ?? item,
        () => this.#parts.facts(),
      ),
      theme: () => stage.theme(),
      height: () => this.#parts.height(),
      isLive: () => isLive(this.#parts.item() ?? item),
      requestRender: () => stage.requestRender(),
      say: (text, tone) => stage.say(text, tone),
      failed: (error) => {
        stage.program.log.error("reading a task's output failed", { error })
        stage.say(`The output can't be read: ${error instanceof Error ? error.message : error}`, "error")
      },
    })
  }

  readonly #onTarget = (target: Target): void => {
    if (target.type === "task") this.#parts.inspect(target.id)
    else if (target.type === "requests") this.#parts.answer()
  }

  /** All tasks that it started, and those that these did. */
  #below(): TaskItem[] {
    const item = this.#parts.item()
    if (!item) return []
    const { items } = this.#parts.tree.view.board
    // Each stands below the one that started it, so they follow it until one is not deeper.
    const at = items.indexOf(item)
    const end = items.findIndex((other, i) => i > at && other.depth <= item.depth)
    return at < 0 ? [] : items.slice(at + 1, end < 0 ? undefined : end)
  }

  #taskLines(width: number): Line[] {
    const { stage, item, tree } = this.#parts
    const theme = stage.theme()
    const below = this.#below()
    if (below.length === 0) return [{ text: `   ${theme.dim("It has started nothing.")}` }]
    const depth = (item()?.depth ?? 0) + 1
    const group = { rootId: "", name: "", isOwn: tree.isOwn, isDriven: this.isDriven(), items: below }
    return below.map((one, i) => {
      const row = { type: "task", item: { ...one, depth: one.depth - depth }, group } as const
      const drawing = { width, theme, now: stage.now(), idLength: 4, isChosen: i === this.#chosen }
      return { text: taskLineOf(row, drawing), target: { type: "task", id: one.id } }
    })
  }

  #choose(at: number): void {
    this.#chosen = Math.max(0, Math.min(at, this.#below().length - 1))
    const view = this.#views.tasks!
    if (this.#chosen < view.scrollTop) view.scrollTo(this.#chosen)
    else if (this.#chosen >= view.scrollTop + view.viewportHeight) view.scrollTo(this.#chosen - view.viewportHeight + 1)
  }

  /** Read again when the task has moved on. */
  #editsNow(): readonly TaskChange[] {
    const item = this.#parts.item()
    if (!this.#edits || this.#edits.of !== item) {
      const changes = item?.sessionId ? changesBelow(this.#parts.stage.program.store, item.sessionId) : []
      const isSame = this.#edits?.changes.length === changes.length
      this.#edits = { of: item, changes: isSame && this.#edits ? this.#edits.changes : changes }
    }
    return this.#edits.changes
  }

  #editLines(width: number): Line[] {
    const ownSession = this.#sessionId ?? ""
    const theme = this.#parts.stage.theme()
    const folder = this.#parts.facts()?.folder
    return changeLines(this.#editsNow(), { width, theme, ownSession, folder }).map((text) => ({ text }))
  }

  /** As in the conversation: what stands above the view is read before it is reached. */
  #loadEarlier(): void {
    const view = this.#views.transcript
    const transcript = this.#sessionId === undefined ? undefined : this.#parts.tree.view.open(this.#sessionId)
    if (!view || !this.#transcript || !transcript?.hasEarlier) return
    if (this.tabs.open !== "transcript" || view.isFollowingEnd || view.scrollTop > NEAR_TOP) return
    const before = this.#transcript.height
    transcript.loadEarlier()
    this.#transcript.render(this.#parts.stage.columns)
    view.updateLayout(this.#transcript.height, view.viewportHeight, this.#parts.stage.requestRender)
    view.scrollTo(view.scrollTop + this.#transcript.height - before, { disableFollow: true })
  }
}

/** The spool; when that is no longer kept, its end as the row has it. */
function sourceOf(item: () => TaskItem, facts: () => TaskFacts | undefined): OutputSource {
  const gone = (): string | undefined => {
    const run = facts()?.run
    const note = run && removedOutput(run)
    return note && run ? `${note}\n${run.tail}` : undefined
  }
  return {
    size: async () => {
      const left = gone()
      if (left !== undefined) return Buffer.byteLength(left)
      const { spool } = item()
      return spool ? spoolSize(spool) : 0
    },
    read: async (range) => {
      const left = gone()
      const { spool } = item()
      if (left === undefined) return spool ? readNew(spool, range) : { text: "", next: range.offset }
      const bytes = Buffer.from(left)
      return {
        text: bytes.subarray(range.offset, range.offset + range.length).toString(),
        next: Math.min(bytes.length, range.offset + range.length),
      }
    },
    gap: () => {
      const { spool } = item()
      return spool && gone() === undefined ? readGap(spool) : undefined
    },
  }
}
