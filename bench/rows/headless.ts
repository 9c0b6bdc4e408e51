// The main job against a scripted server over HTTP: one turn, many commands, many agents, and what the first request weighs.
import { mkdtempSync } from "node:fs"
import { join } from "node:path"
import { reply, type Script, script, startModelServer } from "../../testing/model-server.ts"
import { type BenchContext, compare, type MeasureRows, median, measureRun, type Row, spawnMs } from "../measure.ts"

const PROMPT = "Do the work"
const CALLS = 50
const AGENTS = 8
const REQUEST_MS = 300

export const rows: MeasureRows = async (context) => [
  ...(await oneTurn(context)),
  await shellCalls(context),
  ...(await agents(context)),
]

/** Runs the executable on a script of its own; every run has a new home. */
async function run(context: BenchContext, served: Script) {
  await using server = await startModelServer({ script: served, check: "off" })
  const home = mkdtempSync(join(context.folder, "home-"))
  const env = { ...server.env("anthropic"), MEANWHILE_HOME: home, MEANWHILE_MODEL: "anthropic/claude-sonnet-5-5" }
  const measured = await measureRun([context.executable, "-p", PROMPT, "--permission-mode", "bypassPermissions"], { ...context, env })
  if (measured.exit !== 0) throw new Error(`the run failed with exit code ${measured.exit}`)
  return { ...measured, requests: server.requests }
}

async function oneTurn(context: BenchContext): Promise<Row[]> {
  const bare = { floor: () => spawnMs([process.execPath, "-e", "0"], context) }
  const peaks: number[] = []
  const time = await compare({
    name: "one headless turn, wall / bun -e 0",
    unit: "ms",
    budget: { most: 120 },
    rounds: 15,
    ...bare,
    subject: async () => {
      const measured = await run(context, () => reply.text("Done."))
      peaks.push(measured.peakMb)
      return measured.ms
    },
  })
  const { requests } = await run(context, () => reply.text("Done."))
  return [
    time,
    { name: "one headless turn, peak memory", unit: "MB", floor: 0, median: median(peaks), budget: { most: 90 } },
    { name: "first request with all tools", unit: "KB", floor: 0, median: requests[0]!.bytes / 1024, budget: { most: 16 } },
  ].map(finished)
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
  const peaks: number[] = []
  for (let round = 0; round < 5; round++) {
    const call = (n: number) => reply.calls([{ name: "Glob", input: { pattern: `*.${n}` } }]).delay(REQUEST_MS)
    const served = script.byAgent([
      {
        name: "root",
        match: PROMPT,
        steps: [
          reply.calls(
            Array.from({ length: AGENTS }, (_, n) => ({
              name: "Agent",
              input: { subagent_type: "general-purpose", description: `side ${n}`, prompt: `Examine side ${n}`, run_in_background: true },
            })),
          ),
          reply.text("Waiting."),
          reply.text("Done."),
          reply.text("Done."),
        ],
      },
      { name: "side", match: /^Examine/, steps: [call(1), call(2), call(3), reply.text("Examined.").delay(REQUEST_MS)] },
    ])
    const { requests, peakMb } = await run(context, served)
    const theirs = requests.filter((request) => request.prompt.startsWith("Examine"))
    spans.push(Math.max(...theirs.map((request) => request.endedAt ?? 0)) - Math.min(...theirs.map((request) => request.at)))
    peaks.push(peakMb)
  }
  return [
    { name: `${AGENTS} agents × 3 calls, span / 4 requests of ${REQUEST_MS} ms`, unit: "ms", floor: 4 * REQUEST_MS, median: median(spans), budget: { most: 1300 } },
    { name: `${AGENTS} agents × 3 calls, peak memory`, unit: "MB", floor: 0, median: median(peaks), budget: { most: 110 } },
  ].map(finished)
}
