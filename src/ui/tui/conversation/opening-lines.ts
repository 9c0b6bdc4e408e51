// Said above a conversation that begins: who answers, and what the person should know before they trust it with work.
import { wrapTextWithAnsi } from "@earendil-works/pi-tui"
import { problemLine } from "../../../agent/load.ts"
import { visible } from "../../../base/escape.ts"
import { plural } from "../../../base/text.ts"
import type { Program } from "../../../program.ts"
import type { Line } from "../line.ts"
import type { Theme } from "../theme.ts"

export interface OpeningFacts {
  model: string
  /** What was left out or could not be used, each once. */
  notes: readonly string[]
}

/** What the program has to say of itself here: what it left out, and why. */
export function openingNotes({ notes, trust, agents }: Pick<Program, "notes" | "trust" | "agents">): string[] {
  const wrong = agents.problems.filter(({ withheld }) => withheld === undefined)
  const [first, ...more] = wrong
  const ofAgents =
    first && more.length === 0
      ? problemLine(first)
      : `${plural(wrong.length, "problem")} in agent files: meanwhile agents validate`
  const ignored = plural(trust.withheld.length, "setting")
  const isUntrusted = trust.state === "unknown" && trust.withheld.length > 0
  return [
    ...(isUntrusted
      ? [
          `This folder is not trusted, so ${ignored} of its files ${trust.withheld.length === 1 ? "is" : "are"} ignored: /permissions lists them.`,
        ]
      : []),
    ...notes.filter((note) => note !== trust.note),
    ...(first ? [ofAgents] : []),
  ]
}

const SCOUT =
  "This is the offline scout, not a language model: it answers questions about the code in this folder, and runs commands (run npm test)."

export function openingLines(
  { model, notes }: OpeningFacts,
  { width, theme }: { width: number; theme: Theme },
): Line[] {
  const room = Math.max(20, width - 6)
  const block = (text: string) => wrapTextWithAnsi(text, room).map((line) => ({ text: `   ${line}` }))
  const opening =
    model === "scout"
      ? block(`${theme.dim(SCOUT)} ${theme.accent("/model")}${theme.dim(" connects a model.")}`)
      : block(theme.dim(visible(model)))
  const told = notes.flatMap((note) => {
    const [first, ...rest] = wrapTextWithAnsi(theme.dim(visible(note)), room - 2)
    return [{ text: `   ${theme.warn("!")} ${first}` }, ...rest.map((line) => ({ text: `     ${line}` }))]
  })
  return [{ text: "" }, ...opening, ...(told.length > 0 ? [{ text: "" }, ...told] : []), { text: "" }]
}
