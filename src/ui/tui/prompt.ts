// The prompt's editor with all that it draws on: the project's files, the commands, earlier prompts, the clipboard, the
// user's own editor.
import { homedir, tmpdir } from "node:os"
import type { Env } from "../../base/paths.ts"
import { promptHistory } from "../view/prompt-history.ts"
import type { App } from "./app.ts"
import type { Command } from "./commands/command.ts"
import { readClipboardImage } from "./editor/clipboard-image.ts"
import { externalEditor } from "./editor/external-editor.ts"
import { createFileIndex } from "./editor/file-index.ts"
import { listFiles } from "./editor/list-files.ts"
import { createPromptEditor, type PromptEditor } from "./editor/prompt-editor.ts"

export interface PromptParts {
  app: App
  env: Env
  commands(): readonly Command[]
  /** Takes back the newest prompt that waits, if there is one. */
  takeBack(): boolean
}

export function promptEditor({ app, env, commands, takeBack }: PromptParts): PromptEditor {
  const { program, surface } = app
  const { cwd } = app.view.session
  const list = listFiles({ ripgrep: () => program.ripgrep(), cwd, env, signal: new AbortController().signal })
  return createPromptEditor(surface, {
    theme: app.theme,
    keys: app.keys,
    cwd,
    home: env.HOME ?? homedir(),
    files: createFileIndex({ list, now: () => performance.now() }),
    history: { entries: () => promptHistory({ reader: program.store, project: app.view.session.project }) },
    commands: () =>
      commands().map(({ name, about, hint }) => ({
        name,
        description: about,
        ...(hint !== undefined && { argumentHint: hint }),
      })),
    openEditor: externalEditor({
      env,
      tmp: tmpdir(),
      suspend: () => surface.hide(),
      resume: () => {
        surface.show()
        surface.redraw()
      },
    }),
    pasteImage: () => readClipboardImage({ env, platform: process.platform }),
    say: (message) => app.say(message),
    takeBack,
  })
}
