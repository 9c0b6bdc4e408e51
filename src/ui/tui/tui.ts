// The terminal interface's way in: from a session's row to the screen, until somebody leaves.
import type { Env } from "../../base/paths.ts"
import type { Program } from "../../program.ts"
import type { SessionRow } from "../../store/rows.ts"
import { App } from "./app.ts"
import { ConversationPane } from "./conversation/conversation-pane.ts"
import { readKeybindings } from "./keys/keybindings-file.ts"
import { createKeys } from "./keys/keys.ts"
import { bindLibraryKeys } from "./keys/pi-keys.ts"
import { provisionalDrive, provisionalEditor } from "./provisional.ts"
import { themeOfEnvironment, wantsColour } from "./theme.ts"

export interface Opening {
  program: Program
  row: SessionRow
  env: Env
  /** Where keybindings.json is. */
  keybindings: string
  prompt: string | undefined
}

export async function runTui({ program, row, env, keybindings, prompt }: Opening): Promise<void> {
  const keys = createKeys(readKeybindings(keybindings).config)
  bindLibraryKeys(keys)
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const stop = new AbortController()
  const hosted = await provisionalDrive(program, row, stop.signal)
  const app = new App({
    program,
    row,
    keys,
    theme: { name: themeOfEnvironment(env) ?? "dark", hasColour: wantsColour(env) },
    isDriven: () => hosted !== undefined || app.viewer.isHosted(),
    failed: (what, error) => program.log.error(what, { error, session: row.id }),
  })
  const editor = provisionalEditor(app.surface.tui)
  editor.onSubmit = (text) => {
    if (text.trim() === "") return
    const isBlocked = app.view.activity().type === "blocked"
    void app.viewer.prompt([{ type: "text", text }]).then(() => isBlocked && app.control({ action: "background" }))
  }
  const pane = new ConversationPane({
    stage: app,
    editor,
    isViewer: () => hosted === undefined,
    isEditorEmpty: () => editor.getText() === "",
    flash: () => app.flash,
    onTarget: () => undefined,
    opening: () => [],
    act: (action) => {
      if (action === "conversation.background") app.control({ action: "background" })
      else if (action === "conversation.interrupt") app.control({ action: "interrupt" })
      else if (action === "conversation.clear") end()
      else return false
      return true
    },
  })
  app.start(pane)
  if (prompt) await app.viewer.prompt([{ type: "text", text: prompt }])
  await ended
  await app.stop()
  stop.abort()
  hosted?.release()
}
