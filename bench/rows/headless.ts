// The main job against a scripted server over HTTP: one turn, many commands, many agents, and what the first request weighs.
import { mkdtempSync } from "node:fs"
import { join } from "node:path"
import { reply, type Script, script, startModelServer } from "../../testing/model-server.ts"
import { type BenchContext, bun, compare, type MeasureRows, median, peakMb, type Row, spawnMs } from "../measure.ts"

const PROMPT = "Do the work"
const CALLS = 50
const AGENTS = 8
const REQUEST_MS = 300

export const rows: MeasureRows = async (context) => [
  ...(await oneTurn(context)),
  await shellCalls(context),
  ...(await agents(context)),
]

/** Runs the executable on a script of its own, each time with a new home; watching its memory would cost it time. */
async function run(context: BenchContext, served: Script, what: "time" | "memory" = "time") {
  await using server = await startModelServer({ script: served, check: "off" })
  const home = mkdtempSync(join(context.folder, "home-"))
  const env = { ...server.env("anthropic"), MEANWHILE_HOME: home, MEANWHILE_MODEL: "anthropic/claude-sonnet-5-5" }
  const command = [context.executable, "-p", PROMPT, "--permission-mode", "bypassPermissions"]
  const sample = await (what === "time" ? spawnMs : peakMb)(command, { folder: context.folder, env })
  return { sample, requests: server.requests }
}

async function oneTurn(context: BenchContext): Promise<Row[]> {
  const turn = (what: "time" | "memory") => run(context, () => reply.text("Done."), what)
  const time = await compare({
    name: "one headless turn / bun -e 0",
    unit: "ms",
    budget: { most: 120 },
    rounds: 15,
    floor: () => spawnMs([bun, "-e", "0"], context),
    subject: async () => (await turn("time")).sample,
  })
  const memory = await compare({
    name: "one headless turn, peak memory / bun idle",
    unit: "MB",
    budget: { most: 90 },
    rounds: 5,
    floor: () => peakMb([bun, "-e", "await Bun.sleep(50)"], context),
    subject: async () => (await turn("memory")).sample,
  })
  const { requests } = await turn("time")
  const bytes = requests[0]!.bytes / 1024
  return [
    time,
    memory,
    { name: "first request with all tools", unit: "KB", floor: 0, median: bytes, budget: { most: 16 } },
  ]
}

/** What a call costs beside its command: from one request of the model to the next, less a bare spawn. */
async function shellCalls(context: BenchContext): Promise<Row> {
  const commands = Array.from({ length: CALLS }, () => reply.calls([{ name: "Bash", input: { command: "true" } }]))
  const row = await compare({
    name: `${CALLS} shell calls in a row, gap per call / bare bash -c true`,
    unit: "ms",
    budget: { above: 5 },
    rounds: 5,
    floor: () => spawnMs(["bash", "-c", "true"], context),
    subject: async () => {
      const { requests } = await run(context, script.inOrder([...commands, reply.text("Done.")]))
      const gaps = requests.slice(1).map((request, n) => request.at - (requests[n]!.endedAt ?? request.at))
      return median(gaps)
    },
  })
  return row
}

/** From the first request of an agent to the last one's end; four requests of 300 ms in a row are the least. */
async function agents(context: BenchContext): Promise<Row[]> {
  const spans: number[] = []
  for (let round = 0; round < 5; round++) {
    const { requests } = await run(context, eightAgents())
    const theirs = requests.filter((request) => request.prompt.startsWith("Examine"))
    spans.push(
      Math.max(...theirs.map((request) => request.endedAt ?? 0)) - Math.min(...theirs.map((request) => request.at)),
    )
  }
  const memory = await compare({
    name: `${AGENTS} agents × 3 calls, peak memory / bun idle`,
    unit: "MB",
    budget: { most: 110 },
    rounds: 3,
    floor: () => peakMb([bun, "-e", "await Bun.sleep(50)"], context),
    subject: async () => (await run(context, eightAgents(), "memory")).sample,
  })
  const name = `${AGENTS} agents × 3 calls, span / 4 requests of ${REQUEST_MS} ms`
  return [{ name, unit: "ms", floor: 4 * REQUEST_MS, median: median(spans), budget: { most: 1300 } }, memory]
}

function eightAgents(): Script {
  const call = (n: number) => reply.calls([{ name: "Bash", input: { command: `true ${n}` } }]).delay(REQUEST_MS)
  const start = (n: number) => ({
    name: "Agent",
    input: {
      subagent_type: "general-purpose",
      description: `side ${n}`,
      prompt: `Examine side ${n}`,
      run_in_background: true,
    },
  })
  return script.byAgent([
    {
      name: "root",
      match: PROMPT,
      steps: [
        reply.calls(Array.from({ length: AGENTS }, (_, n) => start(n))),
        ...Array(AGENTS + 1).fill(reply.text("Noted.")),
      ],
    },
    { name: "side", match: /^Examine/, steps: [call(1), call(2), call(3), reply.text("Examined.").delay(REQUEST_MS)] },
  ])
}
