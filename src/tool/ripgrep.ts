// Where ripgrep is, and how it is run: beside the program, without a shell, without anybody's configuration, and
// stopped as soon as there is enough.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { constants } from "node:fs"
import { access, chmod, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { delimiter, isAbsolute, join } from "node:path"
import type { Env } from "../base/paths.ts"
import { ToolError } from "./tool.ts"

export interface RipgrepSources {
  env: Env
  /** Folder that we own, where an embedded binary is unpacked: $MEANWHILE_HOME/cache. Made when it is needed. */
  cacheFolder: string
  /** Path of the binary that comes with the program; below `/$bunfs/` when it is inside the executable. */
  bundled?: () => Promise<string>
  /** Files inside the single executable can be read, but not run. */
  isEmbedded?: (path: string) => boolean
}

/** Where Bun puts the files inside an executable (Bun 1.4.5). */
const insideExecutable = (path: string) => path.startsWith("/$bunfs/")

/**
 * Finds ripgrep once: `$MEANWHILE_RG`, the binary that comes with the program, `rg` on the PATH. The function that is
 * returned throws a ToolError that says what to do when there is none; it looks again at the next call.
 */
export function ripgrepLocator(sources: RipgrepSources): () => Promise<string> {
  let found: Promise<string> | undefined
  return () => {
    found ??= locateRipgrep(sources).catch((error: unknown) => {
      found = undefined
      throw error
    })
    return found
  }
}

async function locateRipgrep({
  env,
  cacheFolder,
  bundled = bundledRipgrep,
  isEmbedded = insideExecutable,
}: RipgrepSources): Promise<string> {
  const chosen = env["MEANWHILE_RG"]
  if (chosen) {
    if (isAbsolute(chosen) && (await isProgram(chosen))) return chosen
    throw new ToolError(
      `MEANWHILE_RG is ${JSON.stringify(chosen)}, which is not the absolute path of a program. The user must correct or unset it.`,
    )
  }
  const own = await bundled().catch(() => undefined) // no binary for this platform: the PATH may have one
  if (own && isEmbedded(own)) return unpack(own, cacheFolder)
  if (own && (await isProgram(own))) return own
  // Relative entries would run a program out of whatever folder is current.
  for (const folder of (env["PATH"] ?? "").split(delimiter).filter(isAbsolute)) {
    const path = join(folder, "rg")
    if (await isProgram(path)) return path
  }
  throw new ToolError(
    "ripgrep was not found. The user can install it (rg on the PATH) or set MEANWHILE_RG to its path. Until then search with Bash (find, grep).",
  )
}

async function bundledRipgrep(): Promise<string> {
  return (await import("@vscode/ripgrep")).rgPath
}

/** The name holds the content's hash, so that another version of the program never runs this one's binary. */
async function unpack(embedded: string, cacheFolder: string): Promise<string> {
  const bytes = await readFile(embedded)
  const target = join(cacheFolder, `rg-${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}`)
  if ((await isProgram(target)) && (await stat(target)).size === bytes.length) return target
  await mkdir(cacheFolder, { recursive: true, mode: 0o700 })
  const temporary = `${target}.${process.pid}.tmp`
  try {
    await writeFile(temporary, bytes)
    await chmod(temporary, 0o700)
    await rename(temporary, target)
  } finally {
    await rm(temporary, { force: true })
  }
  return target
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false // not there, or not for us: either way it cannot be run
  }
}

export interface RipgrepRun {
  /** From `ripgrepLocator`. */
  program: string
  args: readonly string[]
  cwd: string
  env: Env
  signal: AbortSignal
  /** Gets the output piece by piece; `enough` stops the program. */
  take(chunk: Buffer): "more" | "enough"
}

/** Code 0: something matched; 1: nothing did; 2: a mistake, or some places could not be searched. */
export type RipgrepEnd = { type: "stopped" } | { type: "exited"; code: number; errors: string }

/** Most that is kept of the program's complaints. */
const ERROR_BYTES = 8192

/** Runs until ripgrep ends or there is enough. Rejects with the signal's reason when aborted; leaves no process behind. */
export function runRipgrep({ program, args, cwd, env, signal, take }: RipgrepRun): Promise<RipgrepEnd> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<RipgrepEnd>()
  const child = spawn(program, ["--no-config", "--no-require-git", "--color=never", ...args], {
    cwd,
    env: environmentFor(env),
    stdio: ["ignore", "pipe", "pipe"],
  })
  let isEnough = false
  let errors = ""
  const kill = () => child.kill("SIGKILL")
  signal.addEventListener("abort", kill, { once: true })
  child.stdout.on("data", (chunk: Buffer) => {
    if (isEnough || signal.aborted || take(chunk) === "more") return
    isEnough = true
    kill()
  })
  child.stderr.on("data", (chunk: Buffer) => {
    if (errors.length < ERROR_BYTES) errors += chunk.toString("utf8")
  })
  child.on("error", (error) => {
    signal.removeEventListener("abort", kill)
    reject(new ToolError(`ripgrep (${program}) could not be started in ${cwd}: ${error.message}.`))
  })
  child.on("close", (code) => {
    signal.removeEventListener("abort", kill)
    if (signal.aborted) return reject(signal.reason)
    resolve(isEnough ? { type: "stopped" } : { type: "exited", code: code ?? 2, errors: errors.slice(0, ERROR_BYTES) })
  })
  return promise
}

/** Enough to find the user's global list of ignored files; no keys. */
function environmentFor(env: Env): Record<string, string> {
  const kept = ["PATH", "HOME", "XDG_CONFIG_HOME", "LANG", "LC_ALL", "TMPDIR"]
  return Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}
