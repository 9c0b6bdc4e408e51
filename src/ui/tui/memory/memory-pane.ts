// /memory: what is remembered of the session, section by section, and how current that is. A section can be edited in the
// user's own editor; what is written there stays.

import { type Component, ScrollView, VStack, wrapTextWithAnsi } from "@earendil-works/pi-tui"
import { messageOf } from "../../../base/error.ts"
import { stripControl } from "../../../base/escape.ts"
import { duration, oneLine } from "../../../base/text.ts"
import { currencyOf, MADE_BY, type MemorySection, type MemoryView, memoryView } from "../../view/memory.ts"
import type { Edited } from "../editor/external-editor.ts"
import { hintOf } from "../hint.ts"
import type { Action } from "../keys/actions.ts"
import { clip, ends, type Line } from "../line.ts"
import type { Pane, Stage } from "../pane.ts"
import { Rows } from "../rows.ts"
import { actOnPage } from "../screens/reading.ts"
import { VersionsPane } from "./versions-pane.ts"

export interface MemoryPaneParts {
  stage: Stage
  /** Shows a text in the user's editor. */
  edit(text: string): Promise<Edited>
  openTask(id: string): void
}

/** Rows are read again no sooner: a session of a year takes some milliseconds. */
const READ_MS = 1000

export class MemoryPane implements Pane {
  readonly contexts = ["memory", "list", "conversation"] as const
  readonly layout: Component
  readonly focus = null
  readonly #parts: MemoryPaneParts
  readonly #scroll: ScrollView
  #view: MemoryView
  #readAt: number
  #again: ReturnType<typeof setTimeout> | undefined
  /** The section that is edited. */
  #at = 0
  /** The first row of each section, as they were drawn last. */
  #firstRows: readonly number[] = []
  #isEditing = false

  constructor(parts: MemoryPaneParts) {
    const { stage } = parts
    this.#parts = parts
    this.#view = this.#read()
    this.#readAt = performance.now()
    const body = new Rows(
      (width) => this.#lines(width),
      (target) => {
        if (target.type === "task") parts.openTask(target.id)
        if (target.type === "fold") this.#at = this.#view.sections.findIndex(({ name }) => name === target.id)
        stage.requestRender()
      },
    )
    this.#scroll = new ScrollView(body, { primary: true, scrollbar: "auto" })
    this.layout = new VStack([
      { component: new Rows((width) => this.#head(width)), basis: "auto", shrink: 0 },
      { component: this.#scroll, basis: 0, grow: 1, minSize: 1 },
      { component: new Rows((width) => this.#foot(width)), basis: "auto", shrink: 0 },
    ])
  }

  act(action: Action): boolean {
    const { stage } = this.#parts
    switch (action) {
      case "memory.next":
        this.#select(this.#at + 1)
        return true
      case "memory.previous":
        this.#select(this.#at - 1)
        return true
      case "memory.edit":
      case "list.accept":
        void this.#edit()
        return true
      case "memory.update":
        this.#update()
        return true
      case "memory.versions":
        stage.open(new VersionsPane(stage))
        return true
      default:
        return actOnPage(action, { scroll: this.#scroll, back: () => stage.back() })
    }
  }

  changed(): void {
    const early = this.#readAt + READ_MS - performance.now()
    if (early <= 0) {
      this.#readNow()
      return
    }
    this.#again ??= setTimeout(() => {
      this.#readNow()
      this.#parts.stage.requestRender()
    }, early)
  }

  close(): void {
    clearTimeout(this.#again)
  }

  #readNow(): void {
    clearTimeout(this.#again)
    this.#again = undefined
    this.#readAt = performance.now()
    this.#view = this.#read()
  }

  #read(): MemoryView {
    const { program, view } = this.#parts.stage
    return memoryView(program.store, view.session.id)
  }

  #select(at: number): void {
    const count = this.#view.sections.length
    this.#at = (at + count) % count
    const row = this.#firstRows[this.#at] ?? 0
    const top = this.#scroll.scrollTop
    const height = this.#scroll.viewportHeight
    if (row < top || row > top + height - 4) this.#scroll.scrollTo(Math.max(0, row - 1))
  }

  #update(): void {
    const { stage } = this.#parts
    this.#readNow()
    if (this.#view.behind === 0) {
      stage.say("There is nothing new to take in.")
      return
    }
    stage.control({ action: "memory" })
    stage.say("The memory takes in what is new.")
  }

  /** What was written meanwhile by others is kept beside what the user saves. */
  async #edit(): Promise<void> {
    const { stage, edit } = this.#parts
    if (this.#isEditing) return
    this.#readNow()
    const section = this.#view.sections[this.#at]
    if (!section) return
    if (section.kept === undefined) {
      stage.say(`"${section.title}" is read from what was done: there is nothing to edit.`)
      return
    }
    this.#isEditing = true
    try {
      const base = this.#view.version
      // As files are: each line has its end.
      const edited = await edit(section.lines.map(({ text }) => `${text}\n`).join(""))
      if (edited.type === "failed") return stage.say(edited.message, "error")
      const { program, view } = stage
      await program.memory.edit(view.session.id, { name: section.kept, base, text: edited.text })
      stage.poke()
      this.#readNow()
    } catch (error) {
      stage.say(messageOf(error), "error")
    } finally {
      this.#isEditing = false
      stage.requestRender()
    }
  }

  #head(width: number): Line[] {
    const { stage } = this.#parts
    const theme = stage.theme()
    const { version } = this.#view
    const age = version.version === 0 ? "" : ` · ${MADE_BY[version.madeBy]}, ${ago(stage.now() - version.at)}`
    return [
      { text: ` ${ends(theme.bold("Memory of this session"), `${theme.dim("esc back")} `, width - 1)}` },
      { text: clip(` ${theme.dim(`${currencyOf(this.#view)}${age}`)}`, width) },
      { text: theme.faint("─".repeat(width)) },
    ]
  }

  #foot(width: number): Line[] {
    const { stage } = this.#parts
    const theme = stage.theme()
    const hint = (action: Action, does: string) => `${hintOf(stage.keys, action)} ${does}`
    const hints = [
      hint("memory.next", "next section"),
      hint("memory.edit", "edit"),
      hint("memory.update", "update now"),
      hint("memory.versions", "versions"),
    ].join(" · ")
    return [{ text: theme.faint("─".repeat(width)) }, { text: clip(` ${stage.flash ?? theme.dim(hints)}`, width) }]
  }

  #lines(width: number): Line[] {
    const lines: Line[] = []
    const firstRows: number[] = []
    for (const [at, section] of this.#view.sections.entries()) {
      lines.push({ text: "" })
      firstRows.push(lines.length)
      lines.push(...this.#sectionLines(section, { width, isSelected: at === this.#at }))
    }
    this.#firstRows = firstRows
    return lines
  }

  #sectionLines(section: MemorySection, { width, isSelected }: { width: number; isSelected: boolean }): Line[] {
    const { stage } = this.#parts
    const theme = stage.theme()
    const target = { type: "fold", id: section.name } as const
    const source = section.kept === undefined ? theme.dim("  from what was done") : ""
    const title = isSelected ? theme.selected(theme.bold(`› ${section.title} `)) : theme.accent(`  ${section.title}`)
    const head = { text: clip(`${title}${source}`, width), target }
    if (section.lines.length === 0) return [head, { text: theme.dim("    nothing yet"), target }]
    const hasUsers = section.lines.some(({ isUsers }) => isUsers)
    const live = new Set(stage.view.board.items.filter(({ look }) => look === "running").map(({ id }) => id))
    const body = section.lines.flatMap(({ text, isUsers, taskId }): Line[] => {
      const mark = hasUsers ? (isUsers && text.trim() !== "" ? theme.warn("✎ ") : "  ") : ""
      const [, indent = ""] = /^(\s*(?:[-*] (?:\[.\] )?)?)/.exec(text) ?? []
      const paint = taskId !== undefined && live.has(taskId) ? theme.running : (plain: string) => plain
      const room = Math.max(10, width - 5 - indent.length - (hasUsers ? 2 : 0))
      const wrapped = wrapTextWithAnsi(stripControl(text.slice(indent.length)), room)
      return wrapped.map((line, i) => ({
        text: `    ${i === 0 ? mark : hasUsers ? "  " : ""}${paint(`${i === 0 ? indent : " ".repeat(indent.length)}${line}`)}`,
        target: taskId === undefined ? target : { type: "task", id: taskId },
      }))
    })
    return [head, ...body]
  }
}

function ago(ms: number): string {
  return ms < 60_000 ? "just now" : `${oneLine(duration(ms), 30)} ago`
}
