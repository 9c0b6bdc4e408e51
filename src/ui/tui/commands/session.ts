// /rename and /fork: what the conversation is called, and a new one that shares it.
import { stripControl } from "../../../base/escape.ts"
import { oneLine, plural } from "../../../base/text.ts"
import { nameOf } from "../../view/elsewhere.ts"
import type { Draft } from "../editor/draft.ts"
import type { Stage } from "../pane.ts"

/** Without a name, one is proposed in the prompt: it can be changed, and is taken with Enter. */
export async function renameSession(
  { stage, propose }: { stage: Stage; propose(draft: Draft): void },
  name: string,
): Promise<void> {
  const { program, view } = stage
  const { id, title, name: before } = view.session
  if (name === "") {
    const proposal = (before ?? title ?? "").replace(/…$/, "").trim()
    // As typed, not sent: without anything said yet there is nothing to propose, and the name is the user's to type.
    propose({ text: `/rename ${proposal}`, images: [], mode: "prompt" })
    return
  }
  const given = await program.rename(id, name)
  stage.poke()
  const isTaken = given !== name.trim()
  stage.say(isTaken ? `There is a "${oneLine(name, 40)}" already: this is "${given}".` : `This is "${given}" now.`)
}

/** The screen goes to the fork; what runs here goes on here, in this same process. */
export async function forkSession(
  { stage, goTo }: { stage: Stage; goTo(there: { id: string; said: string }): void },
  name: string,
): Promise<void> {
  const { program, view } = stage
  const { row, running } = await program.forkSession(view.session.id, name === "" ? {} : { name })
  const origin = oneLine(stripControl(nameOf(view.session)), 40)
  const isTurnOpen = view.activity().type !== "idle"
  const goesOn = [...(isTurnOpen ? ["Its turn"] : []), ...(running > 0 ? [plural(running, "task")] : [])]
  const rest = goesOn.length > 0 ? ` ${goesOn.join(" and ")} ${isGoing(goesOn, running)} on there.` : ""
  const named = row.name === null ? "" : ` "${row.name}"`
  goTo({ id: row.id, said: `This is a fork${named} of "${origin}".${rest}` })
}

function isGoing(goesOn: readonly string[], running: number): "goes" | "go" {
  return goesOn.length > 1 || running > 1 ? "go" : "goes"
}
