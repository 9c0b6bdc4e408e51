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
  /** Puts one before what is in the editor by now. */
  giveBack(draft: Draft): void
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
      this.#parts.giveBack(draft)
      this.#parts.stage.say(error instanceof Error ? error.message : String(error), "error")
    }
  }

  /** Takes back the newest prompt that waits, to be edited; false when none does. */
  takeBack(): boolean {
    const last = this.#parts.stage.view.queue.at(-1)
    if (!last) return false
    this.#withdraw(last.id).catch((error) => this.#parts.failed("a prompt could not be taken back", error))
    return true
  }

  async #withdraw(id: string): Promise<void> {
    const { stage, giveBack } = this.#parts
    const row = stage.program.store.one<InboxRow>("SELECT * FROM inbox WHERE id = :id", { id })
    const isTaken = row !== undefined && (await stage.viewer.withdraw(id))
    if (isTaken) giveBack(draftOf(JSON.parse(row.content) as UserPart[]))
    else stage.say("It has been read just now: it can't be taken back any more.")
    stage.poke()
  }

  async #prompt(draft: Draft, how: "send" | "queue"): Promise<void> {
    const { stage } = this.#parts
    const isBlocked = stage.view.activity().type === "blocked"
    await stage.viewer.prompt(partsOf(draft), { delivery: how === "queue" ? "queue" : "steer" })
    stage.poke()
    // What the turn waits for moves to the background, so that the words are heard at once.
    if (how === "send" && isBlocked) stage.control({ action: "background" })
  }

  #shell(draft: Draft): void {
    const command = draft.text.trim()
    if (command !== "") this.#parts.stage.control({ action: "shell", command })
  }

  async #run({ name, args }: { name: string; args: string }, draft: Draft): Promise<void> {
    const { commands, stage, giveBack } = this.#parts
    const command = commands.find((one) => one.name === name)
    if (command) return command.run(args)
    giveBack(draft)
    stage.say(`There is no command /${name}. /help lists them.`, "error")
  }
}

export function partsOf({ text, images }: Draft): UserPart[] {
  const pictures = images.map(({ mediaType, bytes }): UserPart => {
    return { type: "image", mediaType, data: Buffer.from(bytes).toString("base64") }
  })
  return text.trim() === "" ? pictures : [{ type: "text", text }, ...pictures]
}

/** A prompt as it can be edited again. */
export function draftOf(parts: readonly UserPart[]): Draft {
  const text = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n")
  const images = parts.flatMap((part, i) =>
    part.type === "image"
      ? [{ name: `image ${i}`, mediaType: part.mediaType, bytes: Buffer.from(part.data, "base64") }]
      : [],
  )
  return { text, images, mode: "prompt" }
}
