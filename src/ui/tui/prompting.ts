// What becomes of what is sent from the prompt: a command, a shell line, or words for the model. Until it is stored it
// is not gone: what can't be stored comes back into the editor.
import type { UserPart } from "../../model/message.ts"
import type { InboxRow } from "../../store/rows.ts"
import { type Command, parseCommand } from "./commands/command.ts"
import type { Draft } from "./editor/draft.ts"
import type { Stage } from "./pane.ts"

export interface PromptingParts {
  stage: Stage
  commands: readonly Command[]
  /** Puts a draft into the editor. */
  restore(draft: Draft): void
  failed(what: string, error: unknown): void
}

export class Prompting {
  readonly #parts: PromptingParts

  constructor(parts: PromptingParts) {
    this.#parts = parts
  }

  /** `queue`: when the turn is over; `send`: as soon as it can be heard. */
  async send(draft: Draft, how: "send" | "queue"): Promise<void> {
    try {
      if (draft.mode === "shell") return this.#shell(draft)
      const command = draft.images.length === 0 ? parseCommand(draft.text) : undefined
      if (command) return await this.#run(command, draft)
      await this.#prompt(draft, how)
    } catch (error) {
      this.#parts.failed("what was sent could not be done", error)
      this.#parts.restore(draft)
      this.#parts.stage.say(error instanceof Error ? error.message : String(error), "error")
    }
  }

  /** The newest prompt that waits comes back to be edited; false when none does. */
  async takeBack(): Promise<boolean> {
    const { stage, restore } = this.#parts
    const last = stage.view.queue.at(-1)
    if (!last) return false
    const row = stage.program.store.one<InboxRow>("SELECT * FROM inbox WHERE id = :id", { id: last.id })
    if (!row || !(await stage.viewer.withdraw(last.id))) return false
    restore(draftOf(JSON.parse(row.content) as UserPart[]))
    return true
  }

  async #prompt(draft: Draft, how: "send" | "queue"): Promise<void> {
    const { stage } = this.#parts
    const isBlocked = stage.view.activity().type === "blocked"
    await stage.viewer.prompt(partsOf(draft), { delivery: how === "queue" ? "queue" : "steer" })
    // What the turn waits for moves to the background, so that the words are heard at once.
    if (how === "send" && isBlocked) stage.control({ action: "background" })
  }

  #shell(draft: Draft): void {
    this.#parts.restore(draft)
    this.#parts.stage.say("Shell lines are not there yet.", "error")
  }

  async #run({ name, args }: { name: string; args: string }, draft: Draft): Promise<void> {
    const { commands, stage, restore } = this.#parts
    const command = commands.find((one) => one.name === name)
    if (command) return command.run(args)
    restore(draft)
    stage.say(`There is no command /${name}. /help lists them.`, "error")
  }
}

function partsOf({ text, images }: Draft): UserPart[] {
  const pictures = images.map(({ mediaType, bytes }): UserPart => {
    return { type: "image", mediaType, data: Buffer.from(bytes).toString("base64") }
  })
  return text.trim() === "" ? pictures : [{ type: "text", text }, ...pictures]
}

function draftOf(parts: readonly UserPart[]): Draft {
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n")
  const images = parts.flatMap((part, i) =>
    part.type === "image"
      ? [{ name: `image ${i}`, mediaType: part.mediaType, bytes: Buffer.from(part.data, "base64") }]
      : [],
  )
  return { text, images, mode: "prompt" }
}
