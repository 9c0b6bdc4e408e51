// What git says of the repository when a session begins. The repository may be a stranger's, and its configuration can
// name programs for many occasions: none of them may run here. Why each setting: docs/decisions/0013-instructions.md.
import { stripControl } from "../base/escape.ts"
import { type Env, isRepository } from "../base/paths.ts"
import { oneLine, plural } from "../base/text.ts"
import { type Captured, capture } from "../exec/capture.ts"
import { findProgram } from "../exec/find-program.ts"
import { defuse } from "../task/defuse.ts"

/** For all of git's commands together. */
const TIMEOUT_MS = 1000
const MAX_BYTES = 256 * 1024
const STATUS_LINES = 40
const COMMITS = 3
/** Filters that can be switched off; a configuration with more is not one of a person. */
const MOST_FILTERS = 50

export interface GitPlace {
  /** The repository's root (`projectRoot`). */
  root: string
  env: Env
  timeoutMs?: number
}

/** The part of the system prompt; "" when there is no repository, no git, or no answer in time. Never rejects. */
export async function gitStatus({ root, env, timeoutMs = TIMEOUT_MS }: GitPlace): Promise<string> {
  // Git itself would look for one in the folders above.
  const program = isRepository(root) ? findProgram("git", env.PATH) : undefined
  if (!program) return ""
  const until = performance.now() + timeoutMs
  const git: Git = (args, config = []) =>
    capture({
      program,
      args: [...SAFE, "-C", root, ...args],
      cwd: "/",
      env: environment(env, config),
      timeoutMs: Math.max(1, until - performance.now()),
      maxBytes: MAX_BYTES,
    })
  try {
    const [status, refs, log] = await Promise.all([statusLines(git), mainBranch(git), lastCommits(git)])
    return render({ status, main: refs, log })
  } catch {
    // Git cannot be started: then there is nothing to say of the repository.
    return ""
  }
}

type Git = (args: readonly string[], config?: readonly (readonly [string, string])[]) => Promise<Captured>

/** Everything in a repository's configuration by which the commands below could start a program. */
const SAFE = [
  "--no-pager",
  ...[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.untrackedCache=false",
    "core.quotePath=true",
    "log.showSignature=false",
    "gpg.program=false",
    "status.submoduleSummary=false",
    "diff.external=",
    "protocol.allow=never",
    "core.sshCommand=false",
    "safe.bareRepository=explicit",
    "maintenance.auto=false",
    "gc.auto=0",
  ].flatMap((setting) => ["-c", setting]),
]

/** A new environment: nobody's GIT_* variables, no questions, no locks, no network for objects that are missing. */
function environment(env: Env, config: readonly (readonly [string, string])[]): Record<string, string> {
  const settings = config.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return {
    PATH: env.PATH || "/usr/bin:/bin",
    HOME: env.HOME || "/nonexistent",
    ...(env.XDG_CONFIG_HOME ? { XDG_CONFIG_HOME: env.XDG_CONFIG_HOME } : {}),
    LC_ALL: "C.UTF-8",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: "none",
    GIT_NO_LAZY_FETCH: "1",
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(settings),
  }
}

/** `undefined`: git did not say, or could not be asked safely. */
async function statusLines(git: Git): Promise<string[] | undefined> {
  const off = await filtersOff(git)
  if (!off) return undefined
  const args = [
    "status",
    "--porcelain=v1",
    "--branch",
    "--untracked-files=normal",
    "--ignore-submodules=all",
    "--no-renames",
  ]
  return linesOf(await git(args, off))
}

/**
 * Comparing a file with the index runs the clean filter that its attributes name, and a repository can bring both. So
 * the settings are asked for the filters that there are (which runs nothing), and each is switched off.
 */
async function filtersOff(git: Git): Promise<(readonly [string, string])[] | undefined> {
  const found = await git(["config", "--null", "--name-only", "--get-regexp", "^filter\\."])
  // 1: none.
  if (found.end !== "exited" || (found.code !== 0 && found.code !== 1)) return undefined
  const names = new Set(
    found.stdout
      .toString("utf8")
      .split("\0")
      .flatMap((key) => /^filter\.(.+)\.[^.]+$/s.exec(key)?.[1] ?? []),
  )
  if (names.size > MOST_FILTERS || [...names].some((name) => name.includes("\ufffd"))) return undefined
  return [...names].flatMap((name) => [
    [`filter.${name}.clean`, ""] as const,
    [`filter.${name}.smudge`, ""] as const,
    [`filter.${name}.process`, ""] as const,
    [`filter.${name}.required`, "false"] as const,
  ])
}

/** The branch that others start from: what `origin` calls its own, else the usual names. */
async function mainBranch(git: Git): Promise<string | undefined> {
  const names = ["refs/remotes/origin/HEAD", "refs/heads/main", "refs/heads/master"]
  const lines = await linesOf(await git(["for-each-ref", "--format=%(refname) %(symref)", ...names]))
  const found = new Map(lines?.map((line) => line.split(" ", 2) as [string, string]))
  const origin = found.get(names[0]!)?.replace(/^refs\/remotes\/origin\//, "")
  return origin || (found.has(names[1]!) ? "main" : found.has(names[2]!) ? "master" : undefined)
}

async function lastCommits(git: Git): Promise<string[] | undefined> {
  return linesOf(
    await git(["log", `-${COMMITS}`, "--no-show-signature", "--no-decorate", "--no-color", "--format=%h %s"]),
  )
}

function linesOf({ end, code, stdout }: Captured): string[] | undefined {
  if (end === "timeout" || (end === "exited" && code !== 0)) return undefined
  const lines = stdout.toString("utf8").split("\n")
  // The last line is empty, or cut.
  return lines.slice(0, -1).map(harmless)
}

function harmless(line: string): string {
  return defuse(stripControl(line)).replace(/<(?=\s*\/?\s*(?:git-status|environment|instructions)\b)/gi, "&lt;")
}

interface Said {
  status: string[] | undefined
  main: string | undefined
  log: string[] | undefined
}

function render({ status, main, log }: Said): string {
  if (!status && !log) return ""
  const [head, ...changes] = status ?? []
  const branch = head?.replace(/^## /, "")
  const shown = changes.slice(0, STATUS_LINES).map((line) => line.slice(0, 300))
  if (changes.length > shown.length) shown.push(`… and ${plural(changes.length - shown.length, "more file")}`)
  return [
    "<git-status>",
    "As it was when this conversation began; it is not kept up to date.",
    ...(branch ? [`Branch: ${oneLine(branch, 200)}`] : []),
    ...(main ? [`Main branch: ${oneLine(main, 100)}`] : []),
    ...(status ? ["Status:", ...(shown.length > 0 ? shown : ["(clean)"])] : ["Status: (git did not answer in time)"]),
    ...(log && log.length > 0 ? ["Last commits:", ...log.map((line) => oneLine(line, 150))] : []),
    "</git-status>",
  ].join("\n")
}
