// 200 agents live in one process, each with 60 KB of history and an open stream: who waits for what, and what they cost.
import { manyAgents } from "../many-agents/run.ts"
import { type MeasureRows, percentile, type Row } from "../measure.ts"

const AGENTS = 200

/** KB of each of the others, from MB of all and of one. */
function each(all: number, one: number): number {
  return (1024 * (all - one)) / (AGENTS - 1)
}

export const rows: MeasureRows = async ({ executable, folder }) => {
  const one = await manyAgents([executable], folder, 1)
  const all = await manyAgents([executable], folder, AGENTS)
  const row = (name: string, median: number, { unit, most }: { unit: Row["unit"]; most: number }): Row => ({
    name: `${AGENTS} agents, ${name}`,
    unit,
    floor: 0,
    median,
    budget: { most },
  })
  return [
    row("from a reply's end to the next request, p99", percentile(all.turnarounds, 0.99), { unit: "ms", most: 1000 }),
    row("from their first request to as many open streams", all.beginning, { unit: "ms", most: 3000 }),
    row("the user's prompt to its request, worst of 10", Math.max(...all.requests), { unit: "ms", most: 100 }),
    row("the user's prompt to its answer, worst of 10", Math.max(...all.answers), { unit: "ms", most: 100 }),
    row("event loop late, p99", all.lag.late.p99, { unit: "ms", most: 20 }),
    row("memory of each while all stream", each(all.residentMb, one.residentMb), { unit: "KB", most: 512 }),
    // With what was thrown away on the way, and with what the first ones need once: code that gets compiled, buffers.
    row("peak memory of each", each(all.peakMb, one.peakMb), { unit: "KB", most: 768 }),
  ]
}
