// A process that drives a session and keeps its memory, to be killed by tests: it says so many prompts, one after the
// other, and prints each that was answered. `bun memory-main.ts FOLDER FROM COUNT`
import { openProgram } from "../src/program.ts"

const [cwd = ".", from = "0", count = "0"] = process.argv.slice(2)
const program = await openProgram({ env: { ...process.env }, cwd, answerable: true, memory: "every" })
const row = await program.createSession({ permissionMode: "bypassPermissions" })
const hosted = (await program.host(row))!
process.stdout.write(`session ${row.id}\n`)
for (let n = Number(from); n < Number(from) + Number(count); n++) {
  await hosted.prompt([{ type: "text", text: saying(n) }])
  await hosted.converse({ signal: new AbortController().signal, steps: 50 })
  process.stdout.write(`answered ${n}\n`)
}
// The memory may still be at work: the test ends it.
await new Promise(() => undefined)

function saying(n: number): string {
  return `prompt ${n}: ${"please go on with this work ".repeat(40)}`
}
