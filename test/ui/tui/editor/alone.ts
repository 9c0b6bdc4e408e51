// The prompt's editor and nothing else on a screen of its own; what is sent stands above it. For terminal.test.ts, and
// for trying it by hand: bun test/ui/tui/editor/alone.ts
import { homedir, tmpdir } from "node:os"
import { ProcessTerminal, ScrollView, TuiAltScreen, VStack } from "@earendil-works/pi-tui"
import { readClipboardImage } from "../../../../src/ui/tui/editor/clipboard-image.ts"
import { externalEditor } from "../../../../src/ui/tui/editor/external-editor.ts"
import { createFileIndex } from "../../../../src/ui/tui/editor/file-index.ts"
import { listFiles } from "../../../../src/ui/tui/editor/list-files.ts"
import { createPromptEditor } from "../../../../src/ui/tui/editor/prompt-editor.ts"
import { createKeys } from "../../../../src/ui/tui/keys/keys.ts"
import { bindLibraryKeys } from "../../../../src/ui/tui/keys/pi-keys.ts"
import { Rows } from "../../../../src/ui/tui/rows.ts"
import { createTheme, wantsColour } from "../../../../src/ui/tui/theme.ts"

const { env } = process
const theme = createTheme("dark", { hasColour: wantsColour(env) })
const keys = createKeys()
bindLibraryKeys(keys)
const lines: string[] = []
const terminal = new ProcessTerminal()
const tui = new TuiAltScreen(terminal)
const stop = () => tui.stop({ preserveScreen: true })
const say = (line: string) => {
  lines.push(line)
  tui.requestRender()
}
tui.addInputListener((data) => {
  const action = keys.match("conversation", data)
  if (action === "conversation.interrupt") editor.dismiss()
  if (action === "conversation.clear") {
    if (editor.isEmpty && !editor.dismiss()) stop()
    else editor.clear()
  }
  const isOurs = action === "conversation.clear" || action === "conversation.interrupt"
  return isOurs ? { consume: true } : undefined
})
const { rgPath } = await import("@vscode/ripgrep")
const signal = new AbortController().signal
const screen = {
  get rows() {
    return terminal.rows
  },
  requestRender: () => tui.requestRender(),
}
const editor = createPromptEditor(screen, {
  theme: () => theme,
  keys,
  history: { entries: async () => ["an earlier prompt", "an older one"] },
  commands: () => [
    { name: "model", description: "choose the model", argumentHint: "[name]" },
    { name: "tasks", description: "what runs" },
  ],
  files: createFileIndex({
    list: listFiles({ ripgrep: async () => rgPath, cwd: process.cwd(), env, signal }),
    now: () => performance.now(),
  }),
  cwd: process.cwd(),
  home: homedir(),
  openEditor: externalEditor({ env, tmp: tmpdir(), suspend: stop, resume: () => tui.start() }),
  pasteImage: () => readClipboardImage({ env, platform: process.platform }),
  say,
})
editor.placeholder = "Ask anything"
editor.onSubmit = ({ text, images, mode }, how) =>
  say(`${how} ${mode} ${JSON.stringify(text)}${images.map(({ name }) => ` +${name}`).join("")}`)
tui.setFocus(editor)
tui.setLayoutRoot(
  new VStack([
    {
      component: new ScrollView(new Rows(() => lines.map((text) => ({ text }))), { follow: "end" }),
      basis: 0,
      grow: 1,
    },
    { component: editor, basis: "auto", shrink: 1, minSize: 3 },
  ]),
)
tui.start()
