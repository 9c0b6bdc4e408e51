// The public face of this folder: the screen of sessions, over a conversation or before there is one.
import type { Program } from "../../../program.ts"
import type { Action } from "../keys/actions.ts"
import type { Keys } from "../keys/keys.ts"
import type { Surface } from "../surface.ts"
import { createTheme, type ThemeName } from "../theme.ts"
import { ResumePane } from "./resume-pane.ts"
import type { Destination, ResumeStage } from "./resume-stage.ts"

export { ResumePane } from "./resume-pane.ts"
export type { Destination } from "./resume-stage.ts"

export interface Picking {
  program: Program
  keys: Keys
  theme: { name: ThemeName; hasColour: boolean }
  /** Aborted when the terminal goes. */
  hangUp: AbortSignal
}

const SAID_MS = 4000

/** Lets the user pick a session before any is open; undefined when none was picked. */
export async function pickSession(surface: Surface, picking: Picking): Promise<Destination | undefined> {
  const { program, keys, hangUp } = picking
  const { promise, resolve } = Promise.withResolvers<Destination | undefined>()
  let theme = createTheme(picking.theme.name, picking.theme)
  let said: { text: string; timer: ReturnType<typeof setTimeout> } | undefined
  const stage: ResumeStage = {
    program,
    keys,
    theme: () => theme,
    now: () => program.clock.now(),
    get rows() {
      return surface.rows
    },
    get columns() {
      return surface.columns
    },
    requestRender: () => surface.requestRender(),
    get flash() {
      return keys.pending ? `${keys.pending} …` : said?.text
    },
    say: (text, tone) => {
      clearTimeout(said?.timer)
      const timer = setTimeout(() => {
        said = undefined
        surface.requestRender()
      }, SAID_MS)
      said = { text: tone === "error" ? theme.error(text) : text, timer }
      surface.requestRender()
    },
  }
  const pane = new ResumePane({
    stage,
    here: undefined,
    ours: () => [],
    chosen: resolve,
    back: () => resolve(undefined),
  })
  surface.use({
    onInput: (data) => {
      for (const context of pane.contexts) {
        const action = keys.match(context, data)
        if (action === "pending") return true
        if (action && pane.act(action as Action)) {
          surface.requestRender()
          return true
        }
      }
      return false
    },
    endMarker: () => "",
    found: (text) => theme.found(text),
    foundHere: (text) => theme.foundHere(text),
  })
  keys.onPending = () => surface.requestRender()
  surface.tui.setFocus(pane.focus)
  surface.layout(pane.layout)
  surface.show()
  hangUp.addEventListener("abort", () => resolve(undefined), { once: true })
  if (hangUp.aborted) resolve(undefined)
  const asking = surface.askTheme().then((name) => {
    if (name === undefined || name === theme.name) return
    theme = createTheme(name, picking.theme)
    surface.requestRender()
  })
  try {
    return await promise
  } finally {
    pane.close()
    clearTimeout(said?.timer)
    keys.onPending = undefined
    await asking
  }
}
