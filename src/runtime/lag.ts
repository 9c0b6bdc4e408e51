// A diagnostic for benchmarks and for who looks for a freeze: how late the event loop is. Off, and not even loaded,
// unless MEANWHILE_LAG_FILE names a file, which is written when the process ends.
import { writeFileSync } from "node:fs"

const EVERY_MS = 5
const WORST = 20

export interface LagReport {
  /** How many moments were looked at, one for each 5 ms. */
  samples: number
  /** Milliseconds. */
  p50: number
  p99: number
  p999: number
  max: number
  /** The longest freezes: their length, and when they ended, in ms since the start. */
  worst: { ms: number; at: number }[]
}

/**
 * Looks every 5 ms and counts how much later than that it is. In a freeze no timer runs: the looks that should have
 * been in it are counted with what they would have waited, or a freeze of a second would be one sample of many.
 */
export function recordLag(file: string): void {
  const started = performance.now()
  const samples: number[] = []
  const worst: LagReport["worst"] = []
  let last = started
  setInterval(() => {
    const now = performance.now()
    const late = Math.max(0, now - last - EVERY_MS)
    last = now
    for (let lag = late; ; lag -= EVERY_MS) {
      samples.push(Math.max(0, lag))
      if (lag < EVERY_MS) break
    }
    if (late < EVERY_MS) return
    worst.push({ ms: round(late), at: Math.round(now - started) })
    worst.sort((a, b) => b.ms - a.ms)
    worst.length = Math.min(worst.length, WORST)
  }, EVERY_MS)
  process.on("exit", () => writeFileSync(file, `${JSON.stringify(reportOf(samples, worst))}\n`))
}

function reportOf(samples: number[], worst: LagReport["worst"]): LagReport {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  return { samples: samples.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1), worst }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
