// The terminal library has keys of its own, which it looks at before we see them: it would scroll on Home and End and
// open a search of its own. Those that we have a word for follow the keys in force, and the rest get none.
import { KeybindingsManager, type KeyId, setKeybindings, TUI_KEYBINDINGS } from "@earendil-works/pi-tui"
import type { Action } from "./actions.ts"
import { parseKey } from "./key-name.ts"
import type { Keys } from "./keys.ts"

const FOLLOW: Readonly<Partial<Record<keyof typeof TUI_KEYBINDINGS, Action>>> = {
  "tui.altScreen.pageUp": "conversation.pageUp",
  "tui.altScreen.pageDown": "conversation.pageDown",
  "tui.altScreen.top": "conversation.top",
  "tui.altScreen.bottom": "conversation.bottom",
  "tui.altScreen.previousPrompt": "conversation.previousPrompt",
  "tui.altScreen.nextPrompt": "conversation.nextPrompt",
  "tui.altScreen.search": "conversation.find",
  "tui.select.up": "list.up",
  "tui.select.down": "list.down",
  "tui.select.pageUp": "list.pageUp",
  "tui.select.pageDown": "list.pageDown",
  "tui.select.confirm": "list.accept",
  "tui.select.cancel": "list.back",
  "tui.editor.cursorLeft": "editor.left",
  "tui.editor.cursorRight": "editor.right",
  "tui.editor.cursorWordLeft": "editor.wordLeft",
  "tui.editor.cursorWordRight": "editor.wordRight",
  "tui.editor.cursorLineStart": "editor.lineStart",
  "tui.editor.cursorLineEnd": "editor.lineEnd",
  "tui.editor.deleteCharBackward": "editor.deleteBack",
  "tui.editor.deleteCharForward": "editor.deleteForward",
  "tui.editor.deleteWordBackward": "editor.deleteWordBack",
  "tui.editor.deleteWordForward": "editor.deleteWordForward",
  "tui.editor.deleteToLineStart": "editor.deleteToStart",
  "tui.editor.deleteToLineEnd": "editor.deleteToEnd",
  "tui.editor.yank": "editor.yank",
  "tui.editor.yankPop": "editor.yankPop",
  "tui.editor.undo": "editor.undo",
  "tui.input.submit": "editor.send",
  "tui.input.newLine": "editor.newLine",
}

/** Within the search's own field, which has no context of ours. */
const FIXED: Readonly<Partial<Record<keyof typeof TUI_KEYBINDINGS, KeyId[]>>> = {
  "tui.altScreen.searchNext": ["enter", "down"],
  "tui.altScreen.searchPrevious": ["shift+enter", "up"],
  "tui.altScreen.searchClose": ["escape", "ctrl+c"],
}

/** Call once, before the screen starts. `handled`: actions that we do ourselves, so that the library does not. */
export function bindLibraryKeys(keys: Keys, handled: ReadonlySet<Action> = new Set()): void {
  const bound = Object.keys(TUI_KEYBINDINGS).map((name): [string, KeyId[]] => {
    const action = FOLLOW[name as keyof typeof TUI_KEYBINDINGS]
    const fixed = FIXED[name as keyof typeof TUI_KEYBINDINGS]
    return [name, fixed ?? (action && !handled.has(action) ? singleKeys(keys, action) : [])]
  })
  setKeybindings(new KeybindingsManager(TUI_KEYBINDINGS, Object.fromEntries(bound)))
}

function singleKeys(keys: Keys, action: Action): KeyId[] {
  const context = action.slice(0, action.indexOf(".")) as Parameters<Keys["list"]>[0]
  const names = keys.list(context).find((listed) => listed.action === action)?.keys ?? []
  return names.flatMap((name) => {
    const key = parseKey(name)
    return key.type === "key" && key.sequence.length === 1 ? [key.sequence[0]] : []
  })
}
