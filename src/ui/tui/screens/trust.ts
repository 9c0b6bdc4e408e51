// Asked before the first conversation in a folder whose files say more than a stranger's may: whether they are to be
// used. Nothing of them is, until it is answered.
import { type Component, wrapTextWithAnsi } from "@earendil-works/pi-tui"
import { displayPath } from "../../../base/paths.ts"
import type { Trust } from "../../../program.ts"
import { PromptPlace } from "../card.ts"
import { ChoiceCard } from "../cards/choice.ts"
import type { Action } from "../keys/actions.ts"
import type { Keys } from "../keys/keys.ts"
import type { Surface } from "../surface.ts"
import type { Theme } from "../theme.ts"

/** `later`: not used this time. `leave`: the program ends. */
export type Trusting = "trusted" | "later" | "never" | "leave"

export interface AskingTrust {
  trust: Trust
  /** Others may write into the folder. */
  isOpenToOthers: boolean
  keys: Keys
  theme: Theme
  /** Aborted when the terminal goes. */
  hangUp: AbortSignal
}

export function askTrust(surface: Surface, asking: AskingTrust): Promise<Trusting> {
  const { keys, theme, hangUp } = asking
  const { promise, resolve } = Promise.withResolvers<Trusting>()
  const card = trustCard(asking, resolve)
  const nothing: Component = { render: () => [], invalidate: () => undefined }
  const place = new PromptPlace(Object.assign(nothing, { focused: false }), () => Math.ceil(surface.rows / 0.6))
  place.show(card)
  surface.use({
    onInput: (data) => {
      const action = keys.match("list", data)
      const clears = keys.match("conversation", data) === "conversation.clear"
      if (clears) resolve("leave")
      const isDone = clears || action === "pending" || (action !== undefined && card.act(action as Action))
      if (isDone) surface.requestRender()
      return isDone
    },
    endMarker: () => "",
    found: (text) => theme.found(text),
    foundHere: (text) => theme.foundHere(text),
  })
  surface.tui.setFocus(place)
  surface.layout(place)
  surface.show()
  hangUp.addEventListener("abort", () => resolve("leave"), { once: true })
  return promise
}

/** What it would change, and the answers. What has not been seen to its end is not trusted by a key. */
export function trustCard(
  { trust, isOpenToOthers, theme }: Pick<AskingTrust, "trust" | "isOpenToOthers" | "theme">,
  answer: (answer: Trusting) => void,
): ChoiceCard {
  const card: ChoiceCard = new ChoiceCard({
    theme: () => theme,
    title: () => "Do you trust this folder?",
    details: (width) => trustLines({ trust, isOpenToOthers, theme }, width),
    choices: [
      {
        letter: "t",
        label: "trust it",
        about: "used from now on, also by -p; /permissions takes it back",
        chosen: () => (card.isRead ? answer("trusted") : card.readOn()),
      },
      { letter: "n", label: "not now", about: "ignored, this time", chosen: () => answer("later") },
      {
        letter: "x",
        label: "x  never ask",
        about: "ignored, and you are not asked again",
        chosen: () => answer("never"),
      },
    ],
    // Enter is pressed without reading.
    at: 1,
    hint: "esc not now · ctrl+c leaves",
    cancelled: () => answer("later"),
  })
  return card
}

const KEYS: Readonly<Record<string, string>> = {
  "permissions.allow": "allowed without asking",
  "permissions.defaultMode": "permission mode",
  env: "variables for commands",
  hooks: "commands at certain moments (hooks)",
  mcpServers: "servers that are started",
  enabledMcpjsonServers: "servers that are started",
}

/** What widens rights most comes first. */
const ORDER = Object.keys(KEYS)

export function trustLines(
  { trust, isOpenToOthers, theme }: Pick<AskingTrust, "trust" | "isOpenToOthers" | "theme">,
  width: number,
): string[] {
  const files = [...new Set(trust.withheld.map(({ file }) => file))]
  const rank = (key: string) => (ORDER.indexOf(key) + ORDER.length + 1) % (ORDER.length + 1)
  const listed = files.flatMap((file) => {
    const parts = trust.withheld.filter((part) => part.file === file).sort((a, b) => rank(a.key) - rank(b.key))
    return [
      "",
      theme.accent(file),
      ...parts.flatMap(({ key, detail, isUnused }) => {
        const what = `${KEYS[key] ?? key}${isUnused ? " (this version does not use them)" : ""}: `
        return wrapTextWithAnsi(`${theme.dim(what)}${detail}`, width - 2).map((line) => `  ${line}`)
      }),
    ]
  })
  const warning = isOpenToOthers ? ["", theme.warn("Others can write into this folder: what is here may change.")] : []
  return [
    theme.bold(displayPath(trust.folder)),
    ...wrapTextWithAnsi(
      "Its files want to decide what an agent may do on this machine. Only this folder is meant.",
      width,
    ),
    ...listed,
    ...warning,
    "",
  ]
}
