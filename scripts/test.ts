// `npm test [-- FILES OR FLAGS OF BUN TEST]`: the tests, away from the person's own data, keys and settings. Those that
// drive the program in a real terminal, let it die at many points or give it rubbish of every kind take longer than all
// others together, so they have a call of their own: `npm run test:long`.
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, relative, resolve } from "node:path"
import { cleanEnvironment } from "../src/runtime/self.ts"
import { scan } from "./imports.ts"

const root = join(import.meta.dir, "..")
const home = mkdtempSync(join(tmpdir(), "meanwhile-test-"))

const env = cleanEnvironment(process.env)
for (const name of Object.keys(env))
  if (/^(MEANWHILE|ANTHROPIC|OPENAI|GEMINI|GOOGLE|AWS|XDG|GIT|npm)_/.test(name)) delete env[name]
Object.assign(env, { HOME: home, MEANWHILE_HOME: join(home, "meanwhile"), GIT_CONFIG_NOSYSTEM: "1" })

/** Beside those that drive a terminal. */
const LONG = /^test\/(crash\/|e2e\/bad-)/

const given = process.argv.slice(2)
const flags = given.filter((arg) => arg !== "--long")
const where = flags.some((arg) => !arg.startsWith("-")) ? [] : filesOf(given.includes("--long") ? "long" : "others")
// One worker for each core: most of the time goes by in programs that tests start.
// Many tests start the program, several times: on a loaded machine the runner's own 5 s would be a race.
const tests = Bun.spawn([process.execPath, "test", "--parallel", "--timeout", "60000", ...where, ...flags], {
  cwd: root,
  env,
  stdio: ["ignore", "inherit", "inherit"],
})
process.on("SIGINT", () => tests.kill("SIGINT"))
process.exitCode = await tests.exited
rmSync(home, { recursive: true, force: true })

function filesOf(which: "long" | "others"): string[] {
  const files = [...new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: root })].sort()
  const reaches = new Map<string, boolean>()
  const isLong = (file: string) => LONG.test(file) || drivesTerminal(join(root, file), reaches)
  const chosen = files.filter((file) => isLong(file) === (which === "long"))
  if (which === "others")
    console.error(`${files.length - chosen.length} files that take long are left out: npm run test:long`)
  return chosen.map((file) => `./${relative(root, join(root, file))}`)
}

/** Whether a file imports the terminal driver, or something that does. */
function drivesTerminal(path: string, known: Map<string, boolean>): boolean {
  const before = known.get(path)
  if (before !== undefined) return before
  known.set(path, false)
  if (path === join(root, "testing/terminal.ts")) {
    known.set(path, true)
    return true
  }
  const found = scan(readFileSync(path, "utf8"))
    .imports.filter(({ kind, specifier }) => kind !== "type" && specifier.startsWith(".") && specifier.endsWith(".ts"))
    .map(({ specifier }) => resolve(dirname(path), specifier))
    .filter((target) => !target.startsWith(join(root, "src")))
    .some((target) => drivesTerminal(target, known))
  known.set(path, found)
  return found
}
