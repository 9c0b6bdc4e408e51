// Editing the prompt in the person's own editor: $VISUAL, $EDITOR, else vi. The screen is given to it meanwhile.
import { spawn } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { messageOf } from "../../../base/error.ts"
import type { Env } from "../../../base/paths.ts"

export type Edited = { type: "edited"; text: string } | { type: "failed"; message: string }

export interface ExternalEditorOptions {
  env: Env
  /** Folder for the text's file, which is removed afterwards. */
  tmp: string
  /** What is edited, as a sentence begins with it, and as its file is called; the prompt, unless told. */
  what?: { name: string; file: string }
  /** Gives the terminal away. */
  suspend(): void | Promise<void>
  /** Takes it back and draws everything again; called however it went. */
  resume(): void | Promise<void>
}

/** Returns a function that shows a text in the editor and returns what it has become. It never throws. */
export function externalEditor({
  env,
  tmp,
  what = { name: "The prompt", file: "prompt.md" },
  suspend,
  resume,
}: ExternalEditorOptions): (text: string) => Promise<Edited> {
  return async (text) => {
    const command = env.VISUAL?.trim() || env.EDITOR?.trim() || "vi"
    let folder: string | undefined
    try {
      folder = await mkdtemp(join(tmp, "meanwhile-"))
      const file = join(folder, what.file)
      await writeFile(file, text, { mode: 0o600 })
      const failure = await withTerminal(() => run(command, file, env), { suspend, resume })
      if (failure !== undefined)
        return { type: "failed", message: `${command} ${failure}; ${what.name.replace(/^T/, "t")} is as it was.` }
      return { type: "edited", text: (await readFile(file, "utf8")).replace(/\r?\n$/, "") }
    } catch (error) {
      return { type: "failed", message: `${what.name} could not be edited: ${messageOf(error)}` }
    } finally {
      if (folder) await rm(folder, { recursive: true, force: true })
    }
  }
}

async function withTerminal<T>(
  work: () => Promise<T>,
  { suspend, resume }: Pick<ExternalEditorOptions, "suspend" | "resume">,
): Promise<T> {
  // Ctrl+C in an editor that leaves the terminal as it is goes to all who share it: it is meant for the editor.
  const ignore = () => undefined
  process.on("SIGINT", ignore)
  try {
    await suspend()
    return await work()
  } finally {
    await resume()
    process.off("SIGINT", ignore)
  }
}

/** The variable is a command with arguments ("code --wait"), as git takes it: the shell reads it. */
function run(command: string, file: string, env: Env): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const child = spawn("/bin/sh", ["-c", `${command} "$1"`, "sh", file], { env: { ...env }, stdio: "inherit" })
  child.on("error", (error) => resolve(`could not be started: ${error.message}`))
  child.on("close", (code, signal) => {
    if (code === 0) resolve(undefined)
    else resolve(code === 127 ? "was not found" : `ended with ${signal ?? `code ${code}`}`)
  })
  return promise
}
