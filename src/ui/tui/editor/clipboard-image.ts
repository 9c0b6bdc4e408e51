// An image from the system's clipboard, by the tool that the system has for it.
import { spawn } from "node:child_process"
import type { Env } from "../../../base/paths.ts"
import { findProgram } from "../../../exec/find-program.ts"

export type ClipboardImage =
  | { type: "image"; bytes: Uint8Array }
  | { type: "none" }
  | { type: "no-tool"; message: string }

interface Tool {
  name: string
  args: readonly string[]
  decode(output: Buffer): Buffer
}

/** A tool that waits for another program's answer is given up. */
const PATIENCE_MS = 3000
/** More than any image that could be sent. */
const MOST_BYTES = 64 * 1024 * 1024

export interface ClipboardOptions {
  env: Env
  platform: NodeJS.Platform
}

export async function readClipboardImage({ env, platform }: ClipboardOptions): Promise<ClipboardImage> {
  const tools = toolsFor(env, platform)
  const found = tools.flatMap((tool) => {
    const program = findProgram(tool.name, env.PATH)
    return program ? [{ ...tool, program }] : []
  })
  if (found.length === 0) return { type: "no-tool", message: advice(env, platform) }
  for (const { program, args, decode } of found) {
    const output = await run(program, args, env)
    const bytes = output && decode(output)
    if (bytes && bytes.length > 0) return { type: "image", bytes }
  }
  return { type: "none" }
}

const asIs = (output: Buffer): Buffer => output

/** `«data PNGf89504E…»`: how AppleScript prints bytes. */
function decodeAppleScript(output: Buffer): Buffer {
  return Buffer.from(/«data \w{4}([0-9A-F]+)»/.exec(output.toString("utf8"))?.[1] ?? "", "hex")
}

const POWERSHELL =
  "Add-Type -Assembly System.Windows.Forms; $i = [Windows.Forms.Clipboard]::GetImage(); if ($i) { $s = New-Object IO.MemoryStream; $i.Save($s, [Drawing.Imaging.ImageFormat]::Png); [Convert]::ToBase64String($s.ToArray()) }"

function toolsFor(env: Env, platform: NodeJS.Platform): Tool[] {
  if (platform === "darwin")
    return [
      { name: "pngpaste", args: ["-"], decode: asIs },
      { name: "osascript", args: ["-e", "get the clipboard as «class PNGf»"], decode: decodeAppleScript },
    ]
  const wayland: Tool = { name: "wl-paste", args: ["--no-newline", "--type", "image/png"], decode: asIs }
  const x11: Tool = { name: "xclip", args: ["-selection", "clipboard", "-t", "image/png", "-o"], decode: asIs }
  const windows: Tool = {
    name: "powershell.exe",
    args: ["-NoProfile", "-STA", "-Command", POWERSHELL],
    decode: (output) => Buffer.from(output.toString("latin1").trim(), "base64"),
  }
  return [
    ...(env.WAYLAND_DISPLAY ? [wayland] : []),
    ...(env.DISPLAY ? [x11] : []),
    ...(env.WSL_DISTRO_NAME ? [windows] : []),
  ]
}

function advice(env: Env, platform: NodeJS.Platform): string {
  if (platform === "darwin") return "The clipboard can't be read: osascript was not found."
  if (env.WAYLAND_DISPLAY) return "To paste images install wl-clipboard (wl-paste)."
  if (env.DISPLAY) return "To paste images install xclip."
  return "There is no clipboard with images here. Paste or drop the path of the image's file."
}

/** What the program prints; undefined when it fails, says too much, or takes too long. */
function run(program: string, args: readonly string[], env: Env): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>()
  const child = spawn(program, args, { env: { ...env }, stdio: ["ignore", "pipe", "ignore"] })
  const chunks: Buffer[] = []
  let size = 0
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS)
  child.stdout.on("data", (chunk: Buffer) => {
    size += chunk.length
    if (size > MOST_BYTES) child.kill("SIGKILL")
    else chunks.push(chunk)
  })
  child.on("error", () => resolve(undefined))
  child.on("close", (code) => {
    clearTimeout(timer)
    resolve(code === 0 ? Buffer.concat(chunks) : undefined)
  })
  return promise
}
