// Typing while everything is at work: the model streams 100 tokens a second, and 50 tasks report.
import { cpuShare } from "../cpu.ts"
import { keyEcho, rawCatEcho } from "../key-echo.ts"
import type { MeasureRows, Row } from "../measure.ts"
import { openBench } from "../terminal/open.ts"
import { AGENTS, BUSY, SHELLS } from "../terminal/story.ts"

/** What begins is compiled in the meantime: what goes on for an hour is meant. */
const WARM_MS = 10_000
const WATCHED_MS = 6000

export const rows: MeasureRows = async (context) => {
  await using bench = await openBench(context, { args: [BUSY] })
  const { terminal } = bench
  await terminal.shows(new RegExp(`${AGENTS} agents.*${SHELLS} shells`), { limitMs: 60_000 })
  await terminal.shows("openStore", { limitMs: 60_000 })
  await terminal.withoutDrawing(() => Bun.sleep(WARM_MS))
  const before = terminal.mark()
  const share = await cpuShare([terminal.pid], async () => {
    await terminal.withoutDrawing(() => Bun.sleep(WATCHED_MS))
  })
  const { bytes } = terminal.written(before)
  const floor = await rawCatEcho({ cwd: context.folder, home: context.folder, env: { PATH: process.env.PATH ?? "" } })
  const echo = await keyEcho(terminal, { clear: { key: "ctrl+u", after: 40 } })
  const name = "100 tokens/s and 50 tasks"
  const row = (what: string, median: number, { unit, most }: { unit: Row["unit"]; most: number }): Row => ({
    name: `${name}, ${what}`,
    unit,
    floor: 0,
    median,
    budget: { most },
  })
  return [
    {
      ...row("key echo, p99 / raw cat", echo.p99, { unit: "ms", most: 5 }),
      floor: floor.p99,
      note: `  p50 ${echo.p50.toFixed(2)}, p99 ${echo.p99.toFixed(1)}, most ${echo.most.toFixed(1)} ms; raw cat p50 ${floor.p50.toFixed(2)}, p99 ${floor.p99.toFixed(1)} ms`,
    },
    row("share of a core", share * 100, { unit: "%", most: 6 }),
    row("written in a second", bytes / 1024 / (WATCHED_MS / 1000), { unit: "KB", most: 60 }),
  ]
}
