// How soon something reaches the model: what the user sends while agents are at work, and what a task's end has to tell.
import { Database } from "bun:sqlite"
import { join } from "node:path"
import { QUIET_MS } from "../../src/session/converse.ts"
import { type MeasureRows, percentile, type Row } from "../measure.ts"
import { type Bench, openBench } from "../terminal/open.ts"

const TRIES = 30

export const rows: MeasureRows = async (context) => {
  await using bench = await openBench(context, { args: ["Start 8 agents"] })
  await bench.terminal.shows("8 agents", { limitMs: 30_000 })
  await bench.terminal.shows("Noted.", { limitMs: 30_000 })
  return [
    row("8 agents at work, Enter to the request with the prompt", await prompted(bench), 30),
    row("a task's end to the request that tells of it, after the debounce", await woken(bench), 50),
  ]
}

function row(name: string, samples: number[], most: number): Row {
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => percentile(samples, share).toFixed(0))
  const note = `  p50 ${p50}, p90 ${p90}, p99 ${p99} ms of ${samples.length}`
  return { name, unit: "ms", floor: 0, median: percentile(samples, 0.5), budget: { most }, note }
}

async function prompted({ terminal, told }: Bench): Promise<number[]> {
  const samples: number[] = []
  for (let n = 0; n < TRIES; n++) {
    terminal.type(`Ping ${n}`)
    await terminal.shows(`› Ping ${n}`)
    const from = Date.now()
    terminal.press("enter")
    const { at } = await told("request", ({ text }) => text.includes(`Ping ${n}`))
    samples.push(at - from)
    // The turn is over: the next one begins from rest.
    await Bun.sleep(150)
  }
  return samples
}

async function woken({ terminal, told, data }: Bench): Promise<number[]> {
  const samples: number[] = []
  for (let n = 0; n < TRIES; n++) {
    terminal.type(`Run this: sleep 0.5 # ${n}`)
    await terminal.shows(`# ${n}`)
    terminal.press("enter")
    const { at } = await told("request", ({ text }) => text.includes("notification") && text.includes(`# ${n}`))
    using db = new Database(join(data, "meanwhile.db"), { readonly: true })
    const ended = db
      .query<{ at: number }, [string]>(
        "SELECT run.ended_at AS at FROM run JOIN task ON task.id = run.task_id WHERE instr(task.input, ?) > 0",
      )
      .get(`# ${n}"`)
    if (ended) samples.push(at - ended.at - QUIET_MS)
    await Bun.sleep(150)
  }
  if (samples.length < TRIES) throw new Error(`only ${samples.length} ends were seen`)
  return samples
}
