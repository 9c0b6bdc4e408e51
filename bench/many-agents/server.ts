// The scripted model of many-agents, in a process of its own: what it costs must not fall on the program that is
// measured. Arguments: how many agents. Tells its address, then when all agents have an open stream at once; the end of
// its input asks for its report.
import { reply, startModelServer } from "../../testing/model-server.ts"
import { ANSWER_MS, type Arrival, PIECE, READS, ROUNDS, type Told } from "./story.ts"

const agents = Number(process.argv[2])
const tell = (told: Told) => process.stdout.write(`${JSON.stringify(told)}\n`)

const start = (n: number) => ({
  name: "Agent",
  input: {
    subagent_type: "general-purpose",
    description: `part ${n}`,
    prompt: `Examine part ${n}`,
    run_in_background: true,
  },
})

const arrivals: Arrival[] = []
let openAt: number | undefined

await using server = await startModelServer({ check: "off", keep: "summary" })
server.script = (request) => {
  const step = request.messages.filter((message) => message.role === "assistant").length
  const part = /^Examine part (\d+)/.exec(request.prompt)?.[1]
  const ping = part === undefined ? /Ping \d+/.exec(request.news.slice(-40))?.[0] : undefined
  arrivals.push({ at: request.at, part: part === undefined ? null : Number(part), step, ping: ping ?? null })
  if (openAt === undefined && server.openRequests >= agents) {
    openAt = request.at
    tell({ type: "all-open" })
  }
  if (part === undefined) {
    if (step === 0) return reply.calls(Array.from({ length: agents }, (_, n) => start(n)))
    return reply.text(ping ? ping.replace("Ping", "Pong") : "Noted.")
  }
  if (step === 0) return reply.calls(READS.map((input) => ({ name: "Read", input })))
  if (step > ROUNDS) return reply.text("Examined.")
  // Of different lengths, so that they do not go on in step with each other.
  const pieces = ANSWER_MS / PIECE.everyMs + ((Number(part) * 7 + step * 3) % 10)
  const text = "So this is what it says. ".repeat(100).slice(0, PIECE.chars * pieces)
  return reply
    .parts([
      { type: "text", text },
      { type: "call", name: "Read", input: { file_path: "small.txt" } },
    ])
    .chunk(PIECE)
}

tell({ type: "ready", env: server.env("anthropic") })
for await (const _ of process.stdin);
const ends = server.requests.map((request) => request.endedAt ?? null)
tell({
  type: "report",
  arrivals: arrivals.map((arrival, n) => ({ ...arrival, endedAt: ends[n]! })),
  openAt: openAt ?? Number.NaN,
})
