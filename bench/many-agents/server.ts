// The scripted model of many-agents, in a process of its own: what it costs must not fall on the program that is
// measured. Arguments: how many agents. Tells its address, then when all agents have an open stream at once; the end of
// its input asks for its report.
import { Gate } from "../../testing/gate.ts"
import { reply, startModelServer } from "../../testing/model-server.ts"
import { type Arrival, PIECE_CHARS, PIECES, pieceEveryMs, READS, ROUNDS, type Told } from "./story.ts"

const agents = Number(process.argv[2])
const everyMs = pieceEveryMs(agents)
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
/** Of each agent: its first answer does not end before all are open. */
const gates = Array.from({ length: agents }, () => new Gate())
let reached = 0
let openAt: number | undefined
const started = performance.now()

/** Those that were held do not all go on at once: that comes to the beginning's burst, which is measured already. */
function allOpen(at: number): void {
  openAt = at
  tell({ type: "all-open" })
  for (const [n, gate] of gates.entries()) setTimeout(() => gate.open(), (n * PIECES * everyMs) / agents)
}

await using server = await startModelServer({ check: "off", keep: "summary" })
server.script = (request) => {
  const step = request.messages.filter((message) => message.role === "assistant").length
  const part = /^Examine part (\d+)/.exec(request.prompt)?.[1]
  const news = part === undefined ? request.news : ""
  const ping = /Ping \d+/.exec(news.slice(-40))?.[0]
  const told = [...news.matchAll(/ description="part (\d+)"/g)].map(([, n]) => Number(n))
  arrivals.push({ at: request.at, part: part === undefined ? null : Number(part), step, ping: ping ?? null, told })
  if (part === undefined) {
    if (step === 0) return reply.calls(Array.from({ length: agents }, (_, n) => start(n)))
    return reply.text(ping ? ping.replace("Ping", "Pong") : "Noted.")
  }
  if (step === 0) return reply.calls(READS.map((input) => ({ name: "Read", input })))
  if (step > ROUNDS) return reply.text("Examined.")
  if (step === 1 && ++reached === agents) allOpen(request.at)
  const pieces = PIECES + ((Number(part) * 7 + step * 3) % 10)
  const text = "So this is what it says. ".repeat(100).slice(0, PIECE_CHARS * pieces)
  return reply
    .parts([
      { type: "text", text },
      ...(step === 1 ? [{ type: "gate" as const, gate: gates[Number(part)]! }] : []),
      { type: "call", name: "Read", input: { file_path: "small.txt" } },
    ])
    .chunk({ chars: PIECE_CHARS, everyMs })
}

tell({ type: "ready", env: server.env("anthropic") })
for await (const _ of process.stdin);
const ends = server.requests.map((request) => request.endedAt ?? null)
const { user, system } = process.cpuUsage()
tell({
  type: "report",
  arrivals: arrivals.map((arrival, n) => ({ ...arrival, endedAt: ends[n]! })),
  openAt: openAt ?? Number.NaN,
  open: server.maxConcurrent,
  cpuMs: (user + system) / 1000,
  wallMs: performance.now() - started,
})
