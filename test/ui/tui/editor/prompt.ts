// A prompt without a terminal: bytes go in, lines come out. What it would ask the system for is given by the test.
import { CURSOR_MARKER, visibleWidth } from "@earendil-works/pi-tui"
import { stripControl } from "../../../../src/base/escape.ts"
import type { Draft } from "../../../../src/ui/tui/editor/draft.ts"
import { createFileIndex } from "../../../../src/ui/tui/editor/file-index.ts"
import {
  createPromptEditor,
  type PromptEditor,
  type PromptEditorOptions,
} from "../../../../src/ui/tui/editor/prompt-editor.ts"
import { createKeys } from "../../../../src/ui/tui/keys/keys.ts"
import { createTheme } from "../../../../src/ui/tui/theme.ts"

export const key = {
  up: "\x1b[A",
  down: "\x1b[B",
  right: "\x1b[C",
  left: "\x1b[D",
  home: "\x1b[H",
  end: "\x1b[F",
  delete: "\x1b[3~",
  backspace: "\x7f",
  enter: "\r",
  shiftEnter: "\x1b[13;2u",
  altEnter: "\x1b\r",
  tab: "\t",
  escape: "\x1b",
  ctrl: (letter: string) => String.fromCharCode(letter.toUpperCase().charCodeAt(0) - 64),
  alt: (letter: string) => `\x1b${letter}`,
  undo: "\x1f",
}

export function paste(text: string): string {
  return `\x1b[200~${text}\x1b[201~`
}

export interface Prompt {
  editor: PromptEditor
  /** Each string is what one key sends. */
  press(...keys: string[]): void
  /** Types it letter by letter. */
  type(text: string): void
  /** Without colours and cursor; checks that no line is too wide. */
  screen(width?: number): string[]
  /** The text between the borders, with the cursor as "█" before what it is on. */
  text(width?: number): string
  sent: (Draft & { how: "send" | "queue" })[]
  said: string[]
  renders: number
}

export function createPrompt(options: Partial<PromptEditorOptions> & { rows?: number; paths?: string[] } = {}): Prompt {
  const { rows = 24, paths = [], ...given } = options
  const screen = {
    rows,
    requestRender: () => {
      prompt.renders++
    },
  }
  const editor = createPromptEditor(screen, {
    theme: () => createTheme("dark", { hasColour: false }),
    keys: createKeys(),
    history: { entries: async () => [] },
    commands: () => [],
    files: createFileIndex({
      list: async (add) => {
        for (const path of paths) add(path)
      },
      now: () => 0,
    }),
    cwd: "/work",
    home: "/home/ada",
    say: (message) => prompt.said.push(message),
    ...given,
  })
  editor.focused = true
  const prompt: Prompt = {
    editor,
    press: (...keys) => {
      for (const one of keys) editor.handleInput(one)
    },
    // As the terminal library hands it on: by UTF-16 units.
    type: (text) => {
      for (let at = 0; at < text.length; at++) editor.handleInput(text[at]!)
    },
    screen: (width = 80) =>
      editor.render(width).map((line) => {
        if (visibleWidth(line) > width) throw new Error(`This line is wider than ${width}: ${JSON.stringify(line)}`)
        return stripControl(line.replaceAll(CURSOR_MARKER, ""), { keepNewlines: true })
      }),
    text: (width = 80) =>
      editor
        .render(width)
        .map((line) => stripControl(line.replaceAll(CURSOR_MARKER, "█")))
        .filter((line) => line.startsWith("│"))
        .map((line) => line.slice(4, -1).trimEnd())
        .join("\n"),
    sent: [],
    said: [],
    renders: 0,
  }
  editor.onSubmit = (draft, how) => prompt.sent.push({ ...draft, how })
  return prompt
}
