// Up to 1,000 agents live in one process, each with 60 KB of history and an open stream: who waits for what, what they
// cost, and whether one among a thousand costs more than one among a hundred.
import { type Measured, manyAgents } from "../many-agents/run.ts"
import { type MeasureRows, percentile, type Row } from "../measure.ts"

const SIZES = [1, 10, 100, 300, 1000] as const

export const rows: MeasureRows = async ({ executable, folder }) => {
  const curve = new Map<number, Measured>()
  for (const agents of SIZES) curve.set(agents, await manyAgents([executable], folder, agents))
  const one = curve.get(1)!
  /** Of each of the others, of so many. */
  const each = (agents: number, figure: (measured: Measured) => number) =>
    (figure(curve.get(agents)!) - figure(one)) / (agents - 1)
  const linear = (name: string, unit: Row["unit"], figure: (measured: Measured) => number): Row => ({
    name: `1,000 agents, ${name} of each / of each of 100`,
    unit,
    floor: each(100, figure),
    median: each(1000, figure),
    budget: { times: 1.25 },
  })
  const all = curve.get(1000)!
  const row = (name: string, median: number, { unit, most }: { unit: Row["unit"]; most: number }): Row => ({
    name: `1,000 agents, ${name}`,
    unit,
    floor: 0,
    median,
    budget: { most },
  })
  return [
    {
      ...linear("processor time", "ms", ({ cpuMs }) => cpuMs),
      note: [...curve].map(([agents, measured]) => lineOf(agents, measured)).join("\n"),
    },
    linear("time until as many open streams", "ms", ({ beginning }) => beginning),
    linear("memory while all stream", "KB", ({ residentMb }) => residentMb * 1024),
    linear("peak memory", "KB", ({ peakMb }) => peakMb * 1024),
    row("memory of each while all stream", each(1000, ({ residentMb }) => residentMb) * 1024, KB(512)),
    // With what was thrown away on the way.
    row("peak memory of each", each(1000, ({ peakMb }) => peakMb) * 1024, KB(512)),
    row("event loop late, p99", all.lag.late.p99, MS(20)),
    row("from a reply's end to the next request, p99", percentile(all.turnarounds, 0.99), MS(300)),
    row("from an agent's last word to its notice, p99", percentile(all.settled, 0.99), MS(150)),
    row("from an agent's last word to the request that tells of it, p99", percentile(all.woken, 0.99), MS(300)),
    row("the user's prompt to its request, worst of 10", Math.max(...all.requests), MS(100)),
    row("the user's prompt to its answer, worst of 10", Math.max(...all.answers), MS(100)),
  ]
}

const KB = (most: number) => ({ unit: "KB", most }) as const
const MS = (most: number) => ({ unit: "ms", most }) as const

/** The server runs beside the program, on the same processors: its share tells how much of a delay may be its own. */
function lineOf(agents: number, measured: Measured): string {
  const { turnarounds, settled, woken, lag, residentMb, peakMb, cpuMs, serverCpuMs, wallMs } = measured
  const p99 = (values: number[]) => `${percentile(values, 0.5).toFixed(0)}/${percentile(values, 0.99).toFixed(0)}`
  const share = (ms: number) => `${((100 * ms) / wallMs).toFixed(0)} %`
  return [
    `  ${String(agents).padStart(5)} agents at once: ${residentMb.toFixed(0)} MB, peak ${peakMb.toFixed(0)} MB`,
    `p50/p99 next request ${p99(turnarounds)} ms, notice ${p99(settled)} ms, owner told ${p99(woken)} ms`,
    `loop late p99 ${lag.late.p99} ms, max ${lag.late.max} ms`,
    `processor ${share(cpuMs)} and the server's ${share(serverCpuMs)} of one in ${(wallMs / 1000).toFixed(0)} s`,
  ].join(" · ")
}
