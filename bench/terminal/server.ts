// The scripted model of the terminal's rows, in a process of its own: what it costs must not fall on the program that is
// measured. Tells its address, and then each request of the user's; the end of its input ends it.
import { startModelServer } from "../../testing/model-server.ts"
import { busyScript } from "./script.ts"
import type { Told } from "./story.ts"

const tell = (told: Told) => process.stdout.write(`${JSON.stringify(told)}\n`)

await using server = await startModelServer({ check: "off", keep: "summary" })
server.script = busyScript((at, text) => tell({ type: "request", at, text }))
tell({ type: "ready", env: server.env("anthropic") })
for await (const _ of process.stdin);
