// An interface that nobody uses and in which nothing runs: it keeps its memory small, and does nothing at all.
import { cpuShare } from "../cpu.ts"
import { bun, type MeasureRows, peakMb } from "../measure.ts"
import { memoryMb, openBench } from "../terminal/open.ts"

const IDLE_MS = 10_000

export const rows: MeasureRows = async (context) => {
  await using bench = await openBench(context)
  const { terminal } = bench
  await terminal.shows("? keys")
  await terminal.settled(2000)
  const before = terminal.mark()
  const share = await cpuShare([terminal.pid], () => Bun.sleep(IDLE_MS))
  const { bytes } = terminal.written(before)
  const floor = await peakMb([bun, "-e", "await Bun.sleep(50)"], context)
  return [
    {
      name: "idle interface, memory / bun idle",
      unit: "MB",
      floor,
      median: memoryMb(terminal.pid),
      budget: { most: 80 },
    },
    // The clock of /proc counts in hundredths of a second; 0.5 % is five of them.
    { name: "idle interface, share of a core", unit: "%", floor: 0, median: share * 100, budget: { most: 0.5 } },
    { name: "idle interface, written in 10 s", unit: "KB", floor: 0, median: bytes / 1024, budget: { most: 0 } },
  ]
}
