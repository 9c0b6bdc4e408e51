// What runs in a terminal, and the environment that it has: the program, another command, or a shell to type in.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { PROGRAM, type Workbench } from "../headless.ts"
import type { Theme } from "./screen.ts"

/** Where a terminal's program is at home: a workbench, or a folder for programs that need no more. */
export type Place = Pick<Workbench, "cwd" | "home" | "env">

export interface TerminalOptions {
  /** The program's arguments. */
  args?: readonly string[]
  /** Another program, with its arguments. */
  command?: readonly string[]
  /** An interactive bash with the prompt `$ `, in which `meanwhile` is the program. */
  shell?: boolean
  columns?: number
  rows?: number
  cwd?: string
  env?: Record<string, string>
  theme?: Theme
  /** false: NO_COLOR is set. */
  colours?: boolean
  /** Which keyboard protocols it knows; they are used once the program asks for them. */
  keyboard?: "legacy" | "modifyOtherKeys" | "kitty"
  /** `none`: it answers no question, as the simplest terminals do. */
  answers?: "modern" | "none"
}

export function commandOf({ args = [], command, shell }: TerminalOptions): readonly string[] {
  if (shell) return ["bash", "--norc", "--noprofile", "-i"]
  return command ?? [PROGRAM, ...args]
}

export function environmentOf(place: Place, options: TerminalOptions): Record<string, string> {
  const env: Record<string, string> = { ...place.env, TERM: "xterm-256color" }
  if (options.colours === false) env.NO_COLOR = "1"
  if (options.colours !== false) env.COLORTERM = "truecolor"
  if (options.shell) {
    const folder = join(dirname(place.home), "bin")
    mkdirSync(folder, { recursive: true })
    try {
      symlinkSync(PROGRAM, join(folder, "meanwhile"))
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error
    }
    // Of the modes that are on at its prompt, none is the shell's own.
    const inputrc = join(folder, "inputrc")
    writeFileSync(inputrc, "set enable-bracketed-paste off\n")
    Object.assign(env, {
      INPUTRC: inputrc,
      PS1: "$ ",
      PATH: `${folder}:${place.env.PATH ?? ""}`,
      HISTFILE: "/dev/null",
    })
  }
  return { ...env, ...options.env }
}
