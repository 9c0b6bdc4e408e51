// An interface that is used for a day: what 400 turns leave in its memory, against what the first ten do.
import type { MeasureRows } from "../measure.ts"
import { type Bench, memoryMb, openBench } from "../terminal/open.ts"

const WARM = 20
const TURNS = 400

export const rows: MeasureRows = async (context) => {
  await using bench = await openBench(context)
  await bench.terminal.shows("? keys")
  await turns(bench, { from: 0, to: WARM })
  const before = await rest(bench)
  await turns(bench, { from: WARM, to: WARM + TURNS })
  const after = await rest(bench)
  return [
    {
      name: `${TURNS} turns, memory more than after ${WARM}`,
      unit: "MB",
      floor: 0,
      median: after - before,
      budget: { most: 15 },
      note: `  ${before.toFixed(0)} MB after ${WARM} turns, ${after.toFixed(0)} MB after ${WARM + TURNS}`,
    },
  ]
}

async function turns({ terminal, told }: Bench, { from, to }: { from: number; to: number }): Promise<void> {
  for (let n = from; n < to; n++) {
    terminal.type(`Tell me about part ${n}`)
    terminal.press("enter")
    await told("request", ({ text }) => text.includes(`part ${n}`))
    await terminal.shows(`That was all about part ${n}.`)
  }
}

/** Once what it does by itself is done. */
async function rest({ terminal }: Bench): Promise<number> {
  await terminal.settled(3000)
  await Bun.sleep(2000)
  return memoryMb(terminal.pid)
}
