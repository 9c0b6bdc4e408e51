// Git for ourselves, beside the user's: in a repository that may be a stranger's nothing of it is run (git-safety.ts),
// and what we keep there leaves no trace in the user's index, branches and reflog.
import { spawn } from "node:child_process"
import { messageOf } from "../base/error.ts"
import type { Env } from "../base/paths.ts"
import { findProgram } from "./find-program.ts"
import { filtersOff, type GitConfig, gitEnvironment, gitOptions, LIST_FILTERS, SAFE_SETTINGS } from "./git-safety.ts"

export interface GitRun {
  /** Undefined when it printed more than was wanted, failed or took too long: `problem` says so. */
  out: Buffer | undefined
  problem: string
  /** Its exit code; null when it was ended, or never began. */
  code: number | null
}

export interface GitOptions {
  input?: string | Buffer
  env?: Readonly<Record<string, string>>
  timeoutMs?: number
  maxBytes?: number
}

export type QuietGit = (args: readonly string[], options?: GitOptions) => Promise<GitRun>

const SETTINGS = [
  ...SAFE_SETTINGS,
  "core.logAllRefUpdates=false",
  "core.safecrlf=false",
  "core.untrackedCache=keep",
  "core.quotePath=false",
]
const TIMEOUT_MS = 20_000
const MOST_BYTES = 16 * 1024 * 1024

/** Undefined where there is no git, or the configuration names what cannot be switched off. */
export async function quietGit({ root, env }: { root: string; env: Env }): Promise<QuietGit | undefined> {
  const program = findProgram("git", env.PATH)
  if (!program) return undefined
  const git = bound(program, { root, env, config: [] })
  const { code, out = Buffer.alloc(0) } = await git(LIST_FILTERS)
  const config = filtersOff({ code, out })
  if (!config) return undefined
  return bound(program, { root, env, config })
}

interface Bound {
  root: string
  env: Env
  config: GitConfig
}

function bound(program: string, { root, env, config }: Bound): QuietGit {
  const fixed = { ...gitEnvironment(env, config), GIT_LITERAL_PATHSPECS: "1" }
  const options = [...gitOptions(SETTINGS), "-C", root]
  return (args, more = {}) => run(program, [...options, ...args], { ...more, env: { ...fixed, ...more.env } })
}

function run(
  program: string,
  args: readonly string[],
  { input, env, timeoutMs = TIMEOUT_MS, maxBytes = MOST_BYTES }: GitOptions & { env: Record<string, string> },
): Promise<GitRun> {
  const { promise, resolve } = Promise.withResolvers<GitRun>()
  const child = spawn(program, args, { cwd: "/", env, detached: true, stdio: ["pipe", "pipe", "pipe"] })
  const chunks: Buffer[] = []
  let bytes = 0
  let problem = ""
  let stderr = ""
  const kill = (why: string) => {
    if (problem !== "") return
    problem = why
    if (child.pid !== undefined) killGroup(child.pid)
    child.stdout.destroy()
    child.stderr.destroy()
  }
  const timer = setTimeout(() => kill("git took too long"), timeoutMs)
  child.stdout.on("data", (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes) kill("git had too much to say")
  })
  child.stderr.on("data", (chunk: Buffer) => {
    if (stderr.length < 2000) stderr += chunk.toString("utf8")
  })
  // It may end without having read all of it.
  child.stdin.on("error", () => undefined)
  child.stdin.end(input ?? "")
  child.on("error", (error) => {
    clearTimeout(timer)
    resolve({ out: undefined, problem: messageOf(error), code: null })
  })
  child.on("close", (code) => {
    clearTimeout(timer)
    if (problem === "" && code === 0) return resolve({ out: Buffer.concat(chunks), problem: "", code })
    const said = problem || stderr.trim().slice(0, 500) || `git ended with ${code}`
    return resolve({ out: undefined, problem: said, code: problem === "" ? code : null })
  })
  return promise
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL")
  } catch (error) {
    // It has ended already.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error
  }
}
