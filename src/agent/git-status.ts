// What git says of the repository when a session begins. The repository may be a stranger's: nothing of it may run here
// (exec/git-safety.ts).
import { stripControl } from "../base/escape.ts"
import { type Env, isRepository } from "../base/paths.ts"
import { oneLine, plural } from "../base/text.ts"
import { type Captured, capture } from "../exec/capture.ts"
import { findProgram } from "../exec/find-program.ts"
import {
  filtersOff,
  type GitConfig,
  gitEnvironment,
  gitOptions,
  LIST_FILTERS,
  SAFE_SETTINGS,
} from "../exec/git-safety.ts"
import { defuse } from "../task/defuse.ts"

/** For all of git's commands together. */
const TIMEOUT_MS = 1000
const MAX_BYTES = 256 * 1024
const STATUS_LINES = 40
const COMMITS = 3

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
      args: [...gitOptions(SETTINGS), "-C", root, ...args],
      cwd: "/",
      env: gitEnvironment(env, config),
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

type Git = (args: readonly string[], config?: GitConfig) => Promise<Captured>

const SETTINGS = [
  ...SAFE_SETTINGS,
  "core.untrackedCache=false",
  "core.quotePath=true",
  "log.showSignature=false",
  "status.submoduleSummary=false",
]

/** `undefined`: git did not say, or could not be asked safely. */
async function statusLines(git: Git): Promise<string[] | undefined> {
  const { end, code, stdout: out } = await git(LIST_FILTERS)
  const off = end === "exited" ? filtersOff({ code, out }) : undefined
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
