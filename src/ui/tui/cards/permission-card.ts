// A request for permission: exactly what would happen, where, and by which rule it would be allowed for good.
import { visibleWidth, wrapTextWithAnsi } from "@earendil-works/pi-tui"
import { visible } from "../../../base/escape.ts"
import { displayPath } from "../../../base/paths.ts"
import { oneLine } from "../../../base/text.ts"
import type { Request } from "../../view/requests.ts"
import type { Card } from "../card.ts"
import { diffText } from "../conversation/diff-lines.ts"
import type { Action } from "../keys/actions.ts"
import { clip, ends, type Line } from "../line.ts"
import type { Stage } from "../pane.ts"
import type { Theme } from "../theme.ts"
import { Field } from "./field.ts"

export interface RequestCardParts {
  stage: Stage
  request: Request
  /** "2 of 3", when there are several. */
  place: string
  /** To the next request, or back. */
  turn(step: 1 | -1): void
  /** It is answered. */
  done(): void
  /** Back to the prompt, with nothing answered. */
  back(): void
  /** While the keys are not the card's: what is said in their place. */
  asleep?(): string | undefined
}

export class PermissionCard implements Card {
  readonly #parts: RequestCardParts
  #field: Field | undefined

  constructor(parts: RequestCardParts) {
    this.#parts = parts
  }

  get contexts() {
    // While a reason is typed, letters are letters.
    return this.#field ? (["list"] as const) : (["approvals", "list"] as const)
  }

  get field(): Field | undefined {
    return this.#field
  }

  lines(width: number, rows: number): Line[] {
    const { stage, request, place } = this.#parts
    const theme = stage.theme()
    const who = request.taskId ? `${request.agent} ${request.taskId.slice(0, 4)}` : "This conversation"
    const head = ` ${ends(`${theme.warn("▲")} ${theme.bold(`${who} wants ${request.tool}`)}`, `${theme.dim(place)} `, width - 1)}`
    const room = Math.max(2, rows - 7)
    const all = what(request, { width: width - 4, theme })
    const shown =
      all.length > room ? [...all.slice(0, room - 1), theme.dim(`… ${all.length - room + 1} more lines`)] : all
    return [
      { text: theme.warn("─".repeat(width)) },
      { text: head },
      ...shown.map((text) => ({ text: clip(`   ${text}`, width) })),
      { text: clip(theme.dim(`   in ${displayPath(request.cwd)}`), width) },
      ...this.#keys(theme, width - 4).map((text) => ({ text: clip(`   ${text}`, width) })),
    ]
  }

  act(action: Action): boolean {
    const { stage, request, turn, back } = this.#parts
    switch (action) {
      case "approvals.once":
        this.#answer({ behavior: "allow" })
        return true
      case "approvals.always":
        if (request.rule === undefined) stage.say("There is no rule for this: it can be allowed once.")
        else this.#answer({ behavior: "allow", always: true })
        return true
      case "approvals.no":
        this.#field = new Field(stage.theme, "no, because", (text) =>
          this.#answer({ behavior: "deny", ...(text !== "" && { text }) }),
        )
        return true
      case "list.up":
        turn(-1)
        return true
      case "list.down":
        turn(1)
        return true
      case "list.back":
        if (this.#field) this.#field = undefined
        else back()
        return true
      case "list.accept":
        // Enter alone says nothing: what is not read must not be allowed by a key that one presses anyway.
        return this.#field === undefined
      default:
        return false
    }
  }

  changed(): boolean {
    const { stage, request } = this.#parts
    return stage.view.requests.some(({ id }) => id === request.id)
  }

  #answer(answer: { behavior: "allow" | "deny"; text?: string; always?: true }): void {
    const { stage, request, done } = this.#parts
    stage.control({ action: "answer", approvalId: request.id, ...answer })
    done()
  }

  /** In one line, or, with a long rule, one for each answer. */
  #keys(theme: Theme, width: number): string[] {
    if (this.#field) return [theme.dim("enter says no · esc back")]
    const asleep = this.#parts.asleep?.()
    if (asleep !== undefined) return [theme.warn(asleep)]
    const { request, stage } = this.#parts
    const key = (action: Action) => theme.accent(stage.keys.hint(action) ?? "")
    const answers = [
      `${key("approvals.once")} once`,
      ...(request.rule ? [`${key("approvals.always")} always: ${oneLine(request.rule, 300)}`] : []),
      `${key("approvals.no")} no, with a reason`,
      theme.dim("esc later"),
    ]
    const line = answers.join(theme.dim(" · "))
    return visibleWidth(line) <= width ? [line] : answers
  }
}

/** The exact command, the change, or the input as it is. */
function what({ input }: Request, { width, theme }: { width: number; theme: Theme }): string[] {
  const fields = (typeof input === "object" && input !== null ? input : {}) as Record<string, unknown>
  // What would not be seen is shown: a request is no place to hide something in.
  const text = (value: unknown) =>
    (typeof value === "string" ? value : JSON.stringify(value))
      .split("\n")
      .map((line) => visible(line.replaceAll("\t", "  ")))
      .join("\n")
  const wrapped = (value: string) => value.split("\n").flatMap((line) => wrapTextWithAnsi(line, width))
  if (typeof fields.command === "string") return wrapped(text(fields.command)).map(theme.bold)
  const path = typeof fields.file_path === "string" ? [theme.bold(text(fields.file_path))] : []
  if (typeof fields.old_string === "string" && typeof fields.new_string === "string")
    return [...path, ...change(fields.old_string, fields.new_string, { width, theme })]
  if (typeof fields.content === "string") return [...path, ...change("", fields.content, { width, theme })]
  const rest = Object.entries(fields).filter(([name]) => name !== "file_path")
  return [...path, ...rest.flatMap(([name, value]) => wrapped(`${name}: ${text(value)}`))]
}

function change(before: string, after: string, { width, theme }: { width: number; theme: Theme }): string[] {
  const made = { path: "", line: 1, before, after, added: 0, removed: 0, cut: false }
  return diffText(made, { width, theme, most: 200 })
}
