// Finds the agents of a session: from the command line, the repository, the person's own folders and the program. The
// nearest of a name wins. A file that cannot be used is left out and listed, and stops nobody who does not ask for it.
import { statSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { Exit, UserError } from "../base/error.ts"
import { visible } from "../base/escape.ts"
import { parseJson } from "../base/json.ts"
import { displayPath, foldersUp, realPath } from "../base/paths.ts"
import { readText } from "../base/read.ts"
import { nearest, oneLine } from "../base/text.ts"
import type { AgentDefinition } from "./agent.ts"
import { builtinAgents, MAIN_AGENT } from "./builtins.ts"
import { define } from "./define.ts"
import { agentFiles } from "./files.ts"
import { parseHead, splitFile } from "./frontmatter.ts"

export interface LoadedAgents {
  /** One for each name, sorted by name. */
  agents: AgentDefinition[]
  /** Those that a nearer one of the same name hides. */
  shadowed: { agent: AgentDefinition; by: AgentDefinition }[]
  problems: AgentProblem[]
}

export interface AgentProblem {
  /** Absolute path of the file or folder, or `--agents`. */
  path: string
  line?: number
  column?: number
  message: string
  /** The file was left out; otherwise it is used without what is wrong in it. */
  fatal: boolean
  /** It is wrong only because the folder is not trusted: what it says there. */
  withheld?: string
  /** The agent's name, as far as it is known. */
  agent?: string
}

export interface AgentPlaces {
  cwd: string
  /** The repository's root (`projectRoot`). */
  root: string
  /** The own folder for configuration, and the home folder (`homePaths`). */
  userConfig: string
  userHome: string
  /** Value of `--agents`. */
  flagJson?: string | undefined
  /** Whether the repository may widen rights; otherwise its agents cannot, nor be the main one. */
  trusted?: boolean
}

const LARGEST_FILE = 256 * 1024

/** Throws a UserError for a flag that cannot be used; whatever is wrong with files is in `problems`. */
export async function loadAgents(places: AgentPlaces): Promise<LoadedAgents> {
  const problems: AgentProblem[] = []
  const found = [...fromFlag(places.flagJson, problems)]
  for (const { folder, scope } of folders(places)) found.push(...(await fromFolder(folder, { scope, problems })))
  const permitted = places.trusted ? found : found.flatMap((agent) => withinRights(agent, problems))

  const effective = new Map<string, AgentDefinition>()
  const shadowed: LoadedAgents["shadowed"] = []
  for (const agent of [...permitted, ...builtinAgents()]) {
    const by = effective.get(agent.name)
    if (by) shadowed.push({ agent, by })
    else effective.set(agent.name, agent)
  }
  const agents = [...effective.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return { agents, shadowed, problems }
}

export type CheckedAgents = Pick<LoadedAgents, "agents" | "problems">

/** What is in these files and folders, as if they were the person's own: with what is wrong, and without trust. */
export async function checkAgents(paths: readonly string[]): Promise<CheckedAgents> {
  const problems: AgentProblem[] = []
  const agents: AgentDefinition[] = []
  for (const path of paths.map((given) => resolve(given))) {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (!stat) problems.push({ path, message: "does not exist", fatal: true })
    if (stat?.isDirectory()) agents.push(...(await fromFolder(path, { scope: "user", problems })))
    if (!stat || stat.isDirectory()) continue
    const agent = await fromFile(path, { scope: "user", problems })
    if (agent) agents.push(agent)
  }
  return { agents, problems }
}

/** By exact name, else by the only name that differs in case. Throws a UserError that says which there are. */
export function findAgent({ agents, problems }: LoadedAgents, name: string): AgentDefinition {
  const exact = agents.find((agent) => agent.name === name)
  if (exact) return exact
  const [alike, ...others] = agents.filter((agent) => agent.name.toLowerCase() === name.toLowerCase())
  if (alike && others.length === 0) return alike

  // Who has given a file a name that is none asks for the agent by the file's.
  const isFile = ({ path }: AgentProblem) => basename(path).replace(/\.md$/i, "") === name
  const fatal = problems.filter((problem) => problem.fatal)
  const broken = fatal.find((problem) => problem.agent === name) ?? fatal.find(isFile)
  if (broken) {
    throw new UserError("bad-agent", `The agent "${visible(name)}" cannot be used. ${problemLine(broken)}`, Exit.usage)
  }
  const names = agents.map((agent) => agent.name)
  const near = nearest(name, names)
  const meant = near.length > 0 ? ` Did you mean ${near.map((known) => `"${known}"`).join(" or ")}?` : ""
  const known = names.slice(0, 30).join(", ") + (names.length > 30 ? ` and ${names.length - 30} more` : "")
  throw new UserError(
    "unknown-agent",
    `There is no agent "${oneLine(visible(name), 80)}".${meant} Known: ${known}.`,
    Exit.usage,
  )
}

/** `path:line:column: message`, for lists and messages. */
export function problemLine({ path, line, column, message }: AgentProblem): string {
  const place = [displayPath(path), line, column].filter((part) => part !== undefined).join(":")
  return `${place}: ${visible(message)}`
}

function folders({ cwd, root, userConfig, userHome }: AgentPlaces): { folder: string; scope: "project" | "user" }[] {
  const own = [join(userConfig, "agents"), join(userHome, ".claude/agents")]
  // In the home folder the person's own agents are not a repository's as well.
  const taken = new Set(own.map(realPath))
  const theirs = foldersUp(cwd, root)
    .flatMap((folder) => [join(folder, ".meanwhile/agents"), join(folder, ".claude/agents")])
    .filter((folder) => !taken.has(realPath(folder)))
  return [
    ...theirs.map((folder) => ({ folder, scope: "project" as const })),
    ...own.map((folder) => ({ folder, scope: "user" as const })),
  ]
}

async function fromFolder(
  folder: string,
  { scope, problems }: { scope: "project" | "user"; problems: AgentProblem[] },
): Promise<AgentDefinition[]> {
  const found = agentFiles(folder)
  problems.push(...found.problems.map((problem) => ({ ...problem, fatal: true })))
  const agents = new Map<string, AgentDefinition>()
  const twice: AgentDefinition[] = []
  for (const path of found.files) {
    const agent = await fromFile(path, { scope, problems })
    if (!agent) continue
    const first = agents.get(agent.name)
    if (!first) agents.set(agent.name, agent)
    if (!first) continue
    twice.push(agent)
    const message = `the name "${agent.name}" is taken by ${displayPath(first.source.path!)}, which is used`
    problems.push({ path, message, fatal: false, agent: agent.name })
  }
  return [...agents.values(), ...twice]
}

async function fromFile(
  path: string,
  { scope, problems }: { scope: "project" | "user"; problems: AgentProblem[] },
): Promise<AgentDefinition | undefined> {
  const fallbackName = basename(path).replace(/\.md$/i, "")
  const skip = (mistake: { line?: number; column?: number; message: string }): undefined => {
    const { line, column, message } = mistake
    const place = { ...(line !== undefined && { line }), ...(column !== undefined && { column }) }
    problems.push({ path, ...place, message, fatal: true, agent: fallbackName })
  }
  const read = readText(path, LARGEST_FILE)
  if (read.type === "none") return skip({ message: "leads nowhere" })
  if (read.type === "unreadable") return skip({ message: read.reason })
  const file = splitFile(read.text)
  if ("message" in file) return skip(file)
  const head = await parseHead(file)
  if ("message" in head) return skip(head)

  const {
    name,
    agent,
    problems: wrong,
  } = define(head.fields, { prompt: file.body, source: { scope, path }, fallbackName })
  const lines = file.head.split("\n")
  for (const { key, message, fatal } of wrong) {
    const at = lines.findIndex((line) => line.startsWith(`${key}:`))
    problems.push({
      path,
      line: at < 0 ? file.headLine - 1 : file.headLine + at,
      message: `${key}: ${message}`,
      fatal,
      agent: name,
    })
  }
  return agent
}

function fromFlag(json: string | undefined, problems: AgentProblem[]): AgentDefinition[] {
  if (json === undefined) return []
  const fail = (what: string): never => {
    throw new UserError("bad-agents-flag", `--agents: ${visible(what)}`, Exit.usage)
  }
  const parsed = parseJson(json)
  if (parsed.type === "mistake")
    return fail(`not JSON, at line ${parsed.line}, column ${parsed.column}: ${parsed.message}`)
  const shape = 'expected {"NAME": {"description": "…", "prompt": "…", "tools": ["…"], "model": "…"}}'
  if (!isObject(parsed.value)) return fail(shape)
  return Object.entries(parsed.value).map(([name, fields]) => {
    if (!isObject(fields)) return fail(shape)
    const { prompt, ...rest } = fields
    if (typeof prompt !== "string") return fail(`"${name}" has no prompt; ${shape}`)
    const defined = define({ ...rest, name }, { prompt, source: { scope: "flag" }, fallbackName: name })
    const fatal = defined.problems.find((problem) => problem.fatal)
    if (!defined.agent) return fail(`"${name}": ${fatal?.key}: ${fatal?.message}`)
    const reported = defined.problems.map(({ key, message }) => ({
      path: "--agents",
      message: `${key}: ${message}`,
      fatal: false,
      agent: name,
    }))
    problems.push(...reported)
    return defined.agent
  })
}

/** What is left of a definition in a folder that is not trusted. */
function withinRights(agent: AgentDefinition, problems: AgentProblem[]): AgentDefinition[] {
  const { scope, path = "" } = agent.source
  if (scope !== "project") return [agent]
  if (agent.name === MAIN_AGENT) {
    const message = `the folder is not trusted, so it cannot replace the agent "${MAIN_AGENT}"`
    const withheld = `the agent "${MAIN_AGENT}", in the place of the built-in one`
    problems.push({ path, message, fatal: true, agent: agent.name, withheld })
    return []
  }
  const { permissionMode, ...rest } = agent
  if (permissionMode !== "acceptEdits" && permissionMode !== "bypassPermissions") return [agent]
  const message = `permissionMode: the folder is not trusted, so "${permissionMode}" is left out`
  const withheld = `permissionMode: ${permissionMode}`
  problems.push({ path, message, fatal: false, agent: agent.name, withheld })
  return [rest]
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
