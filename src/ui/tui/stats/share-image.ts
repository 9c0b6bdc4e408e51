// An image for others: into the system's clipboard where it takes one and something here can make a PNG of it; else it
// stays a file.
import { spawn } from "node:child_process"
import { chmodSync, closeSync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Env } from "../../../base/paths.ts"
import { childEnvironment } from "../../../exec/env.ts"
import { findProgram } from "../../../exec/find-program.ts"

export type SharedImage = { type: "clipboard" } | { type: "file"; path: string }

export interface SharePlace {
  env: Env
  platform: NodeJS.Platform
  /** Where the file is written; made when it is not there. */
  folder: string
}

/** Programs that hang are given up. */
const PATIENCE_MS = 5000

/** Throws when the file can't be written. */
export async function shareImage(
  { name, svg }: { name: string; svg: string },
  place: SharePlace,
): Promise<SharedImage> {
  mkdirSync(place.folder, { recursive: true, mode: 0o700 })
  const path = join(place.folder, `${name}.svg`)
  const fresh = `${path}.${process.pid}`
  writeFileSync(fresh, svg, { mode: 0o600 })
  renameSync(fresh, path)
  const copy = clipboard(place)
  if (!copy) return { type: "file", path }
  const png = join(place.folder, `${name}.png`)
  const isCopied = (await makePng({ svg: path, png, env: place.env })) && (await copy(png))
  return isCopied ? { type: "clipboard" } : { type: "file", path }
}

/** How an image gets into the clipboard that the user pastes from; undefined where that is not this system's. */
function clipboard({ env, platform }: SharePlace): ((png: string) => Promise<boolean>) | undefined {
  const program = (name: string) => findProgram(name, env.PATH)
  const isRemote = Boolean(env.SSH_CONNECTION || env.SSH_TTY)
  if (platform === "darwin") {
    const osascript = program("osascript")
    // The path is an argument, so that nothing in it is taken for a part of the script.
    const script = [
      "on run argv",
      "set the clipboard to (read (POSIX file (item 1 of argv)) as «class PNGf»)",
      "end run",
    ].flatMap((line) => ["-e", line])
    return osascript && !isRemote ? (png) => run(osascript, [...script, png], { env }) : undefined
  }
  const wayland = env.WAYLAND_DISPLAY && !isRemote ? program("wl-copy") : undefined
  if (wayland) return (png) => run(wayland, ["--type", "image/png"], { env, input: png })
  // An X display that was passed on with the connection is that of the user.
  const x11 = env.DISPLAY && (!isRemote || env.DISPLAY.startsWith("localhost:")) ? program("xclip") : undefined
  return x11 ? (png) => run(x11, ["-selection", "clipboard", "-t", "image/png", "-i", png], { env }) : undefined
}

async function makePng({ svg, png, env }: { svg: string; png: string; env: Env }): Promise<boolean> {
  const ways: readonly (readonly [name: string, args: readonly string[]])[] = [
    ["rsvg-convert", ["--zoom", "2", "--output", png, svg]],
    ["resvg", ["--zoom", "2", svg, png]],
    ["inkscape", ["--export-type=png", "--export-dpi=192", `--export-filename=${png}`, svg]],
    ["magick", ["-density", "192", svg, png]],
    ["convert", ["-density", "192", svg, png]],
  ]
  for (const [name, args] of ways) {
    const program = findProgram(name, env.PATH)
    if (!program || !(await run(program, args, { env }))) continue
    chmodSync(png, 0o600)
    return true
  }
  return false
}

/**
 * True when it ended well. Clipboard programs leave a part of themselves behind, which serves what was copied: only the
 * one that was started is waited for, and nothing of its output is held.
 */
function run(program: string, args: readonly string[], { env, input }: { env: Env; input?: string }): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const stdin = input === undefined ? undefined : openSync(input, "r")
  const child = spawn(program, args, {
    env: childEnvironment({ inherited: env }, { forPerson: false }),
    stdio: [stdin ?? "ignore", "ignore", "ignore"],
    detached: true,
  })
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS)
  const done = (isGood: boolean) => {
    clearTimeout(timer)
    resolve(isGood)
  }
  child.on("error", () => done(false))
  child.on("exit", (code) => done(code === 0))
  if (stdin !== undefined) closeSync(stdin)
  return promise
}
