// The scripted model of the terminal's rows, in a process of its own: what it costs must not fall on the program that is
// measured. Tells its address, and then each thing that a row waits for; the end of its input ends it.
import { reply, startModelServer } from "../../testing/model-server.ts"
import {
  AGENTS,
  BUSY,
  LATER,
  PIECE,
  PIECE_CHARS,
  PIECE_MS,
  SHELL,
  SHELLS,
  SMALL,
  TOKEN_CHARS,
  TOKEN_MS,
  type Told,
} from "./story.ts"

const tell = (told: Told) => process.stdout.write(`${JSON.stringify(told)}\n`)

const agent = (n: number) => ({
  name: "Agent",
  input: {
    subagent_type: "general-purpose",
    description: `part ${n}`,
    prompt: `Work on part ${n}`,
    run_in_background: true,
  },
})

const shell = (n: number) => ({
  name: "Bash",
  input: { command: SHELL, description: `watch ${n}`, run_in_background: true },
})

/** Prose with what markdown has, so that laying it out is no less work than of a real answer. */
const PARAGRAPH = `The **session** is read from its rows, and \`openStore\` waits for nobody: what another process has
locked is waited for asynchronously. See [the design](https://example.com/design) for why that is so.

- one row for each run, written before it begins
- a doorbell that *carries nothing* and may be lost

\`\`\`ts
const row = store.one<SessionRow>("SELECT * FROM session WHERE id = :id", { id })
\`\`\`

`

let speaking = 0
await using server = await startModelServer({ check: "off", keep: "summary" })
server.script = (request) => {
  const step = request.messages.filter((message) => message.role === "assistant").length
  if (/^Work on part/.test(request.prompt)) {
    const part = Number(/\d+/.exec(request.prompt)?.[0])
    return reply
      .parts([
        { type: "delay", ms: step === 0 ? (part * 4000) / AGENTS : 0 },
        { type: "text", text: PIECE },
        { type: "call", name: "Read", input: { file_path: SMALL } },
      ])
      .chunk({ chars: PIECE_CHARS, everyMs: PIECE_MS })
  }
  const said = request.news.slice(-200)
  tell({ type: "request", at: request.at, text: said })
  if (said.includes(BUSY)) return reply.calls([...each(AGENTS, agent), ...each(SHELLS, shell)])
  const later = LATER.exec(said)
  if (later) return reply.calls([{ name: "Bash", input: { command: later[1]!, run_in_background: true } }])
  if (speaking++ > 0 || step === 0) return reply.text("Noted.")
  return reply.text(PARAGRAPH.repeat(60)).chunk({ chars: TOKEN_CHARS, everyMs: TOKEN_MS })
}

function each<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n))
}

tell({ type: "ready", env: server.env("anthropic") })
for await (const _ of process.stdin);
