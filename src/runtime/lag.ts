// A diagnostic for benchmarks and for who looks for a freeze: how late the event loop is. Off, and not even loaded,
// unless MEANWHILE_LAG_FILE names a file, which is written when the process ends (docs/decisions/0017).
import { writeFileSync } from "node:fs"

const EVERY_MS = 5
const WORST = 20

export interface LagReport {
  /** How late it was, by the clock. */
  late: Shares
  /**
   * The processor's time that went by without a look (all threads, so at least the event loop's): what a look is late
   * by the program's own doing, and not because other programs had the processors.
   */
  busy: Shares
  /** The longest freezes: by the clock, the processor's time in them, and when they ended, in ms since the start. */
  worst: { ms: number; busy: number; at: number }[]
}

/** Over moments that are 5 ms apart, in ms. */
export interface Shares {
  p50: number
  p99: number
  p999: number
  max: number
}

/**
 * Looks every 5 ms and counts how much later than that it is. In a freeze no timer runs: the looks that should have
 * been in it are counted with what they would have waited, or a freeze of a second would be one sample of many.
 */
export function recordLag(file: string): void {
  const started = performance.now()
  const late = new Samples()
  const busy = new Samples()
  const worst: LagReport["worst"] = []
  let last = started
  let used = processorMs()
  setInterval(() => {
    const now = performance.now()
    const usedNow = processorMs()
    const lag = Math.max(0, now - last - EVERY_MS)
    const work = usedNow - used
    last = now
    used = usedNow
    late.add(lag)
    busy.add(Math.max(0, Math.min(lag, work - EVERY_MS)))
    if (lag < EVERY_MS) return
    worst.push({ ms: round(lag), busy: round(work), at: Math.round(now - started) })
    worst.sort((a, b) => b.ms - a.ms)
    worst.length = Math.min(worst.length, WORST)
  }, EVERY_MS)
  process.on("exit", () => {
    const report: LagReport = { late: late.shares(), busy: busy.shares(), worst }
    writeFileSync(file, `${JSON.stringify(report)}\n`)
  })
}

/** User and system time of all threads. */
function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

class Samples {
  readonly #all: number[] = []

  /** And what would have been seen at the looks that did not come. */
  add(lag: number): void {
    this.#all.push(lag)
    for (let missed = lag - EVERY_MS; missed > 0; missed -= EVERY_MS) this.#all.push(missed)
  }

  shares(): Shares {
    const sorted = this.#all.sort((a, b) => a - b)
    const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
    return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) }
  }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10
}
