// `npm run check`: types, lint and layers at the same time; what a failing one says is shown whole. Under 20 s.
import { join } from "node:path"

const root = join(import.meta.dir, "..")
const bin = join(root, "node_modules/.bin")

const linted = ["src", "testing", "test", "bench", "scripts", "package.json"]
const checks = {
  types: [join(bin, "tsc"), "--noEmit", "--pretty", "false"],
  lint: [join(bin, "biome"), "check", "--error-on-warnings", "--diagnostic-level=warn", "--colors=off", ...linted],
  layers: [process.execPath, join(root, "scripts/layers.ts")],
}

const started = performance.now()
const results = await Promise.all(
  Object.entries(checks).map(async ([name, command]) => {
    const process = Bun.spawn(command, { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "pipe" })
    const text = (stream: ReadableStream) => new Response(stream).text()
    const [output, errors, exitCode] = await Promise.all([text(process.stdout), text(process.stderr), process.exited])
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${exitCode === 0 ? "✓" : "✗"} ${name} (${seconds} s)`)
    return { exitCode, said: output + errors }
  }),
)
const failed = results.filter(({ exitCode }) => exitCode !== 0)
for (const { said } of failed) console.log(`\n${said.trim()}`)
process.exitCode = failed.length > 0 ? 1 : 0
