// How much of a core processes use, from /proc (Linux only). It counts in ticks of 10 ms: look for some seconds.
import { readFileSync } from "node:fs"

const TICKS_PER_SECOND = 100

/** What the processes used while the work was done, as a share of one core: 0.06 is 6 %. One that ends counts as idle. */
export async function cpuShare(pids: readonly number[], work: () => Promise<unknown>): Promise<number> {
  const before = pids.map(ticksOf)
  const started = performance.now()
  await work()
  const seconds = (performance.now() - started) / 1000
  const used = pids.map((pid, i) => Math.max(0, ticksOf(pid) - before[i]!))
  return used.reduce((sum, ticks) => sum + ticks, 0) / TICKS_PER_SECOND / seconds
}

/** `utime` and `stime` of proc(5): the 14th and 15th field; the second, the name, may have blanks in it. */
function ticksOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return 0
  }
}
