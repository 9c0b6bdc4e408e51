// The prompt before the program is open: usable some milliseconds after the start, in the frame that the conversation
// will have. What is typed stays in the editor, which the conversation takes over. What is sent, and keys that only the
// conversation knows, are kept in their order and done then.
import { type Component, VStack } from "@earendil-works/pi-tui"
import { branchOf } from "../../base/branch.ts"
import type { Env } from "../../base/paths.ts"
import { footLine, headLines, queueLines, roomOn } from "./conversation/chrome.ts"
import type { Draft } from "./editor/draft.ts"
import { hintOf } from "./hint.ts"
import { type OwnKeys, ownKeys } from "./keys/own-keys.ts"
import type { Line } from "./line.ts"
import { type LatePrompt, latePrompt } from "./prompt.ts"
import { Rows } from "./rows.ts"
import { Surface } from "./surface.ts"
import { createTheme, type Theme, themeOf } from "./theme.ts"

export { Surface }

export interface EarlyParts {
  surface: Surface
  env: Env
  cwd: string
  /** A conversation begins, rather than goes on. */
  isNew: boolean
  /** Nobody waits for it any more. */
  leave(): void
}

export interface Sent {
  draft: Draft
  how: "send" | "queue"
}

/** After so long the foot says why nothing is answered yet. */
const SLOW_MS = 500

export class EarlyPrompt {
  readonly own: OwnKeys
  readonly prompt: LatePrompt
  readonly #parts: EarlyParts
  readonly #theme: Theme
  readonly #branch: string | undefined
  readonly #sent: Sent[] = []
  /** From the first key on that means something to the conversation. */
  readonly #held: string[] = []
  readonly #timer: ReturnType<typeof setTimeout>
  #isSlow = false
  #clears = 0

  constructor(parts: EarlyParts) {
    const { surface, env, cwd } = parts
    this.#parts = parts
    this.own = ownKeys(env)
    const { name, hasColour } = themeOf(env)
    this.#theme = createTheme(name, { hasColour })
    this.#branch = branchOf(cwd)
    this.prompt = latePrompt({ surface, keys: this.own.keys, env, cwd, theme: this.#theme })
    this.prompt.editor.onSubmit = (draft, how) => {
      this.#sent.push({ draft, how })
      surface.requestRender()
    }
    this.#timer = setTimeout(() => {
      this.#isSlow = true
      surface.requestRender()
    }, SLOW_MS)
  }

  /** Whether the user has begun to say something. */
  get isUsed(): boolean {
    return this.#sent.length > 0 || this.#held.length > 0 || !this.prompt.editor.isEmpty
  }

  /** Draws the first frame. */
  show(): void {
    const { surface } = this.#parts
    const theme = this.#theme
    surface.use({
      onInput: (data) => this.#onInput(data),
      endMarker: () => "",
      found: (text) => theme.found(text),
      foundHere: (text) => theme.foundHere(text),
    })
    surface.tui.setFocus(this.prompt.editor)
    surface.layout(this.#layout())
    surface.show()
    surface.renderNow()
  }

  /** Takes what was sent, and the keys that were held, each to be done in its order; they are no longer held. */
  take(): { sent: readonly Sent[]; held: readonly string[] } {
    clearTimeout(this.#timer)
    return { sent: this.#sent.splice(0), held: this.#held.splice(0) }
  }

  #onInput(data: string): boolean {
    // Reports of the mouse, and answers of the terminal.
    if (/^\x1b(?:\[<|\]|P|_)/.test(data)) return false
    const action = this.own.keys.match("conversation", data)
    if (this.#held.length === 0 && action === undefined) return false
    this.#held.push(data)
    // Opening may take long, where another program has the database locked: one must be able to get out.
    if (action === "conversation.leave" || (action === "conversation.clear" && ++this.#clears > 1)) this.#parts.leave()
    return true
  }

  /** As ConversationPane has it. */
  #layout(): Component {
    const theme = this.#theme
    const room = () => roomOn(this.#parts.surface.rows)
    const fixed = (make: (width: number) => Line[]) => ({
      component: new Rows(make),
      basis: "auto" as const,
      shrink: 0,
    })
    return new VStack([
      fixed((width) => (room().head ? headLines(this.#heading(), width, theme).map((text) => ({ text })) : [])),
      { component: new Rows(() => []), basis: 0, grow: 1, minSize: 1 },
      fixed((width) => [
        ...(room().rule ? [{ text: theme.faint("─".repeat(width)) }] : []),
        ...this.#waiting(width).slice(0, room().above),
      ]),
      { component: this.prompt.editor, basis: "auto", shrink: 1, minSize: 3 },
      fixed((width) => (room().foot ? [{ text: this.#foot(width) }] : [])),
    ])
  }

  #heading() {
    const { isNew, cwd } = this.#parts
    return {
      name: isNew ? "new conversation" : "",
      model: "",
      // Of one that goes on it is not known yet.
      cwd: isNew ? cwd : "",
      branch: isNew ? this.#branch : undefined,
      totals: { tokens: 0, costNanos: 0, isEstimated: false },
      isViewer: false,
    }
  }

  #waiting(width: number): Line[] {
    const queue = this.#sent.map(({ draft: { text, images }, how }, i) => ({
      id: String(i),
      text,
      images: images.length,
      delivery: how === "queue" ? ("queue" as const) : ("steer" as const),
    }))
    return queueLines(queue, { width, theme: this.#theme, hint: "" }).map((text) => ({ text }))
  }

  #foot(width: number): string {
    const flash = this.#isSlow ? "opening …" : undefined
    const hints = [`${hintOf(this.own.keys, "conversation.help")} keys`]
    return footLine({ mode: "default", hints, flash }, width, this.#theme)
  }
}
