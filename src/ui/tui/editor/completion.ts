// Completions while one types: which are offered, which is chosen, and what comes of accepting it. Sources answer at
// once or later; an answer that comes when the text has moved on is dropped.
import { inserted, removed, type Text } from "./text.ts"

export interface CompletionItem {
  /** What is put in place of what was typed. */
  insert: string
  label: string
  /** After the label, such as the arguments of a command. */
  hint?: string
  detail?: string
  /** Whether Enter on it sends at once. */
  sends: boolean
}

export interface Offer {
  /** Column of the cursor's line where what was typed begins. */
  from: number
  items: readonly CompletionItem[]
}

export interface CompletionSource {
  /** Undefined: there is nothing to complete here. A promise never rejects, except by the signal's reason. */
  offer(text: Text, signal: AbortSignal): Promise<Offer> | Offer | undefined
}

export interface OpenCompletion {
  readonly offer: Offer
  /** Index of the chosen one. */
  readonly selected: number
}

export class Completer {
  readonly #sources: readonly CompletionSource[]
  readonly #changed: () => void
  #open: OpenCompletion | undefined
  #asking: AbortController | undefined
  /** Where the person has closed a completion: it stays closed for that word. */
  #closedAt: string | undefined
  #whenReady: (() => void) | undefined

  /** `changed`: an answer came later, so the screen has to be drawn. */
  constructor(sources: readonly CompletionSource[], changed: () => void) {
    this.#sources = sources
    this.#changed = changed
  }

  get open(): OpenCompletion | undefined {
    return this.#open
  }

  /** Something is offered, or is being looked for. */
  get isActive(): boolean {
    return this.#open !== undefined || this.#asking !== undefined
  }

  /** To be called after each edit. */
  update(text: Text): void {
    this.#asking?.abort(STALE)
    this.#asking = undefined
    this.#whenReady = undefined
    for (const source of this.#sources) {
      const asking = new AbortController()
      const answer = source.offer(text, asking.signal)
      if (!answer) continue
      if (!(answer instanceof Promise)) {
        this.#show(text, answer)
        return
      }
      this.#asking = asking
      void answer.then(
        (offer) => asking === this.#asking && this.#answered(text, offer),
        () => asking === this.#asking && this.#answered(text, { from: 0, items: [] }),
      )
      return
    }
    this.#open = undefined
    this.#closedAt = undefined
  }

  /** Calls back when what is being looked for is there; at once when nothing is. */
  whenReady(then: () => void): void {
    if (this.#asking) this.#whenReady = then
    else then()
  }

  select(step: number): void {
    if (!this.#open) return
    const { offer, selected } = this.#open
    const count = offer.items.length
    this.#open = { offer, selected: (selected + step + count) % count }
  }

  selectAt(index: number): void {
    if (this.#open?.offer.items[index]) this.#open = { offer: this.#open.offer, selected: index }
  }

  /** The text with the chosen item in it, and whether to send it. */
  accept(text: Text): { text: Text; item: CompletionItem } | undefined {
    const item = this.#open?.offer.items[this.#open.selected]
    if (!this.#open || !item) return undefined
    const { from } = this.#open.offer
    this.close()
    return { text: inserted(removed(text, { line: text.line, col: from }), item.insert), item }
  }

  /** Whether the chosen item stands there already. */
  isTyped({ lines, line, col }: Text): boolean {
    const item = this.#open?.offer.items[this.#open.selected]
    return item !== undefined && item.insert.trimEnd() === lines[line]!.slice(this.#open!.offer.from, col)
  }

  /** Closes it for this word. False when there was nothing to close. */
  dismiss(text: Text): boolean {
    if (!this.isActive) return false
    this.#closedAt = this.#open ? place(text, this.#open.offer.from) : undefined
    this.close()
    return true
  }

  /** For another text, in which nothing has been closed. */
  reset(): void {
    this.close()
    this.#closedAt = undefined
  }

  close(): void {
    this.#asking?.abort(STALE)
    this.#asking = undefined
    this.#whenReady = undefined
    this.#open = undefined
  }

  #answered(text: Text, offer: Offer): void {
    this.#asking = undefined
    this.#show(text, offer)
    const then = this.#whenReady
    this.#whenReady = undefined
    then?.()
    this.#changed()
  }

  #show(text: Text, offer: Offer): void {
    const isClosed = this.#closedAt !== undefined && this.#closedAt === place(text, offer.from)
    if (!isClosed) this.#closedAt = undefined
    this.#open = offer.items.length > 0 && !isClosed ? { offer, selected: 0 } : undefined
  }
}

const STALE = new Error("The text has moved on.")

function place(text: Text, from: number): string {
  return `${text.line}:${from}`
}
