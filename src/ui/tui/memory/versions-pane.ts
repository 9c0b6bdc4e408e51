// The versions of a session's memory: which there are, what each changed of the one before, and the way back to one.
import { type Component, ScrollView, VStack, wrapTextWithAnsi } from "@earendil-works/pi-tui"
import { messageOf } from "../../../base/error.ts"
import { stripControl } from "../../../base/escape.ts"
import { duration, plural } from "../../../base/text.ts"
import { memoryVersions, type Version } from "../../../session/memory/memory.ts"
import { changesOf, MADE_BY, type VersionChange } from "../../view/memory.ts"
import { hintOf } from "../hint.ts"
import type { Action } from "../keys/actions.ts"
import { clip, ends, type Line } from "../line.ts"
import type { Pane, Stage } from "../pane.ts"
import { Rows } from "../rows.ts"

export class VersionsPane implements Pane {
  readonly contexts = ["memory", "list", "conversation"] as const
  readonly layout: Component
  readonly focus = null
  readonly #stage: Stage
  readonly #changes: ScrollView
  #versions: readonly Version[] = []
  /** The number of the version that is looked at: it stays when a new one comes. */
  #chosen: number | undefined
  /** What each changed, once it was looked at. */
  readonly #known = new Map<number, readonly VersionChange[]>()

  constructor(stage: Stage) {
    this.#stage = stage
    this.changed()
    const list = new Rows(
      (width) => this.#list(width),
      (target) => {
        if (target.type !== "fold") return
        this.#choose(Number(target.id))
        stage.requestRender()
      },
    )
    this.#changes = new ScrollView(new Rows((width) => this.#changeLines(width)), { primary: true, scrollbar: "auto" })
    this.layout = new VStack([
      { component: new Rows((width) => this.#head(width)), basis: "auto", shrink: 0 },
      { component: list, basis: "auto", shrink: 0 },
      { component: new Rows((width) => [{ text: stage.theme().faint("─".repeat(width)) }]), basis: "auto", shrink: 0 },
      { component: this.#changes, basis: 0, grow: 1, minSize: 1 },
      { component: new Rows((width) => this.#foot(width)), basis: "auto", shrink: 0 },
    ])
  }

  act(action: Action): boolean {
    const page = Math.max(1, this.#changes.viewportHeight - 2)
    const at = this.#at()
    switch (action) {
      case "list.up":
        this.#chooseAt(at - 1)
        return true
      case "list.down":
        this.#chooseAt(at + 1)
        return true
      case "list.first":
        this.#chooseAt(0)
        return true
      case "list.last":
        this.#chooseAt(this.#versions.length - 1)
        return true
      case "list.pageUp":
        this.#changes.scrollBy(-page)
        return true
      case "list.pageDown":
        this.#changes.scrollBy(page)
        return true
      case "memory.restore":
        void this.#restore()
        return true
      case "memory.versions":
      case "list.back":
      case "conversation.clear":
        this.#stage.back()
        return true
      default:
        return action !== "conversation.find"
    }
  }

  changed(): void {
    const { program, view } = this.#stage
    this.#versions = memoryVersions(program.store, view.session.id)
    if (!this.#versions.some(({ version }) => version === this.#chosen)) this.#chosen = this.#versions[0]?.version
  }

  #at(): number {
    return Math.max(
      0,
      this.#versions.findIndex(({ version }) => version === this.#chosen),
    )
  }

  #chooseAt(at: number): void {
    const version = this.#versions[Math.max(0, Math.min(at, this.#versions.length - 1))]
    if (version) this.#choose(version.version)
  }

  #choose(version: number): void {
    if (version === this.#chosen) return
    this.#chosen = version
    this.#changes.scrollToStart()
  }

  async #restore(): Promise<void> {
    const { program, view } = this.#stage
    const chosen = this.#versions[this.#at()]
    if (!chosen) return
    if (chosen === this.#versions[0]) return this.#stage.say("That is the version in force.")
    try {
      await program.memory.restore(view.session.id, chosen.version)
      this.#stage.poke()
      this.#stage.say(`The memory is as it was in version ${chosen.version}. The others are still here.`)
      this.changed()
      this.#chooseAt(0)
    } catch (error) {
      this.#stage.say(messageOf(error), "error")
    }
    this.#stage.requestRender()
  }

  #head(width: number): Line[] {
    const theme = this.#stage.theme()
    return [
      { text: ` ${ends(theme.bold("Versions of the memory"), `${theme.dim("esc back")} `, width - 1)}` },
      { text: theme.faint("─".repeat(width)) },
    ]
  }

  /** A window around the chosen one. */
  #list(width: number): Line[] {
    const theme = this.#stage.theme()
    if (this.#versions.length === 0) return [{ text: theme.dim("   nothing was stored yet") }]
    const room = Math.max(3, Math.floor(this.#stage.rows / 3))
    const at = this.#at()
    const from = Math.max(0, Math.min(at - Math.floor(room / 2), this.#versions.length - room))
    return this.#versions.slice(from, from + room).map((version) => {
      const isChosen = version.version === this.#chosen
      const age = duration(Math.max(0, this.#stage.now() - version.at))
      const inForce = version === this.#versions[0] ? " · in force" : ""
      const text = `version ${version.version}  ${theme.dim(`${age} ago · ${MADE_BY[version.madeBy]} · up to message ${version.coversSeq}${inForce}`)}`
      return {
        text: clip(` ${isChosen ? theme.accent("›") : " "} ${isChosen ? theme.bold(text) : text}`, width),
        target: { type: "fold", id: String(version.version) },
      }
    })
  }

  #changeLines(width: number): Line[] {
    const theme = this.#stage.theme()
    const at = this.#at()
    const version = this.#versions[at]
    if (!version) return []
    const changes = this.#changesOf(version, this.#versions[at + 1])
    if (changes.length === 0) return [{ text: "" }, { text: theme.dim("   no line is another one than before") }]
    return changes.flatMap(({ section, lines }): Line[] => {
      const added = lines.filter(({ sign }) => sign === "+").length
      const count = theme.dim(`  ${plural(added, "line")} new, ${lines.length - added} gone`)
      const body = lines.flatMap(({ sign, text }) => {
        const paint = sign === "+" ? theme.added : theme.removed
        // Two dashes in a row would be hard to read.
        const said = stripControl(text).replace(/^(\s*)[-*] /, "$1")
        return wrapTextWithAnsi(said, Math.max(10, width - 8)).map((line, i) => ({
          text: `   ${paint(`${i === 0 ? sign : " "} ${line}`)}`,
        }))
      })
      return [{ text: "" }, { text: clip(` ${theme.accent(section)}${count}`, width) }, ...body]
    })
  }

  #changesOf(version: Version, before: Version | undefined): readonly VersionChange[] {
    const known = this.#known.get(version.version)
    if (known) return known
    const changes = changesOf(version, before)
    this.#known.set(version.version, changes)
    return changes
  }

  #foot(width: number): Line[] {
    const theme = this.#stage.theme()
    const { keys } = this.#stage
    const hints = `↑↓ versions · ${hintOf(keys, "list.pageDown")} scroll · ${hintOf(keys, "memory.restore")} restore`
    return [
      { text: theme.faint("─".repeat(width)) },
      { text: clip(` ${this.#stage.flash ?? theme.dim(hints)}`, width) },
    ]
  }
}
