// How a row of the benchmark is measured: the subject and its floor take turns in the same run, so that what else the
// machine does falls on both.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { defaultVariables } from "../src/runtime/self.ts"

export const root = join(import.meta.dir, "..")
export const bun = join(root, "node_modules/bun/bin/bun.exe")

/** What a median may be at most: a multiple of the floor, the floor and so much more, or so much in itself. */
export type Budget = { times: number } | { above: number } | { most: number }

export interface Row {
  name: string
  unit: "ms" | "MB" | "KB" | "%"
  /** Median of the least that anybody could need: `bun -e 0`, a raw `cat`, a bare spawn. 0 where there is no such thing. */
  floor: number
  median: number
  budget: Budget
  /** What else was seen, for a person: shown below the table. */
  note?: string
}

export function isWithin({ floor, median, budget }: Row): boolean {
  if ("times" in budget) return median <= budget.times * floor
  return median <= ("above" in budget ? floor + budget.above : budget.most)
}

/** What a file in bench/rows/ exports as `rows`. */
export type MeasureRows = (context: BenchContext) => Promise<Row[]>

export interface BenchContext {
  /** Path of the single executable, built for this run. */
  executable: string
  /** An empty folder, the current one of every command that is measured. */
  folder: string
}

export interface Comparison {
  name: string
  unit: Row["unit"]
  budget: Budget
  rounds: number
  /** Each resolves to one sample in `unit`. */
  floor: () => Promise<number>
  subject: () => Promise<number>
}

export async function compare({ name, unit, budget, rounds, floor, subject }: Comparison): Promise<Row> {
  await floor()
  await subject()
  const floors: number[] = []
  const subjects: number[] = []
  for (let i = 0; i < rounds; i++) {
    floors.push(await floor())
    subjects.push(await subject())
  }
  return { name, unit, floor: median(floors), median: median(subjects), budget }
}

/** Where a command runs, and what its environment has beside PATH and HOME. */
type Place = Pick<BenchContext, "folder"> & { env?: Record<string, string> }

/** Milliseconds from starting the command to its end. Throws when it fails: a quick failure is no result. */
export async function spawnMs(command: string[], { folder, env }: Place): Promise<number> {
  const started = performance.now()
  const child = Bun.spawn(command, {
    cwd: folder,
    env: { ...environment(folder), ...env },
    stdio: ["ignore", "ignore", "inherit"],
  })
  const exitCode = await child.exited
  const ms = performance.now() - started
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}`)
  return ms
}

/**
 * Peak memory of the command and all its descendants in MB: the most that they had resident together (the sum of
 * `VmRSS` in /proc/PID/status, proc(5)) in looks every 2 ms, and at least the high-water mark of the command itself.
 * Pages that processes share count for each. Not `ru_maxrss` of wait4(2): on Linux that includes the starting
 * process's memory, which a child shares until its exec. Linux only.
 */
export async function peakMb(command: string[], { folder, env }: Place): Promise<number> {
  const child = Bun.spawn(command, {
    cwd: folder,
    env: { ...environment(folder), ...env },
    stdio: ["ignore", "ignore", "inherit"],
  })
  let peakKb = 0
  let running = true
  const ended = child.exited.finally(() => {
    running = false
  })
  while (running) {
    const together = tree(child.pid).reduce((sum, pid) => sum + statusKb(pid, "VmRSS"), 0)
    peakKb = Math.max(peakKb, together, statusKb(child.pid, "VmHWM"))
    await Promise.race([ended, Bun.sleep(2)])
  }
  if ((await ended) !== 0) throw new Error(`${command.join(" ")} ended with ${child.exitCode}`)
  return peakKb / 1024
}

function environment(folder: string): Record<string, string> {
  // The variables as the launcher sets them.
  return { PATH: process.env.PATH ?? "", HOME: folder, MEANWHILE_HOME: join(folder, ".home"), ...defaultVariables }
}

/** The process and its descendants, without those that are between fork and exec: their memory is their parent's. */
function tree(pid: number): number[] {
  const own = read(`/proc/${pid}/cmdline`)
  const threads = readFolder(`/proc/${pid}/task`)
  const children = threads.flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).trim().split(" "))
  const started = children.filter((child) => child && read(`/proc/${child}/cmdline`) !== own).map(Number)
  return [pid, ...started.flatMap(tree)]
}

function statusKb(pid: number, field: "VmRSS" | "VmHWM"): number {
  return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
}

/** Empty when the process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return [] // ended, too
  }
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The least sample that so large a share of them does not exceed: 0.99 for p99. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}
