// How accurate the offline scout is on published packages: is the known definition among the first three references of
// the report, and does every reference hold what it claims? By default through the real program; `--driver` runs the
// scout in process. `--questions FILE` takes other questions, `--verbose` prints the reports. Exits 1 below the mark.
import { execFile } from "node:child_process"
import { access, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs, promisify } from "node:util"
import { scoutModel } from "../src/model/scout/scout.ts"
import { scoutDriver } from "../testing/scout-driver.ts"

/** An answer is `SYMBOL FILE`; one of them suffices. */
interface PackageQuestions {
  package: string
  style?: string
  questions: { ask: string; answers: string[] }[]
}

interface Reference {
  path: string
  line: number
  symbol: string
}

interface Outcome {
  package: string
  ask: string
  /** Place of the first right reference, from 1; undefined: not in the report. */
  rank: number | undefined
  references: number
  wrong: string[]
  ms: number
}

/** Share of questions whose answer must be among the first three references. */
const MARK = 0.9
const TOP = 3

const run = promisify(execFile)
const root = resolve(import.meta.dirname, "..")
const { values: options } = parseArgs({
  options: { driver: { type: "boolean" }, questions: { type: "string" }, verbose: { type: "boolean" } },
})

const file = options.questions ?? join(import.meta.dirname, "scout-questions.json")
const packages = JSON.parse(await readFile(file, "utf8")) as PackageQuestions[]
const folder = await mkdtemp(join(tmpdir(), "meanwhile-scout-"))
const outcomes: Outcome[] = []
try {
  for (const one of packages) {
    const cwd = await unpack(one.package)
    for (const question of one.questions) outcomes.push(await judge(one.package, question, cwd))
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.exitCode = printTable(outcomes) ? 0 : 1

async function judge(
  name: string,
  { ask, answers }: PackageQuestions["questions"][number],
  cwd: string,
): Promise<Outcome> {
  const started = performance.now()
  const report = options.driver ? await scoutDriver({ model: scoutModel(), cwd }).ask(ask) : await askProgram(ask, cwd)
  const ms = Math.round(performance.now() - started)
  if (options.verbose) console.log(`\n=== ${name}: ${ask}\n${report}\n`)
  const references = referencesIn(report)
  const index = references.findIndex((one) => answers.includes(`${one.symbol} ${one.path}`))
  return {
    package: name,
    ask,
    rank: index < 0 ? undefined : index + 1,
    references: references.length,
    wrong: await wrongOf(references, cwd),
    ms,
  }
}

async function askProgram(ask: string, cwd: string): Promise<string> {
  const env = { ...process.env, MEANWHILE_HOME: join(folder, "home") }
  const { stdout } = await run(join(root, "bin/meanwhile"), ["-p", ask, "--model", "scout"], {
    cwd,
    env,
    timeout: 120_000,
  })
  return stdout
}

function referencesIn(report: string): Reference[] {
  return [...report.matchAll(/^- (.+?):(\d+) {2}\w+ (?:of|with) `([^`]+)`:/gm)].map(([, path, line, symbol]) => ({
    path: path!,
    line: Number(line),
    symbol: symbol!,
  }))
}

/** References whose line does not hold the symbol, or that come twice. */
async function wrongOf(references: readonly Reference[], cwd: string): Promise<string[]> {
  const wrong: string[] = []
  const seen = new Set<string>()
  for (const { path, line, symbol } of references) {
    const place = `${path}:${line}`
    const text = (await readFile(join(cwd, path), "utf8").catch(() => "")).split("\n")[line - 1] ?? ""
    if (!text.includes(symbol) || seen.has(place)) wrong.push(`${place} ${symbol}`)
    seen.add(place)
  }
  return wrong
}

/** The package's folder; its archive is kept between runs, unpacked outside every other project. */
async function unpack(name: string): Promise<string> {
  const cache = join(root, "node_modules/.cache/meanwhile-bench", name.replaceAll("/", "+"))
  const kept = await access(cache).then(
    () => true,
    () => false,
  )
  if (!kept) {
    const fresh = await mkdtemp(join(folder, "pack-"))
    await run("npm", ["pack", name, "--silent", "--ignore-scripts", "--pack-destination", fresh], {
      cwd: folder,
      timeout: 120_000,
    })
    await mkdir(cache, { recursive: true })
    for (const entry of await readdir(fresh)) await run("cp", [join(fresh, entry), cache])
  }
  const archive = (await readdir(cache)).find((entry) => entry.endsWith(".tgz"))
  if (!archive) throw new Error(`no archive in ${cache}: delete that folder and try again`)
  const target = join(folder, name.replaceAll("/", "+"))
  await mkdir(target)
  await run("tar", ["-xzf", join(cache, archive), "-C", target, "--strip-components=1"])
  return target
}

function printTable(all: readonly Outcome[]): boolean {
  const width = Math.max(...all.map((one) => one.ask.length))
  let last = ""
  for (const one of all) {
    if (one.package !== last) console.log(`\n${one.package}`)
    last = one.package
    const place = one.rank === undefined ? "-" : `#${one.rank}`
    console.log(
      `  ${one.ask.padEnd(width)}  ${place.padStart(3)}  ${String(one.references).padStart(2)} references  ${one.ms} ms`,
    )
    for (const wrong of one.wrong) console.log(`    wrong: ${wrong}`)
  }
  const hits = all.filter((one) => one.rank !== undefined && one.rank <= TOP).length
  const wrong = all.reduce((sum, one) => sum + one.wrong.length, 0)
  const references = all.reduce((sum, one) => sum + one.references, 0)
  console.log(`\nanswer among the first ${TOP}: ${hits} of ${all.length} (mark: ${Math.ceil(MARK * all.length)})`)
  console.log(`references that hold what they claim: ${references - wrong} of ${references}`)
  return hits >= MARK * all.length && wrong === 0
}
