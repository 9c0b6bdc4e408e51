// The prompt's editor with all that it draws on: the project's files, the commands, earlier prompts, the clipboard, the
// user's own editor. It takes keys before any of that is there: what they ask for comes when it is.
import { homedir, tmpdir } from "node:os"
import type { Env } from "../../base/paths.ts"
import type { App } from "./app.ts"
import type { Command } from "./commands/command.ts"
import { readClipboardImage } from "./editor/clipboard-image.ts"
import { externalEditor } from "./editor/external-editor.ts"
import { createFileIndex } from "./editor/file-index.ts"
import { listFiles } from "./editor/list-files.ts"
import { createPromptEditor, type PromptEditor } from "./editor/prompt-editor.ts"
import type { Keys } from "./keys/keys.ts"
import type { Surface } from "./surface.ts"
import type { Theme } from "./theme.ts"

/** Where an editor stands. */
export interface PromptGround {
  surface: Surface
  keys: Keys
  env: Env
  cwd: string
  /** Until it is connected. */
  theme: Theme
}

/** What it draws on. */
export interface PromptSources {
  app: App
  commands(): readonly Command[]
  /** Takes back the newest prompt that waits, if there is one. */
  takeBack(): boolean
}

export interface LatePrompt {
  readonly editor: PromptEditor
  readonly cwd: string
  /** From now on it draws on these. Once. */
  connect(sources: PromptSources): void
}

export function promptEditor(env: Env, sources: PromptSources): PromptEditor {
  const { app } = sources
  const { surface, keys } = app
  const prompt = latePrompt({ surface, keys, env, cwd: app.view.session.cwd, theme: app.theme() })
  prompt.connect(sources)
  return prompt.editor
}

export function latePrompt({ surface, keys, env, cwd, theme }: PromptGround): LatePrompt {
  const { promise: connected, resolve } = Promise.withResolvers<PromptSources>()
  let sources: PromptSources | undefined
  const list = listFiles({
    ripgrep: async () => (await connected).app.program.ripgrep(),
    cwd,
    env,
    signal: new AbortController().signal,
  })
  const openEditor = externalEditor({
    env,
    tmp: tmpdir(),
    suspend: () => surface.hide(),
    resume: () => {
      surface.show()
      surface.redraw()
    },
  })
  const editor = createPromptEditor(surface, {
    theme: () => sources?.app.theme() ?? theme,
    keys,
    cwd,
    home: env.HOME ?? homedir(),
    files: createFileIndex({ list, now: () => performance.now() }),
    history: {
      entries: async () => {
        const { program, view } = (await connected).app
        const { promptHistory } = await import("../view/prompt-history.ts")
        return promptHistory({ reader: program.store, project: view.session.project })
      },
    },
    commands: () =>
      (sources?.commands() ?? []).map(({ name, about, hint }) => ({
        name,
        description: about,
        ...(hint !== undefined && { argumentHint: hint }),
      })),
    // Before that the conversation would take the screen from the user's own editor.
    openEditor: async (text) => {
      await connected
      return openEditor(text)
    },
    pasteImage: () => readClipboardImage({ env, platform: process.platform }),
    say: (message) => void connected.then(({ app }) => app.say(message)),
    takeBack: () => sources?.takeBack() ?? false,
  })
  const connect = (given: PromptSources) => {
    sources = given
    resolve(given)
  }
  return { editor, cwd, connect }
}
