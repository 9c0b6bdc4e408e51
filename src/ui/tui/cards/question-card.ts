// A question of the model's: one of its options, several, or words of one's own. Questions that come together are
// answered one after the other, and told together.
import { matchesKey, wrapTextWithAnsi } from "@earendil-works/pi-tui"
import { stripControl } from "../../../base/escape.ts"
import { oneLine } from "../../../base/text.ts"
import type { Card } from "../card.ts"
import type { Action } from "../keys/actions.ts"
import { clip, ends, type Line } from "../line.ts"
import { Field } from "./field.ts"
import type { RequestCardParts } from "./permission-card.ts"

export class QuestionCard implements Card {
  readonly contexts = ["list"] as const
  readonly #parts: RequestCardParts
  readonly #answers: string[] = []
  readonly #chosen = new Set<number>()
  #at = 0
  #field: Field | undefined
  /** The first line of the options, as it was drawn last. */
  #first = 0

  constructor(parts: RequestCardParts) {
    this.#parts = parts
    if (this.#options.length === 0) this.#write()
  }

  get field(): Field | undefined {
    return this.#field
  }

  lines(width: number, rows: number): Line[] {
    const { stage, request, place } = this.#parts
    const theme = stage.theme()
    const { question, header, multiSelect } = this.#question
    const count = request.questions.length
    const which = count > 1 ? `question ${this.#answers.length + 1} of ${count}` : place
    const title = header ? `${oneLine(stripControl(header), 30)}` : "A question"
    const head = ` ${ends(`${theme.warn("▲")} ${theme.bold(title)}`, `${theme.dim(which)} `, width - 1)}`
    const asked = wrapTextWithAnsi(stripControl(question, { keepNewlines: true }), width - 4).slice(
      0,
      Math.max(2, rows - 8),
    )
    const options = this.#field ? [] : [...this.#options.map(({ label }) => label), "something else…"]
    this.#first = 2 + asked.length
    return [
      { text: theme.warn("─".repeat(width)) },
      { text: head },
      ...asked.map((text) => ({ text: `   ${text}` })),
      ...options.map((label, i) => ({ text: clip(this.#row(label, i), width) })),
      { text: clip(theme.dim(`   ${this.#hint(multiSelect ?? false)}`), width) },
    ]
  }

  act(action: Action): boolean {
    const { turn, back } = this.#parts
    const last = this.#options.length
    if (this.#field) {
      if (action === "list.accept") return false
      if (action === "list.back") {
        if (last > 0) this.#field = undefined
        else back()
        return true
      }
      return false
    }
    if (action === "list.up") this.#at = this.#at === 0 ? last : this.#at - 1
    else if (action === "list.down") this.#at = this.#at === last ? 0 : this.#at + 1
    else if (action === "list.accept") this.#accept()
    else if (action === "list.back") back()
    else if (action === "list.pageDown") turn(1)
    else if (action === "list.pageUp") turn(-1)
    else return false
    return true
  }

  typed(data: string): boolean {
    if (this.#field) return false
    const number = Number(data)
    if (data === " " && this.#question.multiSelect) this.#toggle(this.#at)
    else if (Number.isInteger(number) && number >= 1 && number <= this.#options.length + 1) {
      this.#at = number - 1
      if (this.#question.multiSelect && this.#at < this.#options.length) this.#toggle(this.#at)
      else this.#accept()
    } else if (matchesKey(data, "ctrl+c")) this.#parts.back()
    return true
  }

  clicked(line: number): void {
    const index = line - this.#first
    if (index < 0 || index > this.#options.length || this.#field) return
    this.#at = index
    if (this.#question.multiSelect && index < this.#options.length) this.#toggle(index)
    else this.#accept()
  }

  changed(): boolean {
    const { stage, request } = this.#parts
    return stage.view.requests.some(({ id }) => id === request.id)
  }

  get #question() {
    return this.#parts.request.questions[this.#answers.length]!
  }

  get #options() {
    return this.#question?.options ?? []
  }

  #row(label: string, index: number): string {
    const theme = this.#parts.stage.theme()
    const about = this.#options[index]?.description
    const mark = index === this.#at ? theme.accent("›") : " "
    const box =
      this.#question.multiSelect && index < this.#options.length ? (this.#chosen.has(index) ? "[x] " : "[ ] ") : ""
    const name = oneLine(stripControl(label), 100)
    const text = ` ${mark} ${theme.dim(`${index + 1}`)} ${box}${index === this.#at ? theme.bold(name) : name}`
    return about ? `${text}  ${theme.dim(oneLine(stripControl(about), 200))}` : text
  }

  #hint(isMultiple: boolean): string {
    if (this.#field) return "enter answers · esc back"
    return isMultiple ? "space chooses · enter answers · esc later" : "enter answers · esc later"
  }

  #toggle(index: number): void {
    if (index < this.#options.length && !this.#chosen.delete(index)) this.#chosen.add(index)
  }

  #accept(): void {
    if (this.#at === this.#options.length) {
      this.#write()
      return
    }
    const chosen =
      this.#question.multiSelect && this.#chosen.size > 0 ? [...this.#chosen].sort((a, b) => a - b) : [this.#at]
    this.#next(chosen.map((index) => this.#options[index]!.label).join(", "))
  }

  #write(): void {
    this.#field = new Field(this.#parts.stage.theme, "your answer:", (text) => {
      if (text !== "") this.#next(text)
    })
  }

  #next(answer: string): void {
    const { stage, request, done } = this.#parts
    this.#answers.push(answer)
    this.#field = undefined
    this.#chosen.clear()
    this.#at = 0
    if (this.#answers.length < request.questions.length) {
      if (this.#options.length === 0) this.#write()
      return
    }
    const [only] = this.#answers
    const text =
      this.#answers.length === 1
        ? only!
        : request.questions.map((one, i) => `${one.question}\n${this.#answers[i]}`).join("\n\n")
    stage.control({ action: "answer", approvalId: request.id, behavior: "allow", text })
    done()
  }
}
