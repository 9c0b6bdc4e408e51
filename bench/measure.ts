// How a row of the benchmark is measured: the subject and its floor take turns in the same run, so that what else the
// machine does falls on both.
import { readFileSync } from "node:fs"
import { join } from "node:path"

export const root = join(import.meta.dir, "..")
export const bun = join(root, "node_modules/bun/bin/bun.exe")

export interface Row {
  name: string
  unit: "ms" | "MB"
  /** Median of the least that anybody could need: `bun -e 0`, a raw `cat`, a bare spawn. */
  floor: number
  median: number
  /** median ÷ floor. */
  ratio: number
  /** The greatest ratio that is allowed. */
  budget: number
  ok: boolean
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
  budget: number
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
  const row = { floor: median(floors), median: median(subjects) }
  const ratio = row.median / row.floor
  return { name, unit, ...row, ratio, budget, ok: ratio <= budget }
}

/** Milliseconds from starting the command to its end. Throws when it fails: a quick failure is no result. */
export async function spawnMs(command: string[], { folder }: BenchContext): Promise<number> {
  const started = performance.now()
  const child = Bun.spawn(command, { cwd: folder, env: environment(folder), stdio: ["ignore", "ignore", "inherit"] })
  const exitCode = await child.exited
  const ms = performance.now() - started
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}`)
  return ms
}

/**
 * Peak memory of the command and all its descendants in MB: the sum of each process's high-water mark (`VmHWM` in
 * /proc/PID/status, proc(5)), read every 2 ms until the command ends. So it is an upper bound for processes whose peaks
 * are at different times, and misses what a process takes in its last 2 ms. Not `ru_maxrss` of wait4(2): on Linux that
 * includes the starting process's own memory, which a child shares until its exec. Linux only.
 */
export async function peakMb(command: string[], { folder }: BenchContext): Promise<number> {
  const child = Bun.spawn(command, { cwd: folder, env: environment(folder), stdio: ["ignore", "ignore", "inherit"] })
  const peaks = new Map<number, number>()
  let running = true
  const ended = child.exited.finally(() => {
    running = false
  })
  while (running) {
    for (const pid of tree(child.pid)) peaks.set(pid, Math.max(peaks.get(pid) ?? 0, highWaterKb(pid)))
    await Promise.race([ended, Bun.sleep(2)])
  }
  if ((await ended) !== 0) throw new Error(`${command.join(" ")} ended with ${child.exitCode}`)
  return [...peaks.values()].reduce((sum, kb) => sum + kb, 0) / 1024
}

function environment(folder: string): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: folder, MEANWHILE_HOME: join(folder, ".home") }
}

function tree(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number)
  return [pid, ...children.flatMap(tree)]
}

function highWaterKb(pid: number): number {
  return Number(/VmHWM:\s*(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
}

/** Empty when the process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
