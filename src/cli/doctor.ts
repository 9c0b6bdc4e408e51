// `meanwhile doctor`: looks at everything the program depends on and says of each how to mend it. Nothing is sent
// anywhere, no key is shown, and a fault in one check does not hide the others.
import { accessSync, constants, statSync } from "node:fs"
import { delimiter, isAbsolute, join } from "node:path"
import { systemClock } from "../base/clock.ts"
import { Exit, messageOf } from "../base/error.ts"
import { visible } from "../base/escape.ts"
import { displayPath, type Env, homePaths, projectRoot } from "../base/paths.ts"
import { loadSettings, type Settings } from "../base/settings.ts"
import { version } from "../base/version.ts"
import { isExecutable } from "../runtime/self.ts"
import { isTerminal, writeOut } from "../runtime/standard.ts"
import { isTrustedFolder } from "./trusted-folder.ts"

/** `missing` fails the whole, `hint` does not. `mend` says what to do. */
interface Finding {
  mark: "good" | "hint" | "missing"
  what: string
  found: string
  mend?: string
}

interface Place {
  env: Env
  cwd: string
}

type Check = (place: Place) => Finding | Finding[] | Promise<Finding | Finding[]>

const checks: Readonly<Record<string, Check>> = {
  Program: checkProgram,
  Home: checkHome,
  Database: checkDatabase,
  Settings: checkSettings,
  Model: checkModel,
  bash: ({ env }) => checkTool("bash", env, { mark: "missing", why: "Shell commands need it" }),
  git: ({ env }) => checkTool("git", env, { mark: "hint", why: "Without it an agent sees no history of your files" }),
  ripgrep: checkRipgrep,
  Terminal: checkTerminal,
  Sandbox: checkSandbox,
}

/** Prints the findings; resolves to the exit code: 1 when something needed is missing. */
export async function doctor(place: Place = { env: process.env, cwd: process.cwd() }): Promise<number> {
  const findings: Finding[] = []
  for (const [what, check] of Object.entries(checks)) {
    try {
      findings.push(...[await check(place)].flat())
    } catch (error) {
      // The messages are for people and say how to mend it. One cause may stop several checks: it is told once.
      const found = messageOf(error)
      if (!findings.some((finding) => finding.found === found)) findings.push({ mark: "missing", what, found })
    }
  }
  const missing = findings.filter(({ mark }) => mark === "missing").length
  const summary = missing === 0 ? "Everything that is needed is there." : `To mend: ${missing}, marked ✗.`
  await writeOut(`${findings.map(render).join("\n")}\n\n${summary}\n`)
  return missing === 0 ? Exit.done : Exit.failed
}

const MARKS = { good: "✓", hint: "!", missing: "✗" } as const

function render({ mark, what, found, mend }: Finding): string {
  const line = `${MARKS[mark]} ${what.padEnd(9)} ${visible(found)}`
  return mend ? `${line}\n  ${" ".repeat(9)} → ${visible(mend)}` : line
}

function checkProgram(): Finding {
  const kind = isExecutable() ? "the single executable" : "from the sources"
  return {
    mark: "good",
    what: "Program",
    found: `Meanwhile ${version}, ${kind}, on Bun ${process.versions.bun}, ${process.platform} ${process.arch}`,
  }
}

/** A folder that does not exist yet is made when the database is opened, which is the next check. */
function checkHome({ env }: Place): Finding[] {
  const { config, data } = homePaths(env)
  const folders = config === data ? [data] : [config, data]
  return folders.map((folder): Finding => {
    const found = displayPath(folder)
    const stat = statSync(folder, { throwIfNoEntry: false })
    if (!stat) return { mark: "good", what: "Home", found: `${found} (not made yet)` }
    if (!stat.isDirectory())
      return {
        mark: "missing",
        what: "Home",
        found: `${found} is not a folder`,
        mend: "Move it away, or set MEANWHILE_HOME.",
      }
    if (!isWritable(folder)) {
      const mend = `chown or chmod it (chmod u+rwx '${folder}'), or set MEANWHILE_HOME to a folder that is yours.`
      return { mark: folder === data ? "missing" : "hint", what: "Home", found: `${found} cannot be written`, mend }
    }
    if (folder === data && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, "0")
      return {
        mark: "hint",
        what: "Home",
        found: `${found} can be read by others (${mode})`,
        mend: `chmod 700 '${folder}'`,
      }
    }
    return { mark: "good", what: "Home", found }
  })
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Opening makes and migrates it, and refuses file systems whose locks cannot be trusted; its errors say how to mend. */
async function checkDatabase({ env }: Place): Promise<Finding> {
  const { data } = homePaths(env)
  const { openStore } = await import("../store/open.ts")
  const store = await openStore({ folder: data, clock: systemClock })
  try {
    const sessions = store.one<{ n: number }>("SELECT count(*) AS n FROM session")?.n ?? 0
    return { mark: "good", what: "Database", found: `opens, ${sessions} sessions` }
  } finally {
    store.close()
  }
}

async function settingsOf({ env, cwd }: Place): Promise<{ settings: Settings; notes: string[] }> {
  const home = homePaths(env)
  const root = projectRoot(cwd, home.home)
  // What is wrong with the database is said by its own check; without it, nobody is known to trust the folder.
  const trusted = await isTrustedFolder(env, root).catch(() => false)
  return loadSettings({ cwd, root, home, trusted })
}

async function checkSettings(place: Place): Promise<Finding[]> {
  const { notes } = await settingsOf(place)
  if (notes.length === 0) return [{ mark: "good", what: "Settings", found: "can be read" }]
  return notes.map((found) => ({ mark: "hint", what: "Settings", found }))
}

/** Only names of keys. Whether a key is right is seen at the first request: this check sends nothing. */
async function checkModel(place: Place): Promise<Finding[]> {
  const { env } = place
  const { settings } = await settingsOf(place)
  const { providers = {}, models = {}, modelAliases = {}, modelFallback = [] } = settings
  const { defaultModelId, keyVariables, openModel } = await import("../model/providers.ts")
  const model = defaultModelId(env, settings)
  const variables = keyVariables(providers)
  const keys = variables.filter((name) => env[name])
  if (model === "scout") {
    const mend = `For a language model set ${variables.join(" or ")}.`
    return [{ mark: "hint", what: "Model", found: "scout, the offline stand-in: no key is set", mend }]
  }
  const known = { env, providers, models, aliases: modelAliases }
  const { id } = await openModel(model, known)
  const chain: string[] = []
  for (const name of modelFallback) chain.push((await openModel(name, known)).id)
  const then = chain.length > 0 ? `, then ${chain.join(", ")}` : ""
  const found = `${id}${then}; keys: ${keys.join(", ") || "none"}`
  return [{ mark: "good", what: "Model", found }, ...(await assumptions([id, ...chain], known))]
}

/** A wrong window is found out late, when a conversation has grown: it is said before. */
async function assumptions(ids: readonly string[], known: Pick<Settings, "models" | "providers">): Promise<Finding[]> {
  const { factsOf } = await import("../model/catalogue.ts")
  const findings: Finding[] = []
  for (const id of ids) {
    const { assumed, contextWindow, maxOutputTokens } = await factsOf(id, known)
    if (id === "scout" || !assumed.includes("contextWindow")) continue
    const found = `${id} is not in the catalogue: ${contextWindow} tokens of context and ${maxOutputTokens} of output are assumed`
    const mend = `Say in settings.json what it has: "models": {"${id}": {"contextWindow": …, "maxOutputTokens": …}}`
    findings.push({ mark: "hint", what: "Model", found, mend })
  }
  return findings
}

async function checkTool(
  name: string,
  env: Env,
  { mark, why }: { mark: "hint" | "missing"; why: string },
): Promise<Finding> {
  const path = onPath(name, env)
  if (!path) return { mark, what: name, found: "not found on the PATH", mend: `${why}: install ${name}.` }
  return { mark: "good", what: name, found: `${(await versionLine(path)) ?? "found"} (${displayPath(path)})` }
}

/** The one that Grep and Glob will use; the executable unpacks its own at the first use, so here. */
async function checkRipgrep({ env }: Place): Promise<Finding> {
  const { ripgrepLocator } = await import("../tool/ripgrep.ts")
  const path = await ripgrepLocator({ env, cacheFolder: join(homePaths(env).data, "cache") })()
  const line = await versionLine(path)
  if (line) return { mark: "good", what: "ripgrep", found: `${line} (${displayPath(path)})` }
  const mend = "Install ripgrep and set MEANWHILE_RG to its path."
  return { mark: "missing", what: "ripgrep", found: `${displayPath(path)} does not start`, mend }
}

function checkTerminal({ env }: Place): Finding {
  const what = "Terminal"
  if (!isTerminal(1)) return { mark: "good", what, found: "none here (output goes to a file or a pipe)" }
  const term = env.TERM || "unknown"
  const colours = env.NO_COLOR ? "no colours (NO_COLOR)" : `${2 ** process.stdout.getColorDepth()} colours`
  const found = `${term}, ${process.stdout.columns}×${process.stdout.rows}, ${colours}`
  if (term !== "dumb" && term !== "unknown") return { mark: "good", what, found }
  return { mark: "hint", what, found, mend: "It cannot move the cursor: only -p will work in it." }
}

/** Only told: no sandbox is used in this version. */
function checkSandbox({ env }: Place): Finding {
  const what = "Sandbox"
  if (process.platform !== "linux") return { mark: "good", what, found: "not used in this version" }
  const path = onPath("bwrap", env)
  return {
    mark: "good",
    what,
    found: `${path ? "bubblewrap is installed" : "bubblewrap is not installed"}; not used in this version`,
  }
}

/** Relative entries of the PATH are left out: they would run what lies in the current folder. */
function onPath(name: string, env: Env): string | undefined {
  const folders = (env.PATH ?? "").split(delimiter).filter(isAbsolute)
  return folders.map((folder) => join(folder, name)).find(isProgram)
}

function isProgram(path: string): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** First line of `--version`; undefined when the program does not start or is silent for 5 s. */
async function versionLine(path: string): Promise<string | undefined> {
  const { execFile } = await import("node:child_process")
  return new Promise((resolve) => {
    execFile(path, ["--version"], { timeout: 5000 }, (error, output) =>
      resolve(error ? undefined : output.split("\n")[0]),
    )
  })
}
