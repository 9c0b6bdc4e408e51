// Git, for ourselves, in a repository that may be a stranger's: nothing that its configuration names is run (hooks,
// filters, a file system monitor), nobody is asked, and nothing of the user's is locked. Why each setting:
// docs/decisions/0013-instructions.md.
import { spawn } from "node:child_process"
import { messageOf } from "../base/error.ts"
import type { Env } from "../base/paths.ts"
import { findProgram } from "./find-program.ts"

export interface GitRun {
  /** Undefined when it printed more than was wanted, failed or took too long: `problem` says so. */
  out: Buffer | undefined
  problem: string
}

export interface GitOptions {
  input?: string | Buffer
  env?: Readonly<Record<string, string>>
  timeoutMs?: number
  maxBytes?: number
}

export type QuietGit = (args: readonly string[], options?: GitOptions) => Promise<GitRun>

const SETTINGS = [
  "core.fsmonitor=false",
  "core.hooksPath=/dev/null",
  "core.logAllRefUpdates=false",
  "core.safecrlf=false",
  "core.untrackedCache=keep",
  "core.quotePath=false",
  "diff.external=",
  "gpg.program=false",
  "protocol.allow=never",
  "core.sshCommand=false",
  "safe.bareRepository=explicit",
  "maintenance.auto=false",
  "gc.auto=0",
]
const TIMEOUT_MS = 20_000
const MOST_BYTES = 16 * 1024 * 1024
/** Filters that can be switched off; a configuration with more is not one of a person. */
const MOST_FILTERS = 50

/** Undefined where there is no git, or the configuration names what cannot be switched off. */
export async function quietGit({ root, env }: { root: string; env: Env }): Promise<QuietGit | undefined> {
  const program = findProgram("git", env.PATH)
  if (!program) return undefined
  const git = bound(program, { root, env, config: [] })
  const found = await git(["config", "--null", "--name-only", "--get-regexp", "^filter\\.|^core\\.bare$"])
  // None at all: git says so by failing.
  const keys = found.out?.toString("utf8").split("\0") ?? []
  const names = new Set(keys.flatMap((key) => /^filter\.(.+)\.[^.]+$/s.exec(key)?.[1] ?? []))
  if (names.size > MOST_FILTERS || [...names].some((name) => name.includes("\ufffd"))) return undefined
  const config = [...names].flatMap((name) => [
    [`filter.${name}.clean`, ""] as const,
    [`filter.${name}.smudge`, ""] as const,
    [`filter.${name}.process`, ""] as const,
    [`filter.${name}.required`, "false"] as const,
  ])
  return bound(program, { root, env, config })
}

interface Bound {
  root: string
  env: Env
  config: readonly (readonly [string, string])[]
}

function bound(program: string, { root, env, config }: Bound): QuietGit {
  const settings = config.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  // Nobody's GIT_* variables: they could name another repository, index or program.
  const fixed: Record<string, string> = {
    PATH: env.PATH || "/usr/bin:/bin",
    HOME: env.HOME || "/nonexistent",
    ...(env.XDG_CONFIG_HOME ? { XDG_CONFIG_HOME: env.XDG_CONFIG_HOME } : {}),
    LC_ALL: "C.UTF-8",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: "none",
    GIT_NO_LAZY_FETCH: "1",
    GIT_LITERAL_PATHSPECS: "1",
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(settings),
  }
  const options = ["--no-pager", ...SETTINGS.flatMap((setting) => ["-c", setting]), "-C", root]
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
    resolve({ out: undefined, problem: messageOf(error) })
  })
  child.on("close", (code) => {
    clearTimeout(timer)
    if (problem === "" && code === 0) return resolve({ out: Buffer.concat(chunks), problem: "" })
    return resolve({ out: undefined, problem: problem || stderr.trim().slice(0, 500) || `git ended with ${code}` })
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
