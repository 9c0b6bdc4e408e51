// What may happen without asking, and what may not: the mode, the rules with where each comes from, and whether the folder
// is trusted. What the person has said here before can be taken back with x.

import { type Component, type Focusable, ScrollView, VStack, wrapTextWithAnsi } from "@earendil-works/pi-tui"
import { visible } from "../../../base/escape.ts"
import { displayPath } from "../../../base/paths.ts"
import type { RuleInForce, Trust, TrustAnswer } from "../../../program.ts"
import { modeMeaning, modesInOrder, modeWord } from "../../view/modes.ts"
import type { Action } from "../keys/actions.ts"
import { clip, ends } from "../line.ts"
import type { Pane, Stage } from "../pane.ts"
import { Rows } from "../rows.ts"
import { actOnPage } from "./reading.ts"

export interface PermissionsParts {
  stage: Stage
  rules(): readonly RuleInForce[]
  trust(): Trust
  /** Takes a rule of "always" back. */
  drop(rule: RuleInForce): Promise<void>
  /** Undefined: the answer about the folder is forgotten. Holds from the next start on. */
  answerTrust(answer: TrustAnswer | undefined): Promise<void>
}

/** Below so many columns, what a mode means stands below its name. */
const NARROW = 60

type Row = { text: string; taken?: () => Promise<void> }

export class PermissionsPane implements Pane {
  readonly contexts = ["list", "conversation"] as const
  readonly layout: Component
  readonly focus: Component & Focusable
  readonly #parts: PermissionsParts
  readonly #scroll: ScrollView
  #rows: readonly Row[] = []
  #rules: readonly RuleInForce[]
  /** Of what can be taken back, the one that is selected. */
  #at = 0
  /** What was said about the folder here: it holds from the next start on. */
  #answered: string | undefined

  constructor(parts: PermissionsParts) {
    const { stage } = parts
    this.#parts = parts
    this.#rules = parts.rules()
    this.focus = {
      focused: false,
      handleInput: (data) => this.#typed(data),
      render: () => [],
      invalidate: () => undefined,
    }
    const body = {
      render: (width: number) => this.#lines(width),
      invalidate: () => undefined,
      handleMouse: (event: Parameters<NonNullable<Component["handleMouse"]>>[0]) => {
        const removable = this.#removable()
        const at = removable.indexOf(this.#rows[event.y]!)
        if (event.type !== "click" || event.button !== "left" || at < 0) return undefined
        this.#at = at
        stage.requestRender()
        return { handled: true }
      },
    }
    this.#scroll = new ScrollView(body, { primary: true, scrollbar: "auto" })
    const head = new Rows((width) => {
      const theme = stage.theme()
      return [
        { text: ` ${ends(theme.bold("Permissions"), `${theme.dim("esc back")} `, width - 1)}` },
        { text: theme.faint("─".repeat(width)) },
      ]
    })
    const foot = new Rows((width) => {
      const theme = stage.theme()
      const hint = this.#hasRemovable() ? "↑↓ select · x takes it back" : ""
      return [
        { text: theme.faint("─".repeat(width)) },
        { text: clip(` ${stage.flash ?? theme.dim(`${hint ? `${hint} · ` : ""}esc back`)}`, width) },
      ]
    })
    this.layout = new VStack([
      { component: head, basis: "auto", shrink: 0 },
      { component: this.#scroll, basis: 0, grow: 1, minSize: 1 },
      { component: foot, basis: "auto", shrink: 0 },
    ])
  }

  act(action: Action): boolean {
    const { stage } = this.#parts
    const count = this.#removable().length
    switch (action) {
      case "list.up":
      case "list.down": {
        const step = action === "list.up" ? -1 : 1
        if (count === 0) this.#scroll.scrollBy(step)
        else this.#select((this.#at + step + count) % count)
        return true
      }
      default:
        return actOnPage(action, { scroll: this.#scroll, back: () => stage.back() })
    }
  }

  changed(): void {
    this.#rules = this.#parts.rules()
  }

  #select(at: number): void {
    this.#at = at
    const row = this.#rows.indexOf(this.#removable()[at]!)
    const top = this.#scroll.scrollTop
    const height = this.#scroll.viewportHeight
    if (row < top || row >= top + height) this.#scroll.scrollTo(Math.max(0, row - Math.floor(height / 2)))
  }

  #typed(data: string): void {
    const { stage } = this.#parts
    if (data.toLowerCase() === "t" && this.#mayTrust()) {
      this.#parts
        .answerTrust("trusted")
        .then(() => {
          this.#answered = "trusted from the next start on"
        })
        .catch((error) => stage.say(error instanceof Error ? error.message : String(error), "error"))
        .finally(() => stage.requestRender())
      return
    }
    if (data.toLowerCase() !== "x") return
    const selected = this.#removable()[this.#at]
    if (!selected?.taken) {
      stage.say("There is nothing here to take back.")
      return
    }
    selected
      .taken()
      .then(() => this.changed())
      .catch((error) => stage.say(error instanceof Error ? error.message : String(error), "error"))
      .finally(() => stage.requestRender())
  }

  /** Known before the lines are drawn. */
  #hasRemovable(): boolean {
    const { state } = this.#parts.trust()
    const isAnswered = this.#answered === undefined && (state === "trusted" || state === "never")
    return isAnswered || this.#rules.some(({ source }) => source.type === "kept")
  }

  #mayTrust(): boolean {
    const { state, withheld } = this.#parts.trust()
    return state === "unknown" && withheld.length > 0 && this.#answered === undefined
  }

  #removable(): readonly Row[] {
    return this.#rows.filter(({ taken }) => taken)
  }

  #lines(width: number): string[] {
    const rows = this.#make(width)
    this.#rows = rows
    const removable = this.#removable()
    this.#at = Math.max(0, Math.min(this.#at, removable.length - 1))
    const theme = this.#parts.stage.theme()
    return rows.map((row) => {
      if (!row.taken) return row.text
      const isSelected = row === removable[this.#at]
      return clip(` ${isSelected ? theme.accent("›") : " "} ${isSelected ? theme.bold(row.text) : row.text}`, width)
    })
  }

  #make(width: number): Row[] {
    const { stage } = this.#parts
    const theme = stage.theme()
    const mode = stage.view.session.permission_mode
    const title = (text: string): Row[] => [{ text: "" }, { text: ` ${theme.bold(theme.accent(text))}` }]
    const wrapped = (text: string, indent: string): Row[] =>
      wrapTextWithAnsi(text, Math.max(10, width - indent.length - 1)).map((line) => ({ text: `${indent}${line}` }))
    const modes = modesInOrder.flatMap((one): Row[] => {
      const mark = one === mode ? theme.ok("✓") : " "
      const name = modeWord(one).padEnd(19)
      if (width < NARROW)
        return [
          { text: ` ${mark} ${one === mode ? theme.bold(modeWord(one)) : modeWord(one)}` },
          ...wrapped(theme.dim(modeMeaning(one)), "     "),
        ]
      const [first = "", ...rest] = wrapTextWithAnsi(modeMeaning(one), width - 26)
      return [
        { text: ` ${mark} ${one === mode ? theme.bold(name) : name} ${theme.dim(first)}` },
        ...rest.map((line) => ({ text: `${" ".repeat(23)}${theme.dim(line)}` })),
      ]
    })
    const of = (effect: RuleInForce["effect"]) =>
      this.#rules.filter((rule) => rule.effect === effect && rule.source.type !== "kept")
    const listed = (rules: readonly RuleInForce[]) =>
      rules.map((rule): Row => ({ text: clip(`   ${visible(rule.text)}  ${theme.dim(sourceOf(rule))}`, width) }))
    const section = (name: string, rules: readonly RuleInForce[]) =>
      rules.length > 0 ? [...title(name), ...listed(rules)] : []
    const kept = this.#rules.filter(({ source }) => source.type === "kept")
    return [
      ...title("Mode"),
      ...modes,
      ...section("Forbidden, in every mode", of("deny")),
      ...section("All that this agent may do with these tools", of("only")),
      ...section("Allowed", of("allow")),
      ...title("Always allowed in this project"),
      ...(kept.length > 0
        ? kept.map((rule): Row => {
            return { text: `${visible(rule.text)}  ${theme.dim(sourceOf(rule))}`, taken: () => this.#parts.drop(rule) }
          })
        : wrapped(theme.dim("nothing; “always” in the answer to a request adds its rule here"), "   ")),
      ...title("This folder"),
      ...this.#trustRows(wrapped),
    ]
  }

  #trustRows(wrapped: (text: string, indent: string) => Row[]): Row[] {
    const { stage, answerTrust, trust } = this.#parts
    const { state, withheld, folder } = trust()
    const theme = stage.theme()
    const shown = displayPath(folder)
    const forget = async () => {
      await answerTrust(undefined)
      this.#answered = "the next start asks; until then all stays as it is"
    }
    if (this.#answered !== undefined) return wrapped(`${shown}: ${this.#answered}`, "   ")
    switch (state) {
      case "trusted":
        return [
          { text: `${shown} is trusted  ${theme.dim("taking it back holds from the next start")}`, taken: forget },
        ]
      case "never":
        return [
          {
            text: `${shown} is not trusted, and not asked about  ${theme.dim("x: the next start asks")}`,
            taken: forget,
          },
          ...ignored(withheld, theme.dim, wrapped),
        ]
      case "once":
        return wrapped(`${shown} is trusted for this run (--trust)`, "   ")
      case "unknown":
        return [
          ...wrapped(
            withheld.length > 0
              ? `${shown} is not trusted: t trusts it, from the next start on; else that asks`
              : `${shown} holds nothing that trust would change`,
            "   ",
          ),
          ...ignored(withheld, theme.dim, wrapped),
        ]
    }
  }
}

function ignored(
  withheld: Trust["withheld"],
  dim: (text: string) => string,
  wrapped: (text: string, indent: string) => Row[],
): Row[] {
  return withheld.flatMap(({ file, key, detail }) => wrapped(dim(`ignored: ${key} in ${file}: ${detail}`), "     "))
}

function sourceOf({ source }: RuleInForce): string {
  switch (source.type) {
    case "settings":
      return source.file
    case "command-line":
      return "command line"
    case "agent":
      return `agent ${source.name}`
    case "kept":
      return source.rule.folder === undefined ? "" : `from ${displayPath(source.rule.folder)}`
    default:
      return source satisfies never
  }
}
