// `npm test [-- FILES OR FLAGS OF BUN TEST]`: the tests, away from the person's own data, keys and settings.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { cleanEnvironment } from "../src/runtime/self.ts"

const root = join(import.meta.dir, "..")
const home = mkdtempSync(join(tmpdir(), "meanwhile-test-"))

const env = cleanEnvironment(process.env)
for (const name of Object.keys(env))
  if (/^(MEANWHILE|ANTHROPIC|OPENAI|GEMINI|GOOGLE|AWS|XDG|GIT|npm)_/.test(name)) delete env[name]
Object.assign(env, { HOME: home, MEANWHILE_HOME: join(home, "meanwhile"), GIT_CONFIG_NOSYSTEM: "1" })

const given = process.argv.slice(2)
const where = given.some((arg) => !arg.startsWith("-")) ? [] : ["./test"]
// One worker for each core: most of the time goes by in programs that tests start.
// Many tests start the program, several times: on a loaded machine the runner's own 5 s would be a race.
const tests = Bun.spawn([process.execPath, "test", "--parallel", "--timeout", "30000", ...where, ...given], {
  cwd: root,
  env,
  stdio: ["ignore", "inherit", "inherit"],
})
process.on("SIGINT", () => tests.kill("SIGINT"))
process.exitCode = await tests.exited
rmSync(home, { recursive: true, force: true })
